package wire

import (
	"errors"
	"strings"
)

// Address is a name-addr or addr-spec with the parameters of its header field.
type Address struct {
	Display string // quotes and escapes undone
	URI     URI
	Tag     string
	Params  string // header parameters as written, without the first semicolon; the tag is among them
	Raw     string // the whole text, trimmed
}

var (
	errDisplay  = errors.New("display name needs quotes")
	errAddrSpec = errors.New("URI with a comma or question mark needs angle brackets")
	errTrailing = errors.New("text after the address")
)

// ParseAddress reads one From, To, Contact, Refer-To, P-Asserted-Identity, ... value (RFC 3261 s20.10).
// An unquoted display name may hold octets beyond a token, UTF-8 for one, unless they would change the reading.
func ParseAddress(s string) (Address, error) {
	a := Address{Raw: trim(s)}
	if hasControl(a.Raw) {
		return Address{}, errControl
	}
	uri, rest, err := a.cutURI(a.Raw)
	if err != nil {
		return Address{}, err
	}
	if a.URI, err = ParseURI(uri); err != nil {
		return Address{}, err
	}
	if rest = trim(rest); rest == "" {
		return a, nil
	}
	if rest[0] != ';' {
		return Address{}, errTrailing
	}
	a.Params = trim(rest[1:])
	if a.Params == "" {
		return Address{}, errParam
	}
	if err := checkParams(a.Params, "tag"); err != nil {
		return Address{}, err
	}
	if tag, ok := param(a.Params, "tag"); ok {
		if !isToken(tag) {
			return Address{}, errParam
		}
		a.Tag = tag
	}
	return a, nil
}

// cutURI sets Display and cuts s into the URI and what follows it.
func (a *Address) cutURI(s string) (uri, rest string, err error) {
	open := 0
	switch {
	case strings.HasPrefix(s, `"`):
		n := quoted(s)
		if n < 0 {
			return "", "", errQuotes
		}
		a.Display = unquote(s[:n])
		for open = n; open < len(s) && isSpace(s[open]); open++ {
		}
		if open == len(s) || s[open] != '<' {
			return "", "", errTrailing
		}
	default:
		open = strings.IndexByte(s, '<')
		if open < 0 || strings.ContainsAny(s[:open], ";:@") {
			uri, rest = s, ""
			if i := strings.IndexByte(s, ';'); i >= 0 {
				uri, rest = s[:i], s[i:]
			}
			if strings.ContainsAny(uri, ",?") {
				return "", "", errAddrSpec
			}
			return trim(uri), rest, nil
		}
		a.Display = trim(s[:open])
		if strings.ContainsAny(a.Display, `",>\`) {
			return "", "", errDisplay
		}
	}
	end := strings.IndexByte(s[open:], '>')
	if end < 0 {
		return "", "", errQuotes
	}
	return s[open+1 : open+end], s[open+end+1:], nil
}

// ParseAddressList reads a comma-separated list: Contact, Diversion, History-Info, P-Asserted-Identity, Route.
func ParseAddressList(s string) ([]Address, error) {
	var list []Address
	err := elements(s, func(e string) error {
		a, err := ParseAddress(e)
		list = append(list, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// Param is the value of a header parameter, unquoted, and whether it is there.
func (a Address) Param(name string) (string, bool) { return param(a.Params, name) }

// String writes the address anew, always with angle brackets; Raw is not used.
func (a Address) String() string {
	b := make([]byte, 0, 128)
	if a.Display != "" {
		b = append(b, Quote(a.Display)...)
		b = append(b, ' ')
	}
	b = append(b, '<')
	b = a.URI.append(b)
	b = append(b, '>')
	if a.Params != "" {
		b = append(b, ';')
		b = append(b, a.Params...)
	}
	if _, ok := a.Param("tag"); a.Tag != "" && !ok {
		b = append(b, ";tag="...)
		b = append(b, a.Tag...)
	}
	return string(b)
}
