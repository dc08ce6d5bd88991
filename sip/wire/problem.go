package wire

import (
	"net/netip"
	"strconv"
)

// Problem is why a message was refused.
type Problem struct {
	Status int    // what to answer; 0: drop without an answer (a response, an ACK, or nobody to answer)
	Reason string // the reason phrase, which says what is wrong (RFC 3261 s21.4.1)
	Detail string // for the log; names the place and never quotes the message, which may hold numbers
	Close  bool   // the length of the message is in doubt: close the stream it came on
}

// String is for the log.
func (p *Problem) String() string {
	s := p.Reason
	if p.Status != 0 {
		s = strconv.Itoa(p.Status) + " " + s
	}
	if p.Detail != "" {
		s += ": " + p.Detail
	}
	return s
}

func bad(reason, detail string) *Problem {
	return &Problem{Status: 400, Reason: reason, Detail: detail}
}

func badLength(reason string) *Problem { return &Problem{Status: 400, Reason: reason, Close: true} }

// Refuse writes the answer to a request that Read refused, or that the server refuses without state. It copies Via,
// From, To, Call-ID and CSeq as text, so that a field that could not be read still comes back to its sender.
// toTag "" makes one that is the same for every repetition of the request (RFC 3261 s8.2.7).
// It is nil for a response, an ACK, a Problem without status, and a request without the Via and CSeq that its
// sender needs to recognise the answer (RFC 3261 s17.1.3).
func Refuse(m *Message, p *Problem, toTag string) []byte {
	if m == nil || p == nil || p.Status < 200 || !m.IsRequest() || m.Method == ACK {
		return nil
	}
	if m.Value("Via") == "" || m.Value("CSeq") == "" {
		return nil
	}
	room := roomForFields
	for _, f := range m.fields {
		switch f.Name {
		case "Via", "From", "To", "Call-ID", "CSeq":
			room += len(f.Value) + len("Call-ID: \r\n")
		}
	}
	b := startResponse(p.Status, p.Reason, min(room, maxMessage))
	for i, via := range m.Values("Via") {
		if i == 0 {
			via = receivedFrom(via, m.Source)
		}
		b.put("Via", via)
	}
	if from := m.Value("From"); from != "" {
		b.put("From", from)
	}
	if to := m.Value("To"); to != "" {
		if toTag == "" {
			toTag = statelessTag(m)
		}
		if a, err := ParseAddress(to); err == nil && a.Tag == "" {
			to += ";tag=" + toTag
		}
		b.put("To", to)
	}
	if id := m.Value("Call-ID"); id != "" {
		b.put("Call-ID", id)
	}
	b.put("CSeq", m.Value("CSeq"))
	out, err := b.Bytes()
	if err != nil {
		return nil
	}
	return out
}

// receivedFrom fills in the first value of a Via field that may hold a list; what cannot be read stays as it is.
func receivedFrom(field string, source netip.AddrPort) string {
	end, err := index(field, ',')
	if err != nil {
		return field
	}
	v, err := parseVia(trim(field[:end]))
	if err != nil {
		return field
	}
	return string(v.appendReceived(nil, source)) + field[end:]
}

// statelessTag is FNV-1a over what a repetition repeats. It needs no secret: no dialog ever comes of it.
func statelessTag(m *Message) string {
	h := uint64(14695981039346656037)
	for _, name := range [...]string{"Via", "Call-ID", "CSeq", "From"} {
		for _, c := range []byte(m.Value(name)) {
			h = (h ^ uint64(c)) * 1099511628211
		}
	}
	return strconv.FormatUint(h, 16)
}
