package wire

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// Via is one Via value.
type Via struct {
	Transport string // as written: "UDP", "TCP", ...
	Host      string // the sent-by host as written; an IPv6 address in its brackets
	Port      int    // 0 when absent
	Branch    string
	Params    string // as written, without the first semicolon
	RPort     bool   // rport is there, with a value or without (RFC 3581)
	Raw       string
}

var errVia = errors.New("malformed sent-protocol or sent-by")

func parseVia(s string) (Via, error) {
	var v Via
	err := v.parse(s)
	return v, err
}

// parse reads one value into v, which must be zero: "SIP / 2.0 / UDP host : port ; params" with white space where
// RFC 3261 s25.1 allows it.
func (v *Via) parse(s string) error {
	v.Raw = s
	head, params, given := cut(s, ';')
	head, ok := strings.CutPrefix(head, "SIP/2.0/")
	if !ok { // as hardly anyone spells it
		var name, version string
		name, head, _ = cut(head, '/')
		version, head, ok = cut(head, '/')
		if !ok || !sameName(trim(name), "SIP") || trim(version) != "2.0" {
			return errVia
		}
	}
	head = trim(head)
	n := 0
	for n < len(head) && tokenChars[head[n]] {
		n++
	}
	v.Transport = head[:n]
	if n == 0 || n == len(head) || !isSpace(head[n]) {
		return errVia
	}
	if err := v.sentBy(trim(head[n:])); err != nil || !given {
		return err
	}
	if v.Params = trim(params); v.Params == "" {
		return errParam
	}
	return v.readParams()
}

func (v *Via) readParams() error {
	var seen [4]bool
	rest := v.Params
	for n := 0; rest != ""; n++ {
		if n == maxParams {
			return errMany
		}
		name, value, next, err := nextParam(rest)
		if err != nil {
			return err
		}
		rest = next
		for i, once := range [...]string{"branch", "rport", "received", "maddr"} {
			if !sameName(name, once) {
				continue
			}
			if seen[i] {
				return errTwice
			}
			seen[i] = true
			if i == 0 {
				v.Branch = unquoteValue(value)
			}
		}
	}
	v.RPort = seen[1]
	return nil
}

func (v *Via) sentBy(s string) error {
	n, ok := cutHost(s)
	if !ok {
		return errVia
	}
	v.Host = s[:n]
	if s = trim(s[n:]); s == "" {
		return nil
	}
	port, ok := decimal(trim(s[1:]), 1<<16-1)
	if s[0] != ':' || !ok || port == 0 {
		return errVia
	}
	v.Port = port
	return nil
}

// Param is the value of a parameter, unquoted, and whether it is there.
func (v Via) Param(name string) (string, bool) { return param(v.Params, name) }

// appendReceived writes the top Via as the response carries it (RFC 3261 s18.2.1, RFC 3581 s4): where the request
// really came from, whatever the sender claimed.
func (v Via) appendReceived(b []byte, source netip.AddrPort) []byte {
	b = append(b, "SIP/2.0/"...)
	b = append(b, v.Transport...)
	b = append(b, ' ')
	b = append(b, v.Host...)
	if v.Port != 0 {
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(v.Port), 10)
	}
	for params := v.Params; params != ""; {
		name, value, rest, err := nextParam(params)
		if err != nil {
			break
		}
		if params = rest; sameName(name, "received") || sameName(name, "rport") {
			continue
		}
		b = append(b, ';')
		b = append(b, name...)
		if value != "" {
			b = append(b, '=')
			b = append(b, value...)
		}
	}
	addr := source.Addr().Unmap().WithZone("")
	if !source.IsValid() {
		return b
	}
	if host, err := netip.ParseAddr(strings.Trim(v.Host, "[]")); v.RPort || err != nil || host.Unmap() != addr {
		b = append(b, ";received="...)
		b = addr.AppendTo(b)
	}
	if v.RPort {
		b = append(b, ";rport="...)
		b = strconv.AppendInt(b, int64(source.Port()), 10)
	}
	return b
}

// decimal reads 1*DIGIT up to limit.
func decimal(s string, limit int) (int, bool) {
	n := 0
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
		if n = n*10 + int(s[i]-'0'); n > limit {
			return 0, false
		}
	}
	return n, s != ""
}
