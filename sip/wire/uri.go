package wire

import (
	"strconv"
	"strings"
)

// URI is a SIP, SIPS or tel URI, or the two halves of any other one. It is comparable; == is textual identity,
// Equal is RFC 3261's.
type URI struct {
	Scheme   string // lower case
	User     string // as written, escapes and user parameters kept; the subscriber number of a tel URI
	Password string
	Host     string // as written; an IPv6 address in its brackets
	Port     int    // 0 when absent
	Params   string // as written, without the first semicolon
	Headers  string // what followed "?": read only, String never writes it
	Opaque   string // all after the colon, when the scheme is not sip, sips or tel
}

// ParseURI reads a URI of any scheme, strictly: no white space, no angle brackets, at most 1 KiB.
func ParseURI(s string) (URI, error) {
	var u URI
	if err := u.parse(s); err != nil {
		return URI{}, err
	}
	return u, nil
}

// String writes the URI without its "?headers": those belong to whoever made the link, not to a request of ours.
func (u URI) String() string { return string(u.append(make([]byte, 0, 64))) }

func (u URI) append(b []byte) []byte {
	b = append(b, u.Scheme...)
	b = append(b, ':')
	b = append(b, u.Opaque...)
	b = append(b, u.User...)
	if u.Password != "" {
		b = append(b, ':')
		b = append(b, u.Password...)
	}
	if u.Host != "" && u.User != "" {
		b = append(b, '@')
	}
	b = append(b, u.Host...)
	if u.Port != 0 {
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(u.Port), 10)
	}
	if u.Params != "" {
		b = append(b, ';')
		b = append(b, u.Params...)
	}
	return b
}

// Param is the value of a URI parameter and whether it is there.
func (u URI) Param(name string) (string, bool) { return uriParam(u.Params, name) }

// uriParam differs from param in that quotes mean nothing in a URI.
func uriParam(params, want string) (string, bool) {
	for p := range strings.SplitSeq(params, ";") {
		if name, value, _ := strings.Cut(p, "="); sameName(name, want) {
			return value, true
		}
	}
	return "", false
}

// Subscriber reads the user part as a telephone-subscriber (RFC 3261 s19.1.6, RFC 3966): the number with its
// escapes undone, and the number's own parameters such as "npdi;rn=+81312340001".
func (u URI) Subscriber() (number, params string) {
	if u.Scheme == "tel" {
		return u.User, u.Params
	}
	number, params, _ = strings.Cut(u.User, ";")
	return unescape(number, isVisible), params
}

func isVisible(c byte) bool { return c > ' ' && c < 0x7f }

func isUnreserved(c byte) bool {
	return isAlpha(c) || isDigit(c) || strings.IndexByte("-_.!~*'()", c) >= 0
}

// unescape undoes %HH where the octet is one that may stand for itself; %00 and its like stay as written.
func unescape(s string, may func(byte) bool) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil && may(byte(v)) {
				b = append(b, byte(v))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// Equal compares as RFC 3261 s19.1.4 does; "?headers" take no part, since nothing is ever made of them.
func (u URI) Equal(v URI) bool {
	if u.Scheme != v.Scheme || u.Opaque != v.Opaque || u.Port != v.Port || !strings.EqualFold(u.Host, v.Host) {
		return false
	}
	if u.Password != v.Password || unescape(u.User, isUnreserved) != unescape(v.User, isUnreserved) {
		return false
	}
	return paramsAgree(u.Params, v.Params) && paramsAgree(v.Params, u.Params)
}

// paramsAgree holds each parameter of a against b. Those that change where a request goes must be in both.
func paramsAgree(a, b string) bool {
	if a == "" {
		return true
	}
	for p := range strings.SplitSeq(a, ";") {
		name, value, _ := strings.Cut(p, "=")
		other, ok := uriParam(b, name)
		if ok && !strings.EqualFold(unescape(value, isUnreserved), unescape(other, isUnreserved)) {
			return false
		}
		if ok {
			continue
		}
		for _, must := range [...]string{"user", "ttl", "method", "maddr", "transport"} {
			if sameName(name, must) {
				return false
			}
		}
	}
	return true
}
