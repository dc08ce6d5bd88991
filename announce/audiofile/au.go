package audiofile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// auEncodings are the usual ones of Sun's header (audio/filehdr.h).
var auEncodings = map[uint32]Encoding{
	1:  Ulaw,
	2:  signed8,
	3:  pcm16(binary.BigEndian),
	4:  pcm24(binary.BigEndian),
	5:  pcm32(binary.BigEndian),
	6:  float32s(binary.BigEndian),
	7:  float64s(binary.BigEndian),
	27: Alaw,
}

func parseAU(file []byte) (File, error) {
	const header = 24 // magic, offset, size, encoding, rate, channels
	if len(file) < header {
		return File{}, errors.New("truncated: an AU header has 24 bytes")
	}
	field := func(i int) uint32 { return binary.BigEndian.Uint32(file[4*i:]) }
	offset, size, rate, channels := field(1), field(2), field(4), field(5)
	if offset < header || uint64(offset) > uint64(len(file)) {
		return File{}, fmt.Errorf("samples begin at byte %d of a file of %d", offset, len(file))
	}
	data := file[offset:]
	if size != math.MaxUint32 { // which means unknown: samples run to the end
		if uint64(size) > uint64(len(data)) {
			return File{}, fmt.Errorf("truncated: the header announces %d bytes of samples, %d are left", size, len(data))
		}
		data = data[:size]
	}
	encoding, ok := auEncodings[field(3)]
	if !ok {
		return File{}, fmt.Errorf("AU encoding %d: PCM, float or G.711 is needed", field(3))
	}
	if rate > math.MaxInt32 || channels > math.MaxInt32 {
		return File{}, fmt.Errorf("%d Hz, %d channels", rate, channels)
	}
	f := File{Rate: int(rate), Channels: int(channels), Encoding: encoding, Data: data}
	return f, f.check()
}
