package dialog

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tonegate/sip/wire"
)

// RFC 3261 s13.2.2.4: "The sequence number of the CSeq header field MUST be the same as the INVITE being
// acknowledged, but the CSeq method MUST be ACK."
func TestS13_2_2_4ACKKeepsTheNumberOfItsINVITE(t *testing.T) {
	d := NewUAC(ours(), "our-tag", response(t, "200 OK", "b-tag", "Contact: <sip:b@192.0.2.9>\n"))
	d.Request(wire.INFO, "UDP", "192.0.2.1:5060", "z9hG4bKi")
	wants(t, bytesOf(t, d.Ack(1, "UDP", "192.0.2.1:5060", "z9hG4bKk")), "CSeq: 1 ACK", "ACK sip:b@192.0.2.9 SIP/2.0")
	if i := d.Invite("UDP", "192.0.2.1:5060", "z9hG4bKr"); i.CSeq != 3 {
		t.Errorf("re-INVITE with CSeq %d, want 3", i.CSeq)
	}
}

// RFC 3261 s13.2.2.4: "Each response is distinguished by the tag parameter in the To header field, and each
// represents a distinct dialog, with a distinct dialog identifier."
// And: "The ACK MUST be passed to the client transport every time a retransmission of the 2xx final response that
// triggered the ACK arrives."
func TestS13_2_2_4EachToTagIsADialog(t *testing.T) {
	var f Forks
	i := ours()
	if f.Of(i, "our-tag", response(t, "100 Trying", "", "")) != nil {
		t.Error("a response without a tag made a dialog")
	}
	one := f.Of(i, "our-tag", response(t, "180 Ringing", "f1", "Contact: <sip:early@192.0.2.9>\n"))
	two := f.Of(i, "our-tag", response(t, "183 Session Progress", "f2", "Contact: <sip:two@192.0.2.9>\n"))
	if one == nil || two == nil || one.Target == two.Target {
		t.Fatalf("forks share a dialog: %v %v", one, two)
	}
	f.Early("f2", "v=0")
	if f.EarlySDP("f1") != "" || f.EarlySDP("f2") != "v=0" {
		t.Error("early descriptions are mixed up")
	}
	if d := f.Of(i, "our-tag", response(t, "200 OK", "f1", "Contact: <sip:final@192.0.2.9>\nRecord-Route: <sip:p.example.jp;lr>\n")); d.Target != "sip:final@192.0.2.9" || len(d.RouteSet) != 1 {
		t.Errorf("the 2xx did not make target and route set anew: %+v", d)
	}
	f.Acked("f1", []byte("ACK"))
	if string(f.Ack("f1")) != "ACK" || f.Ack("f2") != nil {
		t.Error("ACKs are mixed up")
	}
	if f.EarlySDP("f1") != "" || f.Dialog("f3") != nil {
		t.Error("something was remembered that never came")
	}
}

// A peer that invents To-tags without end finds a bound.
func TestForksAreBounded(t *testing.T) {
	var f Forks
	made := 0
	for n := range 100 {
		if f.Of(ours(), "our-tag", response(t, "180 Ringing", "t"+strings.Repeat("x", n), "")) != nil {
			made++
		}
	}
	if made != maxForks {
		t.Errorf("%d early dialogs, want %d", made, maxForks)
	}
}

// RFC 3261 s13.3.1.4: "The 2xx response is passed to the transport with an interval that starts at T1 seconds and
// doubles for each retransmission until it reaches T2 seconds"
// And: "If the server retransmits the 2xx response for 64*T1 seconds without receiving an ACK, the dialog is
// confirmed, but the session SHOULD be terminated."
func TestS13_3_1_4AcceptedIsRepeated(t *testing.T) {
	start := time.Unix(0, 0)
	a := Accept([]byte("200"), 500*time.Millisecond, 4*time.Second, start)
	var at []time.Duration
	for {
		now := a.Due()
		send, missing := a.Expire(now)
		if missing {
			if got := now.Sub(start); got != 32*time.Second {
				t.Errorf("given up after %s, want 32s", got)
			}
			break
		}
		if string(send) != "200" {
			t.Fatalf("sent %q", send)
		}
		at = append(at, now.Sub(start))
	}
	want := []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond}
	for s := 7500 * time.Millisecond; s < 32*time.Second; s += 4 * time.Second {
		want = append(want, s)
	}
	if !slices.Equal(at, want) {
		t.Errorf("repeated at %v, want %v", at, want)
	}
	if a.Waiting() || !a.Due().IsZero() {
		t.Error("something is still due after the end")
	}
}

// RFC 3261 s13.3.1.4: "Response retransmissions cease when an ACK request for the response is received."
func TestS13_3_1_4ACKEndsTheRepetition(t *testing.T) {
	a := Accept([]byte("200"), 500*time.Millisecond, 4*time.Second, time.Unix(0, 0))
	a.Stop()
	if send, missing := a.Expire(time.Unix(100, 0)); send != nil || missing {
		t.Error("repeated after the ACK")
	}
}

// RFC 3261 s13.2.2.4: "If the dialog identifier in the 2xx response matches the dialog identifier of an existing
// dialog, the dialog MUST be transitioned to the "confirmed" state, and the route set for the dialog MUST be recomputed
// based on the 2xx response". And: "Note that the only piece of state that is recomputed is the route set. Other pieces
// of state such as the highest sequence numbers (remote and local) sent within the dialog are not recomputed."
func TestS13_2_2_4OnlyTheRouteSetIsRecomputed(t *testing.T) {
	var f Forks
	i := ours()
	d := f.Of(i, "our-tag", response(t, "183 Session Progress", "f1", "Contact: <sip:early@192.0.2.9>\nRecord-Route: <sip:p.example.jp;lr>\n"))
	d.Request(wire.PRACK, "UDP", "192.0.2.1:5060", "z9hG4bKp")
	d.RemoteSeq = 7 // the peer has sent an UPDATE
	d = f.Of(i, "our-tag", response(t, "200 OK", "f1", "Record-Route: <sip:q.example.jp;lr>\n"))
	if d.LocalSeq != 2 || d.RemoteSeq != 7 {
		t.Errorf("CSeq %d and %d, want 2 and 7", d.LocalSeq, d.RemoteSeq)
	}
	if !slices.Equal(d.RouteSet, []string{"<sip:q.example.jp;lr>"}) || d.Target != "sip:early@192.0.2.9" {
		t.Errorf("route set %v, target %s", d.RouteSet, d.Target)
	}
}

// RFC 3261 s13.2.2.1: "If a provisional response has a tag in the To field, and if the dialog ID of the response does
// not match an existing dialog, one is constructed using the procedures defined in Section 12.1.2."
func TestS13_2_2_1EarlyDialogIsMadeOnce(t *testing.T) {
	var f Forks
	i := ours()
	one := f.Of(i, "our-tag", response(t, "180 Ringing", "f1", "Contact: <sip:first@192.0.2.9>\n"))
	if one == nil || one.RemoteTag != "f1" || one.LocalSeq != 1 || one.Target != "sip:first@192.0.2.9" {
		t.Fatalf("%+v", one)
	}
	again := f.Of(i, "our-tag", response(t, "183 Session Progress", "f1", "Contact: <sip:second@192.0.2.9>\n"))
	if again.Target != "sip:first@192.0.2.9" || len(f.list) != 1 {
		t.Errorf("the second response made another dialog: %+v", again)
	}
}
