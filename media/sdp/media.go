package sdp

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Media is what an m-line and the lines below it say, seen from the side that wrote them.
type Media struct {
	Kind      string         // "audio", "video", "image", ...
	Proto     string         // "RTP/AVP", "udptl", ... as written
	Port      int            // 0 if Rejected
	Address   netip.Addr     // of the media's c= or the session's; 0.0.0.0 or :: is a hold in the old way
	RTCP      netip.AddrPort // a=rtcp, else the next port (RFC 3550 s11); not valid where there is no RTP
	Direction Direction      // a hold by address already counted in (RFC 3264 s8.4)
	PTime     time.Duration  // 0 if not said or not a usable number: it is only a wish
	MaxPTime  time.Duration  // the same
	Codecs    []Codec        // in the order of preference; nil where there is no RTP; read-only
	Rejected  bool           // port 0: refused or taken out of use
}

// RTP reports whether the line is unencrypted RTP over UDP: RTP/AVP or, with feedback, RTP/AVPF (RFC 4585).
func (m Media) RTP() bool {
	return strings.EqualFold(m.Proto, "RTP/AVP") || strings.EqualFold(m.Proto, "RTP/AVPF")
}

// Relayable reports whether the line can be carried through us as it is: datagrams without keys, that is RTP or
// T.38 (udptl). Lines of other kinds are refused by Relay, because what would protect them is cut out.
func (m Media) Relayable() bool {
	return !m.Rejected && (m.RTP() || strings.EqualFold(m.Proto, "udptl"))
}

// Media lists the m-lines in order.
func (s *Session) Media() []Media {
	list := make([]Media, len(s.sections))
	for i := range s.sections {
		list[i] = s.sections[i].media
	}
	return list
}

// Audio is the audio line that we use: the first m=audio with RTP that is not rejected, and its index.
func (s *Session) Audio() (i int, m Media, ok bool) {
	for i := range s.sections {
		if m := s.sections[i].media; strings.EqualFold(m.Kind, "audio") && m.RTP() && !m.Rejected {
			return i, m, true
		}
	}
	return 0, Media{}, false
}

// formats are the fields of the m-line behind the protocol.
func (s *section) formats() []string { return strings.Fields(s.lines[0].value)[3:] }

// read fills in s.media; address and dir are those of the session part.
func (s *section) read(address netip.Addr, dir Direction) error {
	m := &s.media
	f := strings.Fields(s.lines[0].value)
	if len(f) < 4 {
		return fmt.Errorf("sdp: line %d: m= has %d fields, at least 4 are needed", s.number, len(f))
	}
	text, count, counted := strings.Cut(f[1], "/")
	port, err := strconv.ParseUint(text, 10, 16)
	if err == nil && counted {
		_, err = strconv.ParseUint(count, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("sdp: line %d: m=%s: port %q", s.number, f[0], f[1])
	}
	m.Kind, m.Proto, m.Port = f[0], f[2], int(port)
	if m.Rejected = port == 0; m.Rejected {
		return nil // RFC 3264 s5.1: whatever else such a line says is without meaning
	}
	m.Address, m.Direction = address, dir
	if m.RTP() {
		if err := s.readFormats(f[3:]); err != nil {
			return err
		}
	}
	for i, l := range s.lines[1:] {
		if err := s.readLine(l); err != nil {
			return fmt.Errorf("sdp: line %d: %c=%.40s: %w", s.number+1+i, l.kind, l.value, err)
		}
	}
	if !m.Address.IsValid() {
		return fmt.Errorf("sdp: line %d: m=%s has no c= line, nor has the session", s.number, m.Kind)
	}
	if m.Address.IsUnspecified() {
		m.Direction = direction(m.Direction.Sends(), false)
	}
	m.RTCP = s.rtcp()
	return nil
}

// readFormats makes the list of codecs from the payload types of the m-line.
func (s *section) readFormats(formats []string) error {
	var seen [128]bool
	for _, f := range formats {
		payload, err := strconv.ParseUint(f, 10, 8)
		if err != nil || payload > 127 {
			return fmt.Errorf("sdp: line %d: m=%s: payload type %q", s.number, s.media.Kind, f)
		}
		if seen[payload] {
			continue
		}
		seen[payload] = true
		codec, ok := static[uint8(payload)]
		if !ok {
			codec = Codec{Payload: uint8(payload), Channels: 1}
		}
		s.media.Codecs = append(s.media.Codecs, codec)
	}
	return nil
}

// readLine takes one line below m= into account.
func (s *section) readLine(l line) (err error) {
	m := &s.media
	if l.kind == 'c' {
		m.Address, err = connection(l.value)
		return err
	}
	name, value := l.attribute()
	switch name {
	case "rtpmap":
		if c := s.codec(value); c != nil {
			_, text := word(value)
			c.Name, c.Clock, c.Channels, err = encoding(text)
		}
	case "fmtp":
		if c := s.codec(value); c != nil {
			_, c.Fmtp = word(value)
		}
	case "ptime":
		m.PTime = milliseconds(value)
	case "maxptime":
		m.MaxPTime = milliseconds(value)
	case "rtcp":
		m.RTCP, err = rtcpAttribute(value)
	default:
		if d, ok := directionOf(name); ok {
			m.Direction = d
		}
	}
	return err
}

// codec is the listed codec that an attribute's leading payload type names; nil if it is none of them.
func (s *section) codec(value string) *Codec {
	text, _ := word(value)
	payload, err := strconv.ParseUint(text, 10, 8)
	if err != nil {
		return nil
	}
	i := slices.IndexFunc(s.media.Codecs, func(c Codec) bool { return uint64(c.Payload) == payload })
	if i < 0 {
		return nil
	}
	return &s.media.Codecs[i]
}

// rtcp completes what a=rtcp said.
func (s *section) rtcp() netip.AddrPort {
	m := &s.media
	switch {
	case !m.RTP():
		return netip.AddrPort{}
	case m.RTCP.Addr().IsValid():
		return m.RTCP
	case m.RTCP.Port() != 0:
		return netip.AddrPortFrom(m.Address, m.RTCP.Port())
	case m.Port == 65535:
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(m.Address, uint16(m.Port)+1)
}

// word cuts off the first word.
func word(value string) (first, rest string) {
	if i := strings.IndexAny(value, " \t"); i >= 0 {
		return value[:i], strings.TrimSpace(value[i:])
	}
	return value, ""
}

// rtcpAttribute reads "53020" or "53020 IN IP4 192.0.2.1" (RFC 3605 s2.1).
func rtcpAttribute(value string) (netip.AddrPort, error) {
	text, rest := word(value)
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return netip.AddrPort{}, fmt.Errorf("port %q", text)
	}
	var address netip.Addr
	if rest != "" {
		if address, err = connection(rest); err != nil {
			return netip.AddrPort{}, err
		}
	}
	return netip.AddrPortFrom(address, uint16(port)), nil
}

// milliseconds reads a packet time; RFC 8866 s6.4 allows fractions. 0 for what is no sensible packet time.
func milliseconds(value string) time.Duration {
	ms, err := strconv.ParseFloat(value, 64)
	if err != nil || !(ms > 0 && ms <= 1000) {
		return 0
	}
	return time.Duration(ms * float64(time.Millisecond))
}
