package wire

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
)

// twoWays holds what Parse found in a datagram against what sipgo's parser and Read find in it. What sipgo drops
// without a word, Parse reads or has a Problem for. The other differences are named here, all of them.
func twoWays(m *Message, p *Problem, data []byte) string {
	msg, err := NewParser().ParseSIP(data)
	if err != nil || sipgoOnly(data) {
		return ""
	}
	n, q := Read(msg, m.Network, m.Source)
	switch {
	case p == nil && q == nil:
		return differ(m, n)
	case p != nil && q != nil && p.Status == q.Status || p != nil && stricter(p):
		return ""
	}
	return fmt.Sprintf("Parse says %v, Read says %v", p, q)
}

// sipgoOnly finds what sipgo alone takes for another kind of message.
func sipgoOnly(data []byte) bool {
	line, _, _ := bytes.Cut(data, []byte("\r\n"))
	words := strings.SplitN(string(line), " ", 3)
	if len(words) < 3 {
		return false
	}
	first, uri, reason := strings.ToLower(words[0]), words[1], strings.ToLower(words[2])
	switch {
	case strings.HasPrefix(first, "sip/") && strings.HasPrefix(reason, "sip"): // a response with such a reason: a request
		return true
	case strings.HasPrefix(first, "sip") && !strings.HasPrefix(first, "sip/"): // such a method: a response
		return true
	case strings.Contains(uri, "[") && !strings.Contains(uri, "@"): // a bracket in a parameter: the host
		return true
	}
	return false
}

// stricter is where Parse refuses what sipgo lets pass and does not show.
func stricter(p *Problem) bool {
	switch p.Reason {
	case "Line not ended by CR LF": // sipgo takes a bare LF for a part of its line
		return true
	case "NUL in the header": // in a start line
		return true
	case "Bad header field name": // sipgo trims more than white space around it, and in front of the first
		return true
	case "Bad status line": // sipgo takes a status of any length
		return true
	}
	return false
}

func differ(m, n *Message) string {
	one, two := *m, *n
	one.fields, two.fields = nil, nil
	one.RequestURI.Headers, two.RequestURI.Headers = "", "" // sipgo sorts them
	if !reflect.DeepEqual(one, two) {
		return fmt.Sprintf("Parse reads %+v\nRead reads  %+v", one, two)
	}
	theirs := n.fields
	if len(theirs) == len(m.fields)+1 && m.Value("Content-Length") == "" {
		theirs = theirs[:len(m.fields)] // sipgo adds one
	}
	if len(m.fields) != len(theirs) {
		return fmt.Sprintf("Parse has %d fields, Read has %d", len(m.fields), len(theirs))
	}
	for i, f := range m.fields {
		if f.Name == "Content-Length" {
			for len(f.Value) > 1 && f.Value[0] == '0' { // sipgo keeps the number
				f.Value = f.Value[1:]
			}
		}
		if f != theirs[i] {
			return fmt.Sprintf("Parse has %q, Read has %q", f, theirs[i])
		}
	}
	return ""
}
