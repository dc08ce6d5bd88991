package sip

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"tonegate/sip/transaction"
	"tonegate/sip/wire"
)

// Trunk is a peer that we know.
type Trunk struct {
	Name   string
	Peers  []Peer         // where its calls go, tried in order
	Accept []netip.Prefix // source networks of its requests
	Media  netip.Addr     // written into the descriptions that it gets
	Timers transaction.Timers
	// FromFirst takes the caller's number from From, not from P-Asserted-Identity.
	FromFirst bool
	// SessionTimer is the session interval that we ask for (RFC 4028); 0 asks
	// for none, and goes along with what the peer wants.
	SessionTimer time.Duration
	// Refer lets its parties transfer their calls (RFC 3515).
	Refer bool
	// Redirect follows its redirections (RFC 3261 s8.1.3.4).
	Redirect bool
	// EarlyMedia asks for, and gives, authorization of early media (RFC 5009).
	EarlyMedia bool
	// Reliable says whether its provisional responses, and ours to it, are acknowledged.
	Reliable Reliability
	// LargeOverTCP sends requests of more than 1300 octets to a peer over TCP
	// that is reached over UDP (RFC 3261 s18.1.1).
	LargeOverTCP bool
	// Keepalive is how often connections with it, and ways to its peers over
	// UDP, are kept open (RFC 5626 s4.4); 0 never.
	Keepalive time.Duration
	// Options is how often its peers are asked whether they are there; 0 never.
	Options time.Duration
}

// Peer is one address of a trunk.
type Peer struct {
	Network wire.Network
	Address netip.AddrPort
	// Over TLS: the name that its certificate must be for, "" its address, and who may sign it, nil whom the system trusts.
	Name        string
	Authorities *Authorities
}

// String is the peer as the configuration writes it, settings apart.
func (p Peer) String() string {
	return strings.ToLower(p.Network.String()) + "://" + p.Address.String()
}

// secure reports a trunk that calls are only sent to over TLS. Then nobody is
// believed who claims to be it without.
func (t *Trunk) secure() bool {
	return !slices.ContainsFunc(t.Peers, func(p Peer) bool { return p.Network != wire.TLS })
}

func (t *Trunk) accepts(a netip.Addr) bool {
	for _, p := range t.Accept {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// trunkOf is the trunk that a source address belongs to: the one with the
// longest matching network.
func trunkOf(trunks []Trunk, a netip.Addr) *Trunk {
	var best *Trunk
	bits := -1
	for i := range trunks {
		for _, p := range trunks[i].Accept {
			if p.Bits() > bits && p.Contains(a) {
				best, bits = &trunks[i], p.Bits()
			}
		}
	}
	return best
}
