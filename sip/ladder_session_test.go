package sip

import (
	"testing"
	"time"
)

// timers lets the PBX's trunk ask for sessions of 300 s.
func timers(s *setup) { s.options.Trunks[1].SessionTimer = 300 * time.Second }

func TestLadderSession(t *testing.T) {
	draw(t, []ladder{
		{"session-caller-refreshes", toneless, func(w *world) {
			o := plain
			o.Headers = []string{"Supported: timer", "Session-Expires: 300;refresher=uac"}
			a := w.carrier.Invite(o)
			b := w.pbx.Accept()
			b.Answer()
			ok := a.Expect(200)
			w.header(ok, "Session-Expires", "300;refresher=uac")
			w.header(ok, "Require", "timer")
			a.Ack("")
			b.ExpectRequest("ACK")
			time.Sleep(200 * time.Second) // it never refreshes
			end := a.ExpectRequest("BYE")
			w.about("the end of the session", end.At.Sub(ok.At), 268*time.Second)
			b.ExpectRequest("BYE")
			w.want("failed session_expired 200")
		}},
		{"session-we-refresh", both(toneless, timers), func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			w.header(b.Invite, "Session-Expires", "300")
			w.header(b.Invite, "Min-SE", "90")
			b.Answer("Session-Expires: 300;refresher=uac", "Require: timer")
			a.Expect(200)
			a.Ack("")
			ack := b.ExpectRequest("ACK")
			for range 2 {
				again := b.ExpectRequest("INVITE")
				w.about("a refresh", again.At.Sub(ack.At), 150*time.Second)
				w.header(again.Message, "Session-Expires", "300;refresher=uac")
				if again.Body == "" || again.Body != b.Invite.Body {
					w.t.Errorf("a refresh that changes the session:\n%s", again.Body)
				}
				b.Answer("Session-Expires: 300;refresher=uac", "Require: timer")
				ack = b.ExpectRequest("ACK")
			}
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"session-we-refresh-by-update", both(both(toneless, timers), updatesByHand), func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Answer("Session-Expires: 300;refresher=uac", "Require: timer")
			a.Expect(200)
			a.Ack("")
			last := b.ExpectRequest("ACK")
			for i := range 2 {
				again := b.ExpectRequest("UPDATE")
				w.about("a refresh", again.At.Sub(last.At), 150*time.Second+time.Duration(i)*10*time.Millisecond) // there and back
				w.header(again.Message, "Session-Expires", "300;refresher=uac")
				if again.Body != "" {
					w.t.Errorf("a refresh that changes the session:\n%s", again.Body)
				}
				again.Respond(200, []string{"Session-Expires: 300;refresher=uac", "Require: timer"}, "")
				last = again
			}
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"session-update-not-taken", both(both(toneless, timers), updatesByHand), func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Answer("Session-Expires: 300;refresher=uac", "Require: timer")
			a.Expect(200)
			a.Ack("")
			b.ExpectRequest("ACK")
			b.ExpectRequest("UPDATE").Respond(501, nil, "") // although its Allow has it
			b.ExpectRequest("INVITE")
			b.Answer("Session-Expires: 300;refresher=uac", "Require: timer")
			b.ExpectRequest("ACK")
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"session-refresh-held-for-minutes", both(toneless, func(s *setup) { s.options.Trunks[1].SessionTimer = 800 * time.Second }), func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Answer("Session-Expires: 800;refresher=uac", "Require: timer")
			a.Expect(200)
			a.Ack("")
			b.ExpectRequest("ACK")
			time.Sleep(300 * time.Second)
			again := b.ExpectRequest("INVITE")
			b.Respond(180, nil, "") // and no more: Timer C
			end := b.ExpectRequest("CANCEL")
			w.about("the CANCEL", end.At.Sub(again.At).Truncate(time.Second), 181*time.Second)
			time.Sleep(time.Second)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"session-refresh-fails", both(both(toneless, timers), updatesByHand), func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Answer("Session-Expires: 300;refresher=uac", "Require: timer")
			a.Expect(200)
			a.Ack("")
			b.ExpectRequest("ACK")
			b.ExpectRequest("UPDATE").Respond(481, nil, "")
			a.ExpectRequest("BYE")
			b.ExpectRequest("BYE")
			w.want("completed dialog_gone 200")
		}},
		{"session-too-brief", toneless, func(w *world) {
			o := plain
			o.Headers = []string{"Supported: timer", "Session-Expires: 60"}
			a := w.carrier.Invite(o)
			w.header(a.Expect(422), "Min-SE", "90")
			w.want("refused session_interval 422")
		}},
		{"session-too-brief-for-callee", both(toneless, timers), func(w *world) {
			a := w.carrier.Invite(plain)
			w.pbx.Accept().Respond(422, []string{"Min-SE: 600"}, "")
			b := w.pbx.Accept()
			w.header(b.Invite, "Session-Expires", "600")
			w.header(b.Invite, "Min-SE", "600")
			b.Answer("Session-Expires: 600;refresher=uas")
			a.Expect(200)
			a.Ack("")
			b.ExpectRequest("ACK")
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"session-we-refresh-the-caller", both(toneless, func(s *setup) { s.options.Trunks[0].SessionTimer = 300 * time.Second }), func(w *world) {
			a := w.carrier.Invite(plain) // a caller without timers
			b := w.pbx.Accept()
			b.Answer()
			ok := a.Expect(200)
			w.header(ok, "Session-Expires", "300;refresher=uas")
			if ok.Header("Require") != "" {
				w.t.Error("a caller without timers is asked for them")
			}
			a.Ack("")
			b.ExpectRequest("ACK")
			again := a.ExpectRequest("INVITE")
			w.about("the refresh", again.At.Sub(ok.At), 150*time.Second)
			a.Answer()
			a.ExpectRequest("ACK")
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
	})
}
