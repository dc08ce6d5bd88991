package media

import (
	"math"
	"time"

	"github.com/pion/rtcp"
)

// interval is the time to the next RTCP packet (RFC 3550 s6.2, A.7) in a session of us and one other, with bandwidth in
// octets a second and the average size of compound packets in octets; random in [0, 1).
func interval(bandwidth, size float64, initial, weSent, theySent bool, random float64) time.Duration {
	const members = 2.0
	least := 5.0
	if initial {
		least = 2.5
	}
	senders := 0.0
	for _, sent := range []bool{weSent, theySent} {
		if sent {
			senders++
		}
	}
	n := members
	if senders <= members/4 { // senders share a quarter of the bandwidth unless they are more than that
		if weSent {
			bandwidth, n = bandwidth/4, senders
		} else {
			bandwidth, n = bandwidth*3/4, n-senders
		}
	}
	seconds := max(least, size*n/bandwidth)
	seconds *= random + 0.5
	return time.Duration(seconds / (math.E - 1.5) * float64(time.Second))
}

// rtcpBandwidth is 5 % of an ordinary G.711 session (80 kbit/s), in octets a second (RFC 3550 s6.2).
const rtcpBandwidth = 500

// ntp is the 64 bit NTP time of t (RFC 3550 s4).
func ntp(t time.Time) uint64 {
	const since1900 = 2208988800
	seconds := uint64(t.Unix() + since1900)
	return seconds<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// middle is the part of an NTP time that reports carry: 1/65536 s.
func middle(ntp uint64) uint32 { return uint32(ntp >> 16) }

// roundTrip is RFC 3550 s6.4.1: arrival less LSR less DLSR; 0 if it cannot be known or is not plausible.
func roundTrip(arrival uint64, r rtcp.ReceptionReport) time.Duration {
	d := middle(arrival) - r.LastSenderReport - r.Delay
	if r.LastSenderReport == 0 || d > 60<<16 { // a report that lies, or a clock that was set
		return 0
	}
	return time.Duration(d) * time.Second / 65536
}

// block reports on what we received; delay is the time since the sender report lsr arrived.
func (r *reception) block(lsr uint32, delay time.Duration) rtcp.ReceptionReport {
	lost := min(max(r.lost(), 0), 1<<23-1) // 24 bits, and the library knows no negative loss
	return rtcp.ReceptionReport{
		SSRC:               r.ssrc,
		FractionLost:       r.fraction(),
		TotalLost:          uint32(lost),
		LastSequenceNumber: r.highest(),
		Jitter:             r.jitter >> 4,
		LastSenderReport:   lsr,
		Delay:              units(delay, 65536),
	}
}

// signedLost reads the 24 bit signed number of packets lost (RFC 3550 s6.4.1).
func signedLost(total uint32) int64 { return int64(int32(total<<8) >> 8) }

// compound puts a report, the CNAME and, at the end, a BYE together (RFC 3550 s6.1).
func compound(report rtcp.Packet, ssrc uint32, cname string, bye bool) ([]byte, error) {
	packets := []rtcp.Packet{report, rtcp.NewCNAMESourceDescription(ssrc, cname)}
	if bye {
		packets = append(packets, &rtcp.Goodbye{Sources: []uint32{ssrc}})
	}
	return rtcp.Marshal(packets)
}

// readCompound checks and reads a compound packet (RFC 3550 A.2): it begins with a report.
func readCompound(b []byte) ([]rtcp.Packet, bool) {
	if len(b) < 8 || !isRTCP(b) || b[1] != 200 && b[1] != 201 {
		return nil, false
	}
	packets, err := rtcp.Unmarshal(b)
	return packets, err == nil
}
