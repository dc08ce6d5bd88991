package announce

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Cadence is a sound of tones and silences in turn. Its text form is elements separated by commas, each
// "frequency[+frequency...]/milliseconds", with frequency 0 for silence: "600+1000/200,0/100,600+1000/200,0/500".
type Cadence []Element

// An Element is one tone, or a silence if it has no frequency.
type Element struct {
	Frequencies []float64 // Hz, 20 to 3400, ascending, sounding together at equal levels
	Length      time.Duration
}

// What a Cadence may be, so that hostile text costs little.
const (
	maxElements    = 512
	maxFrequencies = 8 // of one element
	lowestHz       = 20.0
	highestHz      = 3400.0
	shortestTone   = 10 * time.Millisecond // the two ramps of a tone
)

// ParseCadence reads the text form. Neighbours with the same frequencies become one element. Errors name the
// position of the fault, counted from 1.
func ParseCadence(text string) (Cadence, error) {
	if n := strings.Count(text, ",") + 1; n > maxElements {
		return nil, fmt.Errorf("synth: %d elements, at most %d are allowed", n, maxElements)
	}
	var c Cadence
	var total time.Duration
	at := 1
	for part := range strings.SplitSeq(text, ",") {
		e, err := parseElement(part, at)
		if err != nil {
			return nil, err
		}
		if total += e.Length; total > longest {
			return nil, fault(at, part, "makes the sound longer than %v", longest)
		}
		if last := len(c) - 1; last >= 0 && slices.Equal(c[last].Frequencies, e.Frequencies) {
			c[last].Length += e.Length
		} else {
			c = append(c, e)
		}
		at += len(part) + 1
	}
	return c, nil
}

func fault(at int, what, format string, args ...any) error {
	const shown = 20
	if len(what) > shown {
		what = what[:shown] + "..."
	}
	return fmt.Errorf("synth: character %d: %q %s", at, what, fmt.Sprintf(format, args...))
}

func parseElement(text string, at int) (Element, error) {
	sum, ms, ok := strings.Cut(text, "/")
	if !ok {
		return Element{}, fault(at, text, "has no /milliseconds, such as 600+1000/200")
	}
	n, err := strconv.ParseUint(ms, 10, 32)
	if length := time.Duration(n) * time.Millisecond; err != nil || n == 0 || length > longest {
		return Element{}, fault(at+len(sum)+1, ms, "is not a number of milliseconds from 1 to %d", longest.Milliseconds())
	}
	e := Element{Length: time.Duration(n) * time.Millisecond}
	if sum == "0" {
		return e, nil
	}
	if e.Length < shortestTone {
		return Element{}, fault(at+len(sum)+1, ms, "is too short for a tone: %d ms at least", shortestTone.Milliseconds())
	}
	for part := range strings.SplitSeq(sum, "+") {
		hz, err := parseFrequency(part, at)
		switch {
		case err != nil:
			return Element{}, err
		case slices.Contains(e.Frequencies, hz):
			return Element{}, fault(at, part, "is there twice")
		case len(e.Frequencies) == maxFrequencies:
			return Element{}, fault(at, part, "is one too many: at most %d frequencies sound together", maxFrequencies)
		}
		e.Frequencies = append(e.Frequencies, hz)
		at += len(part) + 1
	}
	slices.Sort(e.Frequencies)
	return e, nil
}

func parseFrequency(text string, at int) (float64, error) {
	const longestText = 8                            // more would only be digits that nobody hears
	plain := strings.Trim(text, "0123456789.") == "" // no sign, exponent, Inf
	hz, err := strconv.ParseFloat(text, 64)
	switch {
	case len(text) > longestText || !plain || err != nil:
		return 0, fault(at, text, "is not a frequency in Hz, such as 600 or 697.5")
	case hz == 0:
		return 0, fault(at, text, "is silence, which is written 0/milliseconds and has nothing added")
	case hz < lowestHz || hz > highestHz:
		return 0, fault(at, text, "is outside %g to %g Hz", lowestHz, highestHz)
	}
	return hz, nil
}

// String is the canonical text: one for all spellings of the same sound.
func (c Cadence) String() string {
	var b strings.Builder
	for i, e := range c {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, hz := range e.Frequencies {
			if j > 0 {
				b.WriteByte('+')
			}
			b.WriteString(strconv.FormatFloat(hz, 'f', -1, 64))
		}
		if len(e.Frequencies) == 0 {
			b.WriteByte('0')
		}
		fmt.Fprintf(&b, "/%d", e.Length.Milliseconds())
	}
	return b.String()
}
