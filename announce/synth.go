package announce

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// synthesise renders the text of a Cadence at a level.
func synthesise(text, levelText string) (source, error) {
	cadence, err := ParseCadence(text)
	if err != nil {
		return source{}, err
	}
	level := defaultLevel
	if levelText != "" {
		if level, err = parseLevel(levelText); err != nil {
			return source{}, err
		}
	}
	pcm, err := cadence.render(level)
	if err != nil {
		return source{}, err
	}
	return source{pcm: pcm, hash: hashOf(fmt.Appendf(nil, "%s %gdBm0", cadence, level))}, nil
}

// render makes the samples; level is the power of all frequencies of an element together, in dBm0.
func (c Cadence) render(level float64) ([]float64, error) {
	var pcm []float64
	audible := false
	for _, e := range c {
		n := float64(len(e.Frequencies))
		each := math.Pow(10, (level-fullScale)/20) / math.Sqrt(max(n, 1))
		if n*each > peak { // where all crests meet
			return nil, fmt.Errorf("level %gdBm0 would clip with %g frequencies: lower it to %.1fdBm0",
				level, n, math.Floor((level-20*math.Log10(n*each/peak))*10)/10)
		}
		pcm = append(pcm, e.render(each)...)
		audible = audible || n > 0
	}
	if !audible {
		return nil, errors.New("synth: nothing but silence")
	}
	return pcm, nil
}

// render makes one element, each frequency with the given amplitude, between ramps of 5 ms against clicks.
func (e Element) render(each float64) []float64 {
	const ramp = 5 * Rate / 1000
	pcm := make([]float64, e.Length*Rate/time.Second)
	for i := range pcm {
		t := float64(i) / Rate
		for _, hz := range e.Frequencies {
			pcm[i] += each * math.Sin(2*math.Pi*hz*t)
		}
		if edge := min(i, len(pcm)-1-i); edge < ramp { // raised cosine
			pcm[i] *= (1 - math.Cos(math.Pi*(float64(edge)+0.5)/ramp)) / 2
		}
	}
	return pcm
}
