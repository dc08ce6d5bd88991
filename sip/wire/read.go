package wire

import (
	"net/netip"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Read validates a message that NewParser's parser delivered. The first fault found makes the Problem, in this order:
// size, SIP version, each field in message order, absent and repeated fields, CSeq against the method, Request-URI,
// Max-Forwards, body length. Require is for the server to judge.
// With a Problem the Message holds what was read so far and is good for Refuse only.
func Read(msg sip.Message, network Network, source netip.AddrPort) (*Message, *Problem) {
	m := &Message{MaxForwards: -1, Network: network, Source: source}
	p := m.read(msg)
	if p != nil && (!m.IsRequest() || m.Method == ACK) {
		p.Status = 0 // RFC 3261 s8.1.3, s17.1.1.2: neither is ever answered
	}
	return m, p
}

func (m *Message) read(msg sip.Message) *Problem {
	var version string
	var headers []sip.Header
	switch s := msg.(type) {
	case *sip.Request:
		m.Method, version, headers = Method(s.Method), s.SipVersion, s.Headers()
	case *sip.Response:
		m.Status, m.Reason, version, headers = s.StatusCode, s.Reason, s.SipVersion, s.Headers()
		if m.Status < 100 || m.Status > 699 {
			m.Status = max(m.Status, 1) // still a response
			return bad("Bad status code", "not 100-699")
		}
	default:
		return &Problem{Reason: "not a SIP message"}
	}
	m.Body = msg.Body()
	size := len(m.Body)
	m.fields = make([]Field, 0, len(headers))
	m.Via = make([]Via, 0, 2)
	for _, h := range headers {
		f := Field{Name: canonical(h.Name())}
		if _, ok := h.(*sip.ContentLengthHeader); !ok {
			f.Value = h.Value()
		}
		size += len(f.Name) + len(f.Value) + len(": \r\n")
		m.fields = append(m.fields, f)
	}
	if size > maxMessage {
		return tooLarge("message over 64 KiB")
	}
	if len(headers) > maxLines {
		return tooLarge("more than 200 header lines")
	}
	if !sameName(version, "SIP/2.0") {
		return badVersion(version)
	}
	seen, p := m.readFields(headers)
	if p != nil {
		return p
	}
	if p := m.complete(seen); p != nil {
		return p
	}
	if r, ok := msg.(*sip.Request); ok {
		return m.readRequestLine(r)
	}
	return nil
}

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
func (m *Message) readFields(headers []sip.Header) (seen, *Problem) {
	var all seen
	for i, f := range m.fields {
		if !isToken(f.Name) {
			return all, bad("Bad header field name", "")
		}
		if breaksLine(f.Value) {
			return all, bad("Control character in "+f.Name, "")
		}
		if len(f.Value) > maxField {
			return all, tooLarge("header field over 8 KiB")
		}
		var bit seen
		var p *Problem
		switch f.Name {
		case "Via":
			p = m.readVia(f.Value)
		case "From":
			bit = sawFrom
			m.From, p = readAddress(f)
		case "To":
			bit = sawTo
			m.To, p = readAddress(f)
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
			p = m.readContentLength(headers[i])
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

func (m *Message) readRequestLine(r *sip.Request) *Problem {
	uri, err := ParseURI(r.Recipient.String())
	switch {
	case err == errURILong:
		return &Problem{Status: 414, Reason: "Request-URI Too Long"}
	case err != nil:
		return bad("Bad Request-URI", err.Error())
	case uri.Opaque != "":
		return unsupportedScheme()
	}
	m.RequestURI = uri
	if m.MaxForwards == 0 && m.Method != ACK && m.Method != CANCEL {
		// An ACK and a CANCEL end here and go no further: RFC 3261 s16.3 has nothing against them.
		return &Problem{Status: 483, Reason: "Too Many Hops"}
	}
	return nil
}

func unsupportedScheme() *Problem {
	return &Problem{Status: 416, Reason: "Unsupported URI Scheme"}
}
