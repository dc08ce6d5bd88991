package audiofile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// WAVE format tags (Microsoft mmreg.h).
const (
	formatPCM        = 0x0001
	formatFloat      = 0x0003
	formatAlaw       = 0x0006
	formatUlaw       = 0x0007
	formatExtensible = 0xFFFE
)

// subFormatTail follows the format tag in the GUID of an extensible header.
var subFormatTail = []byte("\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71")

func parseWAV(file []byte) (File, error) {
	if len(file) < 12 || string(file[:4]) != "RIFF" || string(file[8:12]) != "WAVE" {
		return File{}, errors.New("a RIFF variant that is not plain RIFF/WAVE")
	}
	var f File
	for rest := file[12:]; len(rest) >= 8; {
		id, size := string(rest[:4]), uint64(binary.LittleEndian.Uint32(rest[4:]))
		rest = rest[8:]
		if id == "data" && size == math.MaxUint32 { // a writer that could not seek back: samples run to the end
			size = uint64(len(rest))
		}
		if size > uint64(len(rest)) {
			return File{}, fmt.Errorf("truncated: chunk %q announces %d bytes, %d are left", id, size, len(rest))
		}
		body := rest[:size]
		rest = rest[min(size+size%2, uint64(len(rest))):] // chunks are padded to even length
		switch id {
		case "fmt ":
			var err error
			if f, err = parseFormat(body); err != nil {
				return File{}, err
			}
		case "data":
			if f.Rate == 0 {
				return File{}, errors.New("no format before the samples (chunk \"fmt \")")
			}
			f.Data = body
			return f, f.check()
		}
	}
	return File{}, errors.New("no samples (chunk \"data\")")
}

func parseFormat(body []byte) (File, error) {
	le := binary.LittleEndian
	if len(body) < 16 {
		return File{}, fmt.Errorf("format chunk of %d bytes, at least 16 are needed", len(body))
	}
	f := File{Channels: int(le.Uint16(body[2:])), Rate: int(le.Uint32(body[4:]))}
	tag, align, bits := le.Uint16(body), int(le.Uint16(body[12:])), int(le.Uint16(body[14:]))
	if tag == formatExtensible {
		if len(body) < 40 || !bytes.Equal(body[26:40], subFormatTail) {
			return File{}, errors.New("extensible format without a known sub-format")
		}
		tag = le.Uint16(body[24:])
	}
	encoding, ok := wavEncodings[wavKind{tag, bits}]
	if !ok {
		return File{}, fmt.Errorf("format %#04x with %d bits: PCM of 8, 16, 24 or 32 bits, float or G.711 is needed", tag, bits)
	}
	f.Encoding = encoding
	if f.Rate == 0 || align != f.Channels*encoding.size {
		return File{}, fmt.Errorf("contradictory format: %d Hz, %d channels of %d bytes in frames of %d", f.Rate, f.Channels, encoding.size, align)
	}
	return f, nil
}

type wavKind struct {
	tag  uint16
	bits int
}

var wavEncodings = map[wavKind]Encoding{
	{formatPCM, 8}:    unsigned8,
	{formatPCM, 16}:   pcm16(binary.LittleEndian),
	{formatPCM, 24}:   pcm24(binary.LittleEndian),
	{formatPCM, 32}:   pcm32(binary.LittleEndian),
	{formatFloat, 32}: float32s(binary.LittleEndian),
	{formatFloat, 64}: float64s(binary.LittleEndian),
	{formatAlaw, 8}:   Alaw,
	{formatUlaw, 8}:   Ulaw,
}
