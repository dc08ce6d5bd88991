package ear

import (
	"math"
	"time"
)

// silence is what the level of nothing at all is said to be, in dBm0.
const silence = -100.0

// dBm0 of a mean square of 16-bit samples: a sine that fills the range is +3.14 dBm0 (G.711, A-law).
func dBm0(meanSquare float64) float64 {
	return max(silence, 10*math.Log10(2*meanSquare/(32768*32768))+3.14)
}

// Energy is the mean level between two moments of a recording in dBm0, not below -100. Moments outside the
// recording are moved to its ends.
func Energy(pcm []int16, rate int, from, to time.Duration) float64 {
	part := between(pcm, rate, from, to)
	if len(part) == 0 {
		return silence
	}
	var sum float64
	for _, v := range part {
		sum += float64(v) * float64(v)
	}
	return dBm0(sum / float64(len(part)))
}

// Level is the level of one frequency (Hz) over the whole of pcm in dBm0, not below -100. What lies further than
// rate/len(pcm) Hz away hardly counts.
func Level(pcm []int16, rate int, hz float64) float64 {
	if len(pcm) == 0 {
		return silence
	}
	return dBm0(goertzel(pcm, rate, hz))
}

// goertzel is the mean square of the sine of a frequency in samples.
func goertzel[Sample int16 | float64](pcm []Sample, rate int, hz float64) float64 {
	coefficient := 2 * math.Cos(2*math.Pi*hz/float64(rate))
	var s1, s2 float64
	for _, v := range pcm {
		s1, s2 = float64(v)+coefficient*s1-s2, s1
	}
	squared := s1*s1 + s2*s2 - coefficient*s1*s2 // an amplitude a over n samples makes it (a n / 2)^2
	n := float64(len(pcm))
	return 2 * squared / (n * n)
}

// hann smooths the ends of samples to nothing; a tone keeps its level.
func hann(pcm []int16) []float64 {
	out := make([]float64, len(pcm))
	for i, v := range pcm {
		out[i] = float64(v) * (1 - math.Cos(2*math.Pi*(float64(i)+0.5)/float64(len(pcm))))
	}
	return out
}

func between(pcm []int16, rate int, from, to time.Duration) []int16 {
	index := func(t time.Duration) int {
		return int(min(max(t.Seconds()*float64(rate), 0), float64(len(pcm))))
	}
	first, last := index(from), index(to)
	if first >= last {
		return nil
	}
	return pcm[first:last]
}
