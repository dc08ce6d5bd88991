package wire

import (
	"bytes"
	"cmp"
	"net/netip"
	"strings"
)

// Keepalive tells whether a datagram is one of RFC 5626 s3.5.1 or s4.4.1, CRLF CRLF or CRLF: not a message, no fault.
func Keepalive(datagram []byte) bool {
	return len(datagram) <= 4 && len(bytes.Trim(datagram, "\r\n")) == 0
}

// Parse reads and validates a datagram, which is one whole message; nothing of it is kept but copies. The first fault
// found makes the Problem, in this order: size, line ends, start line, header lines, and then as Read has it. With a
// Problem the Message, never nil, holds every field that can still be told apart and is good for Refuse only.
// A Problem has no status when there is nobody to answer: for a response, an ACK, and what has no request line.
func Parse(datagram []byte, network Network, source netip.AddrPort) (*Message, *Problem) {
	m := &Message{MaxForwards: -1, Network: network, Source: source}
	p := m.parse(datagram)
	if p == nil {
		m.Body = append([]byte(nil), m.Body...) // until here it was the caller's
		return m, nil
	}
	m.Body = nil
	return m, m.unanswered(p)
}

func (m *Message) parse(d []byte) *Problem {
	var first *Problem
	if len(d) > maxMessage {
		first, d = tooLarge("message over 64 KiB"), d[:maxMessage]
	}
	for bytes.HasPrefix(d, crlf) { // RFC 3261 s7.5 asks it of streams
		d = d[len(crlf):]
	}
	head, p := cutHead(d)
	first = cmp.Or(first, p)
	m.Body = d[len(head):]
	start, rest, whole := cutLine(head)
	uri, version, p := m.readStartLine(start)
	if !whole {
		p = badLine()
	}
	first = cmp.Or(first, p)
	if first = cmp.Or(first, m.split(rest)); first != nil {
		return first
	}
	return m.interpret(uri, version)
}

var (
	crlf      = []byte("\r\n")
	emptyLine = []byte("\r\n\r\n")
)

// cutHead copies all up to the end of the header.
func cutHead(d []byte) (string, *Problem) {
	end := bytes.Index(d, emptyLine)
	if end < 0 {
		return string(d), bad("Header not ended by an empty line", "")
	}
	head := string(d[:end+len(emptyLine)])
	switch {
	case strings.IndexByte(head, 0) >= 0:
		return head, bad("NUL in the header", "")
	case strings.Count(head, "\r") != strings.Count(head, "\n"):
		return head, badLine()
	}
	return head, nil
}

// badLine refuses what is not ended by CR LF, and a CR or LF that stands alone (RFC 3261 s7).
func badLine() *Problem { return bad("Line not ended by CR LF", "") }

// readStartLine sets Method, or Status and Reason, and leaves both unset when line is neither of the two.
func (m *Message) readStartLine(line string) (uri, version string, p *Problem) {
	first, rest, more := strings.Cut(line, " ")
	second, third, ok := strings.Cut(rest, " ")
	if len(first) > 4 && isScheme(first[:4], "sip/") {
		n, digits := decimal(second, 999)
		m.Status, m.Reason = max(n, 1), third // whatever it is, not a request
		if !ok || !digits || len(second) != 3 {
			return "", "", bad("Bad status line", "")
		}
		return "", first, nil
	}
	if more && isToken(first) {
		m.Method = Method(first)
	}
	if m.Method == "" || !ok || strings.IndexByte(third, ' ') >= 0 {
		return "", "", bad("Bad request line", "three parts, one space between them")
	}
	return second, third, nil
}

// split finds the header fields. It goes on behind a fault, with lines that end in a bare LF too, so that Refuse finds
// what it needs.
func (m *Message) split(head string) (first *Problem) {
	m.fields = make([]Field, 0, min(strings.Count(head, "\n"), maxLines+1))
	for head != "" {
		field, rest, whole := cutField(head)
		if head = rest; !whole && first == nil {
			first = badLine()
		}
		if field == "" {
			break
		}
		name, value, ok := strings.Cut(field, ":")
		if !ok {
			name = ""
		}
		if strings.IndexByte(value, '\n') >= 0 {
			value = unfold(value)
		}
		first = m.addField(trimRight(name), trim(value), first)
		if len(m.fields) > maxLines {
			break
		}
	}
	return first
}

// cutLine takes one line, and tells whether CR LF ends it.
func cutLine(s string) (line, rest string, whole bool) {
	end := strings.IndexByte(s, '\n')
	if end < 0 {
		return s, "", false
	}
	line, rest = s[:end], s[end+1:]
	line, whole = strings.CutSuffix(line, "\r")
	return line, rest, whole
}

// cutField takes one header field with the lines folded into it (RFC 3261 s7.3.1).
func cutField(s string) (field, rest string, whole bool) {
	field, rest, whole = cutLine(s)
	if field == "" {
		return field, rest, whole
	}
	for rest != "" && isSpace(rest[0]) {
		line, after, ok := cutLine(rest)
		field, rest, whole = s[:len(s)-len(rest)+len(line)], after, whole && ok
	}
	return field, rest, whole
}

// unfold joins folded lines, each with one space for its line end and the white space around it.
func unfold(s string) string {
	b := make([]byte, 0, min(len(s), maxField+1)) // beyond it the field is refused
	for line := range strings.SplitSeq(s, "\n") {
		if len(b) > maxField {
			break
		}
		if len(b) > 0 {
			b = append(b, ' ')
		}
		b = append(b, trim(strings.TrimSuffix(line, "\r"))...)
	}
	return string(b)
}
