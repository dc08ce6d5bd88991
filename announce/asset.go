package announce

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Rate is the sample rate of every asset once loaded, in Hz.
const Rate = 8000

// longest bounds an asset's playing time, before and after conversion.
const longest = 60 * time.Second

// A Spec says where an asset comes from, as the configuration does. Exactly one of Synth and File is set.
type Spec struct {
	Synth    string   // a Cadence, for example "600+1000/200,0/100,600+1000/200,0/500"
	File     string   // WAV, AU or raw G.711; a path as os.Open takes it
	Level    string   // "-16dBm0", -40 to 0: of the tones (default -16dBm0), or what a file is normalised to (default: as it is)
	SHA256   string   // of the file, or of the canonical synth text: hexadecimal; must match when given
	Standard string   // "" or "jusa"
	Licence  *Licence // required by a standard
	Encoding string   // of a raw G.711 file: ulaw or alaw; without it .ul is mu-law and .al A-law
}

// An Asset is a sound ready to be played: immutable, shared by all calls.
type Asset struct {
	name     string
	hash     string
	licence  *Licence
	samples  int // at Rate
	warnings []string
	frames   [laws][ptimes]Frames
}

// Load reads, checks, converts and encodes an asset. The licence is judged at now. Errors name the asset, the
// setting or file, and what to do.
func Load(name string, s Spec, now time.Time) (*Asset, error) {
	a, err := load(s, now)
	if err != nil {
		return nil, fmt.Errorf("asset %q: %w", name, err)
	}
	a.name = name
	return a, nil
}

func load(s Spec, now time.Time) (*Asset, error) {
	if err := s.check(now); err != nil {
		return nil, err
	}
	src, err := s.source()
	if err != nil {
		return nil, err
	}
	a := &Asset{hash: src.hash, samples: len(src.pcm), warnings: src.warnings}
	if s.SHA256 != "" && !strings.EqualFold(s.SHA256, a.hash) {
		return nil, fmt.Errorf("sha256 of %s is %s, the configuration says %s: this is not the sound that was approved; "+
			"put the approved one back, or correct sha256 after checking where the new one comes from", s.origin(), a.hash, s.SHA256)
	}
	if s.Licence != nil {
		own := *s.Licence
		a.licence = &own
		a.warnings = append(a.warnings, own.warnings(now)...)
	}
	a.encode(src.pcm)
	return a, nil
}

// source is a sound before encoding: samples at Rate, full scale -1..1.
type source struct {
	pcm      []float64
	hash     string
	warnings []string
}

func (s Spec) source() (source, error) {
	if s.Synth != "" {
		return synthesise(s.Synth, s.Level)
	}
	src, err := readFile(s.File, s.Encoding, s.Level)
	if err != nil {
		return source{}, fmt.Errorf("file %s: %w", s.File, err)
	}
	return src, nil
}

func (s Spec) origin() string {
	if s.Synth != "" {
		return "the synth text"
	}
	return s.File
}

// check finds what is wrong with the settings before anything is read.
func (s Spec) check(now time.Time) error {
	switch {
	case s.Synth == "" && s.File == "":
		return errors.New("neither synth nor file: one of them is needed")
	case s.Synth != "" && s.File != "":
		return errors.New("both synth and file: only one of them can be the sound")
	case s.Synth != "" && s.Encoding != "":
		return errors.New("encoding is for raw G.711 files, this asset is a synth")
	}
	if raw, err := hex.DecodeString(s.SHA256); s.SHA256 != "" && (err != nil || len(raw) != sha256.Size) {
		return fmt.Errorf("sha256 %q is not 64 hexadecimal digits", s.SHA256)
	}
	switch s.Standard {
	case "":
		return nil
	case StandardJUSA:
		return s.checkStandard(now)
	}
	return fmt.Errorf("standard %q is unknown: %q is the only one", s.Standard, StandardJUSA)
}

// Name is the asset's name in the configuration.
func (a *Asset) Name() string { return a.name }

// Hash is the SHA-256 of the source, in hexadecimal: of the file's bytes, or of the canonical synth text.
func (a *Asset) Hash() string { return a.hash }

// Licence is a copy of what the configuration states, or nil.
func (a *Asset) Licence() *Licence {
	if a.licence == nil {
		return nil
	}
	l := *a.licence
	return &l
}

// Duration is the playing time, without the padding of the last frame.
func (a *Asset) Duration() time.Duration { return time.Duration(a.samples) * time.Second / Rate }

// Warnings are remarks for the operator that do not stop the asset from being used.
func (a *Asset) Warnings() []string { return append([]string(nil), a.warnings...) }

func hashOf(source []byte) string {
	sum := sha256.Sum256(source)
	return hex.EncodeToString(sum[:])
}
