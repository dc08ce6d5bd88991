package sip

import (
	"testing"

	"tonegate/internal/siptest"
)

// updatesByHand lets the phones take UPDATE, and leaves it to the scripts.
func updatesByHand(s *setup) {
	for _, o := range []*siptest.Options{&s.carrier, &s.pbx} {
		o.Allow, o.Manual = noUpdate+", UPDATE", []string{"UPDATE"}
	}
}

func TestLadderUpdate(t *testing.T) {
	draw(t, []ladder{
		{"update-refresh", both(toneless, updatesByHand), func(w *world) {
			a, b := w.connect(plain)
			ok := a.Request("UPDATE", []string{"Supported: timer", "Session-Expires: 300;refresher=uac"}, "").Expect(200)
			w.header(ok, "Session-Expires", "300;refresher=uac")
			if ok.Body != "" {
				w.t.Errorf("an answer without an offer:\n%s", ok.Body)
			}
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"update-hold", both(toneless, updatesByHand), func(w *world) {
			a, b := w.connect(plain)
			held := a.Request("UPDATE", nil, described(w.carrierVoice, "sendonly", 2))
			again := b.ExpectRequest("UPDATE")
			if got, err := siptest.ParseSDP(again.Body); err != nil || got.Direction != "sendonly" {
				w.t.Errorf("B was not put on hold: %v\n%s", err, again.Body)
			}
			again.Respond(200, nil, described(w.pbxVoice, "recvonly", 2))
			if got, err := siptest.ParseSDP(held.Expect(200).Body); err != nil || got.Direction != "recvonly" {
				w.t.Errorf("the answer to the hold: %v %+v", err, got)
			}
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"update-refused", both(toneless, updatesByHand), func(w *world) {
			a, b := w.connect(plain)
			asked := b.Request("UPDATE", nil, described(w.pbxVoice, "sendrecv", 2))
			a.ExpectRequest("UPDATE").Respond(488, nil, "")
			asked.Expect(488)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"update-to-a-phone-without-it", both(toneless, updatesByHand), func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Answer("Allow: " + noUpdate)
			a.Expect(200)
			a.Ack("")
			b.ExpectRequest("ACK")
			held := a.Request("UPDATE", nil, described(w.carrierVoice, "sendonly", 2))
			b.ExpectRequest("INVITE")
			b.Answer()
			b.ExpectRequest("ACK")
			held.Expect(200)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"update-during-the-early-tone", both(onlyBefore, updatesByHand), func(w *world) {
			a := w.carrier.Invite(forwarded)
			a.Expect(183)
			moved := a.Request("UPDATE", nil, described(w.carrierVoice, "sendrecv", 2)).Expect(200)
			if got, err := siptest.ParseSDP(moved.Body); err != nil || len(got.Codecs) != 2 {
				w.t.Errorf("the answer is not the one to the INVITE: %v %+v", err, got)
			}
			b := w.pbx.Accept()
			answered(a, b)
			hangUp(a, b)
			w.want("completed caller_hung_up 200, before caller 50 whole")
		}},
		{"update-by-a-ringing-callee", both(toneless, func(s *setup) {
			updatesByHand(s)
			s.options.Trunks[1].Reliable = ReliableSupported
		}), func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.RespondReliably(183, nil, described(w.pbxVoice, "", 1))
			a.Expect(183)
			ok := b.Request("UPDATE", nil, described(w.pbxVoice, "sendonly", 2)).Expect(200)
			if got, err := siptest.ParseSDP(ok.Body); err != nil || got.Address.Addr() != hostUs {
				w.t.Errorf("an answer that leads around us: %v %+v", err, got)
			}
			answered(a, b)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"update-during-tone", updatesByHand, func(w *world) {
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
