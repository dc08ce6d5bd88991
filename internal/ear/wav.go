package ear

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"tonegate/announce/audiofile"
)

// WriteWAV writes a mono WAV file of 16-bit PCM.
func WriteWAV(path string, pcm []int16, rate int) error {
	size := 2 * len(pcm)
	if rate <= 0 || size > math.MaxInt32 {
		return fmt.Errorf("writing %s: %d samples at %d Hz do not fit a WAV file", path, len(pcm), rate)
	}
	le := binary.LittleEndian
	b := make([]byte, 0, 44+size)
	b = le.AppendUint32(append(b, "RIFF"...), uint32(36+size))
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = le.AppendUint16(b, 1) // PCM
	b = le.AppendUint16(b, 1) // channel
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(2*rate)) // bytes a second
	b = le.AppendUint16(b, 2)              // bytes a frame
	b = le.AppendUint16(b, 16)             // bits a sample
	b = le.AppendUint32(append(b, "data"...), uint32(size))
	for _, v := range pcm {
		b = le.AppendUint16(b, uint16(v))
	}
	return os.WriteFile(path, b, 0o644)
}

// ReadWAV reads a WAV file of any usual encoding, at most an hour long, as mono; it returns samples and rate (Hz).
func ReadWAV(path string) ([]int16, int, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, err
	}
	file, err := audiofile.Parse(raw)
	if err == nil && file.Duration() > time.Hour {
		err = errors.New("longer than an hour")
	}
	if err != nil {
		return nil, 0, fmt.Errorf("reading %s: %w", path, err)
	}
	mono, err := file.Mono()
	if err != nil {
		return nil, 0, fmt.Errorf("reading %s: %w", path, err)
	}
	pcm := make([]int16, len(mono))
	for i, v := range mono {
		pcm[i] = toInt16(v * 32768)
	}
	return pcm, file.Rate, nil
}

func toInt16(v float64) int16 {
	return int16(min(max(math.Round(v), math.MinInt16), math.MaxInt16))
}
