package announce

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tonegate/announce/audiofile"
)

const (
	maxFile = 16 << 20 // bytes

	lowestRate, highestRate = 4000, 192000 // Hz, of a file
)

// readFile converts an operator's file: decoded, mono, at Rate, at its level.
func readFile(path, encoding, levelText string) (source, error) {
	raw, err := readBytes(path)
	if err != nil {
		return source{}, err
	}
	file, err := parseFile(path, encoding, raw)
	if err != nil {
		return source{}, err
	}
	switch {
	case file.Duration() > longest:
		return source{}, fmt.Errorf("%v long, at most %v are allowed", file.Duration().Round(time.Second/10), longest)
	case file.Rate < lowestRate || file.Rate > highestRate:
		return source{}, fmt.Errorf("sample rate %d Hz, %d to %d are supported", file.Rate, lowestRate, highestRate)
	}
	mono, err := file.Mono()
	if err != nil {
		return source{}, err
	}
	pcm := resample(mono, file.Rate, Rate)
	warnings, err := levelled(pcm, levelText)
	return source{pcm: pcm, hash: hashOf(raw), warnings: warnings}, err
}

// levelled brings pcm, in place, to the level if one is given; else it warns of what would clip.
func levelled(pcm []float64, levelText string) ([]string, error) {
	have, audible := activeLevel(pcm)
	if !audible {
		return nil, errors.New("nothing can be heard in it: all is below -55 dBm0")
	}
	if levelText != "" {
		want, err := parseLevel(levelText)
		if err != nil {
			return nil, err
		}
		return nil, normalise(pcm, have, want)
	}
	var clipped int
	for _, v := range pcm {
		if v > 1 || v < -1 {
			clipped++
		}
	}
	if clipped > 0 {
		return []string{fmt.Sprintf("%d samples are clipped, the level is %.1f dBm0: set level, such as -16dBm0", clipped, have)}, nil
	}
	return nil, nil
}

func readBytes(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, reason(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, reason(err)
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, reason(err)
	case len(raw) > maxFile:
		return nil, fmt.Errorf("larger than %d MiB", maxFile>>20)
	case len(raw) == 0:
		return nil, errors.New("empty")
	}
	return raw, nil
}

// reason drops operation and path, which the caller's message already has.
func reason(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return err
}

func parseFile(path, encoding string, raw []byte) (audiofile.File, error) {
	headed := audiofile.IsWAV(raw) || audiofile.IsAU(raw)
	if encoding == "" && !headed {
		switch strings.ToLower(filepath.Ext(path)) {
		case ".ul":
			encoding = "ulaw"
		case ".al":
			encoding = "alaw"
		default:
			return audiofile.File{}, errors.New("neither WAV nor AU; for raw G.711 set encoding: ulaw or alaw")
		}
	}
	switch {
	case encoding == "":
		return audiofile.Parse(raw)
	case headed:
		return audiofile.File{}, errors.New("encoding is for raw G.711, this is a WAV or AU file: remove encoding")
	case encoding == "ulaw":
		return audiofile.File{Rate: Rate, Channels: 1, Encoding: audiofile.Ulaw, Data: raw}, nil
	case encoding == "alaw":
		return audiofile.File{Rate: Rate, Channels: 1, Encoding: audiofile.Alaw, Data: raw}, nil
	}
	return audiofile.File{}, fmt.Errorf("encoding %q: ulaw or alaw is needed", encoding)
}
