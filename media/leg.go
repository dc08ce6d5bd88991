package media

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// leg is one side of a call: two sockets and the two halves of the state. doc.go says who owns what.
type leg struct {
	plane  *plane
	id     Leg
	port   uint16 // RTP; RTCP is the next
	rtp    sender
	rtcp   sender
	peer   *leg // bridged with; owned by plane.mu
	in     inbound
	out    outbound
	told   told
	keep   deadline // owned by the keeper
	pacer  *pacer
	keeper *keeper
	ssrc   uint32 // of what we send
	cname  string // RFC 7022: random, so that it does not tell one leg from which other
}

// inbound is what this side sends us.
type inbound struct {
	sync.Mutex
	from, fromRTCP netip.AddrPort // accepted sources; not valid: none
	receive        bool
	opaque         bool
	clock          int
	reception      reception
	traffic        flow
	rtp, rtcp      meter
	peer           *leg          // where it goes
	since          time.Duration // since when it should send: bridged, or back from hold
	silent         bool          // Options.Silent was called for this bridge
	oneWay         bool

	strangers, malformed, limited, dropped uint64

	far   Far
	lsr   uint32        // of the newest sender report
	lsrAt time.Duration // its arrival
}

// outbound is what this side is sent.
type outbound struct {
	sync.Mutex
	to, toRTCP  netip.AddrPort // not valid: nothing is sent
	send        bool
	opaque      bool
	clock       int
	payloads    [128]uint8
	stream      stream
	traffic     flow
	feed        *leg      // whose packets are relayed here, or
	playing     *playback // what is played here; never both
	writeErrors uint64

	reported  [2]uint64     // packets sent at the two reports before (RFC 3550 s6.3.8)
	reports   uint64        // sent
	reportDue time.Duration // next report; 0 before there is a remote side
}

// flow counts packets; times are since the start of the plane.
type flow struct {
	packets, octets uint64
	first, last     time.Duration
}

func (f *flow) count(octets int, now time.Duration) {
	if f.packets == 0 {
		f.first = now
	}
	f.packets++
	f.octets += uint64(octets)
	f.last = now
}

// defaultClock is that of G.711.
const defaultClock = 8000

// usable gives addresses that packets can go to, or not valid ones; RTCP is the next port unless described, and nowhere for
// what is not RTP.
func (r Remote) usable() (rtp, rtcp netip.AddrPort) {
	at := netip.AddrPortFrom(r.Address.Addr().Unmap(), r.Address.Port())
	switch {
	case !at.Addr().IsValid(), at.Addr().IsUnspecified(), at.Port() == 0:
		return netip.AddrPort{}, netip.AddrPort{}
	case r.Opaque:
		return at, netip.AddrPort{}
	}
	control := netip.AddrPortFrom(r.RTCP.Addr().Unmap(), r.RTCP.Port())
	switch {
	case control.Addr().IsValid() && !control.Addr().IsUnspecified() && control.Port() != 0:
		return at, control
	case at.Port() == 65535:
		return at, netip.AddrPort{}
	}
	return at, netip.AddrPortFrom(at.Addr(), at.Port()+1)
}

// describe takes over what the other side is.
func (l *leg) describe(r Remote, now time.Duration) {
	rtp, rtcp := r.usable()
	clock := r.Codec.Clock
	if clock <= 0 {
		clock = defaultClock
	}
	l.in.Lock()
	if l.in.from != rtp || l.in.opaque && !r.Opaque {
		l.in.reception.expectNew()
	}
	if r.Receive && !l.in.receive || l.in.opaque != r.Opaque {
		l.in.since = now // the silence of a hold is none, nor is that of modems that change over
	}
	l.in.from, l.in.fromRTCP = rtp, rtcp
	l.in.receive, l.in.opaque = r.Receive, r.Opaque
	if !r.Opaque {
		l.in.clock = clock
	}
	l.in.Unlock()

	l.out.Lock()
	defer l.out.Unlock()
	o := &l.out
	if r.Send && !o.send || o.to != rtp || o.opaque != r.Opaque {
		o.stream.detach() // what was not sent on hold is no loss: the sequence goes on by one
	}
	if !o.stream.begun && r.PTime > 0 && r.PTime <= time.Second {
		o.stream.step = units(r.PTime, clock)
	}
	o.to, o.toRTCP = rtp, rtcp
	o.send, o.opaque = r.Send, r.Opaque
	if !r.Opaque {
		o.clock = clock
	}
	for i := range o.payloads {
		o.payloads[i] = uint8(i)
	}
	for from, to := range r.Payloads {
		if from < 128 && to < 128 {
			o.payloads[from] = to
		}
	}
	switch {
	case !rtcp.IsValid():
		o.reportDue = 0
	case o.reportDue == 0:
		o.reportDue = now + interval(rtcpBandwidth, reportSize, true, false, false, rand.Float64())
	}
}

// stats is a picture of both halves.
func (l *leg) stats() Stats {
	var s Stats
	l.in.Lock()
	i := &l.in
	s.Received = l.plane.traffic(i.traffic)
	s.Lost, s.OutOfOrder = i.reception.lost(), i.reception.outOfOrder
	s.Jitter = duration(i.reception.jitter>>4, i.clock)
	s.Strangers, s.Malformed, s.Limited, s.Dropped = i.strangers, i.malformed, i.limited, i.dropped
	s.Far, s.OneWay = i.far, i.oneWay
	i.Unlock()
	l.out.Lock()
	s.Sent = l.plane.traffic(l.out.traffic)
	s.WriteErrors = l.out.writeErrors
	l.out.Unlock()
	return s
}

// told is what Counters have been told of a leg.
type told struct {
	sync.Mutex
	Stats
}

// count brings the counters up to date.
func (l *leg) count() Stats {
	l.told.Lock()
	defer l.told.Unlock()
	s := l.stats()
	l.plane.Counters.add(l.told.Stats, s)
	l.told.Stats = s
	return s
}
