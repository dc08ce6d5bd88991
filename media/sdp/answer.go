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
	b, version := l.ownHead(offer)
	for i := range offer.sections {
		if i != at {
			b = offer.sections[i].refused(b)
			continue
		}
		var err error
		if b, err = appendAudio(b, port, audio.Proto, codecs, audio.PTime, dir.within(audio.Direction)); err != nil {
			return nil, err
		}
	}
	return l.finish(b, version)
}

// Offer is our own offer of one audio line, for an INVITE without a description while the other leg is not known. ptime 0
// leaves the packet time open.
func (l *Local) Offer(port int, codecs []Codec, ptime time.Duration) ([]byte, error) {
	b, version := l.ownHead(nil)
	b, err := appendAudio(b, port, "RTP/AVP", codecs, ptime, SendRecv)
	if err != nil {
		return nil, err
	}
	return l.finish(l.pad(b, 1), version)
}

// ownHead is the session part of a description of our own. RFC 3264 s6: t= of an answer is that of the offer.
func (l *Local) ownHead(offer *Session) (b []byte, version int) {
	b = make([]byte, 0, 4*spare)
	b, version = l.origin(append(b, "v=0\r\n"...))
	b = line{'c', l.connection}.append(line{'s', "-"}.append(b))
	timed := false
	if offer != nil {
		for in, rest := (line{}), offer.head; rest != ""; {
			if in, rest = cut(rest); in.kind == 't' {
				b, timed = in.append(b), true
			}
		}
	}
	if !timed {
		b = line{'t', "0 0"}.append(b)
	}
	return b, version
}

// appendAudio writes an audio line of our own and what belongs to it.
func appendAudio(b []byte, port int, proto string, codecs []Codec, ptime time.Duration, dir Direction) ([]byte, error) {
	if port <= 0 || port > 65535 {
		return nil, fmt.Errorf("sdp: port %d", port)
	}
	if len(codecs) == 0 {
		return nil, errors.New("sdp: an audio line without codecs")
	}
	var seen [128]bool
	b = strconv.AppendInt(append(b, "m=audio "...), int64(port), 10)
	b = append(append(b, ' '), proto...)
	for _, c := range codecs {
		switch {
		case c.Payload > 127 || seen[c.Payload]:
			return nil, fmt.Errorf("sdp: payload type %d of %s is out of range or given twice", c.Payload, c.Name)
		case c.Name == "" || c.Clock <= 0 || strings.ContainsAny(c.Name+c.Fmtp, "\r\n\x00"):
			return nil, fmt.Errorf("sdp: codec %q with clock %d cannot be written", c.Name, c.Clock)
		}
		seen[c.Payload] = true
		b = strconv.AppendUint(append(b, ' '), uint64(c.Payload), 10)
	}
	b = append(b, '\r', '\n')
	for _, c := range codecs {
		b = append(c.appendRtpmap(append(b, "a="...)), '\r', '\n')
		if c.Fmtp != "" {
			b = strconv.AppendUint(append(b, "a=fmtp:"...), uint64(c.Payload), 10)
			b = append(append(append(b, ' '), c.Fmtp...), '\r', '\n')
		}
	}
	if ptime > 0 {
		b = strconv.AppendFloat(append(b, "a=ptime:"...), ptime.Seconds()*1000, 'f', -1, 64)
		b = append(b, '\r', '\n')
	}
	return line{'a', dir.String()}.append(b), nil
}
