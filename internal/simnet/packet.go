package simnet

import (
	"net/netip"
	"time"
)

// Packet is one datagram. Data must not be changed.
type Packet struct {
	From, To netip.AddrPort
	Data     []byte
	Sent     time.Time

	flow  *flow
	order uint64 // of sending within its flow
}

// Verdict is what a Filter wants done with a datagram; the zero value is Pass.
type Verdict struct {
	drop  bool
	delay time.Duration
	until func(Packet) bool
}

// Pass leaves the datagram to the conditions of its link; Drop loses it.
var (
	Pass = Verdict{}
	Drop = Verdict{drop: true}
)

// Delay makes the datagram late by d, in addition to its link's conditions; later ones overtake it.
func Delay(d time.Duration) Verdict { return Verdict{delay: d} }

// HoldUntil keeps the datagram back until one for which delivered reports true has been delivered, or until
// Network.Release. It then arrives without further delay or loss.
func HoldUntil(delivered func(Packet) bool) Verdict { return Verdict{until: delivered} }

// Hold keeps the datagram back until Network.Release.
func Hold() Verdict { return HoldUntil(func(Packet) bool { return false }) }

// Filter decides about each datagram as it is sent. It runs under the network's lock, so it may count in its
// own variables but must not call the network.
type Filter func(Packet) Verdict

// Fate is how a datagram ended.
type Fate string

// The fates of a datagram.
const (
	Delivered  Fate = "delivered"
	Lost       Fate = "lost"       // by the link's Loss
	Dropped    Fate = "dropped"    // by the filter, or because too many were in flight
	Unheard    Fate = "unheard"    // nobody listens at the destination
	Overflowed Fate = "overflowed" // the receiver's queue was full
)

// Event tells a recorder the end of one datagram.
type Event struct {
	Packet
	At   time.Time
	Fate Fate
}
