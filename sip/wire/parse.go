package wire

import (
	"bytes"
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
	head, fault := cutHead(d)
	m.Body = d[len(head):]
	start, rest, _ := strings.Cut(head, "\n")
	uri, version, p := m.readStartLine(strings.TrimSuffix(start, "\r"))
	if first == nil {
		first = fault
	}
	if first == nil {
		first = p
	}
	if p = m.split(rest); first == nil {
		first = p
	}
	if first != nil {
		return first
	}
	return m.interpret(uri, version)
}

var (
	crlf      = []byte("\r\n")
	emptyLine = []byte("\r\n\r\n")
)

// cutHead copies all up to the end of the header. CR LF ends each line and neither stands alone (RFC 3261 s7).
func cutHead(d []byte) (string, *Problem) {
	end := bytes.Index(d, emptyLine)
	if end < 0 {
		p := bad("Header not ended by an empty line", "")
		if bytes.Contains(d, []byte("\n\n")) {
			p = bad("Line not ended by CR LF", "bare LF")
		}
		return string(d), p
	}
	head := string(d[:end+len(emptyLine)])
	if strings.IndexByte(head, 0) >= 0 {
		return head, bad("NUL in the header", "")
	}
	ends := 0
	for rest := head; ; ends++ {
		i := strings.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		if i == 0 || rest[i-1] != '\r' {
			return head, bad("Line not ended by CR LF", "bare LF")
		}
		rest = rest[i+1:]
	}
	if strings.Count(head, "\r") != ends {
		return head, bad("Line not ended by CR LF", "bare CR")
	}
	return head, nil
}

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
	m.fields = make([]Field, 0, min(strings.Count(head, "\n"), maxLines))
	for head != "" {
		var field string
		if field, head = cutField(head); field == "" {
			break
		}
		name, value, ok := strings.Cut(field, ":")
		if !ok {
			name = ""
		}
		if strings.IndexByte(value, '\n') >= 0 {
			value = unfold(value)
		}
		if p := m.addField(trimRight(name), trim(value)); p != nil && first == nil {
			first = p
		}
		if len(m.fields) > maxLines {
			break
		}
	}
	return first
}

// cutField takes one header field with the lines folded into it (RFC 3261 s7.3.1), without its line end; "" is the
// empty line.
func cutField(s string) (field, rest string) {
	end := strings.IndexByte(s, '\n')
	if end < 0 {
		return s, ""
	}
	if end == 0 || end == 1 && s[0] == '\r' {
		return "", s[end+1:]
	}
	for end+1 < len(s) && isSpace(s[end+1]) {
		more := strings.IndexByte(s[end+1:], '\n')
		if more < 0 {
			return s, ""
		}
		end += 1 + more
	}
	field, rest = s[:end], s[end+1:]
	return strings.TrimSuffix(field, "\r"), rest
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
