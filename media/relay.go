package media

import (
	"net/netip"
	"time"
)

const (
	datagramSize = 2048 // more than fits a packet of the networks that we speak to; longer ones are cut and then refused
	controlRate  = 50   // RTCP datagrams a second accepted from a remote side
	readFailures = 100  // in a row until a socket is given up
)

// receive takes a datagram from the RTP socket through both halves: judged here, renumbered and sent by the other leg.
// It does not allocate.
func (l *leg) receive(b []byte, from netip.AddrPort) {
	now := l.plane.clock()
	if l.control(b, from) { // RFC 5761: some send RTCP here
		l.receiveControl(b, from)
		return
	}
	l.in.Lock()
	h, v := l.in.judge(b, from, l.ssrc, l.plane.Rate, now)
	to, opaque := l.in.peer, l.in.opaque
	l.in.Unlock()
	if v == dropped || to == nil {
		return
	}
	if opaque {
		to.forward(l, b, now)
		return
	}
	to.relay(l, b, h, v == renewed, now)
}

// control reports whether RTCP came on the RTP socket.
func (l *leg) control(b []byte, from netip.AddrPort) bool {
	if !isRTCP(b) {
		return false
	}
	l.in.Lock()
	defer l.in.Unlock()
	return !l.in.opaque && from == l.in.from
}

// judge checks and counts a datagram. Strangers come first: they cost one comparison and use up no one's rate.
func (in *inbound) judge(b []byte, from netip.AddrPort, own uint32, rate int, now time.Duration) (header, verdict) {
	if from != in.from || !from.IsValid() {
		in.strangers++
		return header{}, dropped
	}
	if !in.rtp.allow(rate, now) {
		in.limited++
		return header{}, dropped
	}
	if len(b) == datagramSize {
		in.malformed++
		return header{}, dropped
	}
	h, v := header{octets: len(b)}, accepted
	if !in.opaque {
		if h, v = in.read(b, own, now); v == dropped {
			return header{}, dropped
		}
	}
	in.traffic.count(h.octets, now)
	if !in.receive { // on hold: RFC 3264 s8.4
		in.dropped++
		return header{}, dropped
	}
	return h, v
}

// read judges RTP.
func (in *inbound) read(b []byte, own uint32, now time.Duration) (header, verdict) {
	h, ok := readHeader(b)
	if !ok || h.ssrc == own { // RFC 3550 s8.2: our own packet in a loop
		in.malformed++
		return header{}, dropped
	}
	v := in.reception.take(h, in.clock, now)
	if v == dropped {
		in.dropped++
	}
	return h, v
}

// relay sends a packet that came in on the leg from, if that is the source in force.
func (l *leg) relay(from *leg, b []byte, h header, renewed bool, now time.Duration) {
	o := &l.out
	o.Lock()
	defer o.Unlock()
	if o.feed != from {
		return
	}
	if renewed {
		o.stream.detach()
	}
	if !o.send || o.opaque || !o.to.IsValid() {
		return
	}
	h.payload = o.payloads[h.payload]
	h, ok := o.stream.relay(h, o.clock, now)
	if !ok {
		return
	}
	h.write(b)
	l.write(b, h.octets, now)
}

// forward sends a datagram as it is.
func (l *leg) forward(from *leg, b []byte, now time.Duration) {
	l.out.Lock()
	defer l.out.Unlock()
	if l.out.feed == from && l.out.send && l.out.opaque && l.out.to.IsValid() {
		l.write(b, len(b), now)
	}
}

// write sends to the remote side; l.out is locked.
func (l *leg) write(b []byte, octets int, now time.Duration) bool {
	if _, err := l.rtp.WriteToUDPAddrPort(b, l.out.to); err != nil {
		l.out.writeErrors++
		return false
	}
	l.out.traffic.count(octets, now)
	return true
}
