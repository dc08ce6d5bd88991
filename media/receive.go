package media

import "time"

// Limits of RFC 3550 A.1, and ours for a change of source.
const (
	maxDropout  = 3000
	maxMisorder = 100
	alive       = 200 * time.Millisecond // a source that sent so recently is not replaced by a single packet
	lateness    = time.Second            // so long after a change, packets of the source before are late
)

// verdict is what becomes of a packet received.
type verdict uint8

const (
	dropped verdict = iota // on probation, or late
	accepted
	renewed // accepted, and the first of a new source or of one that began anew
)

// reception is one incoming direction: which SSRC is heard, and the statistics of RFC 3550 A.1, A.3 and A.8.
// It has no pointers; times are since the start of the plane.
type reception struct {
	known    bool
	anew     bool // the next packet begins a source
	ssrc     uint32
	last     time.Duration // newest packet of ssrc
	maxSeq   uint16
	cycles   uint32
	baseSeq  uint32
	badSeq   uint32
	received uint32

	expectedPrior, receivedPrior uint32 // at the report before
	lostBefore                   int64  // of sources that were replaced

	ts         uint32
	transit    uint32
	jitter     uint32 // clock units, times 16
	outOfOrder uint64

	candidate   uint32 // SSRC on probation
	candidateAt uint16 // sequence number that would confirm it
	probing     bool
	previous    uint32 // SSRC heard before
	changed     time.Duration
	replaced    bool // previous is set
}

const seqMod = 1 << 16

// take judges a packet and counts it.
func (r *reception) take(h header, clock int, now time.Duration) verdict {
	result := accepted
	switch {
	case !r.known:
		r.start(h)
		result = renewed
	case r.anew || h.ssrc != r.ssrc:
		if !r.anew && !r.admit(h, now) {
			return dropped
		}
		r.lostBefore = r.lost()
		r.previous, r.changed, r.replaced = r.ssrc, now, h.ssrc != r.ssrc
		r.start(h)
		result = renewed
	default:
		if result = r.update(h.seq); result == dropped {
			return dropped
		}
		if result == renewed {
			r.lostBefore = r.lost()
			r.start(h)
		}
	}
	r.received++
	r.last = now
	r.measure(h, result == renewed, clock, now)
	return result
}

// start begins to count a source (RFC 3550 A.1, init_seq).
func (r *reception) start(h header) {
	r.known, r.anew, r.ssrc, r.probing = true, false, h.ssrc, false
	r.maxSeq, r.baseSeq, r.badSeq, r.cycles = h.seq, uint32(h.seq), seqMod+1, 0
	r.received, r.expectedPrior, r.receivedPrior = 0, 0, 0
}

// expectNew lets the next packet begin a source without probation, whatever its SSRC and sequence number are: the remote side has been
// described anew.
func (r *reception) expectNew() { r.anew = true }

// admit decides whether another SSRC takes the place of the present one: at once if that has fallen silent, else with its
// second packet in sequence (RFC 3550 s6.2.1, A.1), and never with what is left on the way of the one before.
func (r *reception) admit(h header, now time.Duration) bool {
	if r.replaced && h.ssrc == r.previous && now-r.changed < lateness {
		return false
	}
	if now-r.last >= alive || r.probing && h.ssrc == r.candidate && h.seq == r.candidateAt {
		return true
	}
	r.probing, r.candidate, r.candidateAt = true, h.ssrc, h.seq+1
	return false
}

// update is update_seq of RFC 3550 A.1 for a source that is known to be valid. Renewed when it has begun anew.
func (r *reception) update(seq uint16) verdict {
	delta := seq - r.maxSeq
	switch {
	case delta == 0: // sent twice
	case delta < maxDropout:
		if seq < r.maxSeq {
			r.cycles += seqMod
		}
		r.maxSeq = seq
	case int(delta) <= seqMod-maxMisorder:
		if uint32(seq) == r.badSeq {
			return renewed
		}
		r.badSeq = uint32(seq + 1)
		return dropped
	default:
		r.outOfOrder++
	}
	return accepted
}

// measure is RFC 3550 A.8. Packets that repeat a timestamp (events, RFC 4733; parts of a picture) were not sampled when they
// are sent, so they say nothing about the network.
func (r *reception) measure(h header, first bool, clock int, now time.Duration) {
	transit := units(now, clock) - h.ts
	switch {
	case first:
	case h.ts == r.ts:
		return
	default:
		d := int32(transit - r.transit)
		if d < 0 {
			d = -d
		}
		if d < 0 || int(d) > 10*clock { // a jump of the sender's clock, not jitter
			break
		}
		r.jitter += uint32(d) - (r.jitter+8)>>4
	}
	r.ts, r.transit = h.ts, transit
}

// highest is the extended highest sequence number received.
func (r *reception) highest() uint32 { return r.cycles + uint32(r.maxSeq) }

// expected is how many packets the present source has sent, as far as we know (RFC 3550 A.3).
func (r *reception) expected() uint32 {
	if !r.known {
		return 0
	}
	return r.highest() - r.baseSeq + 1
}

// lost counts over all sources.
func (r *reception) lost() int64 { return r.lostBefore + int64(int32(r.expected()-r.received)) }

// fraction is the share lost since the last call, in 1/256 (RFC 3550 A.3).
func (r *reception) fraction() uint8 {
	expected, received := r.expected()-r.expectedPrior, r.received-r.receivedPrior
	r.expectedPrior, r.receivedPrior = r.expected(), r.received
	lost := int32(expected - received)
	if expected == 0 || lost <= 0 {
		return 0
	}
	return uint8(min(255, uint64(lost)<<8/uint64(expected)))
}
