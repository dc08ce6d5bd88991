package ear

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"tonegate/announce"
)

// A Tone is what FindTone heard.
type Tone struct {
	Start     time.Duration // of the first burst, from the start of the recording
	Length    time.Duration // from there to the end of the last burst
	Bursts    []Burst
	Whole     bool    // every burst and silence was there; the last silence as far as the recording goes
	LeveldBm0 float64 // mean over the bursts, all frequencies together
}

// A Burst is one tone between two silences. Its edges are where it has half its amplitude.
type Burst struct {
	Start, Length time.Duration
	LeveldBm0     float64
}

func (b Burst) end() time.Duration { return b.Start + b.Length }

// What still counts as the tone that the text describes. A digital line keeps all of it far better.
const (
	edge      = 10 * time.Millisecond // of every start and end
	offPitch  = 0.01                  // of every frequency
	uneven    = 6.0                   // dB between the frequencies of a burst, and between bursts
	quiet     = 20.0                  // dB by which silences are below the bursts
	inaudible = -45.0                 // dBm0
)

// FindTone looks for the first whole appearance of a tone, given as the text of an announce.Cadence, and verifies it
// by what is heard: every burst with its frequencies, purity, evenness, start and length, every silence as such.
// If it is not there in full, the error says what is wrong with the best attempt and Tone holds what was found of it.
func FindTone(pcm []int16, rate int, spec string) (Tone, error) {
	cadence, err := announce.ParseCadence(spec)
	if err != nil {
		return Tone{}, err
	}
	cadence = slices.Clone(cadence)
	for len(cadence) > 0 && len(cadence[0].Frequencies) == 0 { // what precedes the first burst is another's sound
		cadence = cadence[1:]
	}
	if len(cadence) == 0 {
		return Tone{}, errors.New("a tone of nothing but silence cannot be found")
	}
	if rate < 8000 || rate > 48000 {
		return Tone{}, fmt.Errorf("finding a tone at %d Hz: 8000 to 48000 are supported", rate)
	}
	l := listener{pcm: pcm, rate: rate, heard: map[string][]Burst{}}
	best, reason := Tone{}, fmt.Errorf("tone %s: no burst of its first frequencies is heard", cadence)
	for _, first := range l.bursts(cadence[0].Frequencies) {
		tone, err := l.follow(cadence, first)
		if err == nil {
			return tone, nil
		}
		if len(tone.Bursts) > len(best.Bursts) || best.Bursts == nil {
			best, reason = tone, fmt.Errorf("tone %s at %v: %w", cadence, first.Start.Round(time.Millisecond), err)
		}
	}
	return best, reason
}

// follow checks element by element the tone that begins with a burst.
func (l *listener) follow(cadence announce.Cadence, first Burst) (Tone, error) {
	tone := Tone{Start: first.Start}
	if err := l.begins(cadence, first); err != nil {
		return tone, err
	}
	var power float64
	at := first.Start
	for i, e := range cadence {
		if len(e.Frequencies) == 0 {
			if err := l.silent(at, at+e.Length, tone.Bursts[len(tone.Bursts)-1].LeveldBm0); err != nil {
				return tone, err
			}
			at += e.Length
			continue
		}
		burst, err := l.burstAt(e, at)
		if err != nil {
			return tone, fmt.Errorf("element %d: %w", i+1, err)
		}
		if d := math.Abs(burst.LeveldBm0 - first.LeveldBm0); d > uneven {
			return tone, fmt.Errorf("element %d: %.1f dB off the first burst's level", i+1, d)
		}
		tone.Bursts = append(tone.Bursts, burst)
		tone.Length = burst.end() - tone.Start
		power += math.Pow(10, burst.LeveldBm0/10)
		tone.LeveldBm0 = 10 * math.Log10(power/float64(len(tone.Bursts)))
		at += e.Length
	}
	tone.Whole = true
	return tone, nil
}

// begins refuses a burst that goes on with others like it: it is no further from the one before than the cadence's
// own bursts are from each other, so that a person would count it with that one.
func (l *listener) begins(cadence announce.Cadence, first Burst) error {
	var pause time.Duration
	for _, e := range cadence[:len(cadence)-1] { // the last silence separates appearances, not bursts
		if len(e.Frequencies) == 0 {
			pause = max(pause, e.Length)
		}
	}
	for _, b := range l.bursts(cadence[0].Frequencies) {
		if since := first.Start - b.end(); b.Start < first.Start && since <= pause+edge {
			return fmt.Errorf("another burst ends %v before", since.Round(time.Millisecond))
		}
	}
	return nil
}

// burstAt is the burst of an element that should begin at a moment.
func (l *listener) burstAt(e announce.Element, at time.Duration) (Burst, error) {
	for _, b := range l.bursts(e.Frequencies) {
		if (b.Start - at).Abs() > edge {
			continue
		}
		if (b.Length - e.Length).Abs() > edge {
			return b, fmt.Errorf("burst at %v lasts %v, not %v", b.Start.Round(time.Millisecond), b.Length.Round(time.Millisecond), e.Length)
		}
		return b, l.inTune(b, e.Frequencies)
	}
	return Burst{}, fmt.Errorf("no burst begins at %v", at.Round(time.Millisecond))
}

// silent checks that between two moments, less the tolerance of their edges, nothing comes near the bursts' level.
func (l *listener) silent(from, to time.Duration, level float64) error {
	const step = 10 * time.Millisecond
	for at := from + edge; at+step <= to-edge; at += step {
		if heard := Energy(l.pcm, l.rate, at, at+step); heard > level-quiet {
			return fmt.Errorf("no silence at %v: %.1f dBm0", at.Round(time.Millisecond), heard)
		}
	}
	return nil
}

// inTune checks the pitch and the balance of a burst's frequencies, each by its spectral peak over the whole burst.
func (l *listener) inTune(b Burst, frequencies []float64) error {
	part := between(l.pcm, l.rate, b.Start, b.end())
	resolution := float64(l.rate) / float64(len(part)) // Hz
	var weakest, strongest float64
	for i, hz := range frequencies {
		reach := 0.06 * hz
		for j, other := range frequencies { // not into the neighbour's half
			if i != j {
				reach = min(reach, math.Abs(other-hz)/2)
			}
		}
		found, level := peak(part, l.rate, hz-reach, hz+reach)
		if off := math.Abs(found - hz); off > max(offPitch*hz, resolution/10) {
			return fmt.Errorf("burst at %v sounds at %.1f Hz, not %g", b.Start.Round(time.Millisecond), found, hz)
		}
		if i == 0 {
			weakest, strongest = level, level
		}
		weakest, strongest = min(weakest, level), max(strongest, level)
	}
	if strongest-weakest > uneven {
		return fmt.Errorf("burst at %v: its frequencies differ by %.1f dB", b.Start.Round(time.Millisecond), strongest-weakest)
	}
	return nil
}
