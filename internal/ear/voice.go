package ear

import (
	"math"
	"math/rand/v2"
	"time"
)

// Speakers is how many voices there are; seeds are taken modulo it.
const Speakers = 16

const (
	lowestPitch  = 95.0 // Hz, of speaker 0
	voicePeak    = 9000 // of 32767: about -13 dBm0 while a vowel sounds
	highestVoice = 3400 // Hz
)

// pitch is a speaker's signature: all within one octave, so that no voice has the harmonics of another.
func pitch(speaker int) float64 {
	return lowestPitch * math.Pow(2, float64(speaker)/(Speakers+1))
}

func speaker(seed int) int { return ((seed % Speakers) + Speakers) % Speakers }

// vowels are the first three formants of a, i, u, e, o in Hz.
var vowels = [...][3]float64{{800, 1300, 2500}, {300, 2300, 3000}, {350, 1250, 2400}, {480, 1950, 2600}, {500, 900, 2450}}

// Voice is babble in the voice of one speaker: harmonics of the speaker's pitch under the formants of changing
// vowels, in syllables, words and pauses. The same seed and duration give the same samples.
func Voice(seed int, d time.Duration, rate int) []int16 {
	who := speaker(seed)
	random := rand.New(rand.NewPCG(uint64(who), 0x766f696365))
	tract := 0.9 + 0.25*random.Float64() // length of the vocal tract scales all formants
	voice := make([]float64, int(d.Seconds()*float64(rate)))
	phase := 0.0
	for at, n := 0, 0; at < len(voice); n++ {
		length := int((0.16 + 0.1*random.Float64()) * float64(rate))
		syllable := voice[at:min(at+length, len(voice))]
		phase = sing(syllable, length, rate, pitch(who), tract, vowels[random.IntN(len(vowels))], phase)
		pause := 0.04
		if n%5 == 4 {
			pause = 0.22
		}
		at += length + int(pause*float64(rate))
	}
	top := 1.0
	for _, v := range voice {
		top = max(top, math.Abs(v))
	}
	pcm := make([]int16, len(voice))
	for i, v := range voice {
		pcm[i] = toInt16(v * voicePeak / top)
	}
	return pcm
}

// sing fills one syllable, of which the end may be cut off, and returns the phase of the fundamental.
func sing(out []float64, length, rate int, pitch, tract float64, vowel [3]float64, phase float64) float64 {
	var gains []float64
	for k := 1; float64(k)*pitch <= min(highestVoice, 0.45*float64(rate)); k++ {
		hz, gain := float64(k)*pitch, 0.0
		for i, formant := range vowel {
			off := (hz - formant*tract) / (60 + 30*float64(i))
			gain += 1 / (float64(i+1) * (1 + off*off))
		}
		gains = append(gains, (gain+0.05)/math.Sqrt(float64(k))*1000)
	}
	for i := range out {
		t := float64(i) / float64(rate)
		phase += 2 * math.Pi * pitch * (1 + 0.006*math.Sin(2*math.Pi*5*t)) / float64(rate) // vibrato
		envelope := math.Sin(math.Pi * (float64(i) + 0.5) / float64(length))
		for k, gain := range gains {
			out[i] += math.Sqrt(envelope) * gain * math.Sin(float64(k+1)*phase)
		}
	}
	return phase
}
