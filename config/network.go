package config

import (
	"errors"
	"fmt"
	"net/netip"
)

// network is the kind of source networks.
var network = kind[netip.Prefix]{
	allowed: "a network, e.g. 192.0.2.1/32 for one machine or 192.0.2.0/24",
	parse: func(s string) (netip.Prefix, error) {
		if a, err := netip.ParseAddr(s); err == nil {
			return netip.Prefix{}, fmt.Errorf("no length; did you mean %s/%d?", s, a.BitLen())
		}
		p, err := netip.ParsePrefix(s)
		if err != nil || p.Addr().Is4In6() {
			return netip.Prefix{}, errors.New("not a network")
		}
		if p != p.Masked() {
			return netip.Prefix{}, fmt.Errorf("bits are set beyond the length; did you mean %s?", p.Masked())
		}
		return p, nil
	},
}
