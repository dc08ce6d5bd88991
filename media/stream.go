package media

import "time"

// stream is one outgoing direction: whatever its source is, a tone or the other leg, and however often that changes, it
// is one SSRC whose sequence number goes up by one and whose timestamp follows the time (RFC 3550 s5.1). All arithmetic is
// modulo 2^16 or 2^32. Times are since the start of the plane.
type stream struct {
	ssrc    uint32
	seq     uint16        // newest sent
	floor   uint16        // sent before the present source began, or too long ago: not used again
	ts      uint32        // newest sent
	at      time.Duration // when ts was due
	step    uint32        // how long the newest packet lasts, in clock units
	source  uint32        // SSRC of the present source
	fed     bool          // there is a present source
	begun   bool          // something was sent
	seqOff  uint16        // from the source's sequence number to ours
	tsOff   uint32        // from the source's timestamp to ours
	packets uint64
	octets  uint64
}

// newStream starts with random values (RFC 3550 s5.1). step is that of a packet, until one is seen.
func newStream(ssrc uint32, seq uint16, ts, step uint32) stream {
	return stream{ssrc: ssrc, seq: seq, floor: seq, ts: ts, step: step}
}

// detach makes the next packet the first of a new source, even if it comes from the same one.
func (s *stream) detach() { s.fed = false }

// relay renumbers a header of the source for this stream; clock in Hz. False if the packet is late: it belongs before the
// present source's beginning, where its number is taken.
func (s *stream) relay(h header, clock int, now time.Duration) (header, bool) {
	first := !s.fed || h.ssrc != s.source
	if first {
		s.begin(h, clock, now)
		h.marker = true // RFC 3551 s4.1: a talkspurt begins, the receiver may adjust its playout
	}
	h.ssrc = s.ssrc
	h.seq += s.seqOff
	h.ts += s.tsOff
	if int16(h.seq-s.floor) <= 0 {
		return h, false
	}
	if int16(h.seq-s.seq) > 0 {
		s.advance(h, first, clock, now)
	}
	s.packets++
	s.octets += uint64(h.octets)
	return h, true
}

// begin binds the stream to a new source: its first packet is the next of ours, as much later as time has passed, but
// not before the newest packet has been heard.
func (s *stream) begin(h header, clock int, now time.Duration) {
	if !s.begun {
		s.at, s.begun = now, true
	}
	passed := max(units(now-s.at, clock), s.step)
	s.seqOff = s.seq + 1 - h.seq
	s.tsOff = s.ts + passed - h.ts
	s.floor = s.seq
	s.source, s.fed = h.ssrc, true
}

// advance notes a packet that is newer than all before.
func (s *stream) advance(h header, first bool, clock int, now time.Duration) {
	step := h.ts - s.ts
	if int32(step) > 0 { // an event's packets repeat the timestamp of its beginning (RFC 4733 s2.5.1.1)
		if !first && h.seq == s.seq+1 && step <= uint32(clock/8) {
			s.step = step // more than 125 ms is a pause, not a packet
		}
		s.ts, s.at = h.ts, now
	}
	s.seq = h.seq
	if s.seq-s.floor > 1<<14 {
		s.floor = s.seq - 1<<14
	}
}

// timestamp is that of the stream at a time (RFC 3550 s6.4.1, for sender reports).
func (s *stream) timestamp(clock int, now time.Duration) uint32 {
	return s.ts + units(now-s.at, clock)
}

// units converts a time into clock units, modulo 2^32; a negative time is none.
func units(d time.Duration, clock int) uint32 {
	if d < 0 {
		return 0
	}
	whole, rest := uint64(d/time.Second), uint64(d%time.Second)
	return uint32(whole*uint64(clock) + rest*uint64(clock)/uint64(time.Second))
}

// duration converts clock units into a time.
func duration(units uint32, clock int) time.Duration {
	return time.Duration(uint64(units) * uint64(time.Second) / uint64(clock))
}
