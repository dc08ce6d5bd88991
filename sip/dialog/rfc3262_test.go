package dialog

import (
	"slices"
	"testing"
	"time"
)

// s3: the response is repeated from T1, doubling each time, until its PRACK or 64*T1.
func TestProvisionalIsRepeated(t *testing.T) {
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

// s3: the first RSeq is 1 to 2^31 - 1, the next is one more.
func TestRSeqCountsUp(t *testing.T) {
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

// s3: a PRACK matches by RSeq, CSeq number and method; anything else is for nothing.
func TestPrackMatches(t *testing.T) {
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

// s3: only a description makes the 2xx wait.
func TestOnlyADescriptionHoldsThe2xx(t *testing.T) {
	var p Provisional
	p.Send(1, 1, []byte("180"), false, time.Second, time.Unix(0, 0))
	if p.Holds2xx() || !p.Waiting() {
		t.Error("a response without description holds the 2xx, or waits for nothing")
	}
}

// s4: responses are taken in order; repetitions and gaps are dropped.
func TestReliableResponsesInOrder(t *testing.T) {
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
