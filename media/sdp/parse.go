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
	name, value, _ = cutByte(l.value, ':')
	return trim(name), trim(value)
}

// cutByte is strings.Cut for one byte, which is quicker.
func cutByte(text string, at byte) (before, after string, found bool) {
	if i := strings.IndexByte(text, at); i >= 0 {
		return text[:i], text[i+1:], true
	}
	return text, "", false
}

// cut takes the first line off a text whose lines are checked.
func cut(text string) (first line, rest string) {
	raw, rest, _ := cutByte(text, '\n')
	if raw[len(raw)-1] == '\r' {
		raw = raw[:len(raw)-1]
	}
	return line{raw[0], raw[2:]}, rest
}

// field cuts off the first field of a line; it is empty when there is none.
func field(text string) (first, rest string) {
	start := 0
	for start < len(text) && (text[start] == ' ' || text[start] == '\t') {
		start++
	}
	end := start
	for end < len(text) && text[end] != ' ' && text[end] != '\t' {
		end++
	}
	return text[start:end], text[end:]
}

// trim takes the space off both ends.
func trim(text string) string {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\t') {
		text = text[1:]
	}
	for len(text) > 0 && (text[len(text)-1] == ' ' || text[len(text)-1] == '\t') {
		text = text[:len(text)-1]
	}
	return text
}

// fields is how many there are.
func fields(text string) (n int) {
	for {
		var f string
		if f, text = field(text); f == "" {
			return n
		}
		n++
	}
}

// decimal reads a number of at most most.
func decimal(text string, most int) (n int, ok bool) {
	if text == "" || len(text) > 9 {
		return 0, false
	}
	for i := range len(text) {
		digit := text[i] - '0'
		if digit > 9 {
			return 0, false
		}
		n = 10*n + int(digit)
	}
	return n, n <= most
}

// section is one m-line and the lines below it.
type section struct {
	m     string // value of m=
	below string // the lines below it
	media Media
}

// Session is a description as it was received, or as a Local wrote it. It is never modified.
type Session struct {
	text     string // without what followed the last line
	head     string // the lines before the first m=
	sections []section
	only     [1]section // where sections are, when there is one as in most descriptions
}

// Parse reads a description. Line ends may be CRLF or LF, unknown lines are kept, optional lines may be missing and
// stand in any order; what we act on must be right: v=, o=, each m= in use with an address, its payload types and
// their a=rtpmap. Errors name the line and the reason. An address is never resolved: a host name is an error.
func Parse(body []byte) (*Session, error) {
	if len(body) > MaxBytes {
		return nil, fmt.Errorf("sdp: %d octets, at most %d are read", len(body), MaxBytes)
	}
	text := strings.TrimRight(string(body), "\r\n")
	if text == "" {
		return nil, errors.New("sdp: empty description")
	}
	first, _, _ := strings.Cut(text, "\n")
	if version, ok := strings.CutPrefix(first, "v="); !ok || strings.TrimSpace(version) != "0" {
		return nil, errors.New("sdp: line 1: not v=0")
	}
	r := reader{Session: &Session{text: text}}
	r.sections = r.only[:0]
	clean := strings.IndexByte(text, 0) < 0
	for number, rest := 1, text; rest != ""; number++ {
		raw, after, _ := cutByte(rest, '\n')
		l, err := lineOf(raw, clean)
		if err == nil && l.kind == 'm' {
			if err := r.end(len(text) - len(rest)); err != nil {
				return nil, err
			}
		}
		if err == nil {
			err = r.take(l, number, after)
		}
		if err != nil {
			return nil, fmt.Errorf("sdp: line %d: %w", number, err)
		}
		rest = after
	}
	if err := r.end(len(text)); err != nil {
		return nil, err
	}
	return r.Session, nil
}

// lineOf checks a line, whose CR may still be there. clean says that there is no NUL in it.
func lineOf(raw string, clean bool) (line, error) {
	cr := strings.IndexByte(raw, '\r')
	switch {
	case cr >= 0 && cr < len(raw)-1, !clean && strings.IndexByte(raw, 0) >= 0:
		return line{}, errors.New("CR or NUL inside the line")
	case cr >= 0:
		raw = raw[:cr]
	}
	if len(raw) < 2 || raw[1] != '=' || raw[0] < 'a' || raw[0] > 'z' {
		return line{}, fmt.Errorf("%.20q is not TYPE=VALUE", raw)
	}
	return line{raw[0], raw[2:]}, nil
}

// reader is a Session that is being read.
type reader struct {
	*Session
	address netip.Addr // of the session part, if it has one
	dir     Direction  // the same
	origins int
	number  int // of the m-line that is being read, 0 before the first
}

// take reads a line that has others after it.
func (r *reader) take(l line, number int, after string) error {
	switch {
	case l.kind == 'm':
		if len(r.sections) == MaxMedia {
			return fmt.Errorf("more than %d m-lines", MaxMedia)
		}
		r.number = number
		r.sections = append(r.sections, section{m: l.value, below: after})
		return r.sections[len(r.sections)-1].begin(r.address, r.dir)
	case r.number == 0:
		return r.takeHead(l, number)
	}
	return r.sections[len(r.sections)-1].take(l)
}

// end closes the part that was open at an offset of the text.
func (r *reader) end(at int) error {
	if r.number == 0 {
		r.head = r.text[:at]
		if r.origins == 0 {
			return errors.New("sdp: no o= line")
		}
		return nil
	}
	s := &r.sections[len(r.sections)-1]
	s.below = s.below[:len(s.below)-(len(r.text)-at)]
	if err := s.end(); err != nil {
		return fmt.Errorf("sdp: line %d: %w", r.number, err)
	}
	return nil
}

// takeHead reads a line of the session part.
func (r *reader) takeHead(l line, number int) (err error) {
	switch l.kind {
	case 'v':
		if number > 1 {
			return errors.New("second v=")
		}
	case 'o':
		r.origins++
		if r.origins > 1 {
			return errors.New("second o=")
		}
		if n := fields(l.value); n != 6 {
			return fmt.Errorf("o= has %d fields, not 6", n)
		}
	case 'c':
		if r.address, err = connection(l.value); err != nil {
			return fmt.Errorf("c=: %w", err)
		}
	case 'a':
		name, _ := l.attribute()
		if d, ok := directionOf(name); ok {
			r.dir = d
		}
	}
	return nil
}

// connection reads "IN IP4 192.0.2.1" (RFC 8866 s5.7). A host name is allowed there but never resolved: whoever
// writes a description would decide what we look up and where we send.
func connection(value string) (netip.Addr, error) {
	network, rest := field(value)
	family, rest := field(rest)
	text, rest := field(rest)
	if more, _ := field(rest); text == "" || more != "" || !strings.EqualFold(network, "IN") {
		return netip.Addr{}, fmt.Errorf("%q is not IN IP4|IP6 ADDRESS", value)
	}
	address, err := netip.ParseAddr(text)
	if host, _, multicast := strings.Cut(text, "/"); err != nil && multicast {
		address, err = netip.ParseAddr(host)
	}
	switch {
	case err != nil, address.Zone() != "":
		return netip.Addr{}, fmt.Errorf("%q is not an address", text)
	case address.IsMulticast():
		return netip.Addr{}, fmt.Errorf("%s is a multicast address", text)
	case !(strings.EqualFold(family, "IP4") && address.Is4() || strings.EqualFold(family, "IP6") && address.Is6()):
		return netip.Addr{}, fmt.Errorf("%s is not an %s address", text, family)
	}
	return address, nil
}
