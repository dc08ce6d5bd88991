package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Local is our own side of the descriptions on one leg. RFC 3264 s8: the session id stays, and the version goes up by
// one exactly when the text changes.
type Local struct {
	id      uint64
	version uint64
	address netip.Addr
	last    string
}

// NewLocal starts a leg's descriptions: id is unique among ours, address is the one that media is sent to.
func NewLocal(id uint64, address netip.Addr) *Local {
	return &Local{id: id, address: address.Unmap()}
}

// Relay rewrites the other leg's offer or answer for this leg. ports has one RTP port of ours for each m-line, 0 to
// refuse it. Codecs that keep refuses go, with their a=rtpmap, a=fmtp and a=rtcp-fb; keep nil keeps all. A line is
// also refused when no codec is left or it is not Relayable. Origin and address become ours, lines that would lead around us go,
// a hold by 0.0.0.0 is written as a direction; everything else stays as and where it was.
func (l *Local) Relay(s *Session, ports []int, keep func(Codec) bool) ([]byte, error) {
	if len(ports) != len(s.sections) {
		return nil, fmt.Errorf("sdp: %d ports for %d m-lines", len(ports), len(s.sections))
	}
	out := l.head(s.head)
	for i := range s.sections {
		if ports[i] < 0 || ports[i] > 65535 {
			return nil, fmt.Errorf("sdp: port %d", ports[i])
		}
		out = append(out, s.sections[i].relay(ports[i], keep)...)
	}
	return l.finish(out)
}

// head is the session part with our origin and address in it. There is exactly one c= line in what we write, here:
// some carriers refuse one that is repeated below m=.
func (l *Local) head(lines []line) []line {
	out := make([]line, 0, len(lines)+3)
	var named, connected, timed bool
	connect := func() {
		if !connected {
			out = append(out, line{'c', l.connection()})
			connected = true
		}
	}
	for _, in := range lines {
		// RFC 8866 s5: v o s i u e p c b t r z k a
		if !named && !strings.ContainsRune("vos", rune(in.kind)) {
			out, named = append(out, line{'s', "-"}), true
		}
		if strings.ContainsRune("btrzka", rune(in.kind)) {
			connect()
		}
		if !timed && strings.ContainsRune("rzka", rune(in.kind)) {
			out, timed = append(out, line{'t', "0 0"}), true
		}
		switch {
		case in.kind == 'o':
			out = append(out, line{kind: 'o'}) // filled in by finish
		case in.kind == 'c':
			connect()
		case !around(in):
			named, timed = named || in.kind == 's', timed || in.kind == 't'
			out = append(out, in)
		}
	}
	if !named {
		out = append(out, line{'s', "-"})
	}
	connect()
	if !timed {
		out = append(out, line{'t', "0 0"})
	}
	return out
}

// relay is the section rewritten for our port.
func (s *section) relay(port int, keep func(Codec) bool) []line {
	formats, kept := s.filter(keep)
	if port == 0 || !s.media.Relayable() || len(formats) == 0 {
		return []line{s.refused()}
	}
	out := make([]line, 1, len(s.lines)+1)
	out[0] = line{'m', s.media.Kind + " " + strconv.Itoa(port) + " " + s.media.Proto + " " + strings.Join(formats, " ")}
	held := s.media.Address.IsUnspecified()
	for _, in := range s.lines[1:] {
		name, value := in.attribute()
		_, directs := directionOf(name)
		switch {
		case in.kind == 'c', around(in), held && directs:
		case !kept(name, value):
		default:
			out = append(out, in)
		}
	}
	if held {
		out = append(out, line{'a', s.media.Direction.String()})
	}
	return out
}

// filter gives the formats that stay, none if what stays is no medium by itself, and a test for attribute lines: false
// for those of a payload type that goes.
func (s *section) filter(keep func(Codec) bool) (formats []string, kept func(name, value string) bool) {
	all := func(string, string) bool { return true }
	if s.media.Rejected || !s.media.RTP() || keep == nil {
		return s.formats(), all
	}
	var gone [128]bool
	carries := false
	for _, c := range s.media.Codecs {
		if !keep(c) {
			gone[c.Payload] = true
			continue
		}
		carries = carries || c.Audio()
		formats = append(formats, strconv.Itoa(int(c.Payload)))
	}
	if !carries {
		return nil, all
	}
	return formats, func(name, value string) bool {
		switch name {
		case "rtpmap", "fmtp", "rtcp-fb", "imageattr":
			c := s.codec(value)
			return c == nil || !gone[c.Payload]
		}
		return true
	}
}

// refused is the m-line with port 0 (RFC 3264 s6); the lines below it would mean nothing.
func (s *section) refused() line {
	f := strings.Fields(s.lines[0].value)
	f[1] = "0"
	return line{'m', strings.Join(f, " ")}
}

// around tells the lines that would lead media around us, or promise what we do not carry: other addresses and paths (ICE,
// RFC 8839; altc, RFC 6947; source filters), keys (RFC 4568, 5763, k=), one transport for several lines (BUNDLE, RFC
// 9143; RFC 5761), the sender's SSRCs, which are replaced by ours (RFC 5576), and offers hidden in capabilities (RFC 5939).
func around(l line) bool {
	if l.kind == 'k' {
		return true
	}
	name, value := l.attribute()
	switch name {
	case "candidate", "remote-candidates", "end-of-candidates", "alt", "altc", "source-filter", "rtcp",
		"crypto", "fingerprint", "setup", "connection", "tls-id", "identity", "key-mgmt", "zrtp-hash",
		"bundle-only", "rtcp-mux", "rtcp-mux-only", "ssrc", "ssrc-group",
		"acap", "tcap", "pcfg", "acfg", "csup", "creq":
		return true
	case "group":
		return strings.HasPrefix(value, "BUNDLE")
	}
	return strings.HasPrefix(name, "ice-")
}

// connection is the value of our c= line.
func (l *Local) connection() string {
	if l.address.Is4() {
		return "IN IP4 " + l.address.String()
	}
	return "IN IP6 " + l.address.String()
}

// finish writes the lines with our origin, and counts the version if the text is not the one written last.
func (l *Local) finish(lines []line) ([]byte, error) {
	if !l.address.IsValid() {
		return nil, errors.New("sdp: no address of our own")
	}
	text := l.write(lines, l.version)
	if text == l.last {
		return []byte(text), nil
	}
	text = l.write(lines, l.version+1)
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("sdp: description of %d octets, at most %d are written", len(text), MaxBytes)
	}
	l.version++
	l.last = text
	return []byte(text), nil
}

func (l *Local) write(lines []line, version uint64) string {
	var b strings.Builder
	for _, in := range lines {
		if in.kind == 'o' {
			in.value = fmt.Sprintf("- %d %d %s", l.id, version, l.connection())
		}
		b.WriteByte(in.kind)
		b.WriteByte('=')
		b.WriteString(in.value)
		b.WriteString("\r\n")
	}
	return b.String()
}
