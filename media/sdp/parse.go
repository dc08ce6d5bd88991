package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Limits of what is read and written.
const (
	MaxBytes = 16 << 10
	MaxMedia = 8
)

// line is one line of a description without its line end.
type line struct {
	kind  byte   // 'a' of "a=sendrecv"
	value string // "sendrecv"
}

// attribute splits "rtpmap:0 PCMU/8000" into name and value; both are empty for other lines than a=.
func (l line) attribute() (name, value string) {
	if l.kind != 'a' {
		return "", ""
	}
	name, value, _ = strings.Cut(l.value, ":")
	return strings.TrimSpace(name), strings.TrimSpace(value)
}

// section is one m-line and the lines below it.
type section struct {
	number int    // line number of m=, from 1
	lines  []line // the first is m=
	media  Media
}

// Session is a description as it was received. It is never modified.
type Session struct {
	head     []line
	sections []section
}

// Parse reads a description. Line ends may be CRLF or LF, unknown lines are kept, optional lines may be missing and
// stand in any order; what we act on must be right: v=, o=, each m= in use with an address, its payload types and
// their a=rtpmap. Errors name the line and the reason. An address is never resolved: a host name is an error.
func Parse(body []byte) (*Session, error) {
	if len(body) > MaxBytes {
		return nil, fmt.Errorf("sdp: %d octets, at most %d are read", len(body), MaxBytes)
	}
	s, err := split(string(body))
	if err != nil {
		return nil, err
	}
	address, dir, err := s.readHead()
	if err != nil {
		return nil, err
	}
	for i := range s.sections {
		if err := s.sections[i].read(address, dir); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// split cuts the text into lines and the lines into sections.
func split(text string) (*Session, error) {
	text = strings.TrimRight(text, "\r\n")
	if text == "" {
		return nil, errors.New("sdp: empty description")
	}
	s := new(Session)
	current := &s.head
	number := 0
	for raw := range strings.SplitSeq(text, "\n") {
		number++
		raw = strings.TrimSuffix(raw, "\r")
		if strings.ContainsAny(raw, "\r\x00") {
			return nil, fmt.Errorf("sdp: line %d: CR or NUL inside the line", number)
		}
		if len(raw) < 2 || raw[1] != '=' || raw[0] < 'a' || raw[0] > 'z' {
			return nil, fmt.Errorf("sdp: line %d: %.20q is not TYPE=VALUE", number, raw)
		}
		if raw[0] == 'm' {
			if len(s.sections) == MaxMedia {
				return nil, fmt.Errorf("sdp: line %d: more than %d m-lines", number, MaxMedia)
			}
			s.sections = append(s.sections, section{number: number})
			current = &s.sections[len(s.sections)-1].lines
		}
		*current = append(*current, line{raw[0], raw[2:]})
	}
	return s, nil
}

// readHead checks the session part and gives its address (invalid if it has none) and direction.
func (s *Session) readHead() (address netip.Addr, dir Direction, err error) {
	if len(s.head) == 0 || s.head[0].kind != 'v' || strings.TrimSpace(s.head[0].value) != "0" {
		return address, dir, errors.New("sdp: line 1: not v=0")
	}
	origins := 0
	for i, l := range s.head {
		switch l.kind {
		case 'v':
			if i > 0 {
				return address, dir, fmt.Errorf("sdp: line %d: second v=", i+1)
			}
		case 'o':
			origins++
			if origins > 1 {
				return address, dir, fmt.Errorf("sdp: line %d: second o=", i+1)
			}
			if n := len(strings.Fields(l.value)); n != 6 {
				return address, dir, fmt.Errorf("sdp: line %d: o= has %d fields, not 6", i+1, n)
			}
		case 'c':
			if address, err = connection(l.value); err != nil {
				return address, dir, fmt.Errorf("sdp: line %d: c=: %w", i+1, err)
			}
		case 'a':
			name, _ := l.attribute()
			if d, ok := directionOf(name); ok {
				dir = d
			}
		}
	}
	if origins == 0 {
		return address, dir, errors.New("sdp: no o= line")
	}
	return address, dir, nil
}

// connection reads "IN IP4 192.0.2.1" (RFC 8866 s5.7). A host name is allowed there but never resolved: whoever
// writes a description would decide what we look up and where we send.
func connection(value string) (netip.Addr, error) {
	f := strings.Fields(value)
	if len(f) != 3 || !strings.EqualFold(f[0], "IN") {
		return netip.Addr{}, fmt.Errorf("%q is not IN IP4|IP6 ADDRESS", value)
	}
	address, err := netip.ParseAddr(f[2])
	if host, _, multicast := strings.Cut(f[2], "/"); err != nil && multicast {
		address, err = netip.ParseAddr(host)
	}
	switch {
	case err != nil, address.Zone() != "":
		return netip.Addr{}, fmt.Errorf("%q is not an address", f[2])
	case address.IsMulticast():
		return netip.Addr{}, fmt.Errorf("%s is a multicast address", f[2])
	case !(strings.EqualFold(f[1], "IP4") && address.Is4() || strings.EqualFold(f[1], "IP6") && address.Is6()):
		return netip.Addr{}, fmt.Errorf("%s is not an %s address", f[2], f[1])
	}
	return address, nil
}
