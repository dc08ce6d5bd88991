package sip

import (
	"testing"

	"tonegate/internal/siptest"
)

// authorizes speaks P-Early-Media with both trunks.
func authorizes(s *setup) {
	for i := range s.options.Trunks {
		s.options.Trunks[i].EarlyMedia = true
	}
}

func TestLadderEarlyMedia(t *testing.T) {
	asks := func(o siptest.InviteOptions) siptest.InviteOptions {
		o.Headers = append(o.Headers[:len(o.Headers):len(o.Headers)], "P-Early-Media: supported")
		return o
	}
	draw(t, []ladder{
		{"early-media-authorized", both(onlyBefore, authorizes), func(w *world) {
			a := w.carrier.Invite(asks(forwarded))
			w.header(a.Expect(183), "P-Early-Media", "sendonly") // the tone: nothing is heard of the caller
			b := w.pbx.Accept()
			w.header(b.Invite, "P-Early-Media", "supported")
			answered(a, b)
			hangUp(a, b)
			w.want("completed caller_hung_up 200, before caller 50 whole")
		}},
		{"early-media-of-the-callee-authorized", both(toneless, authorizes), func(w *world) {
			a := w.carrier.Invite(asks(plain))
			b := w.pbx.Accept()
			b.Respond(183, []string{"P-Early-Media: sendrecv, gated"}, described(w.pbxVoice, "", 1))
			w.header(a.Expect(183), "P-Early-Media", "sendrecv")
			answered(a, b)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"early-media-not-authorized", both(toneless, authorizes), func(w *world) {
			a := w.carrier.Invite(asks(plain))
			b := w.pbx.Accept()
			b.Respond(183, []string{"P-Early-Media: inactive"}, described(w.pbxVoice, "", 1))
			m := a.Expect(183)
			if m.Body != "" || m.Header("P-Early-Media") != "" {
				w.t.Errorf("what must not be heard is offered:\n%s", m)
			}
			answered(a, b)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"early-media-not-asked-about", both(onlyBefore, authorizes), func(w *world) {
			a := w.carrier.Invite(forwarded)
			w.header(a.Expect(183), "P-Early-Media", "")
			b := w.pbx.Accept()
			answered(a, b)
			hangUp(a, b)
			w.want("completed caller_hung_up 200, before caller 50 whole")
		}},
		{"cancel-answered-elsewhere", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			a.Expect(180)
			a.Cancel(`Reason: SIP;cause=200;text="Call completed elsewhere", X;cause=1`).Expect(200)
			w.header(b.ExpectRequest("CANCEL").Message, "Reason", "SIP;cause=200")
			a.Expect(487)
			w.want("cancelled caller_cancelled 487")
		}},
	})
}
