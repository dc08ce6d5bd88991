package announce

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zaf/g711"
)

func decoded(t *testing.T, a *Asset) []float64 {
	t.Helper()
	f, ok := a.Frames("PCMU", 10*ms)
	if !ok {
		t.Fatal("no frames")
	}
	var pcm []float64
	for _, b := range slices.Concat(f.Frames...) {
		pcm = append(pcm, float64(g711.DecodeUlawFrame(b))/32768)
	}
	return pcm
}

func TestEveryFormOfAFileIsTheSameSound(t *testing.T) {
	want := chime(Rate)
	for name, s := range map[string]Spec{
		"wav, resampled, from stereo": {File: assets + "/chime.wav"},
		"au":                          {File: assets + "/chime.au"},
		"raw mu-law":                  {File: assets + "/chime.ul"},
		"raw A-law":                   {File: assets + "/chime.al"},
	} {
		a := loaded(t, s)
		if a.Duration() != 300*ms || len(a.Warnings()) != 0 {
			t.Errorf("%s: %v, %q", name, a.Duration(), a.Warnings())
		}
		var off, all float64
		for i, v := range decoded(t, a) {
			w := float64(want[i]) / 32768
			off += (v - w) * (v - w)
			all += w * w
		}
		if ratio := 10 * math.Log10(all/off); ratio < 30 {
			t.Errorf("%s: %.1f dB above the difference", name, ratio)
		}
	}
}

func TestRawFilesPassUnchanged(t *testing.T) {
	for path, codec := range map[string]string{"chime.ul": "PCMU", "chime.al": "PCMA"} {
		file, err := os.ReadFile(filepath.Join(assets, path))
		if err != nil {
			t.Fatal(err)
		}
		f, _ := loaded(t, Spec{File: filepath.Join(assets, path)}).Frames(codec, 20*ms)
		if got := slices.Concat(f.Frames...); !bytes.Equal(got, file) {
			t.Errorf("%s was changed on its way to %s", path, codec)
		}
	}
}

func TestFileIsBroughtToTheLevelOfItsActivePart(t *testing.T) {
	for _, level := range []float64{-40, -16, -12} {
		a := loaded(t, Spec{File: assets + "/chime.au", Level: fmt.Sprintf("%gdBm0", level)})
		if got, _ := activeLevel(decoded(t, a)); math.Abs(got-level) > 0.1 {
			t.Errorf("%.2f dBm0, want %g", got, level)
		}
	}
	loud := sine(1000, Rate, Rate, 0.5)
	alone, _ := activeLevel(loud)
	padded, _ := activeLevel(slices.Concat(make([]float64, 3*Rate), loud, make([]float64, 5*Rate)))
	if math.Abs(alone-padded) > 0.01 || math.Abs(alone-(-6.02+fullScale)) > 0.01 {
		t.Errorf("a sine of half scale is %.2f dBm0 alone and %.2f between silences", alone, padded)
	}
}

func TestFileLevelThatWouldClipIsRefusedWithTheHighestPossible(t *testing.T) {
	_, err := Load("x", Spec{File: assets + "/chime.au", Level: "0dBm0"}, may)
	if err == nil || !strings.Contains(err.Error(), "would clip: the peaks of this sound allow at most ") {
		t.Fatal(err)
	}
	_, advice, _ := strings.Cut(err.Error(), "at most ")
	if a := loaded(t, Spec{File: assets + "/chime.au", Level: advice}); amplitude(decoded(t, a)) < 0.9 {
		t.Errorf("%s leaves room above", advice)
	}
}

