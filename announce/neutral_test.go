package announce_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/zaf/g711"
	"tonegate/announce"
	"tonegate/internal/ear"
)

const (
	rate    = announce.Rate
	neutral = "600+1000/200,0/100,600+1000/200,0/500" // the test tone of the sample configuration
)

func sound(t *testing.T, text string) []int16 {
	t.Helper()
	a, err := announce.Load("x", announce.Spec{Synth: text}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	f, _ := a.Frames("PCMU", 20*time.Millisecond)
	var pcm []int16
	for _, b := range slices.Concat(f.Frames...) {
		pcm = append(pcm, g711.DecodeUlawFrame(b))
	}
	return pcm
}

// A signal is something that a line or a machine at its end reacts to: all of its frequencies sounding together,
// each within a tolerance, and hardly anything else.
type signal struct {
	name      string
	hz        []float64
	tolerance float64 // share of the frequency
}

// signals of Japanese lines (400 Hz; 950, 1400 and 1800 Hz), of fax (T.30 s4), of the network (E.180, Q.24, Q.23).
func signals() []signal {
	all := []signal{
		{"dial, ringback, busy, call waiting", []float64{400}, 0.05},
		{"fax calling (CNG)", []float64{1100}, 0.035},
		{"fax answer (CED), echo canceller", []float64{2100}, 0.02},
		{"single frequency signalling", []float64{2600}, 0.02},
		{"answering machine beep", []float64{1000}, 0.05},
		{"answering machine beep, low", []float64{600}, 0.05},
		{"north american ringback", []float64{440, 480}, 0.02},
		{"north american busy", []float64{480, 620}, 0.02},
		{"north american dial", []float64{350, 440}, 0.02},
	}
	for _, hz := range []float64{950, 1400, 1800, 913.8, 985.2, 1370.6, 1428.5, 1776.7} {
		all = append(all, signal{"special information tone", []float64{hz}, 0.02})
	}
	for _, row := range []float64{697, 770, 852, 941} {
		for _, column := range []float64{1209, 1336, 1477, 1633} {
			all = append(all, signal{"DTMF", []float64{row, column}, 0.035}) // Q.24 demands rejection beyond it
		}
	}
	return all
}

// heardIn tells whether any 40 ms of a sound hold the signal: every one of its frequencies, within the tolerance,
// and together at least half of the energy.
func (s signal) heardIn(pcm []int16) bool {
	const window = rate * 40 / 1000
	for at := 0; at+window <= len(pcm); at += window / 4 {
		part := pcm[at : at+window]
		if ear.Energy(part, rate, 0, time.Second) < -45 {
			continue
		}
		var shares []float64
		for _, hz := range s.hz {
			shares = append(shares, share(part, hz*(1-s.tolerance), hz*(1+s.tolerance)))
		}
		least, sum := slices.Min(shares), 0.0
		for _, v := range shares {
			sum += v
		}
		if least >= 0.1 && sum >= 0.6 {
			return true
		}
	}
	return false
}

// share is the largest part of the energy that a single frequency between two limits holds.
func share(part []int16, low, high float64) float64 {
	best := math.Inf(-1)
	for i := range 9 {
		best = max(best, ear.Level(part, rate, low+(high-low)*float64(i)/8))
	}
	return math.Pow(10, (best-ear.Energy(part, rate, 0, time.Second))/10)
}

func TestNeutralToneIsNoOtherSignal(t *testing.T) {
	tone := sound(t, neutral)
	for _, s := range signals() {
		c := announce.Cadence{{Frequencies: s.hz, Length: 200 * time.Millisecond}}
		if !s.heardIn(sound(t, c.String())) {
			t.Errorf("%s %v: the detector does not hear the signal itself", s.name, s.hz)
		}
		if s.heardIn(tone) {
			t.Errorf("the neutral tone is taken for %s %v", s.name, s.hz)
		}
	}
	own := signal{"own", []float64{600, 1000}, 0.01}
	if !own.heardIn(tone) {
		t.Error("the detector does not hear the neutral tone")
	}
}

func TestNeutralToneIsHeardAsWritten(t *testing.T) {
	for _, level := range []string{"-30dBm0", "-16dBm0", "-6dBm0"} {
		a, err := announce.Load("x", announce.Spec{Synth: neutral, Level: level}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		f, _ := a.Frames("PCMA", 30*time.Millisecond)
		var pcm []int16
		for _, b := range slices.Concat(f.Frames...) {
			pcm = append(pcm, g711.DecodeAlawFrame(b))
		}
		if tone, err := ear.FindTone(pcm, rate, neutral); err != nil || !tone.Whole {
			t.Errorf("%s: %+v: %v", level, tone, err)
		}
	}
}
