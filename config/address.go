package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Address is a SIP socket address, written udp://192.0.2.1:5060, tcp://[2001:db8::1]:5060 or tls://192.0.2.1:5061.
type Address struct {
	Network string // udp, tcp or tls
	Host    netip.Addr
	Port    uint16
}

// AddrPort is the address without its network.
func (a Address) AddrPort() netip.AddrPort { return netip.AddrPortFrom(a.Host, a.Port) }

func (a Address) String() string { return a.Network + "://" + a.AddrPort().String() }

// parseAddress reads an address; query is what a tls address has after its question mark, which nothing else has.
func parseAddress(s string) (a Address, query string, err error) {
	network, rest, ok := strings.Cut(s, "://")
	if !ok {
		return a, "", errors.New("no transport in front")
	}
	switch network {
	case "udp", "tcp", "tls":
	case "ws", "wss":
		return a, "", fmt.Errorf("%s is %w", network, errLater)
	default:
		return a, "", fmt.Errorf("%q is not a transport", network)
	}
	rest, query, ok = strings.Cut(rest, "?")
	if ok && network != "tls" {
		return a, "", errors.New("only tls:// has settings after a question mark")
	}
	if strings.ContainsAny(rest, "/#@") {
		return a, "", errors.New("something stands around the address and port")
	}
	host, port, err := hostPort(rest)
	if err != nil {
		return a, "", err
	}
	return Address{network, host, port}, query, specific(host)
}

// endpoint is the kind of the HTTP socket; it may stand on every address of the machine.
var endpoint = kind[netip.AddrPort]{
	allowed: "ADDRESS:PORT, e.g. 127.0.0.1:8080",
	parse: func(s string) (netip.AddrPort, error) {
		host, port, err := hostPort(s)
		return netip.AddrPortFrom(host, port), err
	},
}

// address is the kind of addresses that other machines are told to send to.
var address = kind[netip.Addr]{
	allowed: "one IP address of this machine, e.g. 192.0.2.1",
	parse: func(s string) (netip.Addr, error) {
		a, err := parseHost(s)
		if err != nil {
			return a, err
		}
		return a, specific(a)
	},
}

func hostPort(s string) (netip.Addr, uint16, error) {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 || strings.HasSuffix(s, "]") {
		return netip.Addr{}, 0, errors.New("no port at the end")
	}
	host := s[:colon]
	inner, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		inner, bracketed = strings.CutSuffix(inner, "]")
	}
	a, err := parseHost(inner)
	if err != nil {
		return a, 0, err
	}
	if strings.Contains(inner, ":") != bracketed {
		return a, 0, errors.New("an IPv6 address stands in [ ], an IPv4 address does not")
	}
	port, err := strconv.ParseUint(s[colon+1:], 10, 16)
	if err != nil {
		return a, 0, errors.New("the port is not a number from 1 to 65535")
	}
	if port == 0 {
		return a, 0, errors.New("port 0 would be a different port at every start")
	}
	return a, uint16(port), nil
}

// parseHost accepts IP addresses only: finding the targets of a name is RFC 3263's business.
func parseHost(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	switch {
	case err == nil && a.Zone() == "":
		return a.Unmap(), nil
	case err == nil:
		return netip.Addr{}, errors.New("an address with a zone is not used here")
	case s == "":
		return netip.Addr{}, errors.New("no address")
	case strings.Trim(s, "0123456789.:") == "":
		return netip.Addr{}, errors.New("not an IP address")
	}
	return netip.Addr{}, fmt.Errorf("host names are %w", errLater)
}

func specific(a netip.Addr) error {
	if a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return errors.New("not the address of one machine")
	}
	return nil
}
