package wire

import (
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Read validates a message that NewParser's parser delivered from a stream. The first fault found makes the Problem, in
// this order: size, header lines, SIP version, each field in message order, absent and repeated fields, Request-URI,
// Max-Forwards, size of the body. Require is for the server to judge.
// With a Problem the Message holds what was read so far and is good for Refuse only.
func Read(msg sip.Message, network Network, source netip.AddrPort) (*Message, *Problem) {
	m := &Message{MaxForwards: -1, Network: network, Source: source}
	p := m.read(msg)
	return m, m.unanswered(p)
}

// unanswered takes the status from a Problem with what is never answered: a response (RFC 3261 s8.1.3), an ACK
// (s17.1.1.2), and what has no method.
func (m *Message) unanswered(p *Problem) *Problem {
	if p != nil && (!m.IsRequest() || m.Method == ACK || !isToken(string(m.Method))) {
		p.Status = 0
	}
	return p
}

func (m *Message) read(msg sip.Message) *Problem {
	var uri, version string
	var headers []sip.Header
	switch s := msg.(type) {
	case *sip.Request:
		m.Method, version, headers = Method(s.Method), s.SipVersion, s.Headers()
		if s.Recipient.Scheme != "" { // else String adds one
			uri = s.Recipient.String()
		}
	case *sip.Response:
		m.Status, m.Reason, version, headers = max(s.StatusCode, 1), s.Reason, s.SipVersion, s.Headers()
	default:
		return &Problem{Reason: "not a SIP message"}
	}
	m.Body = msg.Body()
	size := len(m.Body)
	m.fields = make([]Field, 0, min(len(headers), maxLines+1))
	var first *Problem
	for _, h := range headers[:min(len(headers), maxLines+1)] {
		name, value := h.Name(), h.Value()
		size += len(name) + len(value) + len(": \r\n")
		first = m.addField(name, value, first)
		if first == nil && breaksLine(value) {
			first = bad("Control character in the header", "")
		}
	}
	if size > maxMessage {
		return tooLarge("message over 64 KiB")
	}
	if first != nil {
		return first
	}
	return m.interpret(uri, version)
}

// addField keeps a header field as text. It gives the first Problem: the one there is, or its own.
func (m *Message) addField(name, value string, first *Problem) *Problem {
	name, known := canonical(name)
	m.fields = append(m.fields, Field{name, value})
	switch {
	case first != nil:
		return first
	case len(m.fields) > maxLines:
		return tooLarge("more than 200 header lines")
	case !known && !isToken(name):
		return bad("Bad header field name", "")
	case len(name)+len(value) > maxField:
		return tooLarge("header field over 8 KiB")
	}
	return nil
}

// interpret reads what addField has kept.
func (m *Message) interpret(uri, version string) *Problem {
	if !m.IsRequest() && (m.Status < 100 || m.Status > 699) {
		return bad("Bad status code", "not 100-699")
	}
	if !sameName(version, "SIP/2.0") {
		return badVersion(version)
	}
	seen, p := m.readFields()
	if p == nil {
		p = m.complete(seen)
	}
	if p == nil && m.IsRequest() {
		p = m.readRequestLine(uri)
	}
	return p
}

// tooLarge refuses a message for its own size or that of its header (RFC 3261 s21.5.7); a body that is too large by
// itself gets 413 (s21.4.11).
func tooLarge(detail string) *Problem {
	return &Problem{Status: 513, Reason: "Message Too Large", Detail: detail}
}

func badVersion(version string) *Problem {
	if strings.HasPrefix(version, "SIP/") {
		return &Problem{Status: 505, Reason: "Version Not Supported"}
	}
	return bad("Bad SIP version", "start line")
}

// seen has a bit for each field that may stand only once.
type seen uint8

const (
	sawFrom seen = 1 << iota
	sawTo
	sawCallID
	sawCSeq
	sawMaxForwards
	sawContentLength
	sawContentType
)

// readFields interprets every field that Message has a place for.
func (m *Message) readFields() (seen, *Problem) {
	var all seen
	for _, f := range m.fields {
		var bit seen
		var p *Problem
		switch f.Name {
		case "Via":
			p = m.readVia(f.Value)
		case "From":
			bit = sawFrom
			p = m.From.read(f)
		case "To":
			bit = sawTo
			p = m.To.read(f)
		case "Call-ID":
			bit = sawCallID
			m.CallID, p = f.Value, checkCallID(f.Value)
		case "CSeq":
			bit = sawCSeq
			p = m.readCSeq(f.Value)
		case "Max-Forwards":
			bit = sawMaxForwards
			p = m.readMaxForwards(f.Value)
		case "Content-Length":
			bit = sawContentLength
			p = m.readContentLength(f.Value)
		case "Content-Type":
			bit = sawContentType
			m.ContentType = f.Value
		case "Contact":
			p = m.readContact(f.Value)
		case "Route":
			m.Route, p = readRoutes(m.Route, f)
		case "Record-Route":
			m.RecordRoute, p = readRoutes(m.RecordRoute, f)
		case "Require":
			m.Require, p = readOptions(m.Require, f)
		case "Supported":
			m.Supported, p = readOptions(m.Supported, f)
		}
		if all&bit != 0 {
			return all, &Problem{Status: 400, Reason: "Duplicate " + f.Name, Close: bit == sawContentLength}
		}
		if p != nil {
			return all, p
		}
		all |= bit
	}
	return all, nil
}

// complete looks for what must be there (RFC 3261 s8.1.1, s8.2.6.2). A request of RFC 2543 has no Max-Forwards.
func (m *Message) complete(all seen) *Problem {
	switch {
	case len(m.Via) == 0:
		return bad("Missing Via", "")
	case all&sawFrom == 0:
		return bad("Missing From", "")
	case all&sawTo == 0:
		return bad("Missing To", "")
	case all&sawCallID == 0:
		return bad("Missing Call-ID", "")
	case all&sawCSeq == 0:
		return bad("Missing CSeq", "")
	case !m.IsRequest() && len(m.Via) > 1:
		return bad("More than one Via", "RFC 3261 s8.1.3.3: the response is another's")
	}
	return nil
}

func (m *Message) readRequestLine(text string) *Problem {
	switch err := m.RequestURI.parse(text); {
	case err == errURILong:
		return &Problem{Status: 414, Reason: "Request-URI Too Long"}
	case err != nil:
		return bad("Bad Request-URI", err.Error())
	case m.RequestURI.Opaque != "":
		return unsupportedScheme()
	}
	if m.MaxForwards == 0 && m.Method != ACK && m.Method != CANCEL {
		// An ACK and a CANCEL end here and go no further: RFC 3261 s16.3 has nothing against them.
		return &Problem{Status: 483, Reason: "Too Many Hops"}
	}
	if len(m.Body) > maxBody && m.Method != ACK { // whose call would hang: the server ends it
		return &Problem{Status: 413, Reason: "Request Entity Too Large", Detail: "body over 16 KiB"}
	}
	return nil
}

func unsupportedScheme() *Problem {
	return &Problem{Status: 416, Reason: "Unsupported URI Scheme"}
}
