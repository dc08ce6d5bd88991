package audiofile

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/zaf/g711"
)

var le, be = binary.LittleEndian, binary.BigEndian

// wav builds a file from a format chunk's fields and its samples; extra bytes are appended to the format chunk.
func wav(tag, channels uint16, rate uint32, bytesEach uint16, samples []byte, extra ...byte) []byte {
	format := le.AppendUint16(nil, tag)
	format = le.AppendUint16(format, channels)
	format = le.AppendUint32(format, rate)
	format = le.AppendUint32(format, rate*uint32(channels*bytesEach))
	format = le.AppendUint16(format, channels*bytesEach)
	format = le.AppendUint16(format, bytesEach*8)
	return riff(chunk("fmt ", append(format, extra...)), chunk("data", samples))
}

func riff(chunks ...[]byte) []byte {
	body := append([]byte("WAVE"), bytes.Join(chunks, nil)...)
	return append(le.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func chunk(id string, body []byte) []byte {
	b := append(le.AppendUint32([]byte(id), uint32(len(body))), body...)
	return append(b, make([]byte, len(body)%2)...)
}

func au(encoding, rate, channels, size uint32, samples []byte) []byte {
	b := []byte(".snd")
	for _, v := range []uint32{28, size, encoding, rate, channels} {
		b = be.AppendUint32(b, v)
	}
	return append(append(b, "note"...), samples...)
}

func extensible(tag byte) []byte {
	return append([]byte{22, 0, 16, 0, 4, 0, 0, 0, tag, 0}, subFormatTail...)
}

func floats(order binary.AppendByteOrder, values ...float64) (b []byte) {
	for _, v := range values {
		b = order.AppendUint32(b, math.Float32bits(float32(v)))
	}
	return b
}

func doubles(order binary.AppendByteOrder, values ...float64) (b []byte) {
	for _, v := range values {
		b = order.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

func TestEveryEncodingReadsTheSameSamples(t *testing.T) {
	ulaw := []byte{g711.EncodeUlawFrame(16384), g711.EncodeUlawFrame(-16384), g711.EncodeUlawFrame(0)}
	alaw := []byte{g711.EncodeAlawFrame(16384), g711.EncodeAlawFrame(-16384), g711.EncodeAlawFrame(0)}
	for name, file := range map[string][]byte{
		"wav 8 bit":             wav(1, 1, 8000, 1, []byte{192, 64, 128}),
		"wav 16 bit":            wav(1, 1, 8000, 2, []byte{0, 0x40, 0, 0xC0, 0, 0}),
		"wav 24 bit":            wav(1, 1, 8000, 3, []byte{0, 0, 0x40, 0, 0, 0xC0, 0, 0, 0}),
		"wav 32 bit":            wav(1, 1, 8000, 4, []byte{0, 0, 0, 0x40, 0, 0, 0, 0xC0, 0, 0, 0, 0}),
		"wav float":             wav(3, 1, 8000, 4, floats(le, 0.5, -0.5, 0)),
		"wav double":            wav(3, 1, 8000, 8, doubles(le, 0.5, -0.5, 0)),
		"wav mu-law":            wav(7, 1, 8000, 1, ulaw, 0, 0),
		"wav A-law":             wav(6, 1, 8000, 1, alaw, 0, 0),
		"wav extensible":        wav(0xFFFE, 1, 8000, 2, []byte{0, 0x40, 0, 0xC0, 0, 0}, extensible(1)...),
		"wav extensible float":  wav(0xFFFE, 1, 8000, 4, floats(le, 0.5, -0.5, 0), extensible(3)...),
		"wav stereo":            wav(1, 2, 8000, 2, []byte{0, 0x60, 0, 0x20, 0, 0xA0, 0, 0xE0, 0, 0x40, 0, 0xC0}),
		"wav with other chunks": riff(chunk("LIST", []byte("odd")), wav(1, 1, 8000, 1, []byte{192, 64, 128})[12:], chunk("id3 ", nil)),
		"au mu-law":             au(1, 8000, 1, 3, ulaw),
		"au 8 bit":              au(2, 8000, 1, 3, []byte{64, 192, 0}),
		"au 16 bit":             au(3, 8000, 1, 6, []byte{0x40, 0, 0xC0, 0, 0, 0}),
		"au 24 bit":             au(4, 8000, 1, 9, []byte{0x40, 0, 0, 0xC0, 0, 0, 0, 0, 0}),
		"au 32 bit":             au(5, 8000, 1, 12, []byte{0x40, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0}),
		"au float":              au(6, 8000, 1, 12, floats(be, 0.5, -0.5, 0)),
		"au double":             au(7, 8000, 1, 24, doubles(be, 0.5, -0.5, 0)),
		"au A-law":              au(27, 8000, 1, 3, alaw),
		"au of unknown size":    au(1, 8000, 1, math.MaxUint32, ulaw),
		"au stereo":             au(2, 8000, 2, 6, []byte{96, 32, 160, 224, 64, 192}),
	} {
		f, err := Parse(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := f.Mono()
		if err != nil || len(got) != 3 || f.Rate != 8000 || f.Duration() != 375*time.Microsecond {
			t.Errorf("%s: %v, %d Hz, %v: %v", name, got, f.Rate, f.Duration(), err)
			continue
		}
		for i, want := range []float64{0.5, -0.5, 0} {
			if math.Abs(got[i]-want) > 0.016 { // half a step of G.711 at this level
				t.Errorf("%s: sample %d is %g, want %g", name, i, got[i], want)
			}
		}
	}
}

func TestDamagedFilesAreRefusedWithTheReason(t *testing.T) {
	good := wav(1, 1, 8000, 2, make([]byte, 8))
	for name, tc := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":                  {nil, "neither a WAV"},
		"text":                     {[]byte("hello"), "neither a WAV"},
		"RF64":                     {append([]byte("RF64"), good[4:]...), "not plain RIFF/WAVE"},
		"big-endian":               {append([]byte("RIFX"), good[4:]...), "not plain RIFF/WAVE"},
		"AVI":                      {[]byte("RIFF\x00\x00\x00\x00AVI LIST"), "not plain RIFF/WAVE"},
		"cut in the samples":       {good[:len(good)-1], `chunk "data" announces 8 bytes, 7 are left`},
		"cut in the format":        {good[:24], `chunk "fmt " announces 16 bytes, 4 are left`},
		"cut before the samples":   {good[:36], `chunk "data"`},
		"samples before format":    {riff(chunk("data", []byte{1, 2})), "no format"},
		"short format":             {riff(chunk("fmt ", make([]byte, 14))), "14 bytes"},
		"no samples":               {wav(1, 1, 8000, 2, nil), "no samples"},
		"half a sample":            {wav(1, 1, 8000, 2, []byte{1, 2, 3}), "no whole number"},
		"MP3 inside":               {wav(0x55, 1, 8000, 1, []byte{1}), "format 0x0055"},
		"12 bit":                   {riff(chunk("fmt ", []byte{1, 0, 1, 0, 64, 31, 0, 0, 0, 0, 0, 0, 2, 0, 12, 0})), "with 12 bits"},
		"no channel":               {wav(1, 0, 8000, 2, []byte{1, 2}), "0 channels"},
		"six channels":             {wav(1, 6, 8000, 1, make([]byte, 6)), "6 channels: mono or stereo"},
		"no rate":                  {wav(1, 1, 0, 2, []byte{1, 2}), "0 Hz"},
		"contradictory frame size": {riff(chunk("fmt ", []byte{1, 0, 2, 0, 64, 31, 0, 0, 0, 0, 0, 0, 2, 0, 16, 0})), "contradictory"},
		"unknown sub-format":       {wav(0xFFFE, 1, 8000, 2, []byte{1, 2}, make([]byte, 24)...), "sub-format"},
		"AU cut in the header":     {au(1, 8000, 1, 1, nil)[:23], "24 bytes"},
		"AU cut in the samples":    {au(1, 8000, 1, 9, make([]byte, 5)), "announces 9 bytes of samples, 5 are left"},
		"AU offset behind the end": {[]byte(".snd\xff\xff\xff\xff" + strings.Repeat("\x00", 16)), "4294967295"},
		"AU offset in the header":  {[]byte(".snd\x00\x00\x00\x04" + strings.Repeat("\x00", 16)), "byte 4"},
		"AU ADPCM":                 {au(23, 8000, 1, 1, []byte{1}), "AU encoding 23"},
		"AU of many channels":      {au(1, 8000, 1<<31, 1, []byte{1}), "2147483648 channels"},
		"AU without a rate":        {au(1, 0, 1, 1, []byte{1}), "0 Hz"},
	} {
		if _, err := Parse(tc.file); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e30} {
		f, err := Parse(wav(3, 1, 8000, 8, doubles(le, 0, bad)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Mono(); err == nil || !strings.Contains(err.Error(), "sample 1 is") {
			t.Errorf("%g: %v", bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(wav(1, 2, 44100, 3, make([]byte, 12)))
	f.Add(wav(0xFFFE, 1, 8000, 4, floats(le, 0.5), extensible(3)...))
	f.Add(wav(7, 1, 8000, 1, []byte{1, 2}))
	f.Add(au(1, 8000, 1, 3, []byte{1, 2, 3}))
	f.Add(au(6, 8000, 2, math.MaxUint32, floats(be, 1, 2)))
	f.Fuzz(func(t *testing.T, file []byte) {
		parsed, err := Parse(file)
		if err != nil {
			return
		}
		mono, err := parsed.Mono()
		if err != nil {
			return
		}
		if len(mono) == 0 || len(mono) > len(file) || parsed.Duration() < 0 {
			t.Errorf("%d samples, %v, from %d bytes", len(mono), parsed.Duration(), len(file))
		}
	})
}
