package sdp

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Answer is our own answer to an offer, given before the other leg is known: the audio line with exactly codec, and
// dtmf if it is not nil; every other line refused (RFC 3264 s6). codec and dtmf are codecs of the offer, see Choose. dir is narrowed
// to what the offer allows; the offer's packet time is mirrored.
func (l *Local) Answer(offer *Session, port int, codec Codec, dtmf *Codec, dir Direction) ([]byte, error) {
	at, audio, ok := offer.Audio()
	if !ok {
		return nil, errors.New("sdp: the offer has no RTP audio line in use")
	}
	codecs := []Codec{codec}
	if dtmf != nil {
		codecs = append(codecs, *dtmf)
	}
	for _, c := range codecs {
		if !slices.ContainsFunc(audio.Codecs, func(o Codec) bool { return o.Payload == c.Payload && o.Name == c.Name }) {
			return nil, fmt.Errorf("sdp: %s as %d is not in the offer", c.Name, c.Payload)
		}
	}
	out := l.ownHead(offer)
	for i := range offer.sections {
		if i != at {
			out = append(out, offer.sections[i].refused())
			continue
		}
		lines, err := audioLines(port, audio.Proto, codecs, audio.PTime, dir.within(audio.Direction))
		if err != nil {
			return nil, err
		}
		out = append(out, lines...)
	}
	return l.finish(out)
}

// Offer is our own offer of one audio line, for an INVITE without a description while the other leg is not known. ptime 0
// leaves the packet time open.
func (l *Local) Offer(port int, codecs []Codec, ptime time.Duration) ([]byte, error) {
	lines, err := audioLines(port, "RTP/AVP", codecs, ptime, SendRecv)
	if err != nil {
		return nil, err
	}
	return l.finish(append(l.ownHead(nil), lines...))
}

// ownHead is the session part of a description of our own. RFC 3264 s6: t= of an answer is that of the offer.
func (l *Local) ownHead(offer *Session) []line {
	out := []line{{'v', "0"}, {'o', ""}, {'s', "-"}, {'c', l.connection()}}
	if offer != nil {
		for _, in := range offer.head {
			if in.kind == 't' {
				out = append(out, in)
			}
		}
	}
	if len(out) == 4 {
		out = append(out, line{'t', "0 0"})
	}
	return out
}

func audioLines(port int, proto string, codecs []Codec, ptime time.Duration, dir Direction) ([]line, error) {
	if port <= 0 || port > 65535 {
		return nil, fmt.Errorf("sdp: port %d", port)
	}
	if len(codecs) == 0 {
		return nil, errors.New("sdp: an audio line without codecs")
	}
	var below []line
	var seen [128]bool
	m := "audio " + strconv.Itoa(port) + " " + proto
	for _, c := range codecs {
		switch {
		case c.Payload > 127 || seen[c.Payload]:
			return nil, fmt.Errorf("sdp: payload type %d of %s is out of range or given twice", c.Payload, c.Name)
		case c.Name == "" || c.Clock <= 0 || strings.ContainsAny(c.Name+c.Fmtp, "\r\n\x00"):
			return nil, fmt.Errorf("sdp: codec %q with clock %d cannot be written", c.Name, c.Clock)
		}
		seen[c.Payload] = true
		m += " " + strconv.Itoa(int(c.Payload))
		below = append(below, line{'a', c.rtpmap()})
		if c.Fmtp != "" {
			below = append(below, line{'a', fmt.Sprintf("fmtp:%d %s", c.Payload, c.Fmtp)})
		}
	}
	if ptime > 0 {
		ms := strconv.FormatFloat(ptime.Seconds()*1000, 'f', -1, 64)
		below = append(below, line{'a', "ptime:" + ms})
	}
	below = append(below, line{'a', dir.String()})
	return append([]line{{'m', m}}, below...), nil
}
