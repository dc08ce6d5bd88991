package media

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
)

// reportSize is that of our compound packets with IP and UDP headers, in octets (RFC 3550 s6.3.1).
const reportSize = 120

// serve does what is due for the leg and says when to come back.
func (l *leg) serve(now time.Duration) time.Duration {
	l.out.Lock()
	due := l.out.reportDue
	l.out.Unlock()
	if due != 0 && due <= now {
		l.sendReport(now, false)
	}
	l.watch(now)
	l.watchSilence(now)
	l.count()
	return l.due()
}

// due is when the leg is to be served: its next report, or the end of its patience with a silent bridge.
func (l *leg) due() time.Duration {
	at := never
	l.out.Lock()
	if l.out.reportDue != 0 {
		at = l.out.reportDue
	}
	l.out.Unlock()
	if silent, ok := l.silentAt(); ok {
		at = min(at, silent)
	}
	return at
}

// silentAt is when the bridge of the leg will have been silent for too long. Of the two legs, the one opened first watches. A bridge on
// which neither side sends, because both are on hold, is not silent.
func (l *leg) silentAt() (time.Duration, bool) {
	l.in.Lock()
	other, done, receive := l.in.peer, l.in.silent, l.in.receive
	last := max(l.in.since, l.in.traffic.last)
	l.in.Unlock()
	timeout := l.plane.Timeout
	if other == nil || done || other.id < l.id || timeout < 0 {
		return 0, false
	}
	other.in.Lock()
	receive = receive || other.in.receive
	last = max(last, other.in.since, other.in.traffic.last)
	other.in.Unlock()
	if !receive {
		return l.plane.clock() + timeout, true
	}
	return last + timeout, true
}

// watchSilence calls Silent when it is time.
func (l *leg) watchSilence(now time.Duration) {
	if at, ok := l.silentAt(); !ok || at > now {
		return
	}
	l.in.Lock()
	l.in.silent = true
	l.in.Unlock()
	p := l.plane
	p.Counters.SilentPairs.Add(1)
	p.wg.Go(func() { p.Silent(l.id) })
}

// sendReport sends a compound packet and sets when the next is due. A BYE is sent only by those who were heard of
// (RFC 3550 s6.3.7).
func (l *leg) sendReport(now time.Duration, bye bool) {
	l.in.Lock()
	heard := l.in.reception.known && l.in.reception.expected() > l.in.reception.expectedPrior // RFC 3550 s6.4: since the last report
	var blocks []rtcp.ReceptionReport
	if heard {
		var delay time.Duration
		if l.in.lsr != 0 {
			delay = now - l.in.lsrAt
		}
		blocks = []rtcp.ReceptionReport{l.in.reception.block(l.in.lsr, delay)}
	}
	l.in.Unlock()

	l.out.Lock()
	defer l.out.Unlock()
	o := &l.out
	sent := o.stream.packets
	if !o.toRTCP.IsValid() || bye && sent == 0 && o.reports == 0 {
		o.reportDue = 0
		return
	}
	var report rtcp.Packet = &rtcp.ReceiverReport{SSRC: l.ssrc, Reports: blocks}
	sender := sent > o.reported[0]
	if sender {
		report = &rtcp.SenderReport{
			SSRC:        l.ssrc,
			NTPTime:     ntp(l.plane.epoch.Add(now)),
			RTPTime:     o.stream.timestamp(o.clock, now),
			PacketCount: uint32(sent),
			OctetCount:  uint32(o.stream.octets),
			Reports:     blocks,
		}
	}
	o.reported[0], o.reported[1] = o.reported[1], sent
	o.reportDue = now + interval(rtcpBandwidth, reportSize, false, sender, heard, rand.Float64())
	packet, err := compound(report, l.ssrc, l.cname, bye)
	if err == nil {
		_, err = l.rtcp.WriteToUDPAddrPort(packet, o.toRTCP)
	}
	if bye {
		o.toRTCP = netip.AddrPort{} // nothing after it
	}
	if err != nil {
		o.writeErrors++
		return
	}
	o.reports++
}

// bye says that we leave.
func (l *leg) bye() { l.sendReport(l.plane.clock(), true) }

// receiveControl takes an RTCP datagram into the statistics. It goes no further: RFC 7667 s3.4, we are an endpoint on each leg.
func (l *leg) receiveControl(b []byte, from netip.AddrPort) {
	wall := l.plane.Now()
	now := wall.Sub(l.plane.epoch)
	l.in.Lock()
	defer l.in.Unlock()
	in := &l.in
	switch {
	case !from.IsValid(), in.opaque, from != in.fromRTCP && from != in.from:
		in.strangers++
		return
	case !in.rtcp.allow(controlRate, now):
		in.limited++
		return
	}
	packets, ok := readCompound(b)
	if !ok {
		in.malformed++
		return
	}
	for _, packet := range packets {
		in.control(packet, l.ssrc, ntp(wall), now)
	}
}

// control takes one RTCP packet into account; own is the SSRC of what we send.
func (in *inbound) control(packet rtcp.Packet, own uint32, arrival uint64, now time.Duration) {
	var blocks []rtcp.ReceptionReport
	switch r := packet.(type) {
	case *rtcp.SenderReport:
		if r.SSRC == in.reception.ssrc || !in.reception.known {
			in.lsr, in.lsrAt = middle(r.NTPTime), now
		}
		blocks = r.Reports
	case *rtcp.ReceiverReport:
		blocks = r.Reports
	case *rtcp.Goodbye:
		in.far.Bye = true
	}
	for _, block := range blocks {
		if block.SSRC != own {
			continue
		}
		in.far.Reports++
		in.far.Lost = signedLost(block.TotalLost)
		in.far.Fraction = float64(block.FractionLost) / 256
		in.far.Jitter = duration(block.Jitter, in.clock)
		if rtt := roundTrip(arrival, block); rtt > 0 {
			in.far.RTT = rtt
		}
	}
}
