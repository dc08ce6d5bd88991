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
	var a Address
	if err := a.parse(s); err != nil {
		return Address{}, err
	}
	return a, nil
}

// parse reads s into a, which must be zero.
func (a *Address) parse(s string) error {
	a.Raw = trim(s)
	uri, rest, err := a.cutURI(a.Raw)
	if err != nil {
		return err
	}
	if err := a.URI.parse(uri); err != nil {
		return err
	}
	if rest = trim(rest); rest == "" {
		return nil
	}
	if rest[0] != ';' {
		return errTrailing
	}
	if a.Params = trim(rest[1:]); a.Params == "" {
		return errParam
	}
	rest = a.Params
	for n := 0; rest != ""; n++ {
		if n == maxParams {
			return errMany
		}
		var name, value string
		if name, value, rest, err = nextParam(rest); err != nil {
			return err
		}
		if !sameName(name, "tag") {
			continue
		}
		if a.Tag != "" {
			return errTwice
		}
		if a.Tag = unquoteValue(value); !isToken(a.Tag) {
			return errParam
		}
	}
	return nil
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
		if hasControl(a.Display) {
			return "", "", errControl
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
	return appendAddresses(nil, s)
}

func appendAddresses(list []Address, s string) ([]Address, error) {
	err := elements(s, func(e string) error {
		if len(list) == maxList {
			return errMany
		}
		list = append(list, Address{})
		return list[len(list)-1].parse(e)
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
