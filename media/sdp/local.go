package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Local is our own side of the descriptions on one leg. RFC 3264 s8: the session id stays, and the version goes up by
// one exactly when the text changes.
type Local struct {
	id         uint64
	version    uint64
	address    netip.Addr
	connection string   // "IN IP4 192.0.2.1"
	said       *Session // written last; nil before
	at         int      // where in it the version stands
}

// NewLocal starts a leg's descriptions: id is unique among ours, address is the one that media is sent to.
func NewLocal(id uint64, address netip.Addr) *Local {
	address = address.Unmap()
	family := "IN IP6 "
	if address.Is4() {
		family = "IN IP4 "
	}
	return &Local{id: id, address: address, connection: family + address.String()}
}

// Said is the description that was written last, as its reader understands it; nil before there is one.
func (l *Local) Said() *Session { return l.said }

// Relay rewrites the other leg's offer, or an answer that has the m-lines of this leg's offer, for this leg. ports has one RTP port of
// ours for each m-line, 0 to refuse it. Codecs that keep refuses go, with their a=rtpmap, a=fmtp and a=rtcp-fb; keep nil keeps all.
// A line is also refused when no codec is left or it is not Relayable. Origin and address become ours, lines that would lead around us
// go, a hold by 0.0.0.0 is written as a direction; everything else stays as and where it was. m-lines that we have written before
// on this leg and that s does not have stay, refused (RFC 3264 s8: never fewer).
func (l *Local) Relay(s *Session, ports []int, keep func(Codec) bool) ([]byte, error) {
	if err := check(s, ports); err != nil {
		return nil, err
	}
	b, at := l.head(s)
	for i := range s.sections {
		b = s.sections[i].relay(b, ports[i], keep)
	}
	return l.finish(l.pad(b, len(s.sections)), at)
}

// pad writes the m-lines that a new description of n lines lacks, refused.
func (l *Local) pad(b []byte, n int) []byte {
	if l.said != nil {
		for i := n; i < len(l.said.sections); i++ {
			b = l.said.sections[i].refused(b)
		}
	}
	return b
}

// RelayAnswer rewrites the other leg's answer as one to the offer of this leg's peer, as Relay does, when the two legs may
// not have the same m-lines: the offer's lines in their order, each as the line of the answer in the same place if that is of the same
// kind and protocol, and else refused (RFC 3264 s6).
func (l *Local) RelayAnswer(offer, answer *Session, ports []int, keep func(Codec) bool) ([]byte, error) {
	if err := check(answer, ports); err != nil {
		return nil, err
	}
	b, at := l.head(answer)
	for i := range offer.sections {
		o := &offer.sections[i]
		if i < len(answer.sections) && o.answered(&answer.sections[i]) {
			b = answer.sections[i].relay(b, ports[i], keep)
		} else {
			b = o.refused(b)
		}
	}
	return l.finish(b, at)
}

// answered reports whether the line a can be the answer to s.
func (s *section) answered(a *section) bool {
	return !s.media.Rejected && strings.EqualFold(s.media.Kind, a.media.Kind) && strings.EqualFold(s.media.Proto, a.media.Proto)
}

func check(s *Session, ports []int) error {
	if len(ports) != len(s.sections) {
		return fmt.Errorf("sdp: %d ports for %d m-lines", len(ports), len(s.sections))
	}
	for _, port := range ports {
		if port < 0 || port > 65535 {
			return fmt.Errorf("sdp: port %d", port)
		}
	}
	return nil
}

// spare is how much longer our lines may be than those that they replace, mostly.
const spare = 128

// head writes the session part with our origin and address in it, and says where the version goes. There is exactly one c= line in
// what we write, here: some carriers refuse one that is repeated below m=.
func (l *Local) head(s *Session) (b []byte, at int) {
	b = make([]byte, 0, len(s.text)+spare)
	var named, connected, timed bool
	for in, rest := (line{}), s.head; rest != ""; {
		in, rest = cut(rest)
		// RFC 8866 s5: v o s i u e p c b t r z k a
		if !named && in.kind != 'v' && in.kind != 'o' && in.kind != 's' {
			b, named = line{'s', "-"}.append(b), true
		}
		switch in.kind {
		case 'b', 't', 'r', 'z', 'k', 'a', 'c':
			if !connected {
				b, connected = line{'c', l.connection}.append(b), true
			}
		}
		switch in.kind {
		case 'r', 'z', 'k', 'a':
			if !timed {
				b, timed = line{'t', "0 0"}.append(b), true
			}
		}
		switch {
		case in.kind == 'o':
			b, at = l.origin(b)
		case in.kind != 'c' && !around(in):
			named, timed = named || in.kind == 's', timed || in.kind == 't'
			b = in.append(b)
		}
	}
	if !named {
		b = line{'s', "-"}.append(b)
	}
	if !connected {
		b = line{'c', l.connection}.append(b)
	}
	if !timed {
		b = line{'t', "0 0"}.append(b)
	}
	return b, at
}

