package announce

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zaf/g711"
)

const ms = time.Millisecond

func loaded(t testing.TB, s Spec) *Asset {
	t.Helper()
	a, err := Load("test", s, may)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestFramesForEveryCodecAndPacketTime(t *testing.T) {
	a := loaded(t, Spec{Synth: "600/205,0/1"}) // 1648 samples: no multiple of 80
	for codec, silence := range map[string]byte{"PCMU": 0xFF, "PCMA": 0xD5, "pcmu": 0xFF} {
		var whole []byte
		for ptime := 10 * ms; ptime <= 60*ms; ptime += 10 * ms {
			f, ok := a.Frames(codec, ptime)
			size := int(ptime * Rate / time.Second)
			if !ok || int(f.Samples) != size || f.Interval != ptime || len(f.Frames) != (1648+size-1)/size {
				t.Fatalf("%s %v: %d frames of %d, %v", codec, ptime, len(f.Frames), f.Samples, f.Interval)
			}
			for _, frame := range f.Frames {
				if len(frame) != size || cap(frame) != size {
					t.Errorf("%s %v: frame of %d, capacity %d", codec, ptime, len(frame), cap(frame))
				}
			}
			all := slices.Concat(f.Frames...)
			if ptime == 10*ms {
				whole = all[:1648]
			}
			if !bytes.Equal(all[:1648], whole) {
				t.Errorf("%s %v: another sound than at 10ms", codec, ptime)
			}
			if padding := all[1648:]; strings.Trim(string(padding), string([]byte{silence})) != "" {
				t.Errorf("%s %v: padded with % x", codec, ptime, padding)
			}
			if first, _ := a.Frames(codec, 10*ms); &first.Frames[0][0] != &f.Frames[0][0] {
				t.Errorf("%s %v: has a buffer of its own", codec, ptime)
			}
		}
	}
	if a.Duration() != 206*ms {
		t.Errorf("duration %v", a.Duration())
	}
}

func TestFramesOfOtherCodecsAndPacketTimesDoNotExist(t *testing.T) {
	a := loaded(t, Spec{Synth: "600/205"})
	for _, ptime := range []time.Duration{-20 * ms, 0, ms, 5 * ms, 15 * ms, 20*ms + 1, 70 * ms, math.MaxInt64} {
		if _, ok := a.Frames("PCMU", ptime); ok {
			t.Errorf("%v", ptime)
		}
	}
	for _, codec := range []string{"", "G722", "opus", "PCM", "PCMU/8000", "telephone-event"} {
		if _, ok := a.Frames(codec, 20*ms); ok {
			t.Errorf("%q", codec)
		}
	}
}

func TestBothLawsCarryTheSameSound(t *testing.T) {
	a := loaded(t, Spec{Synth: "601+1003/200", Level: "-10dBm0"})
	u, _ := a.Frames("PCMU", 20*ms)
	l, _ := a.Frames("PCMA", 20*ms)
	var sum, off float64
	for i, b := range slices.Concat(u.Frames...) {
		v, w := float64(g711.DecodeUlawFrame(b)), float64(g711.DecodeAlawFrame(l.Frames[i/160][i%160]))
		sum += v * v
		off += (v - w) * (v - w)
	}
	if ratio := 10 * math.Log10(sum/off); ratio < 33 {
		t.Errorf("the laws differ: %.1f dB", ratio)
	}
}

func TestFrameLookUpAllocatesNothing(t *testing.T) {
	a := loaded(t, Spec{Synth: "600/1000"})
	if n := testing.AllocsPerRun(1000, func() {
		if f, ok := a.Frames("PCMA", 20*ms); !ok || len(f.Frames) != 50 {
			t.Fatal("no frames")
		}
	}); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func BenchmarkFrames(b *testing.B) {
	a := loaded(b, Spec{Synth: "600/1000"})
	b.ReportAllocs()
	for b.Loop() {
		a.Frames("PCMA", 20*ms)
	}
}

func BenchmarkLoadFile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		loaded(b, Spec{File: "../testdata/assets/chime.wav"})
	}
}