func TestFileErrorsNameFileAndReason(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	auOf := func(rate uint32, samples []byte) []byte {
		b := []byte(".snd")
		for _, field := range []uint32{24, math.MaxUint32, 1, rate, 1} {
			b = binary.BigEndian.AppendUint32(b, field)
		}
		return append(b, samples...)
	}
	sound := bytes.Repeat([]byte{0x20, 0xA0}, 4000)
	for name, tc := range map[string]struct {
		spec Spec
		want string
	}{
		"missing":        {Spec{File: filepath.Join(dir, "none.wav")}, "none.wav: no such file"},
		"folder":         {Spec{File: dir}, "not a regular file"},
		"empty":          {Spec{File: write("e.wav", nil)}, "e.wav: empty"},
		"text":           {Spec{File: write("t.wav", []byte("hello"))}, "for raw G.711 set encoding"},
		"damaged":        {Spec{File: write("d.wav", chimeWAV()[:100])}, "truncated"},
		"too large":      {Spec{File: write("l.ul", make([]byte, maxFile+1))}, "larger than 16 MiB"},
		"too long":       {Spec{File: write("m.ul", make([]byte, 60*Rate+Rate))}, "1m1s long, at most 1m0s"},
		"rate too low":   {Spec{File: write("r.au", auOf(2000, sound))}, "sample rate 2000 Hz"},
		"rate too high":  {Spec{File: write("s.au", auOf(400000, sound))}, "sample rate 400000 Hz"},
		"silent":         {Spec{File: write("q.ul", bytes.Repeat([]byte{0xFF}, 800))}, "nothing can be heard"},
		"one sample":     {Spec{File: write("o.au", auOf(192000, sound[:1]))}, "nothing can be heard"},
		"encoding":       {Spec{File: write("x.raw", sound), Encoding: "g722"}, `encoding "g722": ulaw or alaw`},
		"wav encoding":   {Spec{File: assets + "/chime.wav", Encoding: "ulaw"}, "remove encoding"},
		"level":          {Spec{File: assets + "/chime.wav", Level: "-16"}, "unit dBm0"},
		"level range":    {Spec{File: assets + "/chime.wav", Level: "-41dBm0"}, "from -40 to 0"},
		"level NaN":      {Spec{File: assets + "/chime.wav", Level: "NaNdBm0"}, "from -40 to 0"},
		"hash":           {Spec{File: assets + "/chime.wav", SHA256: strings.Repeat("0", 64)}, "sha256 of"},
		"synth hash":     {Spec{Synth: "600/100", SHA256: strings.Repeat("0", 64)}, "sha256 of the synth text"},
		"synth level":    {Spec{Synth: "600/100", Level: "loud"}, "unit dBm0"},
		"synth silence":  {Spec{Synth: "0/100"}, "nothing but silence"},
		"synth encoding": {Spec{Synth: "600/100", Encoding: "ulaw"}, "this asset is a synth"},
		"neither":        {Spec{}, "neither synth nor file"},
		"both":           {Spec{Synth: "600/100", File: "a.wav"}, "both synth and file"},
	} {
		_, err := Load("notice", tc.spec, may)
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), `asset "notice": `) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
		if tc.spec.File != "" && tc.spec.Synth == "" && !strings.Contains(err.Error(), filepath.Base(tc.spec.File)) {
			t.Errorf("%s: the file is not named: %v", name, err)
		}
	}
	if a := loaded(t, Spec{File: write("y.raw", sound), Encoding: "alaw"}); a.Duration() != time.Second {
		t.Errorf("raw with encoding: %v", a.Duration())
	}
}

func TestFileThatClipsIsAWarning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.au")
	b := []byte(".snd")
	for _, field := range []uint32{24, math.MaxUint32, 6, Rate, 1} {
		b = binary.BigEndian.AppendUint32(b, field)
	}
	for _, v := range sine(1000, Rate, 800, 2) {
		b = binary.BigEndian.AppendUint32(b, math.Float32bits(float32(v)))
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if w := loaded(t, Spec{File: path}).Warnings(); len(w) != 1 || !strings.Contains(w[0], "clipped") {
		t.Errorf("%q", w)
	}
	if w := loaded(t, Spec{File: path, Level: "-16dBm0"}).Warnings(); len(w) != 0 {
		t.Errorf("with a level: %q", w)
	}
}
