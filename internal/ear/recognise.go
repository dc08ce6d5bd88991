package ear

import (
	"math"
	"time"
)

// What makes a frame of 40 ms voiced, and a recording one speaker's.
const (
	frame        = 40 * time.Millisecond
	periodicity  = 0.6   // normalised autocorrelation at the pitch period
	sameVoice    = 0.017 // of the pitch: less than half the way to the next speaker
	harmonics    = 6     // of the first ten, within 35 dB of the strongest
	enoughFrames = 8     // voiced ones: about 0.2 s
	majority     = 0.7   // of the voiced frames
	leastVoiced  = 0.4   // of the audible frames
	audible      = -45.0
)

// Recognise tells which speaker of Voice is heard in a recording, by the pitch of its voiced frames. It is not ok
// for silence, noise, tones, foreign or mixed voices. The seed is 0 to Speakers-1.
func Recognise(pcm []int16, rate int) (seed int, ok bool) {
	size := int(frame.Seconds() * float64(rate))
	longestPeriod := int(float64(rate)/(lowestPitch*(1-2*sameVoice))) + 2
	var votes [Speakers]int
	var heard, voiced int
	for at := 0; at+size+longestPeriod <= len(pcm); at += size / 2 {
		part := pcm[at : at+size+longestPeriod]
		if Energy(part, rate, 0, frame) < audible {
			continue
		}
		heard++
		hz, is := voicePitch(part, size, rate)
		if !is {
			continue
		}
		voiced++
		if who, known := nearest(hz); known {
			votes[who]++
		}
	}
	for who, n := range votes {
		if n > votes[seed] {
			seed = who
		}
	}
	ok = voiced >= enoughFrames && float64(votes[seed]) >= majority*float64(voiced) && float64(voiced) >= leastVoiced*float64(heard)
	return seed, ok
}

func nearest(hz float64) (who int, known bool) {
	who = int(math.Round((Speakers + 1) * math.Log2(hz/lowestPitch)))
	if who < 0 || who >= Speakers {
		return 0, false
	}
	return who, math.Abs(hz/pitch(who)-1) <= sameVoice
}

// voicePitch finds the period, in the range of the speakers, after which the first size samples repeat best, and
// whether they are a voice: they repeat well and many harmonics sound, unlike in a tone.
func voicePitch(part []int16, size, rate int) (hz float64, voiced bool) {
	shortest := int(float64(rate) / (pitch(Speakers-1) * (1 + 2*sameVoice)))
	longest := len(part) - size
	best, lag := 0.0, 0
	for l := shortest; l < longest; l++ {
		if c := similarity(part, size, l); c > best {
			best, lag = c, l
		}
	}
	if best < periodicity {
		return 0, false
	}
	before, after := similarity(part, size, lag-1), similarity(part, size, lag+1)
	period := float64(lag)
	if curve := before - 2*best + after; curve < 0 { // the top of the parabola through three points
		period += (before - after) / (2 * curve)
	}
	hz = float64(rate) / period
	return hz, rich(part[:size], rate, hz)
}

// similarity is the normalised correlation of the first size samples with those that follow lag later.
func similarity(part []int16, size, lag int) float64 {
	var cross, here, there float64
	for i := range size {
		a, b := float64(part[i]), float64(part[i+lag])
		cross += a * b
		here += a * a
		there += b * b
	}
	if here == 0 || there == 0 {
		return 0
	}
	return cross / math.Sqrt(here*there)
}

func rich(part []int16, rate int, hz float64) bool {
	var levels [10]float64
	smooth := hann(part)
	strongest := silence
	for k := range levels {
		levels[k] = dBm0(goertzel(smooth, rate, float64(k+1)*hz))
		strongest = max(strongest, levels[k])
	}
	n := 0
	for _, level := range levels {
		if level >= strongest-35 {
			n++
		}
	}
	return n >= harmonics
}
