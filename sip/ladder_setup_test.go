package sip

import (
	"strings"
	"testing"
	"time"

	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
)

func TestLadderSetup(t *testing.T) {
	draw(t, []ladder{
		{"forwarded", nil, func(w *world) {
			a := w.carrier.Invite(forwarded)
			tone := a.Expect(183)
			b := w.pbx.Accept()
			w.about("the call to B", b.Invite.At.Sub(tone.At), time.Second)
			heard := w.carrierVoice.Report()
			if first := heard.First.Sub(tone.At); heard.Packets != 50 || first < 0 || first > 20*time.Millisecond || heard.Jumps+heard.Lost+heard.Timestamps != 0 {
				w.t.Errorf("the tone: %v, %v after the 183", heard, first)
			}
			w.about("the last packet", heard.Last.Sub(heard.First), 49*20*time.Millisecond)
			if rest := b.Invite.At.Sub(heard.Last).Round(time.Millisecond); rest < 20*time.Millisecond {
				w.t.Errorf("B was called %v after the last packet left, whose sound lasts 20ms", rest)
			}
			b.Respond(180, nil, "")
			a.Expect(180)
			b.Answer()
			answer := a.Expect(200)
			if answer.Body != tone.Body {
				w.t.Errorf("the 200 describes us anew:\n%s\nthe 183 said\n%s", answer.Body, tone.Body)
			}
			a.Ack("")
			b.ExpectRequest("ACK")
			time.Sleep(2 * time.Second)
			hangUp(a, b)
			w.want("completed caller_hung_up 200, before caller 50 whole, answer callee 50 whole")
		}},
		{"plain", nil, func(w *world) {
			a, b := w.connect(plain)
			time.Sleep(2 * time.Second)
			for _, v := range []*siptest.Voice{w.carrierVoice, w.pbxVoice} {
				if r := v.Report(); r.Packets != 50 || r.SSRCs != 1 {
					w.t.Errorf("%v", r)
				}
			}
			hangUp(a, b)
			w.want("completed caller_hung_up 200, answer callee 50 whole, answer caller 50 whole")
		}},
		{"busy", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			w.pbx.Accept().Respond(486, []string{"Reason: Q.850;cause=17"}, "")
			w.header(a.Expect(486), "Reason", "Q.850;cause=17")
			w.want("busy far_end_refused 486")
		}},
		{"not-there", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			time.Sleep(20 * time.Second)
			b.Respond(480, nil, "")
			a.Expect(480)
			w.want("no_answer far_end_refused 480")
		}},
		{"nobody-answers", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			ring := a.Expect(180)
			gone := a.Expect(408)
			w.about("Timer C", gone.At.Sub(ring.At), 181*time.Second)
			b.ExpectRequest("CANCEL")
			w.want("no_answer nobody_answered 408")
		}},
		{"long-ringing", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			a.Expect(180)
			before := w.carrier.Received()
			time.Sleep(130 * time.Second)
			if n := w.carrier.Received() - before; n != 2 {
				w.t.Errorf("the 180 was repeated %d times in 130 s, want each minute", n)
			}
			answered(a, b)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"unreachable-then-spare", both(toneless, twoTargets), func(w *world) {
			w.ladder.Host("spare", hostSpare)
			w.pbx.SetFaults(siptest.Faults{NeverTrying: true, NeverAnswer: true})
			a := w.carrier.Invite(plain)
			first := w.pbx.Accept()
			b := w.spare.Accept()
			w.about("Timer B", b.Invite.At.Sub(first.Invite.At), 32*time.Second)
			answered(a, b)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"unreachable", toneless, func(w *world) {
			w.pbx.SetFaults(siptest.Faults{NeverTrying: true, NeverAnswer: true})
			a := w.carrier.Invite(plain)
			a.Expect(408)
			w.want("failed far_end_unreachable 408")
		}},
		{"unavailable", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			w.pbx.Accept().Respond(503, []string{"Retry-After: 7"}, "")
			w.header(a.Expect(500), "Retry-After", "7")
			w.want("failed far_end_refused 500")
		}},
		{"unavailable-then-spare", both(onlyBefore, twoTargets), func(w *world) {
			w.ladder.Host("spare", hostSpare)
			a := w.carrier.Invite(forwarded)
			w.pbx.Accept().Respond(503, nil, "")
			b := w.spare.Accept()
			answered(a, b)
			hangUp(a, b)
			w.want("completed caller_hung_up 200, before caller 50 whole")
		}},
		{"late-offer", toneless, func(w *world) {
			o := plain
			o.NoSDP = true
			a := w.carrier.Invite(o)
			b := w.pbx.Accept()
			if b.Invite.Body != "" {
				w.t.Errorf("B got an offer that A has not made:\n%s", b.Invite.Body)
			}
			b.Respond(180, nil, "")
			b.Respond(200, nil, described(w.pbxVoice, "", 0))
			offer := a.Expect(200)
			a.Ack(siptest.SDP{Address: w.carrierVoice.Addr(), Codecs: []siptest.Codec{siptest.PCMA}}.Answer(offer.Body))
			if ack := b.ExpectRequest("ACK"); ack.Body == "" {
				w.t.Error("B's ACK has no answer")
			}
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"late-offer-tone-at-answer", nil, func(w *world) {
			o := plain
			o.NoSDP = true
			a := w.carrier.Invite(o)
			b := w.pbx.Accept()
			wide := siptest.Codec{Payload: 96, Name: "opus", Rate: 48000}
			b.Respond(200, nil, siptest.SDP{Address: w.pbxVoice.Addr(), Codecs: []siptest.Codec{wide, siptest.PCMU}, Ptime: 20}.Offer())
			offer := a.Expect(200)
			if strings.Contains(offer.Body, "opus") {
				w.t.Errorf("the caller may choose a codec that no notice is encoded in:\n%s", offer.Body)
			}
			a.Ack(siptest.SDP{Address: w.carrierVoice.Addr(), Codecs: []siptest.Codec{siptest.PCMU}}.Answer(offer.Body))
			b.ExpectRequest("ACK")
			time.Sleep(2 * time.Second)
			hangUp(a, b)
			w.want("completed caller_hung_up 200, answer callee 50 whole, answer caller 50 whole")
		}},
		{"late-offer-with-tone", onlyBefore, func(w *world) {
			o := forwarded
			o.NoSDP = true
			a := w.carrier.Invite(o)
			ours := a.Expect(200)
			a.Ack(siptest.SDP{Address: w.carrierVoice.Addr(), Codecs: []siptest.Codec{siptest.PCMA}}.Answer(ours.Body))
			b := w.pbx.Accept()
			if n := w.carrierVoice.Report().Packets; n != 50 {
				w.t.Errorf("%d packets of the tone before B is called", n)
			}
			b.Answer()
			b.ExpectRequest("ACK")
			hangUp(a, b)
			w.want("completed caller_hung_up 200, before caller 50 whole")
		}},
		{"forks", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			early := b.Fork()
			early.Respond(183, nil, described(w.pbxVoice, "", 0))
			if m := a.Expect(183); m.Body == "" {
				w.t.Error("no early media")
			}
			b.Answer()
			answer := a.Expect(200)
			a.Ack("")
			b.ExpectRequest("ACK")
			early.Answer()
			early.ExpectRequest("ACK")
			early.ExpectRequest("BYE")
			if ring := a.Responses()[1]; ring.ToTag() != answer.ToTag() {
				w.t.Error("A saw two dialogs")
			}
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"forks-apart", toneless, func(w *world) {
			w.ladder.Host("spare", hostSpare)
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			early := b.Fork()
			early.Respond(180, nil, "")
			b.Answer("Contact: <sip:pbx@127.0.0.4:5060>")
			a.Expect(200)
			a.Ack("")
			early.Answer()
			if ack := w.spare.Receive(); ack.Method != "ACK" {
				w.t.Errorf("the winner got %s", ack)
			}
			early.ExpectRequest("ACK")
			early.ExpectRequest("BYE")
			time.Sleep(time.Second)
			a.Bye().Expect(200)
			for w.spare.Receive().Method != "BYE" { // the ACK again, until the winner's own address gets it
			}
			w.want("completed caller_hung_up 200")
		}},
		{"answer-in-another-codec", nil, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(200, nil, siptest.SDP{Address: w.pbxVoice.Addr(), Codecs: []siptest.Codec{{Payload: 18, Name: "G729", Rate: 8000}}}.Offer())
			b.ExpectRequest("ACK")
			b.ExpectRequest("BYE")
			a.Expect(502)
			w.want("failed session_description 502")
		}},
		{"answer-too-long-to-pass-on", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			long := "v=0\r\no=- 1 1 IN IP4 127.0.0.3\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP4 127.0.0.3\r\n"
			for len(long) < 16<<10-6 {
				long += "a=x\r\n"
			}
			b.Respond(200, nil, long)
			b.ExpectRequest("ACK")
			b.ExpectRequest("BYE")
			a.Expect(500)
			w.want("failed session_description 200")
		}},
		{"answer-without-description", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(200, nil, "")
			b.ExpectRequest("ACK")
			b.ExpectRequest("BYE")
			a.Expect(502)
			w.want("failed session_description 502")
		}},
		{"early-media", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(183, nil, described(w.pbxVoice, "", 0))
			a.Expect(183)
			w.pbxVoice.Say(make([]int16, 8000))
			w.pbxVoice.Wait()
			time.Sleep(20 * time.Millisecond)
			if r := w.carrierVoice.Report(); r.Packets != 50 || r.SSRCs != 1 {
				w.t.Errorf("A heard %v of B's 50 early packets", r)
			}
			b.Respond(486, nil, "")
			a.Expect(486)
			w.want("busy far_end_refused 486")
		}},
		{"lost-ack-to-callee", toneless, func(w *world) {
			lost := 0
			var acks []string
			w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
				if p.To.Addr() == hostPBX && strings.HasPrefix(string(p.Data), "ACK ") {
					acks = append(acks, string(p.Data))
					if lost++; lost <= 2 {
						return simnet.Drop
					}
				}
				return simnet.Pass
			})
			a, b := w.connect(plain)
			hangUp(a, b)
			if len(acks) != 3 || acks[0] != acks[1] || acks[1] != acks[2] {
				w.t.Errorf("%d ACKs, want 3 that are the same", len(acks))
			}
			w.want("completed caller_hung_up 200")
		}},
		{"repeated-invite", toneless, func(w *world) {
			lost := 0
			w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
				if p.To.Addr() == hostCarrier && p.To.Port() == 5060 {
					if lost++; lost <= 1 {
						return simnet.Drop
					}
				}
				return simnet.Pass
			})
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			time.Sleep(700 * time.Millisecond)
			b.Respond(486, nil, "")
			a.Expect(486)
			w.pbx.Quiet(10 * time.Second)
			w.want("busy far_end_refused 486")
		}},
		{"emergency", func(s *setup) {
			s.stopped = []string{"05012349999", "0355550001"}
			s.options.Limits = Limits{}
			s.options.Ready = func() bool { return false }
		}, func(w *world) {
			o := siptest.InviteOptions{To: "110", From: "0355550001", Headers: forwarded.Headers}
			a := w.pbx.Invite(o)
			b := w.carrier.Accept()
			answered(a, b)
			w.stop("0355550001")
			w.server.Rescreen()
			time.Sleep(time.Second)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
	})
}

func TestASecondInviteOfACallIsNoNewCall(t *testing.T) {
	// The limit is one call: the repetition of its INVITE must not be refused.
	inWorld(t, both(toneless, func(s *setup) { s.options.Limits = Limits{Calls: 1, InvitesPerSecond: 1} }), func(w *world) {
		w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
			if p.To.Addr() == hostCarrier && strings.HasPrefix(string(p.Data), "SIP/2.0 100") {
				return simnet.Drop
			}
			return simnet.Pass
		})
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		time.Sleep(3 * time.Second) // two repetitions
		if seen := a.Responses(); len(seen) != 0 {
			w.t.Errorf("answered %v", seen)
		}
		answered(a, b)
		hangUp(a, b)
		w.want("completed caller_hung_up 200")
	})
}
