package sip

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"tonegate/internal/siptest"
)

// after says how long a refused request is to wait.
func after(t *testing.T, m *siptest.Message) int {
	t.Helper()
	s, err := strconv.Atoi(m.Header("Retry-After"))
	if err != nil || s < 0 || s > 10 {
		t.Errorf("Retry-After of %s is %q, want 0 to 10", m, m.Header("Retry-After"))
	}
	return s
}

// RFC 3261 s14.1: "Note that a UAC MUST NOT initiate a new INVITE transaction within a dialog while another INVITE
// transaction is in progress in either direction." A refresh of ours falls due while the caller's re-INVITE is open at
// the callee, and then while its 200 waits for the caller's ACK.
func TestRFC3261S14_1OneINVITEAtATime(t *testing.T) {
	inWorld(t, both(toneless, timers), func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Answer("Session-Expires: 300;refresher=uac", "Require: timer")
		a.Expect(200)
		a.Ack("")
		b.ExpectRequest("ACK")
		time.Sleep(149 * time.Second)
		sent := w.tap(hostPBX)
		a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		time.Sleep(10 * time.Second)
		if n := len(sent.all("INVITE")); n != 1 {
			t.Errorf("%d INVITEs within one that is open", n)
		}
		b.Answer("Session-Expires: 300;refresher=uac", "Require: timer")
		a.Expect(200)
		a.Ack("")
		b.ExpectRequest("ACK")
		time.Sleep(100 * time.Second) // the interval began anew
		if n := len(sent.all("INVITE")); n != 1 {
			t.Errorf("%d INVITEs, but the re-INVITE refreshed the session", n)
		}
		w.done(a, b)
	})
}

// RFC 3261 s14.1: "If a UAC receives a 491 response to a re-INVITE, it SHOULD start a timer with a value T chosen as
// follows: 1. If the UAC is the owner of the Call-ID of the dialog ID (meaning it generated the value), T has a
// randomly chosen value between 2.1 and 4 seconds in units of 10 ms. 2. If the UAC is not the owner of the Call-ID of
// the dialog ID, T has a randomly chosen value of between 0 and 2 seconds in units of 10 ms."
func TestRFC3261S14_1WaitAfter491(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) {
		s.options.Trunks[0].SessionTimer, s.options.Trunks[1].SessionTimer = 300*time.Second, 500*time.Second
	}), func(w *world) {
		a, b := w.connect(plain)
		waits := func(c *siptest.Call, least, most time.Duration) {
			t.Helper()
			seen := map[time.Duration]bool{}
			at := c.ExpectRequest("INVITE").At
			for range 20 {
				c.Respond(491, nil, "")
				next := c.ExpectRequest("INVITE")
				wait := next.At.Sub(at).Round(time.Millisecond) - 10*time.Millisecond // there and back
				if wait < least || wait > most || wait%(10*time.Millisecond) != 0 {
					t.Errorf("again after %v, want %v to %v in units of 10 ms", wait, least, most)
				}
				seen[wait], at = true, next.At
			}
			if len(seen) < 10 {
				t.Errorf("%d different waits of 20", len(seen))
			}
			c.Answer()
			c.ExpectRequest("ACK")
		}
		waits(a, 0, 2*time.Second) // the caller's Call-ID
		waits(b, 2100*time.Millisecond, 4*time.Second)
		w.done(a, b)
	})
}

// RFC 3261 s14.2: "A UAS that receives a second INVITE before it sends the final response to a first INVITE with a
// lower CSeq sequence number on the same dialog MUST return a 500 (Server Internal Error) response to the second INVITE
// and MUST include a Retry-After header field with a randomly chosen value of between 0 and 10 seconds."
func TestRFC3261S14_2SecondINVITE(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.connect(plain)
		first := a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		after(t, a.Reinvite(described(w.carrierVoice, "sendrecv", 2)).Expect(500))
		b.Answer()
		ok := first.Expect(200) // the first is not disturbed
		w.carrier.SendRaw([]byte(strings.Replace(string(ackOf(a)), "CSeq: 1 ACK", "CSeq: 2 ACK", 1)))
		if ok.Body == "" {
			t.Error("no answer to the first")
		}
		b.ExpectRequest("ACK")
		w.done(a, b)
	})
}

