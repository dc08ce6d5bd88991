package audiofile

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"time"
)

// A File is a parsed header and the bytes of its samples, not yet decoded.
type File struct {
	Rate     int // frames (one sample per channel) a second
	Channels int // 1 or 2
	Encoding Encoding
	Data     []byte // whole frames, channels interleaved; shares the memory given to Parse
}

const loudest = 100 // times full scale, in floating-point files

var errUnknown = errors.New("neither a WAV (RIFF/WAVE) nor an AU (.snd) file")

// Parse reads the header of a WAV or AU file, told apart by its first bytes. The work does not depend on what
// the header claims: Data never exceeds the bytes given.
func Parse(file []byte) (File, error) {
	switch {
	case IsWAV(file):
		return parseWAV(file)
	case IsAU(file):
		return parseAU(file)
	}
	return File{}, errUnknown
}

// IsWAV tells whether the bytes begin as a WAV file does, in any of its variants.
func IsWAV(file []byte) bool {
	return bytes.HasPrefix(file, []byte("RIFF")) || bytes.HasPrefix(file, []byte("RIFX")) || bytes.HasPrefix(file, []byte("RF64"))
}

// IsAU tells whether the bytes begin as an AU file does.
func IsAU(file []byte) bool { return bytes.HasPrefix(file, []byte(".snd")) }

// Duration is the playing time.
func (f File) Duration() time.Duration {
	return time.Duration(f.frames()) * time.Second / time.Duration(f.Rate)
}

func (f File) frames() int { return len(f.Data) / (f.Encoding.size * f.Channels) }

// Mono decodes the samples, full scale -1..1, the mean of the channels. Floating-point samples may exceed full
// scale by 40 dB; more than that, and what is not a number, is an error.
func (f File) Mono() ([]float64, error) {
	mono := make([]float64, f.frames())
	data := f.Data
	for i := range mono {
		for range f.Channels {
			v := f.Encoding.sample(data)
			if !(math.Abs(v) <= loudest) { // also true of NaN
				return nil, fmt.Errorf("sample %d is %g where full scale is 1: not audio", i, v)
			}
			mono[i] += v / float64(f.Channels)
			data = data[f.Encoding.size:]
		}
	}
	return mono, nil
}

// check refuses what cannot be decoded, so that the methods of a File need no checks.
func (f File) check() error {
	switch frame := f.Encoding.size * f.Channels; {
	case f.Channels != 1 && f.Channels != 2:
		return fmt.Errorf("%d channels: mono or stereo is needed", f.Channels)
	case f.Rate < 1:
		return fmt.Errorf("sample rate %d Hz", f.Rate)
	case len(f.Data) == 0:
		return errors.New("no samples")
	case len(f.Data)%frame != 0:
		return fmt.Errorf("%d bytes of samples are no whole number of frames of %d bytes: truncated or damaged", len(f.Data), frame)
	}
	return nil
}
