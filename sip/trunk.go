package sip

import (
	"net/netip"

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
}

// Peer is one address of a trunk.
type Peer struct {
	Network wire.Network
	Address netip.AddrPort
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