// RFC 3261 s14.2: "a randomly chosen value of between 0 and 10 seconds"
func TestRFC3261S14_2RetryAfterIsRandom(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.connect(plain)
		first := a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		seen := map[int]bool{}
		for n := range 30 {
			seen[after(t, a.Reinvite(described(w.carrierVoice, "sendrecv", 2+n)).Expect(500))] = true
		}
		if len(seen) < 3 {
			t.Errorf("%d different values of 30", len(seen))
		}
		b.Respond(488, nil, "")
		first.Expect(488)
		w.done(a, b)
	})
}

// RFC 3261 s14.2: "A UAS that receives an INVITE on a dialog while an INVITE it had sent on that dialog is in progress
// MUST return a 491 (Request Pending) response to the received INVITE."
func TestRFC3261S14_2Glare(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.connect(plain)
		a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		ours := b.ExpectRequest("INVITE")
		b.Reinvite(described(w.pbxVoice, "sendonly", 1)).Expect(491)
		ours.Respond(200, nil, described(w.pbxVoice, "recvonly", 2))
		a.Expect(200)
		a.Ack("")
		w.done(a, b)
	})
}

// RFC 3261 s14.2: "If the new session description is not acceptable, the UAS can reject it by returning a 488 (Not
// Acceptable Here) response for the re-INVITE."
func TestRFC3261S14_2DescriptionRejected(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.connect(plain)
		a.Reinvite("v=0\r\nnonsense").Expect(488)
		b.Quiet(time.Second)
		w.done(a, b)
	})
}

// RFC 3261 s14.2: "If a UAS generates a 2xx response and never receives an ACK, it SHOULD generate a BYE to terminate
// the dialog."
func TestRFC3261S14_2NoACK(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.connect(plain)
		a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		b.Answer()
		ok := a.Expect(200)
		w.about("the BYE", a.ExpectRequest("BYE").At.Sub(ok.At), 32*time.Second)
		b.ExpectRequest("BYE")
		w.want("failed no_ack 200")
	})
}

// RFC 3261 s14.2: "A UAS providing an offer in a 2xx (because the INVITE did not contain an offer) SHOULD construct the
// offer as if the UAS were making a brand new call, subject to the constraints of sending an offer that updates an
// existing session". s13.2.1: "If the initial offer is in the first reliable non-failure message from the UAS back to
// UAC, the answer MUST be in the acknowledgement for that message".
func TestRFC3261S14_2OfferInThe2xx(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.connect(plain)
		before := a.Responses()[len(a.Responses())-1].Body
		a.Reinvite("")
		if m := b.ExpectRequest("INVITE"); m.Body != "" {
			t.Errorf("an offer that the caller has not made:\n%s", m.Body)
		}
		b.Respond(200, nil, described(w.pbxVoice, "", 1))
		offer := a.Expect(200)
		if offer.Body == "" || strings.Count(offer.Body, "m=") != strings.Count(before, "m=") {
			t.Errorf("the offer in the 200:\n%s", offer.Body)
		}
		a.Ack(siptest.SDP{Address: w.carrierVoice.Addr(), Codecs: []siptest.Codec{siptest.PCMU}}.Answer(offer.Body))
		if b.ExpectRequest("ACK").Body == "" {
			t.Error("no answer for the callee")
		}
		w.done(a, b)
	})
}

// RFC 3261 s14.1: "If a UA receives a non-2xx final response to a re-INVITE, the session parameters MUST remain
// unchanged, as if no re-INVITE had been issued." The next refresh of ours shows what we hold for the session.
func TestRFC3261S14_1AFailedReINVITEChangesNothing(t *testing.T) {
	inWorld(t, both(toneless, timers), func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Answer("Session-Expires: 300;refresher=uac", "Require: timer")
		a.Expect(200)
		a.Ack("")
		b.ExpectRequest("ACK")
		a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		b.Respond(488, nil, "")
		a.Expect(488)
		again := b.ExpectRequest("INVITE")
		if offer, err := siptest.ParseSDP(again.Body); err != nil || offer.Direction == "sendonly" {
			t.Errorf("the refresh offers what was refused, %v:\n%s", err, again.Body)
		}
		b.Answer("Session-Expires: 300;refresher=uac", "Require: timer")
		b.ExpectRequest("ACK")
		w.done(a, b)
	})
}
