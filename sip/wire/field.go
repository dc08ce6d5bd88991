package wire

import (
	"errors"
	"strings"
)

// Bounds on what is read. A message beyond them is refused, not cut.
const (
	maxMessage = 64<<10 - 1 // octets; also the most that sipgo takes
	maxLines   = 200        // header lines
	maxField   = 8 << 10    // octets of one header field, folded lines included
	maxURI     = 1 << 10    // octets
	maxBody    = 16 << 10   // octets of a request's body; also the most that media/sdp reads
	maxList    = 100        // values of one comma-separated field over all its lines
	maxParams  = 100        // header parameters of one value
)

var (
	errQuotes  = errors.New("unbalanced quotes or angle brackets")
	errEmpty   = errors.New("empty element")
	errControl = errors.New("control character")
	errParam   = errors.New("malformed parameter")
	errTwice   = errors.New("parameter given twice")
	errMany    = errors.New("too many values")
)

// compactForms is the table of RFC 3261 s7.3.3 with the IANA additions.
var compactForms = [26]string{
	0: "Accept-Contact", 'b' - 'a': "Referred-By", 'c' - 'a': "Content-Type", 'd' - 'a': "Request-Disposition",
	'e' - 'a': "Content-Encoding", 'f' - 'a': "From", 'i' - 'a': "Call-ID", 'j' - 'a': "Reject-Contact",
	'k' - 'a': "Supported", 'l' - 'a': "Content-Length", 'm' - 'a': "Contact", 'n' - 'a': "Identity-Info",
	'o' - 'a': "Event", 'r' - 'a': "Refer-To", 's' - 'a': "Subject", 't' - 'a': "To", 'u' - 'a': "Allow-Events",
	'v' - 'a': "Via", 'x' - 'a': "Session-Expires", 'y' - 'a': "Identity",
}

// structural are the names that Message has a place for, keyed in lower case.
var structural = map[string]string{
	"via": "Via", "from": "From", "to": "To", "call-id": "Call-ID", "cseq": "CSeq", "max-forwards": "Max-Forwards",
	"contact": "Contact", "route": "Route", "record-route": "Record-Route", "require": "Require",
	"supported": "Supported", "content-type": "Content-Type", "content-length": "Content-Length",
}

// canonical unfolds a compact form and spells the names that Message has a place for in one way. Known names need no
// further look.
func canonical(name string) (_ string, known bool) {
	switch name { // as nearly everyone spells them
	case "Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Contact", "Content-Type", "Content-Length", "Supported",
		"Record-Route", "Allow", "User-Agent", "Session-Expires", "Min-SE", "P-Asserted-Identity", "Privacy", "Reason":
		return name, true
	}
	if len(name) == 1 {
		if c := lower(name[0]); 'a' <= c && c <= 'z' && compactForms[c-'a'] != "" {
			return compactForms[c-'a'], true
		}
		return name, false
	}
	var buf [16]byte // the longest structural name has 14 octets
	if len(name) > len(buf) {
		return name, false
	}
	for i := range len(name) {
		buf[i] = lower(name[i])
	}
	if s, ok := structural[string(buf[:len(name)])]; ok {
		return s, true
	}
	return name, false
}

func sameName(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool { return 'a' <= lower(c) && lower(c) <= 'z' }
func isHex(c byte) bool   { return isDigit(c) || 'a' <= lower(c) && lower(c) <= 'f' }

// isToken tells whether s is a token of RFC 3261 s25.1.
func isToken(s string) bool {
	for i := range len(s) {
		if !tokenChars[s[i]] {
			return false
		}
	}
	return len(s) > 0
}

var tokenChars = func() (set [256]bool) {
	for _, c := range []byte("-.!%*_+`'~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		set[c] = true
	}
	return set
}()

// hasControl finds any control character but HTAB.
func hasControl(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

// breaksLine finds the octets that would end a header field early.
func breaksLine(s string) bool {
	return strings.IndexByte(s, '\r') >= 0 || strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, 0) >= 0
}

// trim takes LWS away from both ends.
func trim(s string) string {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	return trimRight(s)
}

func trimRight(s string) string {
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// cut is strings.Cut for one octet, which is most of reading.
func cut(s string, sep byte) (before, after string, found bool) {
	if i := strings.IndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// index is where sep first stands outside quoted strings and angle brackets: len(s) when nowhere.
func index(s string, sep byte) (int, error) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case sep:
			return i, nil
		case '"':
			n := quoted(s[i:])
			if n < 0 {
				return 0, errQuotes
			}
			i += n - 1
		case '<':
			n := strings.IndexByte(s[i:], '>')
			if n < 0 {
				return 0, errQuotes
			}
			i += n
		}
	}
	return len(s), nil
}

// quoted is the length of the quoted-string that s starts with, quotes included; -1 when it does not end, or holds a
// control character, escaped or not.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		c := s[i]
		if c == '"' {
			return i + 1
		}
		if c == '\\' {
			if i++; i == len(s) {
				return -1
			}
			c = s[i]
		}
		if c < ' ' && c != '\t' || c == 0x7f {
			return -1
		}
	}
	return -1
}

// unquoteValue is a parameter's value without the quotes that it may have.
func unquoteValue(v string) string {
	if v != "" && v[0] == '"' {
		return unquote(v)
	}
	return v
}

// unquote takes the quotes and the escapes of a quoted-string away.
func unquote(s string) string {
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// Quote writes text as a quoted-string.
func Quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// elements calls f for each element of a comma-separated list, trimmed; f may be given "", and must look at quotes
// and angle brackets itself.
func elements(s string, f func(string) error) error {
	if strings.IndexByte(s, ',') < 0 {
		return f(trim(s))
	}
	for n := 0; ; n++ {
		if n == maxList {
			return errMany
		}
		i, err := index(s, ',')
		if err != nil {
			return err
		}
		if err := f(trim(s[:i])); err != nil {
			return err
		}
		if i == len(s) {
			return nil
		}
		s = s[i+1:]
	}
}

// nextParam cuts the first of "name[=value][;...]". The value keeps its quotes.
func nextParam(s string) (name, value, rest string, err error) {
	end := strings.IndexByte(s, ';')
	if end < 0 {
		end = len(s)
	}
	if strings.IndexByte(s[:end], '"') >= 0 {
		if end, err = index(s, ';'); err != nil {
			return "", "", "", err
		}
	}
	text := s[:end]
	if end < len(s) {
		end++
		if trim(s[end:]) == "" {
			return "", "", "", errParam // a semicolon that nothing follows
		}
	}
	name, value, given := cut(text, '=')
	name, value = trim(name), trim(value)
	if !isToken(name) || given && !isParamValue(value) {
		return "", "", "", errParam
	}
	return name, value, s[end:], nil
}

// isParamValue takes a quoted-string, or any run of visible octets that cannot be read in another way: wider than
// the grammar's token and host, since trunks put URIs and addresses there.
func isParamValue(v string) bool {
	if v == "" || v[0] == '"' {
		return v != "" && quoted(v) == len(v)
	}
	for i := range len(v) {
		if v[i] <= ' ' || v[i] == '"' || v[i] == '<' || v[i] == '>' || v[i] == ',' || v[i] == 0x7f {
			return false
		}
	}
	return true
}

// param is the value of a parameter, quotes taken away, and whether it is there.
func param(params, want string) (string, bool) {
	for params != "" {
		name, value, rest, err := nextParam(params)
		if err != nil {
			return "", false
		}
		if sameName(name, want) {
			return unquoteValue(value), true
		}
		params = rest
	}
	return "", false
}
