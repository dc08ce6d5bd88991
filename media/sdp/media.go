package sdp

import (
	"fmt"
	"net/netip"
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

// Active is the one line that we carry: Audio, or else the first T.38 line (ITU-T T.38 D.2: m=image, udptl, t38) that is not
// rejected. What an m-line carries may change in a session (RFC 3264 s8.3.3), and so may which one it is.
func (s *Session) Active() (i int, m Media, ok bool) {
	if i, m, ok = s.Audio(); ok {
		return i, m, true
	}
	for i := range s.sections {
		if s.sections[i].fax() {
			return i, s.sections[i].media, true
		}
	}
	return 0, Media{}, false
}

// fax reports whether the line is T.38 over UDPTL and in use.
func (s *section) fax() bool {
	if s.media.Rejected || !strings.EqualFold(s.media.Kind, "image") || !strings.EqualFold(s.media.Proto, "udptl") {
		return false
	}
	format, _ := field(s.formats())
	return strings.EqualFold(format, "t38")
}

// formats are the fields of the m-line behind the protocol.
func (s *section) formats() string {
	_, rest := field(s.m)
	_, rest = field(rest)
	_, rest = field(rest)
	return rest
}

// begin reads the m-line; address and dir are those of the session part.
func (s *section) begin(address netip.Addr, dir Direction) error {
	m := &s.media
	kind, rest := field(s.m)
	where, rest := field(rest)
	proto, formats := field(rest)
	if format, _ := field(formats); format == "" {
		return fmt.Errorf("m= has %d fields, at least 4 are needed", fields(s.m))
	}
	text, count, counted := cutByte(where, '/')
	port, ok := decimal(text, 65535)
	if ok && counted {
		_, ok = decimal(count, 65535)
	}
	if !ok {
		return fmt.Errorf("m=%s: port %q", kind, where)
	}
	m.Kind, m.Proto, m.Port = kind, proto, port
	if m.Rejected = port == 0; m.Rejected {
		return nil
	}
	m.Address, m.Direction = address, dir
	if m.RTP() {
		return s.readFormats(formats)
	}
	return nil
}

// take reads a line below m=.
func (s *section) take(l line) error {
	if s.media.Rejected {
		return nil // RFC 3264 s5.1: whatever such a line says is without meaning
	}
	if err := s.readLine(l); err != nil {
		return fmt.Errorf("%c=%.40s: %w", l.kind, l.value, err)
	}
	return nil
}

// end completes what the lines have said.
func (s *section) end() error {
	m := &s.media
	if m.Rejected {
		return nil
	}
	if !m.Address.IsValid() {
		return fmt.Errorf("m=%s has no c= line, nor has the session", m.Kind)
	}
	if m.Address.IsUnspecified() {
		m.Direction = direction(m.Direction.Sends(), false)
	}
	m.RTCP = s.rtcp()
	return nil
}

// readFormats makes the list of codecs from the payload types of the m-line.
func (s *section) readFormats(formats string) error {
	var seen [128]bool
	s.media.Codecs = make([]Codec, 0, min(strings.Count(formats, " "), len(seen)))
	for {
		var f string
		if f, formats = field(formats); f == "" {
			return nil
		}
		payload, ok := decimal(f, 127)
		if !ok {
			return fmt.Errorf("m=%s: payload type %q", s.media.Kind, f)
		}
		if seen[payload] {
			continue
		}
		seen[payload] = true
		codec := Codec{Payload: uint8(payload), Channels: 1}
		if payload < len(static) && static[payload].Name != "" {
			codec = static[payload]
		}
		s.media.Codecs = append(s.media.Codecs, codec)
	}
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
		if c, text := s.codec(value); c != nil {
			c.Name, c.Clock, c.Channels, err = encoding(text)
		}
	case "fmtp":
		if c, text := s.codec(value); c != nil {
			c.Fmtp = text
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

// codec is the listed codec that an attribute's leading payload type names, nil if it is none of them, and what is said of it.
func (s *section) codec(value string) (c *Codec, rest string) {
	text, rest := field(value)
	payload, ok := decimal(text, 127)
	for i := 0; ok && i < len(s.media.Codecs); i++ {
		if c := &s.media.Codecs[i]; int(c.Payload) == payload {
			return c, trim(rest)
		}
	}
	return nil, ""
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

// rtcpAttribute reads "53020" or "53020 IN IP4 192.0.2.1" (RFC 3605 s2.1).
func rtcpAttribute(value string) (netip.AddrPort, error) {
	text, rest := field(value)
	port, ok := decimal(text, 65535)
	if !ok || port == 0 {
		return netip.AddrPort{}, fmt.Errorf("port %q", text)
	}
	var address netip.Addr
	if trim(rest) != "" {
		var err error
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
