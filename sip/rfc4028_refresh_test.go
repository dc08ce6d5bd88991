package sip

import (
	"testing"
	"time"
)

// RFC 4028 s7.2: "To do this, the UAC follows the procedures defined in this specification as if the Session-Expires
// header field were in the 2xx response, and its value was the same as that in the request, but with a refresher
// parameter of 'uac'." The request had asked for more than the trunk is set to, after a 422.
func TestRFC4028S7_2PeerWithoutTimers(t *testing.T) {
	inWorld(t, both(toneless, timers), func(w *world) {
		a := w.carrier.Invite(plain)
		w.pbx.Accept().Respond(422, []string{"Min-SE: 600"}, "")
		b := w.pbx.Accept()
		w.header(b.Invite, "Session-Expires", "600")
		b.Answer()
		ok := a.Expect(200)
		a.Ack("")
		b.ExpectRequest("ACK")
		time.Sleep(160 * time.Second)
		again := b.ExpectRequest("INVITE")
		w.about("our refresh", again.At.Sub(ok.At), 300*time.Second)
		w.header(again.Message, "Session-Expires", "600;refresher=uac")
		b.Answer()
		b.ExpectRequest("ACK")
		w.done(a, b)
	})
}

// RFC 4028 s7.4: "The value of the Min-SE header field present in a session refresh request MUST be the largest value
// among all Min-SE header field values returned in all 422 responses or received in session refresh requests, on the
// same dialog, if a dialog has been established." The caller's INVITE had one.
func TestRFC4028S7_4MinSEOfTheDialog(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b, ok := w.timed(asking("Session-Expires: 1000;refresher=uas", "Min-SE: 600"))
		w.header(ok, "Session-Expires", "1000;refresher=uas")
		time.Sleep(350 * time.Second)
		again := a.ExpectRequest("INVITE")
		w.header(again.Message, "Session-Expires", "1000;refresher=uac")
		w.header(again.Message, "Min-SE", "600")
		a.Answer("Session-Expires: 1000;refresher=uac", "Require: timer")
		a.ExpectRequest("ACK")
		w.done(a, b)
	})
}

// RFC 4028 s9: "If the refresher parameter in the 2xx response has a value of 'uas' and the Supported header field in
// the request contained the value 'timer', the UAS SHOULD place a Require header field into the response with the value
// 'timer'."
func TestRFC4028S9RequireWhenWeRefresh(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b, ok := w.timed(asking("Session-Expires: 1800;refresher=uas"))
		w.header(ok, "Session-Expires", "1800;refresher=uas")
		w.header(ok, "Require", "timer")
		w.done(a, b)
	})
}

// RFC 4028 s10: "However, the UAC SHOULD NOT continuously retry the request if the server indicates the same error
// response."
func TestRFC4028S10RefreshThatIsRefused(t *testing.T) {
	inWorld(t, both(toneless, timers), func(w *world) {
		a, b, _ := w.timed(plain, "Session-Expires: 300;refresher=uac", "Require: timer")
		sent := w.tap(hostPBX)
		for began := time.Now(); time.Since(began) < 290*time.Second; time.Sleep(100 * time.Millisecond) {
			if n := len(sent.all("INVITE")); n > len(sent.all("ACK")) {
				b.ExpectRequest("INVITE")
				b.Respond(488, nil, "")
			}
		}
		if n := len(sent.all("INVITE")); n < 1 || n > 5 {
			t.Errorf("%d refreshes were sent, all but the first after a 488", n)
		}
		b.ExpectRequest("BYE")
		a.ExpectRequest("BYE")
		w.want("failed session_expired 200")
	})
}

// RFC 4028 s7.3: a request that was refused with 422 may be sent again with a longer interval. That is between the
// callee and us: the caller asked for none, and need not know.
func TestShortIntervalOfACalleeIsNotPassedOn(t *testing.T) {
	inWorld(t, both(toneless, timers), func(w *world) {
		a, b, _ := w.timed(plain, "Session-Expires: 300;refresher=uac", "Require: timer")
		a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		b.Respond(422, []string{"Min-SE: 600"}, "")
		again := b.ExpectRequest("INVITE")
		w.header(again.Message, "Session-Expires", "600;refresher=uac")
		w.header(again.Message, "Min-SE", "600")
		b.Answer("Session-Expires: 600;refresher=uac", "Require: timer")
		a.Expect(200)
		a.Ack("")
		b.ExpectRequest("ACK")
		w.done(a, b)
	})
}
