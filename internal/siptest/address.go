package siptest

import (
	"net/netip"
	"strings"
)

// splitList splits at the commas outside quotes and angle brackets.
func splitList(value string) []string {
	var parts []string
	for value != "" {
		end := indexOutside(value, ',')
		if part := strings.TrimSpace(value[:end]); part != "" {
			parts = append(parts, part)
		}
		value = value[min(end+1, len(value)):]
	}
	return parts
}

// indexOutside finds c outside quotes and angle brackets, or gives the length of s.
func indexOutside(s string, c byte) int {
	quoted, angle := false, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"' && !angle:
			quoted = !quoted
		case quoted:
		case s[i] == c && !angle:
			return i
		case s[i] == '<':
			angle = true
		case s[i] == '>':
			angle = false
		}
	}
	return len(s)
}

// Param is a parameter of a header value (not of the URI within its angle brackets), unquoted; "" without it.
func Param(value, name string) string {
	v, _ := param(value, name)
	return v
}

func param(value, name string) (string, bool) {
	for {
		i := indexOutside(value, ';')
		if i == len(value) {
			return "", false
		}
		value = value[i+1:]
		key, v, _ := strings.Cut(value[:indexOutside(value, ';')], "=")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.Trim(strings.TrimSpace(v), `"`), true
		}
	}
}

// URI is the address within a header value: what stands in angle brackets, else all before the parameters.
func URI(value string) string {
	if i := indexOutside(value, '<'); i < len(value) {
		uri, _, _ := strings.Cut(value[i+1:], ">")
		return uri
	}
	return strings.TrimSpace(value[:indexOutside(value, ';')])
}

// withoutTag is a From or To value without its tag.
func withoutTag(value string) string { return withoutParam(value, "tag") }

func withoutParam(value, name string) string {
	for from := indexOutside(value, ';'); from < len(value); {
		end := from + 1 + indexOutside(value[from+1:], ';')
		if key, _, _ := strings.Cut(value[from+1:end], "="); strings.EqualFold(strings.TrimSpace(key), name) {
			return value[:from] + value[end:]
		}
		from = end
	}
	return value
}

// nameAddr makes a From or To value of what a script may write: a number or user, a URI, or the whole value.
func nameAddr(text string, host netip.AddrPort) string {
	switch {
	case strings.ContainsAny(text, "<\""):
		return text
	case strings.HasPrefix(text, "sip:"), strings.HasPrefix(text, "sips:"), strings.HasPrefix(text, "tel:"):
		return "<" + text + ">"
	}
	return "<sip:" + text + "@" + host.String() + ">"
}

// hostPort is the IP address and port that a URI or a Via's sent-by names; false for names and other schemes.
func hostPort(text string) (netip.AddrPort, bool) {
	if _, rest, found := strings.Cut(text, ":"); found && (strings.HasPrefix(text, "sip:") || strings.HasPrefix(text, "sips:")) {
		text = rest
	}
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		text = text[i+1:]
	}
	if i := strings.IndexAny(text, ";?"); i >= 0 {
		text = text[:i]
	}
	if addr, err := netip.ParseAddrPort(text); err == nil {
		return addr, true
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return netip.AddrPortFrom(addr, 5060), err == nil
}

// isLoose tells a loose router by the lr parameter of its URI, RFC 3261 s19.1.1.
func isLoose(route string) bool {
	_, lr := param(URI(route), "lr")
	return lr
}
