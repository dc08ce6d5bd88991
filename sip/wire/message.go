package wire

import (
	"iter"
	"net/netip"
)

// Method is a request method, case-sensitive (RFC 3261 s7.1).
type Method string

// The methods that have a name here; any other token may arrive.
const (
	INVITE    Method = "INVITE"
	ACK       Method = "ACK"
	CANCEL    Method = "CANCEL"
	BYE       Method = "BYE"
	OPTIONS   Method = "OPTIONS"
	REGISTER  Method = "REGISTER"
	PRACK     Method = "PRACK"     // RFC 3262
	UPDATE    Method = "UPDATE"    // RFC 3311
	INFO      Method = "INFO"      // RFC 6086
	REFER     Method = "REFER"     // RFC 3515
	NOTIFY    Method = "NOTIFY"    // RFC 6665
	SUBSCRIBE Method = "SUBSCRIBE" // RFC 6665
	MESSAGE   Method = "MESSAGE"   // RFC 3428
	PUBLISH   Method = "PUBLISH"   // RFC 3903
)

// named is a method, spelt by the constant of its name where it has one, so that it keeps no message in memory.
func named(method string) Method {
	for _, m := range [...]Method{INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO} {
		if string(m) == method {
			return m
		}
	}
	return Method(method)
}

// Network is the transport that carried a message.
type Network uint8

// The transports in use.
const (
	UDP Network = iota
	TCP
	TLS
)

// String is the transport as a Via writes it: "UDP", "TCP", "TLS".
func (n Network) String() string {
	switch n {
	case UDP:
		return "UDP"
	case TCP:
		return "TCP"
	case TLS:
		return "TLS"
	}
	return "UNKNOWN"
}

// Reliable tells whether the transport delivers or fails (RFC 3261 s17).
func (n Network) Reliable() bool { return n != UDP }

// Message is one request or response as Parse or Read found it. It must not be changed; what leaves is built with a Builder.
type Message struct {
	Method     Method // of the request, or of the request that a response answers
	RequestURI URI
	Status     int // 100-699; 0 for a request
	Reason     string

	Via         []Via // top first; a response has exactly one
	From, To    Address
	CallID      string
	CSeq        uint32
	MaxForwards int // 0-255; -1 when absent
	Contact     []Address
	RecordRoute []string // one name-addr a value, in message order
	Route       []string // one name-addr a value, in message order

	Require, Supported []string // option tags as written
	ContentType        string
	Body               []byte

	Network Network
	Source  netip.AddrPort // where it came from; the only place a reply goes to

	fields []Field
	via    [1]Via // behind Via, while there is no more than one
}

// Field is one header field: its name, compact forms and the case of well-known names folded, and its raw value
// with folded lines joined.
type Field struct{ Name, Value string }

// IsRequest tells a request from a response.
func (m *Message) IsRequest() bool { return m.Status == 0 }

// Values are the raw values of a field in message order, comma lists not split. Any spelling of the name will do.
func (m *Message) Values(name string) []string {
	name, _ = canonical(name)
	var values []string
	for _, f := range m.fields {
		if sameName(f.Name, name) {
			values = append(values, f.Value)
		}
	}
	return values
}

// Value is the first raw value of a field, or "".
func (m *Message) Value(name string) string {
	name, _ = canonical(name)
	for _, f := range m.fields {
		if sameName(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Fields are all header fields in message order, those read into Message included.
func (m *Message) Fields() iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for _, f := range m.fields {
			if !yield(f) {
				return
			}
		}
	}
}
