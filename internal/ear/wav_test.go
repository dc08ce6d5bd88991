package ear

import (
	"image"
	_ "image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/zaf/g711"
)

func TestWAVKeepsEverySample(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.wav")
	pcm := append(noise(1, 100*ms, 8000), math.MinInt16, -1, 0, 1, math.MaxInt16)
	if err := WriteWAV(path, pcm, 11025); err != nil {
		t.Fatal(err)
	}
	got, rate, err := ReadWAV(path)
	if err != nil || rate != 11025 || !slices.Equal(got, pcm) {
		t.Errorf("%d samples at %d Hz: %v", len(got), rate, err)
	}
}

func TestWAVRefusesWhatIsNone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.wav")
	os.WriteFile(path, []byte("RIFF????WAVEdata"), 0o644)
	if _, _, err := ReadWAV(path); err == nil {
		t.Error("a broken file was read")
	}
	if _, _, err := ReadWAV(filepath.Join(dir, "none.wav")); err == nil {
		t.Error("a missing file was read")
	}
	if err := WriteWAV(path, nil, 0); err == nil {
		t.Error("a rate of 0 was written")
	}
}

// The digital milliwatt of G.711 (tables 5 and 6): these eight bytes repeated are 1 kHz at 0 dBm0 by definition.
func TestLevelsAgreeWithTheDigitalMilliwatt(t *testing.T) {
	ulaw := []byte{0x1E, 0x0B, 0x0B, 0x1E, 0x9E, 0x8B, 0x8B, 0x9E}
	alaw := []byte{0x34, 0x21, 0x21, 0x34, 0xB4, 0xA1, 0xA1, 0xB4}
	var u, a []int16
	for i := range rate {
		u = append(u, g711.DecodeUlawFrame(ulaw[i%8]))
		a = append(a, g711.DecodeAlawFrame(alaw[i%8]))
	}
	for name, pcm := range map[string][]int16{"mu-law": u, "A-law": a} {
		if got := Energy(pcm, rate, 0, time.Second); math.Abs(got) > 0.1 {
			t.Errorf("%s: energy %.3f dBm0, want 0", name, got)
		}
		if got := Level(pcm, rate, 1000); math.Abs(got) > 0.1 {
			t.Errorf("%s: level at 1000 Hz %.3f dBm0, want 0", name, got)
		}
		if got := Level(pcm, rate, 1100); got > -50 {
			t.Errorf("%s: level at 1100 Hz %.1f dBm0", name, got)
		}
	}
}

func TestEnergyOfAPart(t *testing.T) {
	pcm := slices.Concat(quietness(time.Second), sines(time.Second, rate, 3276.8, 1000))
	for _, tc := range []struct {
		from, to time.Duration
		want     float64
	}{
		{0, time.Second, -100}, {time.Second, 2 * time.Second, -16.86}, {0, 2 * time.Second, -19.87},
		{time.Second, time.Hour, -16.86}, {-time.Second, time.Second, -100}, {3 * time.Second, 4 * time.Second, -100},
		{2 * time.Second, time.Second, -100},
	} {
		if got := Energy(pcm, rate, tc.from, tc.to); math.Abs(got-tc.want) > 0.02 {
			t.Errorf("%v to %v: %.2f dBm0, want %.2f", tc.from, tc.to, got, tc.want)
		}
	}
}

func TestSpectrogramShowsTheToneWhereItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.png")
	pcm := slices.Concat(quietness(time.Second), sines(time.Second, rate, 8000, 1000))
	if err := Spectrogram(path, pcm, rate, "one second of 1000 Hz"); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	brightness := func(seconds, hz float64) uint32 {
		r, g, b, _ := picture.At(plotArea.Min.X+int(seconds/2*plotWidth), plotArea.Max.Y-1-int(hz/4000*plotHeight)).RGBA()
		return (r + g + b) >> 8
	}
	for _, tc := range []struct {
		seconds, hz float64
		bright      bool
	}{{1.5, 1000, true}, {0.5, 1000, false}, {1.5, 1300, false}, {1.5, 700, false}, {1.9, 1000, true}, {1.5, 3900, false}} {
		if got := brightness(tc.seconds, tc.hz); (got > 300) != tc.bright {
			t.Errorf("at %g s and %g Hz brightness %d", tc.seconds, tc.hz, got)
		}
	}
}

func TestSpectrogramOfAnyLength(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []int{1, 100, 999, 1001, 10 * rate} {
		if err := Spectrogram(filepath.Join(dir, "a.png"), make([]int16, n), rate, ""); err != nil {
			t.Errorf("%d samples: %v", n, err)
		}
	}
	if err := Spectrogram(filepath.Join(dir, "a.png"), nil, rate, ""); err == nil {
		t.Error("nothing was drawn")
	}
	if err := Spectrogram(filepath.Join(dir, "no", "a.png"), make([]int16, 10), rate, ""); err == nil {
		t.Error("drawn into a missing folder")
	}
}
