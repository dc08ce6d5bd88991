package announce

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

const (
	// fullScale is the level of a sine that just fills the codec, in dBm0: 3.14 for A-law (G.711 s4). It is used for
	// mu-law too, whose own 3.17 makes the same samples 0.06 dB louder.
	fullScale = 3.14

	// peak is the largest amplitude that neither law clips: mu-law's decision value 8159 of 8192 (G.711 table 2).
	peak = 8159.0 / 8192

	lowestLevel, highestLevel = -40.0, 0.0 // dBm0
	defaultLevel              = -16.0      // dBm0, of a synth
)

// parseLevel reads "-16dBm0".
func parseLevel(text string) (float64, error) {
	number, ok := strings.CutSuffix(text, "dBm0")
	if !ok {
		return 0, fmt.Errorf("level %q: a number and the unit dBm0 are needed, such as -16dBm0", text)
	}
	level, err := strconv.ParseFloat(number, 64)
	level += 0 // not -0, which prints and hashes differently
	if err != nil || !(level >= lowestLevel && level <= highestLevel) {
		return 0, fmt.Errorf("level %q: a number from %g to %g is needed before dBm0", text, lowestLevel, highestLevel)
	}
	return level, nil
}

// power is the mean square of samples.
func power(pcm []float64) float64 {
	var sum float64
	for _, v := range pcm {
		sum += v * v
	}
	return sum / float64(len(pcm))
}

// dBm0 of a mean square, full scale 1: that of a full-scale sine is 1/2.
func dBm0(power float64) float64 { return 10*math.Log10(2*power) + fullScale }

// activeLevel is the mean level of the parts in which something is heard, in dBm0: windows of 10 ms that are neither
// 30 dB below the loudest nor under -55 dBm0. False if there are none.
func activeLevel(pcm []float64) (float64, bool) {
	const window, depth, floor = Rate / 100, 30.0, -55.0
	var windows []float64
	loudest := 0.0
	for at := 0; at < len(pcm); at += window {
		p := power(pcm[at:min(at+window, len(pcm))])
		windows = append(windows, p)
		loudest = max(loudest, p)
	}
	var sum float64
	var n int
	for _, p := range windows {
		if level := dBm0(p); level >= floor && level >= dBm0(loudest)-depth {
			sum += p
			n++
		}
	}
	if n == 0 {
		return 0, false
	}
	return dBm0(sum / float64(n)), true
}

// normalise scales pcm, in place, so that its active part has the level, and refuses to clip.
func normalise(pcm []float64, have, want float64) error {
	gain := math.Pow(10, (want-have)/20)
	if top := gain * amplitude(pcm); top > peak {
		return fmt.Errorf("level %.1fdBm0 would clip: the peaks of this sound allow at most %.1fdBm0",
			want, math.Floor((want-20*math.Log10(top/peak))*10)/10)
	}
	for i := range pcm {
		pcm[i] *= gain
	}
	return nil
}

func amplitude(pcm []float64) float64 {
	var top float64
	for _, v := range pcm {
		top = max(top, math.Abs(v))
	}
	return top
}
