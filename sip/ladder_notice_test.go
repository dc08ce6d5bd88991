package sip

import (
	"testing"
	"time"

	"tonegate/call"
	"tonegate/internal/siptest"
)

var g729 = siptest.Codec{Payload: 18, Name: "G729", Rate: 8000}

func g729Only(v *siptest.Voice) string {
	return siptest.SDP{Address: v.Addr(), Codecs: []siptest.Codec{g729}}.Offer()
}

func TestLadderNotice(t *testing.T) {
	draw(t, []ladder{
		{"no-codec-for-the-tone", nil, func(w *world) {
			o := forwarded
			o.Body = g729Only(w.carrierVoice)
			a := w.carrier.Invite(o)
			b := w.pbx.Accept()
			b.Respond(200, nil, g729Only(w.pbxVoice))
			a.Expect(200)
			a.Ack("")
			b.ExpectRequest("ACK")
			time.Sleep(100 * time.Millisecond)
			hangUp(a, b)
			w.want("completed caller_hung_up 200, before caller no codec in common with the notice, answer callee no codec in common with the notice")
		}},
		{"no-codec-for-the-tone-released", func(s *setup) { s.options.Policy.OnFailure = call.Release }, func(w *world) {
			o := forwarded
			o.Body = g729Only(w.carrierVoice)
			w.carrier.Invite(o).Expect(500)
			w.pbx.Quiet(time.Second)
			w.want("failed notice_failed 500, before caller no codec in common with the notice")
		}},
		{"no-codec-for-the-tone-at-answer", nil, func(w *world) {
			o := plain
			o.Body = g729Only(w.carrierVoice)
			a := w.carrier.Invite(o)
			b := w.pbx.Accept()
			b.Respond(200, nil, g729Only(w.pbxVoice))
			a.Expect(200)
			a.Ack("")
			b.ExpectRequest("ACK")
			time.Sleep(100 * time.Millisecond)
			hangUp(a, b)
			w.want("completed caller_hung_up 200, answer callee no codec in common with the notice, answer caller no codec in common with the notice")
		}},
		{"no-codec-to-pick-up-with", func(s *setup) { onlyBefore(s); s.options.Policy.Rules[1].Mode = call.AnsweredBefore }, func(w *world) {
			o := forwarded
			o.Body = g729Only(w.carrierVoice)
			a := w.carrier.Invite(o)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			b.Respond(200, nil, g729Only(w.pbxVoice))
			a.Expect(200)
			a.Ack("")
			b.ExpectRequest("ACK")
			hangUp(a, b)
			w.want("completed caller_hung_up 200, before caller no codec in common with the notice")
		}},
		{"no-codec-for-the-announcement", func(s *setup) {
			s.stopped = []string{"0312340001"}
			s.options.Policy.Refuse.Announce = "tone"
		}, func(w *world) {
			o := forwarded
			o.Body = g729Only(w.carrierVoice)
			w.header(w.carrier.Invite(o).Expect(404), "Reason", "Q.850;cause=1")
			w.want("refused stop_list 404, before caller no codec in common with the notice")
		}},
		{"no-port-for-the-announcement", func(s *setup) {
			s.stopped = []string{"0312340001"}
			s.options.Policy.Refuse.Announce = "tone"
			s.media.Ports = [2]int{20000, 20001}
		}, func(w *world) {
			a := w.carrier.Invite(plain)
			a.Expect(183)
			b := w.carrier.Invite(plain)
			b.Expect(404) // without the announcement
			w.want("refused stop_list 404")
			a.Expect(404)
			w.want("refused stop_list 404, before caller 50 whole")
		}},
		{"answered-before", func(s *setup) { onlyBefore(s); s.options.Policy.Rules[1].Mode = call.AnsweredBefore }, func(w *world) {
			a := w.carrier.Invite(forwarded)
			a.Expect(200)
			a.Ack("")
			b := w.pbx.Accept()
			if n := w.carrierVoice.Report().Packets; n != 50 {
				w.t.Errorf("%d packets of the tone", n)
			}
			b.Respond(180, nil, "")
			b.Answer()
			b.ExpectRequest("ACK")
			hangUp(a, b)
			w.want("completed caller_hung_up 200, before caller 50 whole")
		}},
		{"answered-before-and-busy", func(s *setup) { onlyBefore(s); s.options.Policy.Rules[1].Mode = call.AnsweredBefore }, func(w *world) {
			a := w.carrier.Invite(forwarded)
			a.Expect(200)
			a.Ack("")
			w.pbx.Accept().Respond(486, nil, "")
			a.ExpectRequest("BYE")
			w.want("busy far_end_refused 200, before caller 50 whole")
		}},
		{"answered-before-and-cancel", func(s *setup) { onlyBefore(s); s.options.Policy.Rules[1].Mode = call.AnsweredBefore }, func(w *world) {
			w.carrier.SetFaults(siptest.Faults{CancelAtOnce: true})
			a := w.carrier.Invite(forwarded)
			a.Expect(100)
			cancel := a.Cancel()
			a.Expect(200)
			cancel.Expect(200) // and it changes nothing (RFC 3261 s9.2)
			a.Ack("")
			time.Sleep(200 * time.Millisecond)
			a.Bye().Expect(200)
			w.pbx.Quiet(3 * time.Second)
			w.want("cancelled caller_hung_up 200, before caller stopped")
		}},
		{"before-callee", func(s *setup) { s.options.Policy.Rules[1].Slots = call.Slots{BeforeCallee: "tone"} }, func(w *world) {
			a := w.carrier.Invite(forwarded)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			b.Answer()
			ack := b.ExpectRequest("ACK")
			answer := a.Expect(200)
			if d := answer.At.Sub(ack.At).Round(time.Millisecond); d < time.Second || d > 1020*time.Millisecond {
				w.t.Errorf("A was answered %v after B", d)
			}
			if n := w.pbxVoice.Report().Packets; n != 50 {
				w.t.Errorf("B heard %d packets", n)
			}
			a.Ack("")
			hangUp(a, b)
			w.want("completed caller_hung_up 200, before callee 50 whole")
		}},
		{"before-callee-who-leaves", func(s *setup) { s.options.Policy.Rules[1].Slots = call.Slots{BeforeCallee: "tone"} }, func(w *world) {
			a := w.carrier.Invite(forwarded)
			b := w.pbx.Accept()
			b.Answer()
			b.ExpectRequest("ACK")
			time.Sleep(295 * time.Millisecond)
			b.Bye().Expect(200)
			a.Expect(480)
			w.want("no_answer callee_hung_up 480, before callee stopped")
		}},
		{"refused-with-announcement", func(s *setup) {
			s.stopped = []string{"0312340001"}
			s.options.Policy.Refuse.Announce = "tone"
		}, func(w *world) {
			a := w.carrier.Invite(plain)
			tone := a.Expect(183)
			gone := a.Expect(404)
			if n := w.carrierVoice.Report().Packets; n != 50 {
				w.t.Errorf("%d packets", n)
			}
			if d := gone.At.Sub(tone.At).Round(time.Millisecond); d < time.Second || d > 1020*time.Millisecond {
				w.t.Errorf("refused after %v", d)
			}
			w.pbx.Quiet(time.Second)
			w.want("refused stop_list 404, before caller 50 whole")
		}},
		{"bye-on-the-early-dialog", nil, func(w *world) {
			a := w.carrier.Invite(forwarded)
			a.Expect(183)
			time.Sleep(300 * time.Millisecond)
			a.Bye().Expect(200)
			a.Expect(487)
			w.pbx.Quiet(3 * time.Second)
			w.want("cancelled caller_hung_up 487, before caller stopped")
		}},
		{"busy-after-the-tone", nil, func(w *world) {
			a := w.carrier.Invite(forwarded)
			w.pbx.Accept().Respond(486, nil, "")
			a.Expect(486)
			w.want("busy far_end_refused 486, before caller 50 whole")
		}},
		{"early-media-after-the-tone", onlyBefore, func(w *world) {
			a := w.carrier.Invite(forwarded)
			b := w.pbx.Accept()
			b.Respond(183, nil, described(w.pbxVoice, "", 0))
			time.Sleep(50 * time.Millisecond)
			w.pbxVoice.Say(speech(25, 1))
			w.pbxVoice.Wait()
			time.Sleep(50 * time.Millisecond)
			w.oneStream(w.carrierVoice, 75) // the tone, then B's ringing, one stream
			answered(a, b)
			hangUp(a, b)
			w.want("completed caller_hung_up 200, before caller 50 whole")
		}},
	})
}
