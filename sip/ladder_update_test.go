package sip

import (
	"testing"

	"tonegate/internal/siptest"
)

func TestLadderUpdate(t *testing.T) {
	byHand := func(s *setup) { s.carrier.Manual, s.pbx.Manual = []string{"UPDATE"}, []string{"UPDATE"} }
	draw(t, []ladder{
		{"update-refresh", both(toneless, byHand), func(w *world) {
			a, b := w.connect(plain)
			ok := a.Request("UPDATE", []string{"Supported: timer", "Session-Expires: 300;refresher=uac"}, "").Expect(200)
			w.header(ok, "Session-Expires", "300;refresher=uac")
			if ok.Body != "" {
				w.t.Errorf("an answer without an offer:\n%s", ok.Body)
			}
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"update-hold", both(toneless, byHand), func(w *world) {
			a, b := w.connect(plain)
			held := a.Request("UPDATE", nil, described(w.carrierVoice, "sendonly", 2))
			again := b.ExpectRequest("INVITE")
			if got, err := siptest.ParseSDP(again.Body); err != nil || got.Direction != "sendonly" {
				w.t.Errorf("B was not put on hold: %v\n%s", err, again.Body)
			}
			b.Answer()
			b.ExpectRequest("ACK")
			if got, err := siptest.ParseSDP(held.Expect(200).Body); err != nil || got.Direction != "recvonly" {
				w.t.Errorf("the answer to the hold: %v %+v", err, got)
			}
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"update-refused", both(toneless, byHand), func(w *world) {
			a, b := w.connect(plain)
			asked := b.Request("UPDATE", nil, described(w.pbxVoice, "sendrecv", 2))
			a.ExpectRequest("INVITE")
			a.Respond(488, nil, "")
			asked.Expect(488)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"update-during-tone", byHand, func(w *world) {
			a, b := w.connect(plain)
			a.Request("UPDATE", nil, described(w.carrierVoice, "sendonly", 2)).Expect(491)
			hangUp(a, b)
			w.want("completed caller_hung_up 200, answer callee stopped, answer caller stopped")
		}},
		{"update-too-brief", toneless, func(w *world) {
			a, b := w.connect(plain)
			w.header(a.Request("UPDATE", []string{"Supported: timer", "Session-Expires: 30"}, "").Expect(422), "Min-SE", "90")
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
	})
}
