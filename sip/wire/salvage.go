package wire

import "bytes"

// Salvage writes the answer to a datagram that Check refused, from the fields that can still be told apart. Lines
// may end in a bare LF here and need not be complete. It is nil when Refuse's would be: no request, an ACK, no Via
// or CSeq, or a field to be copied that holds a CR, LF or NUL.
func Salvage(datagram []byte, p *Problem) []byte {
	m := skim(datagram)
	if m == nil {
		return nil
	}
	return Refuse(m, p, "")
}

// skim reads only the method and the fields, as text; nil when there is no request line.
func skim(d []byte) *Message {
	d = bytes.TrimLeft(d[:min(len(d), maxMessage)], "\r\n")
	line, d := skimLine(d)
	method, _, ok := bytes.Cut(line, []byte(" "))
	if !ok || !isToken(method) { // "SIP/2.0" of a response is no token
		return nil
	}
	m := &Message{Method: Method(method), MaxForwards: -1}
	for lines := 0; len(d) > 0 && lines < maxLines; lines++ {
		if line, d = skimLine(d); len(line) == 0 {
			break
		}
		if isSpace(line[0]) {
			if n := len(m.fields); n > 0 && len(m.fields[n-1].Value) < maxField {
				m.fields[n-1].Value = trim(m.fields[n-1].Value + " " + trim(string(line)))
			}
			continue
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		if !ok || !isToken(name) || len(value) > maxField {
			continue
		}
		m.fields = append(m.fields, Field{Name: canonical(string(name)), Value: trim(string(value))})
	}
	return m
}

func skimLine(d []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(d, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), rest
}