// origin writes our o= line and says where the version goes, which is left out.
func (l *Local) origin(b []byte) (out []byte, at int) {
	b = strconv.AppendUint(append(b, "o=- "...), l.id, 10)
	b = append(b, ' ')
	at = len(b)
	b = append(append(b, ' '), l.connection...)
	return append(b, '\r', '\n'), at
}

// relay writes the section for our port.
func (s *section) relay(b []byte, port int, keep func(Codec) bool) []byte {
	if port == 0 || !s.media.Relayable() {
		return s.refused(b)
	}
	start := len(b)
	b = append(append(b, "m="...), s.media.Kind...)
	b = strconv.AppendInt(append(b, ' '), int64(port), 10)
	b = append(append(b, ' '), s.media.Proto...)
	var gone [128]bool
	b, ok := s.filter(b, keep, &gone)
	if !ok {
		return s.refused(b[:start])
	}
	b = append(b, '\r', '\n')
	held := s.media.Address.IsUnspecified()
	for in, rest := (line{}), s.below; rest != ""; {
		in, rest = cut(rest)
		name, value := in.attribute()
		_, directs := directionOf(name)
		if in.kind != 'c' && !around(in) && !(held && directs) && !s.gone(name, value, &gone) {
			b = in.append(b)
		}
	}
	if held {
		b = line{'a', s.media.Direction.String()}.append(b)
	}
	return b
}

// filter writes the formats that stay and notes the payload types that go; not ok if what stays is no medium by itself.
func (s *section) filter(b []byte, keep func(Codec) bool, gone *[128]bool) (out []byte, ok bool) {
	if !s.media.RTP() || keep == nil {
		return words(b, s.formats()), true
	}
	for _, c := range s.media.Codecs {
		if !keep(c) {
			gone[c.Payload] = true
			continue
		}
		ok = ok || c.Audio()
		b = strconv.AppendUint(append(b, ' '), uint64(c.Payload), 10)
	}
	return b, ok
}

// gone reports whether an attribute is one of a payload type that goes.
func (s *section) gone(name, value string, gone *[128]bool) bool {
	switch name {
	case "rtpmap", "fmtp", "rtcp-fb", "imageattr":
		c, _ := s.codec(value)
		return c != nil && gone[c.Payload]
	}
	return false
}

// words writes the fields of a text with one space before each.
func words(b []byte, text string) []byte {
	for {
		var f string
		if f, text = field(text); f == "" {
			return b
		}
		b = append(append(b, ' '), f...)
	}
}

// refused writes the m-line with port 0 (RFC 3264 s6); the lines below it would mean nothing.
func (s *section) refused(b []byte) []byte {
	b = append(append(b, "m="...), s.media.Kind...)
	b = append(append(b, " 0 "...), s.media.Proto...)
	return append(words(b, s.formats()), '\r', '\n')
}

// around tells the lines that would lead media around us, or promise what we do not carry: other addresses and paths (ICE,
// RFC 8839; altc, RFC 6947; source filters), keys (RFC 4568, 5763, k=), one transport for several lines (BUNDLE, RFC
// 9143; RFC 5761), the sender's SSRCs, which are replaced by ours (RFC 5576), offers hidden in capabilities (RFC 5939), and preconditions, which are
// about the resources of the other leg (RFC 3312).
func around(l line) bool {
	if l.kind == 'k' {
		return true
	}
	name, value := l.attribute()
	switch name {
	case "candidate", "remote-candidates", "end-of-candidates", "alt", "altc", "source-filter", "rtcp",
		"crypto", "fingerprint", "setup", "connection", "tls-id", "identity", "key-mgmt", "zrtp-hash",
		"bundle-only", "rtcp-mux", "rtcp-mux-only", "ssrc", "ssrc-group",
		"acap", "tcap", "pcfg", "acfg", "csup", "creq",
		"curr", "des", "conf":
		return true
	case "group":
		return strings.HasPrefix(value, "BUNDLE")
	}
	return strings.HasPrefix(name, "ice-")
}

// append writes the line.
func (l line) append(b []byte) []byte {
	b = append(append(b, l.kind, '='), l.value...)
	return append(b, '\r', '\n')
}

// finish puts the version where it belongs: the one before if nothing else has changed, else the next.
func (l *Local) finish(b []byte, at int) ([]byte, error) {
	if !l.address.IsValid() {
		return nil, errors.New("sdp: no address of our own")
	}
	version := l.version
	same := l.repeats(b, at)
	if !same {
		version++
	}
	var digits [20]byte
	b = slices.Insert(b, at, strconv.AppendUint(digits[:0], version, 10)...)
	if same {
		return b, nil
	}
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("sdp: description of %d octets, at most %d are written", len(b), MaxBytes)
	}
	said, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("reading our own description: %w", err)
	}
	l.version, l.said, l.at = version, said, at
	return b, nil
}

// repeats reports whether the text, in which the version is left out, is the one written last.
func (l *Local) repeats(b []byte, at int) bool {
	if l.said == nil || at != l.at {
		return false
	}
	before, after := l.said.text[:at], l.said.text[at:]
	after = after[strings.IndexByte(after, ' '):]
	return string(b[:at]) == before && string(b[at:len(b)-2]) == after
}
