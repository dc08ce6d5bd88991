package audiofile

import (
	"encoding/binary"
	"math"

	"github.com/zaf/g711"
)

// An Encoding says how one sample is written.
type Encoding struct {
	Name   string
	size   int                        // bytes of a sample
	sample func(bytes []byte) float64 // full scale is -1..1
}

// The encodings that a WAV, an AU or a raw file may have.
var (
	Ulaw = Encoding{"G.711 mu-law", 1, func(b []byte) float64 { return int16ToFloat(g711.DecodeUlawFrame(b[0])) }}
	Alaw = Encoding{"G.711 A-law", 1, func(b []byte) float64 { return int16ToFloat(g711.DecodeAlawFrame(b[0])) }}

	unsigned8 = Encoding{"PCM 8 bit unsigned", 1, func(b []byte) float64 { return (float64(b[0]) - 128) / 128 }}
	signed8   = Encoding{"PCM 8 bit", 1, func(b []byte) float64 { return float64(int8(b[0])) / 128 }}
)

func int16ToFloat(v int16) float64 { return float64(v) / 32768 }

func pcm16(order binary.ByteOrder) Encoding {
	return Encoding{"PCM 16 bit", 2, func(b []byte) float64 { return int16ToFloat(int16(order.Uint16(b))) }}
}

func pcm24(order binary.ByteOrder) Encoding {
	return Encoding{"PCM 24 bit", 3, func(b []byte) float64 {
		low, high := b[0], b[2]
		if order == binary.BigEndian {
			low, high = high, low
		}
		return float64(int32(high)<<24|int32(b[1])<<16|int32(low)<<8) / (1 << 31)
	}}
}

func pcm32(order binary.ByteOrder) Encoding {
	return Encoding{"PCM 32 bit", 4, func(b []byte) float64 { return float64(int32(order.Uint32(b))) / (1 << 31) }}
}

func float32s(order binary.ByteOrder) Encoding {
	return Encoding{"float 32 bit", 4, func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) }}
}

func float64s(order binary.ByteOrder) Encoding {
	return Encoding{"float 64 bit", 8, func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) }}
}
