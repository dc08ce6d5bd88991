package wire

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// twoWays holds what Parse found in a datagram against what sipgo's parser and Read find in it. What sipgo drops
// without a word, Parse reads or has a Problem for. The other differences are named here, all of them.
func twoWays(m *Message, p *Problem, data []byte) string {
	msg, err := NewParser().ParseSIP(data)
	if err != nil || m == nil {
		return ""
	}
	n, q := Read(msg, m.Network, m.Source)
	switch {
	case (p == nil) != (q == nil):
		if stricter(p, data) {
			return ""
		}
		return fmt.Sprintf("Parse says %v, Read says %v", p, q)
	case p == nil:
		return differ(m, n)
	case p.Status != q.Status && !stricter(p, data):
		return fmt.Sprintf("Parse says %v, Read says %v", p, q)
	}
	return ""
}

// stricter is where Parse refuses what sipgo lets pass, or does not show.
func stricter(p *Problem, data []byte) bool {
	head, _, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	switch {
	case p == nil:
		return false
	case strings.HasPrefix(p.Reason, "Line not ended"): // sipgo takes a bare LF for a part of its line
		return true
	case p.Reason == "NUL in the header": // in a start line
		return true
	case p.Reason == "Bad header field name": // white space around it; sipgo trims more than the RFC has
		return true
	}
	_ = head
	return false
}

func differ(m, n *Message) string {
	one, two := *m, *n
	one.fields, two.fields = nil, nil
	one.RequestURI.Headers, two.RequestURI.Headers = "", "" // sipgo sorts them
	if !reflect.DeepEqual(one, two) {
		return fmt.Sprintf("Parse reads %+v\nRead reads  %+v", one, two)
	}
	if len(n.fields) == len(m.fields)+1 && m.Value("Content-Length") == "" {
		n.fields = n.fields[:len(m.fields)] // sipgo adds one
	}
	if len(m.fields) != len(n.fields) {
		return fmt.Sprintf("Parse has %d fields, Read has %d", len(m.fields), len(n.fields))
	}
	for i, f := range m.fields {
		if f.Name == "Content-Length" {
			for len(f.Value) > 1 && f.Value[0] == '0' { // sipgo keeps the number
				f.Value = f.Value[1:]
			}
		}
		if f != n.fields[i] {
			return fmt.Sprintf("Parse has %q, Read has %q", f, n.fields[i])
		}
	}
	return ""
}

var _ sip.Message
