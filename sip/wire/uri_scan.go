package wire

import (
	"errors"
	"net/netip"
)

var (
	errURILong    = errors.New("URI too long")
	errURIScheme  = errors.New("no URI scheme")
	errURIChar    = errors.New("character not allowed in a URI")
	errURIUser    = errors.New("malformed user part")
	errURIHost    = errors.New("malformed host")
	errURIPort    = errors.New("malformed port")
	errURIBracket = errors.New("bracket outside the host")
)

// uriText is where the parts of a sip, sips or tel URI begin and end in its text.
type uriText struct {
	colon   int // ends the scheme
	user    int // ends the user; colon when there is none
	host    int // first octet of the host
	hostEnd int
	port    int // its value
	params  int // first octet after the semicolon
	query   int // ends the parameters
}

// scanURI checks a URI and finds its parts. It takes both types so that Check can look at a datagram without copying.
func scanURI[S ~string | ~[]byte](s S) (uriText, error) {
	var t uriText
	if len(s) > maxURI {
		return t, errURILong
	}
	at := -1
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\':
			return t, errURIChar
		case c == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])):
			return t, errURIChar
		case c == ':' && t.colon == 0:
			t.colon = i
		case c == '@' && at >= 0:
			return t, errURIUser // a second "@": two readers would find two hosts
		case c == '@':
			at = i
		}
	}
	if t.colon == 0 || !isAlpha(s[0]) {
		return t, errURIScheme
	}
	for i := range t.colon {
		if c := s[i]; !isAlpha(c) && !isDigit(c) && c != '+' && c != '-' && c != '.' {
			return t, errURIScheme
		}
	}
	switch {
	case isScheme(s[:t.colon], "tel"):
		return scanTel(s, t)
	case isScheme(s[:t.colon], "sip"), isScheme(s[:t.colon], "sips"):
		return scanSIP(s, t, at)
	}
	if t.colon+1 == len(s) {
		return t, errEmpty
	}
	return t, nil
}

func isScheme[S ~string | ~[]byte](s S, want string) bool {
	if len(s) != len(want) {
		return false
	}
	for i := range len(s) {
		if lower(s[i]) != want[i] {
			return false
		}
	}
	return true
}

func scanTel[S ~string | ~[]byte](s S, t uriText) (uriText, error) {
	t.user = t.colon + 1
	for t.user < len(s) && s[t.user] != ';' {
		t.user++
	}
	if t.user == t.colon+1 {
		return t, errURIUser
	}
	t.params, t.query = min(t.user+1, len(s)), len(s)
	return t, scanURIParams(s[t.params:t.query], t.user < len(s))
}

func scanSIP[S ~string | ~[]byte](s S, t uriText, at int) (uriText, error) {
	t.user, t.host = t.colon, t.colon+1
	if at >= 0 {
		for t.user = t.colon + 1; t.user < at && s[t.user] != ':'; t.user++ {
		}
		for i := t.colon + 1; i < at; i++ {
			if s[i] == '[' || s[i] == ']' || i > t.user && s[i] == ':' {
				return t, errURIUser
			}
		}
		if t.user == t.colon+1 {
			return t, errURIUser
		}
		t.host = at + 1
	}
	t.hostEnd = hostLen(s[t.host:]) + t.host
	if !isHost(s[t.host:t.hostEnd]) {
		return t, errURIHost
	}
	end := t.hostEnd
	if end < len(s) && s[end] == ':' {
		for end++; end < len(s) && isDigit(s[end]) && t.port < 1<<16; end++ {
			t.port = t.port*10 + int(s[end]-'0')
		}
		if t.port == 0 || t.port >= 1<<16 {
			return t, errURIPort
		}
	}
	if end < len(s) && s[end] != ';' && s[end] != '?' {
		return t, errURIHost
	}
	for t.query = end; t.query < len(s) && s[t.query] != '?'; t.query++ {
		// sipgo takes a bracket behind a host without user for the host itself
		if at < 0 && s[t.query] == '[' {
			return t, errURIBracket
		}
	}
	t.params = min(end+1, t.query)
	return t, scanURIParams(s[t.params:t.query], end < t.query)
}

// scanURIParams refuses empty parameters, which sipgo joins to their neighbours.
func scanURIParams[S ~string | ~[]byte](s S, present bool) error {
	empty := present
	for i := range len(s) {
		if (s[i] == ';' || s[i] == '=') && empty {
			return errParam
		}
		empty = s[i] == ';'
	}
	if empty {
		return errParam
	}
	return nil
}

// hostLen is how far a host reaches from the start of s.
func hostLen[S ~string | ~[]byte](s S) int {
	bracket := false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '[':
			bracket = true
		case c == ']':
			return i + 1
		case !bracket && (c == ':' || c == ';' || c == '?' || c == ' ' || c == '\t'):
			return i
		}
	}
	return len(s)
}

// isHost takes a host name (underscores too, they are in use), an IPv4 address or an IPv6 reference.
func isHost[S ~string | ~[]byte](s S) bool {
	if len(s) == 0 || len(s) > 255 {
		return false
	}
	if s[0] == '[' {
		if len(s) > 47 || s[len(s)-1] != ']' {
			return false
		}
		addr, err := netip.ParseAddr(string(s[1 : len(s)-1]))
		return err == nil && addr.Is6() && addr.Zone() == ""
	}
	for i := range len(s) {
		if c := s[i]; !isAlpha(c) && !isDigit(c) && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
