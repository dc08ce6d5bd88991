package wire

import (
	"errors"
	"net/netip"
	"strings"
)

var (
	errURILong   = errors.New("URI too long")
	errURIScheme = errors.New("no URI scheme")
	errURIChar   = errors.New("character not allowed in a URI")
	errURIUser   = errors.New("malformed user part")
	errURIHost   = errors.New("malformed host")
	errURIPort   = errors.New("malformed port")
)

// uriClass is what an octet may mean in a URI.
type uriClass uint8

const (
	uriPlain uriClass = iota
	uriBad
	uriPercent
	uriColon
	uriAt
	uriBracket
)

var uriClasses = func() (set [256]uriClass) {
	for c := range set {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' || c == '\\' {
			set[c] = uriBad
		}
	}
	set['%'], set[':'], set['@'] = uriPercent, uriColon, uriAt
	set['['], set[']'] = uriBracket, uriBracket
	return set
}()

// scanURI finds the colon that ends the scheme, the "@" that ends the userinfo, and the first bracket; -1 without one.
func scanURI(s string) (colon, at, bracket int, err error) {
	if len(s) > maxURI {
		return 0, 0, 0, errURILong
	}
	at, bracket = -1, -1
	for i := range len(s) {
		switch uriClasses[s[i]] {
		case uriBad:
			return 0, 0, 0, errURIChar
		case uriPercent:
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return 0, 0, 0, errURIChar
			}
		case uriColon:
			if colon == 0 {
				colon = i
			}
		case uriAt:
			if at >= 0 {
				return 0, 0, 0, errURIUser // a second "@": two readers would find two hosts
			}
			at = i
		case uriBracket:
			if bracket < 0 {
				bracket = i
			}
		}
	}
	if colon == 0 || !isAlpha(s[0]) {
		return 0, 0, 0, errURIScheme
	}
	for i := range colon {
		if c := s[i]; !isAlpha(c) && !isDigit(c) && c != '+' && c != '-' && c != '.' {
			return 0, 0, 0, errURIScheme
		}
	}
	return colon, at, bracket, nil
}

// parse reads s into u, which must be zero.
func (u *URI) parse(s string) error {
	colon, at, bracket, err := scanURI(s)
	if err != nil {
		return err
	}
	switch u.Scheme = s[:colon]; u.Scheme {
	case "sip", "tel", "sips":
	default:
		u.Scheme = strings.ToLower(u.Scheme)
	}
	rest := s[colon+1:]
	switch u.Scheme {
	case "tel":
		return u.parseTel(rest)
	case "sip", "sips":
		if at < colon { // none, or one that would be part of the scheme
			return u.parseHost(rest)
		}
		if 0 <= bracket && bracket < at {
			return errURIUser
		}
		if err := u.parseUser(s[colon+1 : at]); err != nil {
			return err
		}
		return u.parseHost(s[at+1:])
	}
	if rest == "" {
		return errEmpty
	}
	u.Opaque = rest
	return nil
}

func (u *URI) parseTel(s string) error {
	var params bool
	u.User, u.Params, params = cut(s, ';')
	if u.User == "" {
		return errURIUser
	}
	return checkURIParams(u.Params, params)
}

func (u *URI) parseUser(s string) error {
	u.User, u.Password, _ = cut(s, ':')
	if u.User == "" || u.Password != "" && strings.IndexByte(u.Password, ':') >= 0 {
		return errURIUser
	}
	return nil
}

// parseHost reads host [":" port] [";" parameters] ["?" headers].
func (u *URI) parseHost(s string) error {
	n, ok := cutHost(s)
	if !ok {
		return errURIHost
	}
	u.Host, s = s[:n], s[n:]
	if s != "" && s[0] == ':' {
		for n = 1; n < len(s) && isDigit(s[n]) && u.Port < 1<<16; n++ {
			u.Port = u.Port*10 + int(s[n]-'0')
		}
		if u.Port == 0 || u.Port >= 1<<16 {
			return errURIPort
		}
		s = s[n:]
	}
	if s == "" {
		return nil
	}
	params := s[0] == ';'
	if !params && s[0] != '?' {
		return errURIHost
	}
	s, u.Headers, _ = cut(s, '?')
	if params {
		u.Params = s[1:]
	}
	return checkURIParams(u.Params, params)
}

// checkURIParams refuses empty parameters, which sipgo joins to their neighbours.
func checkURIParams(s string, present bool) error {
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

// cutHost is how far a host reaches from the start of s: a name (underscores too, they are in use), an IPv4 address
// or an IPv6 reference. What follows is for the caller to judge.
func cutHost(s string) (n int, ok bool) {
	if strings.HasPrefix(s, "[") {
		n = strings.IndexByte(s, ']') + 1
		return n, n > 0 && isIPv6(s[1:n-1])
	}
	for n < len(s) && hostChars[s[n]] {
		n++
	}
	return n, 0 < n && n <= 255
}

var hostChars = func() (set [256]bool) {
	for c := range set {
		set[c] = isAlpha(byte(c)) || isDigit(byte(c)) || c == '.' || c == '-' || c == '_'
	}
	return set
}()

// isIPv6 takes an address without zone (RFC 4007 s11 has none in a URI). By the grammar of RFC 3261 a third colon may
// stand before an IPv4 tail, which RFC 5118 s4.10 asks to tolerate.
func isIPv6(s string) bool {
	if len(s) > len("0000:0000:0000:0000:0000:0000:255.255.255.255") {
		return false
	}
	if i := strings.Index(s, ":::"); i >= 0 && strings.IndexByte(s[i+3:], ':') < 0 && strings.IndexByte(s[i+3:], '.') > 0 {
		s = s[:i] + s[i+1:]
	}
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is6() && addr.Zone() == ""
}

func isScheme(s string, want string) bool {
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
