package sip

import (
	"strings"
	"testing"
	"time"

	"tonegate/internal/siptest"
)

// timed calls the PBX, whose 2xx agrees to a session timer, or none.
func (w *world) timed(o siptest.InviteOptions, agreed ...string) (a, b *siptest.Call, ok *siptest.Message) {
	w.t.Helper()
	a = w.carrier.Invite(o)
	b = w.pbx.Accept()
	b.Answer(agreed...)
	ok = a.Expect(200)
	a.Ack("")
	b.ExpectRequest("ACK")
	return a, b, ok
}

// asking is a caller that asks for a session timer.
func asking(headers ...string) siptest.InviteOptions {
	o := plain
	o.Headers = append([]string{"Supported: timer"}, headers...)
	return o
}

// callerTimers lets the carrier's trunk ask for sessions of 300 s.
func callerTimers(s *setup) { s.options.Trunks[0].SessionTimer = 300 * time.Second }

// RFC 4028 s7.1: "A UAC that supports the session timer extension defined here MUST include a Supported header field in
// each request (except ACK), listing the option tag 'timer' [2]. It MUST do so even if the UAC is not requesting usage
// of the session timer for this session." CANCEL aside, which repeats its INVITE and says nothing of its own.
func TestRFC4028S7_1SupportedInEachRequest(t *testing.T) {
	inWorld(t, both(toneless, reliable), func(w *world) {
		sent := w.tap(hostPBX)
		a, b := w.ring(plain)
		b.RespondReliably(183, nil, described(w.pbxVoice, "", 1))
		b.ExpectRequest("PRACK")
		b.Answer()
		a.Expect(200)
		a.Ack("")
		a.Request("INFO", nil, "").Expect(200)
		a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		b.Answer()
		a.Expect(200)
		a.Ack("")
		w.done(a, b)
		for _, m := range sent.all("") {
			if m.IsRequest() && m.Method != "ACK" && !strings.Contains(strings.Join(m.Headers("Supported"), ","), "timer") {
				t.Errorf("%s: Supported %q", m, m.Headers("Supported"))
			}
		}
	})
}

// RFC 4028 s7.1: "If a Min-SE header is included in the initial session refresh request, the value of the
// Session-Expires MUST be greater than or equal to the value in Min-SE." And, of the refresher parameter: "However, it
// is RECOMMENDED that the parameter be omitted so that it can be selected by the negotiation mechanisms described
// below." s7.3 and s7.4: "Similarly, if no dialog has been established yet, a UAC MUST insert the Min-SE header field
// into an INVITE request if it has ever received a 422 response to a previous INVITE request with the same Call-ID."
// Ours has a new Call-ID, by choice, and its Min-SE all the same.
func TestRFC4028S7_1AskingForATimer(t *testing.T) {
	inWorld(t, both(toneless, timers), func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		w.header(b.Invite, "Session-Expires", "300")
		w.header(b.Invite, "Min-SE", "90")
		b.Respond(422, []string{"Min-SE: 1000"}, "")
		b = w.pbx.Accept()
		w.header(b.Invite, "Session-Expires", "1000")
		w.header(b.Invite, "Min-SE", "1000")
		b.Answer("Session-Expires: 1000;refresher=uac", "Require: timer")
		a.Expect(200)
		a.Ack("")
		ack := b.ExpectRequest("ACK")
		time.Sleep(350 * time.Second)
		again := b.ExpectRequest("INVITE")
		w.about("the refresh", again.At.Sub(ack.At), 500*time.Second)
		b.Answer("Session-Expires: 1000;refresher=uac", "Require: timer")
		b.ExpectRequest("ACK")
		w.done(a, b)
	})
}

// RFC 4028 s7.2: "UACs MUST be prepared to receive a Session-Expires header field in a response, even if none were
// present in the request." And: "The UAC MUST set the identity of the refresher to the value of this parameter. If the
// parameter contains the value 'uac', the UAC will perform them." We asked for nothing.
func TestRFC4028S7_2TimerThatWeDidNotAskFor(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b, ok := w.timed(plain, "Session-Expires: 200;refresher=uac", "Require: timer")
		again := b.ExpectRequest("INVITE")
		w.about("our refresh", again.At.Sub(ok.At), 100*time.Second)
		w.header(again.Message, "Session-Expires", "200;refresher=uac")
		b.Answer("Session-Expires: 200;refresher=uas", "Require: timer") // from now on it refreshes
		agreed := b.ExpectRequest("ACK")
		end := b.ExpectRequest("BYE")
		w.about("the end without a refresh", end.At.Sub(agreed.At), 168*time.Second)
		a.ExpectRequest("BYE")
		w.want("failed session_expired 200")
	})
}

// RFC 4028 s7.2: "Similarly, a re-INVITE or UPDATE request sent within a dialog for purposes other than session
// refreshes will also have the effect of refreshing the session, and its processing will follow the procedures defined
// in this specification."
func TestRFC4028S7_2AnyReINVITERefreshes(t *testing.T) {
	inWorld(t, both(toneless, timers), func(w *world) {
		a, b, _ := w.timed(plain, "Session-Expires: 300;refresher=uac", "Require: timer")
		time.Sleep(100 * time.Second)
		a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		hold := b.ExpectRequest("INVITE")
		w.header(hold.Message, "Session-Expires", "300;refresher=uac")
		b.Answer("Session-Expires: 300;refresher=uac", "Require: timer")
		a.Expect(200)
		a.Ack("")
		ack := b.ExpectRequest("ACK")
		again := b.ExpectRequest("INVITE")
		w.about("the refresh", again.At.Sub(ack.At), 150*time.Second)
		b.Answer("Session-Expires: 300;refresher=uac", "Require: timer")
		b.ExpectRequest("ACK")
		w.done(a, b)
	})
}

