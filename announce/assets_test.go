package announce

import (
	"bytes"
	"encoding/binary"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/zaf/g711"
)

var update = flag.Bool("update", false, "rewrite testdata/assets")

const assets = "../testdata/assets"

// chime is 300 ms of 800 Hz that fade like a struck bar, at most half of full scale.
func chime(rate int) []int16 {
	pcm := make([]int16, 3*rate/10)
	for i := range pcm {
		t := float64(i) / float64(rate)
		pcm[i] = int16(math.Round(16384 * math.Sin(2*math.Pi*800*t) * math.Exp(-8*t) * min(1, t/0.005)))
	}
	return pcm
}

// chimeWAV is 16 bit, stereo, 16 kHz, with a chunk before the samples that readers must skip.
func chimeWAV() []byte {
	le := binary.LittleEndian
	samples := chime(16000)
	size := uint32(4 * len(samples))
	b := le.AppendUint32([]byte("RIFF"), 4+24+12+8+size)
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	for _, field := range []uint16{1, 2} { // PCM, channels
		b = le.AppendUint16(b, field)
	}
	b = le.AppendUint32(le.AppendUint32(b, 16000), 4*16000)
	b = le.AppendUint16(le.AppendUint16(b, 4), 16)
	b = append(b, "LIST\x03\x00\x00\x00odd\x00"...)
	b = le.AppendUint32(append(b, "data"...), size)
	for _, v := range samples {
		b = le.AppendUint16(le.AppendUint16(b, uint16(v)), uint16(v))
	}
	return b
}

// chimeAU is 16 bit, mono, 8 kHz.
func chimeAU() []byte {
	be := binary.BigEndian
	samples := chime(Rate)
	b := []byte(".snd")
	for _, field := range []uint32{24, uint32(2 * len(samples)), 3, Rate, 1} {
		b = be.AppendUint32(b, field)
	}
	for _, v := range samples {
		b = be.AppendUint16(b, uint16(v))
	}
	return b
}

func raw(encode func(int16) uint8) (b []byte) {
	for _, v := range chime(Rate) {
		b = append(b, encode(v))
	}
	return b
}

// TestAssetsAreAsGenerated makes every file of testdata/assets with the functions above and compares; with -update
// it writes them: go test ./announce -run TestAssetsAreAsGenerated -update
func TestAssetsAreAsGenerated(t *testing.T) {
	for name, want := range map[string][]byte{
		"chime.wav": chimeWAV(),
		"chime.au":  chimeAU(),
		"chime.ul":  raw(g711.EncodeUlawFrame),
		"chime.al":  raw(g711.EncodeAlawFrame),
	} {
		path := filepath.Join(assets, name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator makes: %v", path, err)
		}
	}
}
