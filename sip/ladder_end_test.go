package sip

import (
	"testing"
	"time"

	"tonegate/internal/siptest"
)

func TestLadderEnd(t *testing.T) {
	draw(t, []ladder{
		{"bye-from-callee", toneless, func(w *world) {
			a, b := w.connect(plain)
			bye := b.Bye("Reason: Q.850;cause=31")
			w.header(a.ExpectRequest("BYE").Message, "Reason", "Q.850;cause=31")
			bye.Expect(200)
			w.want("completed callee_hung_up 200")
		}},
		{"bye-crosses-bye", toneless, func(w *world) {
			a, b := w.connect(plain)
			first, second := a.Bye(), b.Bye()
			first.Expect(200)
			second.Expect(200)
			w.want("completed caller_hung_up 200")
		}},
		{"bye-before-ack", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Answer()
			a.Expect(200)
			a.Bye().Expect(200)
			b.ExpectRequest("ACK")
			b.ExpectRequest("BYE")
			w.carrier.Quiet(40 * time.Second) // the 200 is not repeated any more
			w.want("completed caller_hung_up 200")
		}},
		{"callee-bye-before-ack", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Answer()
			b.ExpectRequest("ACK")
			b.Bye().Expect(200)
			a.Expect(200)
			time.Sleep(700 * time.Millisecond)
			a.Quiet(time.Second) // no BYE before the ACK (RFC 3261 s15)
			a.Ack("")
			a.ExpectRequest("BYE")
			w.want("completed callee_hung_up 200")
		}},
		{"no-ack", toneless, func(w *world) {
			w.carrier.SetFaults(siptest.Faults{NeverAck: true})
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Answer()
			answer := a.Expect(200)
			byeA, byeB := a.ExpectRequest("BYE"), b.ExpectRequest("BYE")
			w.about("BYE to A", byeA.At.Sub(answer.At), 32*time.Second)
			w.about("BYE to B", byeB.At.Sub(answer.At), 32*time.Second)
			w.header(byeA.Message, "Reason", "Q.850;cause=102")
			w.header(byeB.Message, "Reason", "Q.850;cause=102")
			w.want("failed no_ack 200")
		}},
		{"suspended", func(s *setup) { s.stopped = []string{"05012340001"} }, func(w *world) {
			a := w.carrier.Invite(forwarded)
			w.header(a.Expect(404), "Reason", "Q.850;cause=1")
			w.pbx.Quiet(2 * time.Second)
			if w.carrierVoice.Report().Packets+w.pbxVoice.Report().Packets+w.pbx.Received() > 0 {
				w.t.Error("somebody heard something")
			}
			w.want("refused stop_list 404")
		}},
		{"suspended-in-the-call", toneless, func(w *world) {
			a, b := w.connect(plain)
			time.Sleep(5 * time.Second)
			w.stop("05012340001")
			w.server.Rescreen()
			byeA, byeB := a.ExpectRequest("BYE"), b.ExpectRequest("BYE")
			w.header(byeA.Message, "Reason", "Q.850;cause=16")
			w.header(byeB.Message, "Reason", "Q.850;cause=16")
			w.want("refused stop_list 200")
		}},
		{"suspended-while-ringing", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			a.Expect(180)
			w.stop("0312340001")
			w.server.Rescreen()
			w.header(a.Expect(404), "Reason", "Q.850;cause=1")
			b.ExpectRequest("CANCEL")
			w.want("refused stop_list 404")
		}},
		{"bye-during-tone-at-answer", nil, func(w *world) {
			a, b := w.connect(plain)
			time.Sleep(495 * time.Millisecond)
			hangUp(a, b)
			time.Sleep(100 * time.Millisecond)
			sent := w.records.all()[0].Notices
			for _, n := range sent {
				if n.Complete || n.Failed != "stopped" || n.Packets < 20 || n.Packets > 27 {
					w.t.Errorf("%+v", n)
				}
			}
			if r := w.records.all()[0]; r.Bridged != nil || len(sent) != 2 {
				w.t.Errorf("bridged %v, %d notices", r.Bridged, len(sent))
			}
			w.want("completed caller_hung_up 200, answer callee stopped, answer caller stopped")
		}},
		{"silence", both(toneless, func(s *setup) { s.media.Timeout = 10 * time.Second }), func(w *world) {
			a, b := w.connect(plain)
			w.header(a.ExpectRequest("BYE").Message, "Reason", "Q.850;cause=31")
			b.ExpectRequest("BYE")
			w.want("failed no_media 200")
		}},
	})
}
