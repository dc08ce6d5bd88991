package peers

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
)

// A transport is how both phones of a call speak with tonegate, for signalling and voice alike.
type transport struct {
	scheme string // udp, tcp or tls
	six    bool   // IPv6
}

var (
	udp4, tcp4, tls4 = transport{scheme: "udp"}, transport{scheme: "tcp"}, transport{scheme: "tls"}
	udp6, tcp6, tls6 = transport{"udp", true}, transport{"tcp", true}, transport{"tls", true}
)

func (o transport) String() string {
	if o.six {
		return o.scheme + "6"
	}
	return o.scheme + "4"
}

// at is where somebody is whose IPv4 address over UDP is given: in IPv6 the last number stays.
func (o transport) at(a netip.AddrPort) netip.AddrPort {
	addr, port := a.Addr(), a.Port()
	if o.six {
		addr = six(addr)
	}
	if o.scheme == "tls" {
		port = tlsPort
	}
	return netip.AddrPortFrom(addr, port)
}

func six(four netip.Addr) netip.Addr {
	b := netip.MustParseAddr("2001:db8::").As16()
	b[15] = four.As4()[3]
	return netip.AddrFrom16(b)
}

// network is the kind of socket under it.
func (o transport) network() string {
	if o.scheme == "udp" {
		return "udp"
	}
	return "tcp"
}

// uri is an address as the configuration writes it.
func (o transport) uri(a netip.AddrPort) string {
	uri := fmt.Sprintf("%s://%s", o.scheme, o.at(a))
	switch {
	case o.scheme != "tls":
		return uri
	case a == gate:
		return fmt.Sprintf("%s?cert=%s&key=%s&client_ca=%s", uri, certificate(nameOf(gate)), key(nameOf(gate)), authority())
	}
	return fmt.Sprintf("%s?ca=%s", uri, authority())
}

// configured turns the sample configuration into one whose trunks are reached over the given transports: a list of
// replacements. With a spare, calls to the PBX may go there, too.
func configured(over map[netip.AddrPort]transport, withSpare bool) []string {
	listen := ""
	for _, o := range []transport{udp4, tcp4, tls4, udp6, tcp6, tls6} {
		if over[carrier] == o || over[pbx] == o {
			listen += fmt.Sprintf("    - %q\n", o.uri(gate))
		}
	}
	all := []string{"    - udp://127.0.0.1:5060\n    - tcp://127.0.0.1:5060\n", listen}
	for _, a := range []netip.AddrPort{carrier, pbx} {
		o, peers := over[a], []netip.AddrPort{a}
		if a == pbx && withSpare {
			peers = append(peers, spare)
		}
		var uris, accept []string
		for _, p := range peers {
			uris = append(uris, fmt.Sprintf("%q", o.uri(p)))
			accept = append(accept, fmt.Sprintf("%q", netip.PrefixFrom(o.at(p).Addr(), o.at(p).Addr().BitLen())))
		}
		all = append(all, "peers: [udp://"+a.String()+"]", fmt.Sprintf("media_address: %q\n    peers: [%s]", o.at(gate).Addr(), strings.Join(uris, ", ")),
			"accept: ["+a.Addr().String()+"/32]", "accept: ["+strings.Join(accept, ", ")+"]")
	}
	return all
}

// Where the certificates are that the whole run has; those of an address are named for its IPv4 form.
func authority() string              { return certificate("ca") }
func certificate(name string) string { return filepath.Join(certificates, name+".pem") }
func key(name string) string         { return filepath.Join(certificates, name+".key") }
func nameOf(a netip.AddrPort) string { return a.Addr().String() }
