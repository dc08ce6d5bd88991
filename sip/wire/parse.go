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
	end, lines, p := findBody(d)
	first = cmp.Or(first, p)
	head := string(d[:end])
	m.Body = d[end:]
	line, rest := cutLine(head)
	uri, version, p := m.readStartLine(line)
	first = cmp.Or(first, p)
	if first = m.split(rest, lines, first); first != nil {
		return first
	}
	return m.interpret(uri, version)
}

var crlf = []byte("\r\n")

// findBody looks for the empty line and counts the lines before it. CR LF ends each, and neither may stand alone
// (RFC 3261 s7); with a bare LF it looks on.
func findBody(d []byte) (end, lines int, p *Problem) {
	whole := true
	for {
		i := bytes.IndexByte(d[end:], '\n')
		if i < 0 {
			return len(d), lines, bad("Header not ended by an empty line", "")
		}
		line := d[end : end+i]
		end += i + 1
		if i == 0 || line[i-1] != '\r' {
			whole = false
		} else if i == 1 {
			break
		}
		lines++
	}
	switch {
	case !whole || bytes.Count(d[:end], crlf[:1]) != lines+1:
		return end, lines, bad("Line not ended by CR LF", "")
	case bytes.IndexByte(d[:end], 0) >= 0:
		return end, lines, bad("NUL in the header", "")
	}
	return end, lines, nil
}

// readStartLine sets Method, or Status and Reason, and leaves both unset when line is neither of the two.
func (m *Message) readStartLine(line string) (uri, version string, p *Problem) {
	first, rest, more := cut(line, ' ')
	second, third, ok := cut(rest, ' ')
	if len(first) > 4 && isScheme(first[:4], "sip/") {
		n, digits := decimal(second, 999)
		m.Status, m.Reason = max(n, 1), third // whatever it is, not a request
		if !ok || !digits || len(second) != 3 {
			return "", "", bad("Bad status line", "")
		}
		return "", first, nil
	}
	if more && isToken(first) {
		m.Method = named(first)
	}
	if m.Method == "" || !ok || strings.IndexByte(third, ' ') >= 0 {
		return "", "", bad("Bad request line", "three parts, one space between them")
	}
	return second, third, nil
}

// split finds the header fields. It goes on behind a fault, with lines that end in a bare LF too, so that Refuse finds
// what it needs.
func (m *Message) split(head string, lines int, first *Problem) *Problem {
	m.fields = make([]Field, 0, min(lines, maxLines+1))
	for head != "" && len(m.fields) <= maxLines {
		field, rest, folded := cutField(head)
		if head = rest; field == "" {
			break
		}
		name, value, ok := cut(field, ':')
		if !ok {
			name = ""
		}
		if folded {
			value = unfold(value)
		}
		first = m.addField(trimRight(name), trim(value), first)
	}
	return first
}

// cutLine takes one line without its end.
func cutLine(s string) (line, rest string) {
	line, rest, _ = cut(s, '\n')
	return strings.TrimSuffix(line, "\r"), rest
}

// cutField takes one header field with the lines folded into it (RFC 3261 s7.3.1).
func cutField(s string) (field, rest string, folded bool) {
	field, rest = cutLine(s)
	if field == "" {
		return field, rest, false
	}
	for rest != "" && isSpace(rest[0]) {
		line, after := cutLine(rest)
		field, rest, folded = s[:len(s)-len(rest)+len(line)], after, true
	}
	return field, rest, folded
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
