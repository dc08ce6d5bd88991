package sdp

import (
	"fmt"
	"strconv"
	"strings"
)

// Encoding names as Codec.Name spells them. RFC 8866 s6.6 compares them without regard to case, so all are
// upper case here, but for telephone-event, which every specification writes in lower case.
const (
	PCMU           = "PCMU"
	PCMA           = "PCMA"
	G722           = "G722"
	G729           = "G729"
	Opus           = "OPUS"
	ComfortNoise   = "CN"
	TelephoneEvent = "telephone-event"
	Redundant      = "RED"
)

// Codec is one payload type of an m-line.
type Codec struct {
	Payload  uint8  // 0-127
	Name     string // "PCMU", "telephone-event"; "" for a dynamic payload type without a=rtpmap
	Clock    int    // RTP clock, Hz; 0 if the name is unknown
	Channels int    // 1 where the description does not say
	Fmtp     string // format parameters, "" if none
}

// Audio reports whether c carries sound by itself: comfort noise, events and redundancy only accompany it.
func (c Codec) Audio() bool {
	switch c.Name {
	case ComfortNoise, TelephoneEvent, Redundant, "RTX", "ULPFEC", "TONE":
		return false
	}
	return true
}

// appendRtpmap writes the value of the a=rtpmap line of c.
func (c Codec) appendRtpmap(b []byte) []byte {
	b = strconv.AppendUint(append(b, "rtpmap:"...), uint64(c.Payload), 10)
	b = append(append(b, ' '), c.Name...)
	b = strconv.AppendInt(append(b, '/'), int64(c.Clock), 10)
	if c.Channels > 1 {
		b = strconv.AppendInt(append(b, '/'), int64(c.Channels), 10)
	}
	return b
}

// canonical is the one spelling of an encoding name.
func canonical(name string) string {
	switch name { // as they are mostly written
	case PCMU:
		return PCMU
	case PCMA:
		return PCMA
	case G722:
		return G722
	case G729:
		return G729
	case "opus":
		return Opus
	case TelephoneEvent:
		return TelephoneEvent
	}
	if strings.EqualFold(name, TelephoneEvent) {
		return TelephoneEvent
	}
	return strings.ToUpper(name)
}

// encoding reads "PCMU/8000" or "L16/44100/2" (RFC 8866 s6.6).
func encoding(text string) (name string, clock, channels int, err error) {
	name, rest, ok := cutByte(text, '/')
	if !ok || name == "" {
		return "", 0, 0, fmt.Errorf("encoding %q is not NAME/CLOCK", text)
	}
	rate, count, stated := cutByte(rest, '/')
	if clock, ok = decimal(rate, 1_000_000); !ok || clock == 0 {
		return "", 0, 0, fmt.Errorf("clock rate %q", rate)
	}
	channels = 1
	if stated {
		if channels, ok = decimal(count, 255); !ok || channels == 0 {
			return "", 0, 0, fmt.Errorf("channels %q", count)
		}
	}
	return canonical(name), clock, channels, nil
}

// static holds the payload types that mean something without a=rtpmap (RFC 3551 s6).
var static = [...]Codec{
	0:  {Payload: 0, Name: PCMU, Clock: 8000, Channels: 1},
	3:  {Payload: 3, Name: "GSM", Clock: 8000, Channels: 1},
	4:  {Payload: 4, Name: "G723", Clock: 8000, Channels: 1},
	5:  {Payload: 5, Name: "DVI4", Clock: 8000, Channels: 1},
	6:  {Payload: 6, Name: "DVI4", Clock: 16000, Channels: 1},
	7:  {Payload: 7, Name: "LPC", Clock: 8000, Channels: 1},
	8:  {Payload: 8, Name: PCMA, Clock: 8000, Channels: 1},
	9:  {Payload: 9, Name: G722, Clock: 8000, Channels: 1},
	10: {Payload: 10, Name: "L16", Clock: 44100, Channels: 2},
	11: {Payload: 11, Name: "L16", Clock: 44100, Channels: 1},
	12: {Payload: 12, Name: "QCELP", Clock: 8000, Channels: 1},
	13: {Payload: 13, Name: ComfortNoise, Clock: 8000, Channels: 1},
	14: {Payload: 14, Name: "MPA", Clock: 90000, Channels: 1},
	15: {Payload: 15, Name: "G728", Clock: 8000, Channels: 1},
	16: {Payload: 16, Name: "DVI4", Clock: 11025, Channels: 1},
	17: {Payload: 17, Name: "DVI4", Clock: 22050, Channels: 1},
	18: {Payload: 18, Name: G729, Clock: 8000, Channels: 1},
	25: {Payload: 25, Name: "CELB", Clock: 90000, Channels: 1},
	26: {Payload: 26, Name: "JPEG", Clock: 90000, Channels: 1},
	28: {Payload: 28, Name: "NV", Clock: 90000, Channels: 1},
	31: {Payload: 31, Name: "H261", Clock: 90000, Channels: 1},
	32: {Payload: 32, Name: "MPV", Clock: 90000, Channels: 1},
	33: {Payload: 33, Name: "MP2T", Clock: 90000, Channels: 1},
	34: {Payload: 34, Name: "H263", Clock: 90000, Channels: 1},
}

// Choose picks what we speak when we answer by ourselves: the first audio codec of the offer, in the offerer's
// order (RFC 3264 s6.1), whose name is among allowed, and the telephone-event of the same clock (RFC 4733 s2.1)
// or nil.
func Choose(offer Media, allowed ...string) (Codec, *Codec, bool) {
	for _, c := range offer.Codecs {
		if !c.Audio() || !contains(allowed, c.Name) {
			continue
		}
		for i, e := range offer.Codecs {
			if e.Name == TelephoneEvent && e.Clock == c.Clock {
				event := offer.Codecs[i]
				return c, &event, true
			}
		}
		return c, nil, true
	}
	return Codec{}, nil, false
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if canonical(n) == name {
			return true
		}
	}
	return false
}
