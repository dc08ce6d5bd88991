package siptest

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Message is a SIP message as text. Its fields stand in their order on the wire, folded lines joined.
type Message struct {
	Method, URI string // of a request
	Code        int    // of a response
	Reason      string
	Fields      []Field
	Body        string

	Raw    []byte
	Source netip.AddrPort
	At     time.Time
	path   path
}

// Field is one header line.
type Field struct{ Name, Value string }

var compact = map[string]string{
	"a": "Accept-Contact", "b": "Referred-By", "c": "Content-Type", "e": "Content-Encoding", "f": "From",
	"i": "Call-ID", "j": "Reject-Contact", "k": "Supported", "l": "Content-Length", "m": "Contact",
	"o": "Event", "r": "Refer-To", "s": "Subject", "t": "To", "u": "Allow-Events", "v": "Via", "x": "Session-Expires",
}

// Parse reads one message. What follows Content-Length is cut off; a body shorter than that is an error.
func Parse(raw []byte) (*Message, error) {
	head, body, found := strings.Cut(string(raw), "\r\n\r\n")
	if !found {
		return nil, errors.New("parse message: no empty line after the headers")
	}
	m := &Message{Raw: raw, Body: body}
	lines := strings.Split(head, "\r\n")
	if err := m.start(lines[0]); err != nil {
		return nil, fmt.Errorf("parse message: %w", err)
	}
	for i, line := range lines[1:] {
		if line[:min(1, len(line))] == " " || line[:min(1, len(line))] == "\t" {
			if len(m.Fields) == 0 {
				return nil, fmt.Errorf("parse message: line %d continues nothing", i+2)
			}
			last := &m.Fields[len(m.Fields)-1]
			last.Value = strings.TrimSpace(last.Value + " " + strings.TrimSpace(line))
			continue
		}
		name, value, found := strings.Cut(line, ":")
		name = strings.TrimSpace(name)
		if !found || name == "" {
			return nil, fmt.Errorf("parse message: line %d %q is not a header", i+2, line)
		}
		if long := compact[strings.ToLower(name)]; long != "" {
			name = long
		}
		m.Fields = append(m.Fields, Field{name, strings.TrimSpace(value)})
	}
	return m, m.cutBody()
}

func (m *Message) start(line string) error {
	first, rest, _ := strings.Cut(line, " ")
	second, third, found := strings.Cut(rest, " ")
	switch {
	case first == "SIP/2.0":
		code, err := strconv.Atoi(second)
		if err != nil || code < 100 || code > 699 {
			return fmt.Errorf("status line %q", line)
		}
		m.Code, m.Reason = code, third
	case found && third == "SIP/2.0" && first != "" && second != "":
		m.Method, m.URI = first, second
	default:
		return fmt.Errorf("start line %q", line)
	}
	return nil
}

func (m *Message) cutBody() error {
	text := m.Header("Content-Length")
	if text == "" {
		return nil
	}
	length, err := strconv.Atoi(text)
	if err != nil || length < 0 || length > len(m.Body) {
		return fmt.Errorf("parse message: Content-Length %q, body of %d octets", text, len(m.Body))
	}
	m.Body = m.Body[:length]
	return nil
}

// IsRequest distinguishes requests from responses.
func (m *Message) IsRequest() bool { return m.Method != "" }

// Header is the value of the first line of that name, "" without one. Names are long or compact, in any case.
func (m *Message) Header(name string) string {
	for _, f := range m.Fields {
		if sameName(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Headers are all values of that name, those that share a line one by one.
func (m *Message) Headers(name string) []string {
	var values []string
	for _, f := range m.Fields {
		if sameName(f.Name, name) {
			values = append(values, splitList(f.Value)...)
		}
	}
	return values
}

func sameName(a, b string) bool {
	if long := compact[strings.ToLower(b)]; long != "" {
		b = long
	}
	return strings.EqualFold(a, b)
}

// CallID is the value of Call-ID.
func (m *Message) CallID() string { return m.Header("Call-ID") }

// FromTag is the tag of From.
func (m *Message) FromTag() string { return Param(m.Header("From"), "tag") }

// ToTag is the tag of To.
func (m *Message) ToTag() string { return Param(m.Header("To"), "tag") }

// Branch is the branch of the topmost Via.
func (m *Message) Branch() string { return Param(m.topVia(), "branch") }

func (m *Message) topVia() string {
	if vias := m.Headers("Via"); len(vias) > 0 {
		return vias[0]
	}
	return ""
}

// CSeq is the number and the method; 0 and "" if it cannot be read.
func (m *Message) CSeq() (uint32, string) {
	parts := strings.Fields(m.Header("CSeq"))
	if len(parts) != 2 {
		return 0, ""
	}
	n, err := strconv.ParseUint(parts[0], 10, 32)
	if err != nil {
		return 0, ""
	}
	return uint32(n), parts[1]
}

// String is the start line.
func (m *Message) String() string {
	if m.IsRequest() {
		return m.Method + " " + m.URI + " SIP/2.0"
	}
	return fmt.Sprintf("SIP/2.0 %d %s", m.Code, m.Reason)
}

// assemble writes a message. An extra header takes the place of those that would stand there by default; one
// without a value ("Contact:") takes them away.
func assemble(start string, fields []Field, extra []string, body string) []byte {
	if body != "" {
		fields = append(fields, Field{"Content-Type", "application/sdp"})
	}
	fields = append(fields, Field{"Content-Length", strconv.Itoa(len(body))})
	for _, line := range extra {
		name, _, _ := strings.Cut(line, ":")
		kept := fields[:0:0]
		for _, f := range fields {
			if !sameName(f.Name, strings.TrimSpace(name)) {
				kept = append(kept, f)
			}
		}
		fields = kept
	}
	var b strings.Builder
	b.WriteString(start + "\r\n")
	for _, f := range fields {
		b.WriteString(f.Name + ": " + f.Value + "\r\n")
	}
	for _, line := range extra {
		if _, value, found := strings.Cut(line, ":"); !found || strings.TrimSpace(value) != "" {
			b.WriteString(line + "\r\n")
		}
	}
	b.WriteString("\r\n" + body)
	return []byte(b.String())
}