// RFC 4028 s7.4: "a re-INVITE SHOULD contain one, even if the details of the session have not changed. In that case,
// the offer MUST indicate that it has not changed. In the case of SDP, this is accomplished by including the same value
// for the origin field as did previous SDP messages to its peer."
func TestRFC4028S7_4ARefreshChangesNothing(t *testing.T) {
	inWorld(t, both(toneless, timers, callerTimers), func(w *world) {
		a, b, ok := w.timed(plain, "Session-Expires: 300;refresher=uac", "Require: timer")
		for range 3 {
			for _, c := range []struct {
				call *siptest.Call
				said string
			}{{b, b.Invite.Body}, {a, ok.Body}} {
				if again := c.call.ExpectRequest("INVITE"); again.Body != c.said {
					t.Errorf("the refresh says\n%s\nthe session is\n%s", again.Body, c.said)
				}
				c.call.Answer("Session-Expires: 300;refresher=uac", "Require: timer")
				c.call.ExpectRequest("ACK")
			}
		}
		w.done(a, b)
	})
}

// RFC 4028 s8.1 and s9: "When sending the 422 response, the UAS MUST include a Min-SE header field with the value of
// its minimum interval. This minimum interval MUST NOT be lower than 90 seconds." In an INVITE, a re-INVITE and an
// UPDATE.
func TestRFC4028S9TooBrief(t *testing.T) {
	inWorld(t, both(toneless, updating), func(w *world) {
		w.header(w.carrier.Invite(asking("Session-Expires: 89")).Expect(422), "Min-SE", "90")
		w.want("refused session_interval 422")
		a, b, _ := w.timed(asking("Session-Expires: 90"))
		w.header(a.Reinvite(described(w.carrierVoice, "", 1), "Supported: timer", "x: 60").Expect(422), "Min-SE", "90")
		w.header(a.Request("UPDATE", []string{"k: timer", "Session-Expires: 60"}, "").Expect(422), "Min-SE", "90")
		w.done(a, b)
	})
}

// RFC 4028 s9: "The UAS MUST set the value of the refresher parameter in the Session-Expires header field in the 2xx
// response." And: "If the refresher parameter in the Session-Expires header field in the 2xx response has a value of
// 'uac', the UAS MUST place a Require header field into the response with the value 'timer'."
func TestRFC4028S9Require(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		for asked, want := range map[string]string{"1800": "1800;refresher=uac", "1800;refresher=uac": "1800;refresher=uac"} {
			a, b, ok := w.timed(asking("Session-Expires: " + asked))
			w.header(ok, "Session-Expires", want)
			w.header(ok, "Require", "timer")
			w.done(a, b)
		}
	})
}

// RFC 4028 s10: "If the session refresh request transaction times out or generates a 408 or 481 response, then the UAC
// sends a BYE request as per Section 12.2.1.2 of RFC 3261 [2]."
func TestRFC4028S10RefreshOfADialogThatIsGone(t *testing.T) {
	inWorld(t, both(toneless, timers), func(w *world) {
		for _, code := range []int{408, 481, 0} {
			a, b, _ := w.timed(plain, "Session-Expires: 300;refresher=uac", "Require: timer")
			if code == 0 {
				w.pbx.SetFaults(siptest.Faults{NeverTrying: true, NeverAnswer: true})
			}
			b.ExpectRequest("INVITE")
			if code != 0 {
				b.Respond(code, nil, "")
			}
			b.ExpectRequest("BYE")
			a.ExpectRequest("BYE")
			if code == 481 { // it has hung up, and its BYE got lost
				w.want("completed dialog_gone 200")
			} else {
				w.want("failed dialog_gone 200")
			}
		}
	})
}

// RFC 4028 s10: "Similarly, if the side not performing refreshes does not receive a session refresh request before the
// session expiration, it SHOULD send a BYE to terminate the session, slightly before the session expiration. The
// minimum of 32 seconds and one third of the session interval is RECOMMENDED." s9: "The session expiration is the time
// of transmission of the last 2xx response".
func TestRFC4028S10TheCallerStopsRefreshing(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b, _ := w.timed(asking("Session-Expires: 120;refresher=uac"))
		time.Sleep(60 * time.Second)
		a.Reinvite(described(w.carrierVoice, "", 1), "Supported: timer", "Session-Expires: 120;refresher=uac")
		b.ExpectRequest("INVITE")
		b.Answer()
		ok := a.Expect(200)
		w.header(ok, "Session-Expires", "120;refresher=uac")
		a.Ack("")
		b.ExpectRequest("ACK")
		w.about("the BYE", a.ExpectRequest("BYE").At.Sub(ok.At), 88*time.Second)
		b.ExpectRequest("BYE")
		w.want("failed session_expired 200")
	})
}
