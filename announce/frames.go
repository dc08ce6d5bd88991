package announce

import (
	"math"
	"strings"
	"time"

	"github.com/zaf/g711"
	"tonegate/media/sdp"
)

const (
	laws   = 2 // PCMU, PCMA
	ptimes = 6 // 10, 20 ... 60 ms

	perPtime = Rate / 100 // samples of 10 ms
)

// codecs are RTP encoding names (RFC 3551 s4.5.14), in the order of Asset.frames, with the byte of silence.
var codecs = [laws]struct {
	name    string
	encode  func(int16) uint8
	silence uint8
}{
	{sdp.PCMU, g711.EncodeUlawFrame, g711.EncodeUlawFrame(0)},
	{sdp.PCMA, g711.EncodeAlawFrame, g711.EncodeAlawFrame(0)},
}

// Frames is an asset as RTP payloads. All of it is shared by every call and must not be written to (SRTP encrypts
// into a buffer of its own).
type Frames struct {
	Frames   [][]byte      // payloads of equal length, the last padded with silence
	Samples  uint32        // RTP timestamp units of each
	Interval time.Duration // playing time of each
}

// Frames finds the payloads for a codec (encoding name as in a=rtpmap, any case: RFC 4855 s3) and a packet time of
// 10, 20 ... 60 ms. It allocates nothing and takes no lock. False for any other codec or packet time.
func (a *Asset) Frames(codec string, ptime time.Duration) (Frames, bool) {
	const step = 10 * time.Millisecond
	if ptime < step || ptime > ptimes*step || ptime%step != 0 {
		return Frames{}, false
	}
	for law := range codecs {
		if strings.EqualFold(codec, codecs[law].name) {
			return a.frames[law][ptime/step-1], true
		}
	}
	return Frames{}, false
}

// encode makes one buffer per law and cuts it into the frames of every packet time.
func (a *Asset) encode(pcm []float64) {
	longestFrame := ptimes * perPtime
	for law, codec := range codecs {
		buffer := make([]byte, len(pcm)+longestFrame)
		for i := range buffer {
			buffer[i] = codec.silence
			if i < len(pcm) {
				buffer[i] = codec.encode(quantise(pcm[i]))
			}
		}
		for p := range a.frames[law] {
			a.frames[law][p] = cut(buffer, len(pcm), (p+1)*perPtime)
		}
	}
}

func cut(buffer []byte, used, size int) Frames {
	frames := make([][]byte, 0, (used+size-1)/size)
	for at := 0; at < used; at += size {
		frames = append(frames, buffer[at:at+size:at+size])
	}
	return Frames{Frames: frames, Samples: uint32(size), Interval: time.Duration(size) * time.Second / Rate}
}

func quantise(v float64) int16 {
	return int16(min(max(math.Round(v*32768), math.MinInt16), math.MaxInt16))
}
