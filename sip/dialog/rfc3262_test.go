package dialog

import (
	"slices"
	"testing"
	"time"
)

// RFC 3262 s3: "The reliable provisional response is passed to the transaction layer periodically with an interval
// that starts at T1 seconds and doubles for each retransmission"
// And: "If a reliable provisional response is retransmitted for 64*T1 seconds without reception of a corresponding
// PRACK, the UAS SHOULD reject the original request with a 5xx response."
func TestRFC3262S3ProvisionalIsRepeated(t *testing.T) {
	start := time.Unix(0, 0)
	var p Provisional
	p.Send(p.NextRSeq(1, 41), 1, []byte("183"), true, 500*time.Millisecond, start)
	var at []time.Duration
	for {
		now := p.Due()
		send, missing := p.Expire(now)
		if missing {
			if now.Sub(start) != 32*time.Second {
				t.Errorf("given up after %s, want 32s", now.Sub(start))
			}
			break
		}
		if string(send) != "183" {
			t.Fatalf("sent %q", send)
		}
		at = append(at, now.Sub(start))
	}
	want := []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond, 7500 * time.Millisecond, 15500 * time.Millisecond, 31500 * time.Millisecond}
	if !slices.Equal(at, want) {
		t.Errorf("repeated at %v, want %v", at, want)
	}
	if p.Waiting() || !p.Due().IsZero() {
		t.Error("something is due after the end")
	}
}

// RFC 3262 s3: "The value of the header field for the first reliable provisional response in a transaction MUST be
// between 1 and 2**31 - 1."
// And: "The value of the RSeq in each subsequent reliable provisional response for the same request MUST be greater
// by exactly one."
// And: "The RSeq numbering space is within a single transaction."
func TestRFC3262S3RSeqCountsUp(t *testing.T) {
	for _, random := range []uint32{0, 1, 1<<31 - 2, 1<<31 - 1, 1<<32 - 1} {
		var p Provisional
		first := p.NextRSeq(7, random)
		if first < 1 || first > 1<<31-1 {
			t.Errorf("first RSeq %d from %d", first, random)
		}
		p.Send(first, 7, []byte("x"), false, time.Second, time.Unix(0, 0))
		p.Acknowledge(RAck{first, 7, "INVITE"})
		if next := p.NextRSeq(7, random); next != first+1 {
			t.Errorf("%d follows %d", next, first)
		}
		if next := p.NextRSeq(8, 99); next != 100 {
			t.Errorf("another INVITE goes on with %d", next)
		}
	}
}

// RFC 3262 s3: "A matching PRACK is defined as one within the same dialog as the response, and whose method,
// CSeq-num, and response-num in the RAck header field match, respectively, the method from the CSeq, the sequence
// number from the CSeq, and the sequence number from the RSeq of the reliable provisional response."
// And: "If a PRACK request is received by the UA core that does not match any unacknowledged reliable provisional
// response, the UAS MUST respond to the PRACK with a 481 response."
func TestRFC3262S3PRACKMatches(t *testing.T) {
	for _, c := range []struct {
		rack string
		want bool
	}{
		{"42 1 INVITE", true}, {"43 1 INVITE", false}, {"42 2 INVITE", false}, {"42 1 UPDATE", false},
	} {
		var p Provisional
		p.Send(42, 1, []byte("183"), true, time.Second, time.Unix(0, 0))
		r, ok := ParseRAck(c.rack)
		if !ok || p.Acknowledge(r) != c.want {
			t.Errorf("RAck %s: want %v", c.rack, c.want)
		}
		if p.Holds2xx() == c.want {
			t.Errorf("RAck %s: the 2xx waits: %v", c.rack, p.Holds2xx())
		}
		if c.want && p.Acknowledge(r) {
			t.Error("one PRACK acknowledged twice")
		}
	}
	for _, bad := range []string{"", "1", "1 2", "0 1 INVITE", "-1 1 INVITE", "1 1 INVITE x", "4294967296 1 INVITE", "1 2147483648 INVITE"} {
		if r, ok := ParseRAck(bad); ok {
			t.Errorf("%q was read as %s", bad, r)
		}
	}
}

// RFC 3262 s3: "The UAS MAY send a final response to the initial request before having received PRACKs for all
// unacknowledged reliable provisional responses, unless the final response is 2xx and any of the unacknowledged
// reliable provisional responses contained a session description."
func TestRFC3262S3OnlyADescriptionHoldsThe2xx(t *testing.T) {
	var p Provisional
	p.Send(1, 1, []byte("180"), false, time.Second, time.Unix(0, 0))
	if p.Holds2xx() || !p.Waiting() {
		t.Error("a response without description holds the 2xx, or waits for nothing")
	}
}

// RFC 3262 s4: "Once a reliable provisional response is received, retransmissions of that response MUST be
// discarded."
// And: "As a result, if the UAC receives another reliable provisional response to the same request, and its RSeq
// value is not one higher than the value of the sequence number, that response MUST NOT be acknowledged with a PRACK,
// and MUST NOT be processed further by the UAC."
func TestRFC3262S4ResponsesInOrder(t *testing.T) {
	var a Acknowledged
	for _, c := range []struct {
		rseq uint32
		want bool
	}{{7, true}, {7, false}, {9, false}, {8, true}, {6, false}, {9, true}} {
		if got := a.Take(c.rseq); got != c.want {
			t.Errorf("RSeq %d: %v, want %v", c.rseq, got, c.want)
		}
	}
}

// RFC 3262 s3: "If the UAS does send a final response when reliable responses are still unacknowledged, it SHOULD NOT
// continue to retransmit the unacknowledged reliable provisional responses, but it MUST be prepared to process PRACK
// requests for those outstanding responses."
func TestRFC3262S3PRACKAfterTheFinalResponse(t *testing.T) {
	var p Provisional
	p.Send(42, 1, []byte("183"), true, time.Second, time.Unix(0, 0))
	p.Stop()
	if send, missing := p.Expire(time.Unix(100, 0)); p.Waiting() || p.Holds2xx() || !p.Due().IsZero() || send != nil || missing {
		t.Error("it is still repeated")
	}
	if p.Acknowledge(RAck{41, 1, "INVITE"}) {
		t.Error("a PRACK for another response")
	}
	if !p.Acknowledge(RAck{42, 1, "INVITE"}) {
		t.Error("the PRACK that crossed the final response is refused")
	}
	if p.Acknowledge(RAck{42, 1, "INVITE"}) {
		t.Error("acknowledged twice")
	}
}

// RFC 3262 s4: "Its value MUST be initialized to the RSeq header field in the first reliable provisional response
// received for the initial request." Each early dialog of a fork counts for itself.
func TestRFC3262S4FirstRSeqIsAnyNumber(t *testing.T) {
	var f Forks
	for _, tag := range []string{"f1", "f2"} {
		f.Of(ours(), "our-tag", response(t, "183 Session Progress", tag, ""))
	}
	if !f.Take("f1", 7) || !f.Take("f2", 1<<32-2) || !f.Take("f2", 1<<32-1) || !f.Take("f1", 8) || f.Take("f1", 1<<32-1) {
		t.Error("the forks' numbers are mixed up")
	}
	if f.Take("f3", 1) {
		t.Error("a response without a dialog was taken")
	}
}
