package ear

import (
	"slices"
	"testing"
	"time"
)

func TestRecogniseTellsEverySpeaker(t *testing.T) {
	for seed := range Speakers {
		for _, rate := range []int{8000, 16000} {
			if got, ok := Recognise(Voice(seed, 2*time.Second, rate), rate); !ok || got != seed {
				t.Errorf("speaker %d at %d Hz: %d %v", seed, rate, got, ok)
			}
		}
		line := throughAlaw(throughUlaw(mix(Voice(seed, 2*time.Second, rate), noise(uint64(seed), 2*time.Second, 200))))
		for i := range line { // and 12 dB softer
			line[i] /= 4
		}
		if got, ok := Recognise(line, rate); !ok || got != seed {
			t.Errorf("speaker %d over the line: %d %v", seed, got, ok)
		}
		part := Voice(seed, 10*time.Second, rate)[5*rate : 6*rate]
		if got, ok := Recognise(part, rate); !ok || got != seed {
			t.Errorf("one second of speaker %d: %d %v", seed, got, ok)
		}
	}
}

func TestRecogniseNamesNobodyElse(t *testing.T) {
	a, b := Voice(4, 3*time.Second, rate), Voice(5, 3*time.Second, rate)
	for name, pcm := range map[string][]int16{
		"nothing":           nil,
		"silence":           quietness(2 * time.Second),
		"noise":             noise(1, 2*time.Second, 3000),
		"test tone":         slices.Concat(tone(t, spec, ""), tone(t, spec, "")),
		"ringback":          ringback(2 * time.Second),
		"DTMF":              sines(2*time.Second, rate, 3000, 770, 1336),
		"100 Hz hum":        sines(2*time.Second, rate, 3000, 100),
		"two at once":       mix(a, b),
		"two in turn":       slices.Concat(a, b),
		"too short a piece": a[:80*8],
	} {
		if seed, ok := Recognise(pcm, rate); ok {
			t.Errorf("%s: taken for speaker %d", name, seed)
		}
	}
}

func TestVoiceIsReproducible(t *testing.T) {
	if !slices.Equal(Voice(3, time.Second, rate), Voice(3, time.Second, rate)) {
		t.Error("two takes of one voice differ")
	}
	if !slices.Equal(Voice(-1, time.Second, rate), Voice(Speakers-1, time.Second, rate)) {
		t.Error("seeds are not taken modulo the number of speakers")
	}
	if level := Energy(Voice(0, 3*time.Second, rate), rate, 0, 3*time.Second); level < -30 || level > -10 {
		t.Errorf("%.1f dBm0 is no telephone voice", level)
	}
}

func BenchmarkRecognise(b *testing.B) {
	pcm := Voice(1, 5*time.Second, rate)
	b.ReportAllocs()
	for b.Loop() {
		Recognise(pcm, rate)
	}
}
