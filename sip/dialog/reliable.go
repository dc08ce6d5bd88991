package dialog

import (
	"strconv"
	"strings"
	"time"
)

// Provisional is the server side of reliable provisional responses
// (RFC 3262 s3): one at a time, repeated until its PRACK, numbered by RSeq.
type Provisional struct {
	rseq     uint32 // of the newest one; 0 before the first
	invite   uint32 // CSeq number of its INVITE
	owed     bool   // the newest one lacks its PRACK
	response []byte // the one that waits for its PRACK, while it is repeated
	sdp      bool   // it carries a description, so that a 2xx must wait
	interval time.Duration
	next     time.Time
	end      time.Time
}

// maxFirstRSeq bounds the first RSeq (RFC 3262 s3: 1 to 2^31 - 1, so that it can be counted up).
const maxFirstRSeq = 1<<31 - 1

// NextRSeq is the RSeq for a reliable response to the INVITE with the CSeq
// number; first is a random number for the first of them.
func (p *Provisional) NextRSeq(invite, first uint32) uint32 {
	if p.rseq == 0 || p.invite != invite {
		return 1 + first%maxFirstRSeq
	}
	return p.rseq + 1
}

// Send starts the repetition of a response with that RSeq; the first sending
// is the caller's. It must not be called while one is Waiting.
func (p *Provisional) Send(rseq, invite uint32, response []byte, sdp bool, t1 time.Duration, now time.Time) {
	*p = Provisional{rseq: rseq, invite: invite, owed: true, response: response, sdp: sdp, interval: t1, next: now.Add(t1), end: now.Add(64 * t1)}
}

// Waiting reports whether a PRACK is awaited: no other reliable response may
// be sent (RFC 3262 s3).
func (p *Provisional) Waiting() bool { return p.response != nil }

// Holds2xx reports whether a 2xx must wait: the response that lacks its PRACK
// carries a description (RFC 3262 s3).
func (p *Provisional) Holds2xx() bool { return p.Waiting() && p.sdp }

// Acknowledge takes the RAck of a PRACK; false when it matches nothing that
// lacks one, which is answered 481. A response that is not repeated any more,
// after a final one, may still get its PRACK (RFC 3262 s3).
func (p *Provisional) Acknowledge(r RAck) bool {
	if !p.owed || r.RSeq != p.rseq || r.CSeq != p.invite || r.Method != "INVITE" {
		return false
	}
	p.owed = false
	p.Stop()
	return true
}

// Stop ends the repetition: a PRACK came, or a final response is sent.
func (p *Provisional) Stop() { p.response, p.sdp, p.next, p.end = nil, false, time.Time{}, time.Time{} }

// Due is when Expire wants to be called; zero when nothing is awaited.
func (p *Provisional) Due() time.Time {
	switch {
	case !p.Waiting():
		return time.Time{}
	case p.next.After(p.end):
		return p.end
	}
	return p.next
}

// Expire gives the response to send again, from T1 doubling without a bound,
// or says after 64*T1 that the PRACK is missing; then the INVITE is refused
// with a 5xx (RFC 3262 s3).
func (p *Provisional) Expire(now time.Time) (send []byte, missing bool) {
	switch {
	case !p.Waiting():
		return nil, false
	case !now.Before(p.end):
		p.Stop()
		return nil, true
	case now.Before(p.next):
		return nil, false
	}
	p.interval *= 2
	p.next = now.Add(p.interval)
	return p.response, false
}

// RAck names the response that a PRACK acknowledges (RFC 3262 s7.2).
type RAck struct {
	RSeq, CSeq uint32
	Method     string
}

// ParseRAck reads a RAck value: response number, CSeq number, method.
func ParseRAck(s string) (RAck, bool) {
	f := strings.Fields(s)
	if len(f) != 3 {
		return RAck{}, false
	}
	rseq, err1 := strconv.ParseUint(f[0], 10, 32)
	cseq, err2 := strconv.ParseUint(f[1], 10, 31)
	if err1 != nil || err2 != nil || rseq == 0 {
		return RAck{}, false
	}
	return RAck{RSeq: uint32(rseq), CSeq: uint32(cseq), Method: f[2]}, true
}

func (r RAck) String() string {
	return strconv.FormatUint(uint64(r.RSeq), 10) + " " + strconv.FormatUint(uint64(r.CSeq), 10) + " " + r.Method
}

// Acknowledged is the client side of reliable provisional responses
// (RFC 3262 s4), in one early dialog: they are taken in order.
type Acknowledged struct{ rseq uint32 }

// Take judges a reliable response by its RSeq: true for the next one, which
// wants its PRACK. A repetition, or one that came out of order, is dropped;
// its sender repeats what was not acknowledged.
func (a *Acknowledged) Take(rseq uint32) bool {
	if rseq == 0 || a.rseq != 0 && rseq != a.rseq+1 {
		return false
	}
	a.rseq = rseq
	return true
}

// ParseRSeq reads an RSeq value (RFC 3262 s7.1).
func ParseRSeq(s string) (uint32, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	return uint32(n), err == nil && n > 0
}
