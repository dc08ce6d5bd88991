package ear

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// A listener hears one recording. It remembers the bursts of each set of frequencies.
type listener struct {
	pcm   []int16
	rate  int
	heard map[string][]Burst
}

const (
	window = 10 * time.Millisecond
	hops   = 4   // a window begins every quarter of a window
	purity = 0.9 // share of a window's energy that the frequencies of a burst must hold: 10 dB above all else
)

// span is an orthonormal basis of every sum of the given frequencies over n samples, in whatever phase. The energy
// of the projection is what Goertzel filters for these frequencies find together, also where they are too close for
// n samples to tell them apart.
func span(frequencies []float64, rate, n int) [][]float64 {
	var basis [][]float64
	for _, hz := range frequencies {
		w := 2 * math.Pi * hz / float64(rate)
		for _, phase := range []float64{0, math.Pi / 2} {
			v := make([]float64, n)
			for i := range v {
				v[i] = math.Sin(w*float64(i) + phase)
			}
			for _, b := range basis { // Gram-Schmidt
				subtract(v, b, dot(v, b))
			}
			if norm := math.Sqrt(dot(v, v)); norm > 1e-3*math.Sqrt(float64(n)) { // else it is there already
				for i := range v {
					v[i] /= norm
				}
				basis = append(basis, v)
			}
		}
	}
	return basis
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func subtract(v, b []float64, factor float64) {
	for i := range v {
		v[i] -= factor * b[i]
	}
}

// A slot is what one window holds, in mean squares.
type slot struct{ tonal, all float64 }

func (s slot) pure() bool { return s.tonal >= purity*s.all && dBm0(s.tonal) >= inaudible }

// grid is the size of a window and the step to the next, in samples.
func (l *listener) grid() (size, hop int) {
	size = int(window.Seconds() * float64(l.rate))
	return size, size / hops
}

// slots measures a window every quarter of a window.
func (l *listener) slots(frequencies []float64) []slot {
	size, hop := l.grid()
	basis := span(frequencies, l.rate, size)
	samples := make([]float64, size)
	var slots []slot
	for at := 0; at+size <= len(l.pcm); at += hop {
		for i := range samples {
			samples[i] = float64(l.pcm[at+i])
		}
		s := slot{all: dot(samples, samples) / float64(size)}
		for _, b := range basis {
			c := dot(samples, b)
			s.tonal += c * c / float64(size)
		}
		slots = append(slots, s)
	}
	return slots
}

// bursts finds every stretch of a recording in which the frequencies are heard alone, in order.
func (l *listener) bursts(frequencies []float64) []Burst {
	key := fmt.Sprint(frequencies)
	if found, ok := l.heard[key]; ok {
		return found
	}
	slots := l.slots(frequencies)
	var found []Burst
	for i := 0; i < len(slots); {
		run := pureRun(slots[i:])
		if run == 0 {
			i++
			continue
		}
		first, last, level := stretch(slots, i, i+run-1)
		found = append(found, l.burst(first, last, level))
		i = max(last, i+run-1) + 1
	}
	l.heard[key] = found
	return found
}

func pureRun(slots []slot) int {
	n := 0
	for n < len(slots) && slots[n].pure() {
		n++
	}
	return n
}

// stretch widens a run to where the tone has half the amplitude that it has inside: the windows there lie half in
// the tone, and are not pure.
func stretch(slots []slot, first, last int) (from, to int, level float64) {
	var inside []float64
	for _, s := range slots[first : last+1] {
		inside = append(inside, s.tonal)
	}
	slices.Sort(inside)
	level = inside[len(inside)/2]
	from, to = first, last
	for from > max(0, first-hops) && slots[from-1].tonal >= level/4 {
		from--
	}
	for to < min(len(slots)-1, last+hops) && slots[to+1].tonal >= level/4 {
		to++
	}
	return from, to, level
}

// burst turns windows into time: an edge is in the middle of the window that is half filled.
func (l *listener) burst(first, last int, level float64) Burst {
	size, hop := l.grid()
	moment := func(samples int) time.Duration {
		return time.Duration(samples) * time.Second / time.Duration(l.rate)
	}
	return Burst{
		Start:     moment(first*hop + size/2 - hop/2),
		Length:    moment((last - first + 1) * hop),
		LeveldBm0: dBm0(level),
	}
}

// peak is the frequency between two limits at which a part under a Hann window is loudest, and its level in dBm0.
func peak(part []int16, rate int, low, high float64) (hz, level float64) {
	const steps = 120
	smooth := hann(part)
	level = math.Inf(-1)
	for i := range steps + 1 {
		f := low + (high-low)*float64(i)/steps
		if heard := dBm0(goertzel(smooth, rate, f)); heard > level {
			hz, level = f, heard
		}
	}
	return hz, level
}
