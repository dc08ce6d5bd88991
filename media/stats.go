package media

import (
	"sync/atomic"
	"time"
)

// Traffic counts RTP packets of one direction, and opaque datagrams; octets are those of RTP payloads, without headers and padding, and
// of whole datagrams.
type Traffic struct {
	Packets, Octets uint64
	First, Last     time.Time // zero if there was none
}

// Stats is what is known of a leg.
type Stats struct {
	Received, Sent Traffic

	Lost       int64         // of what this side sent us; negative if packets came twice (RFC 3550 A.3)
	Jitter     time.Duration // of what this side sent us (RFC 3550 A.8)
	OutOfOrder uint64

	Strangers   uint64 // datagrams from other sources than the remote address
	Malformed   uint64 // not RTP or RTCP, longer than 2047 octets, or our own coming back
	Limited     uint64 // above the packet rate allowed
	Dropped     uint64 // late, on probation, or sent although on hold
	WriteErrors uint64

	Far    Far
	OneWay bool // for 5 s or more this side sent nothing although it should while the other side did
}

// Far is what this side says by RTCP about what we send to it.
type Far struct {
	Reports  uint64
	Lost     int64
	Fraction float64 // lost since its report before, 0 to 1
	Jitter   time.Duration
	RTT      time.Duration // 0 if not known
	Bye      bool
}

// Counters are the sums over all legs since the start, for metrics. They lag the packets by a few seconds.
type Counters struct {
	Legs                                                                atomic.Int64 // open now
	Received, ReceivedOctets, Sent, SentOctets                          atomic.Uint64
	OutOfOrder, Strangers, Malformed, Limited, Dropped, WriteErrors     atomic.Uint64
	Lost                                                                atomic.Int64
	Playbacks, PlaybacksIncomplete, SilentPairs, PortsExhausted, OneWay atomic.Uint64
}

// add counts what has come since before.
func (c *Counters) add(before, now Stats) {
	c.Received.Add(now.Received.Packets - before.Received.Packets)
	c.ReceivedOctets.Add(now.Received.Octets - before.Received.Octets)
	c.Sent.Add(now.Sent.Packets - before.Sent.Packets)
	c.SentOctets.Add(now.Sent.Octets - before.Sent.Octets)
	c.Lost.Add(now.Lost - before.Lost)
	c.OutOfOrder.Add(now.OutOfOrder - before.OutOfOrder)
	c.Strangers.Add(now.Strangers - before.Strangers)
	c.Malformed.Add(now.Malformed - before.Malformed)
	c.Limited.Add(now.Limited - before.Limited)
	c.Dropped.Add(now.Dropped - before.Dropped)
	c.WriteErrors.Add(now.WriteErrors - before.WriteErrors)
	if now.OneWay && !before.OneWay {
		c.OneWay.Add(1)
	}
}
