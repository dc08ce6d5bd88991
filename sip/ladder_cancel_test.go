package sip

import (
	"strings"
	"testing"
	"time"

	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
)

// is reports whether a datagram goes that way and begins so, a CSeq method included.
func is(p simnet.Packet, to string, start, method string) bool {
	return p.To.Addr().String() == to && strings.HasPrefix(string(p.Data), start) && strings.Contains(string(p.Data), " "+method+"\r\n")
}

const us, pbx = "127.0.0.1", "127.0.0.3"

func TestLadderCancel(t *testing.T) {
	draw(t, []ladder{
		{"cancel-during-tone", nil, func(w *world) {
			a := w.carrier.Invite(forwarded)
			a.Expect(183)
			time.Sleep(300 * time.Millisecond)
			a.Cancel().Expect(200)
			gone := a.Expect(487)
			if ring := a.Responses()[1]; ring.ToTag() != gone.ToTag() {
				w.t.Error("the 487 has not the To-tag of the 183")
			}
			heard := w.carrierVoice.Report().Packets
			w.pbx.Quiet(5 * time.Second)
			if n := w.carrierVoice.Report().Packets; n > heard {
				w.t.Errorf("%d packets of the tone after the end", n-heard)
			}
			w.want("cancelled caller_cancelled 487, before caller 16 stopped")
		}},
		{"cancel-ringing", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			a.Expect(180)
			a.Cancel().Expect(200)
			a.Expect(487)
			b.ExpectRequest("CANCEL")
			w.want("cancelled caller_cancelled 487")
		}},
		{"cancel-before-progress", toneless, func(w *world) {
			w.pbx.SetFaults(siptest.Faults{NeverTrying: true})
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			a.Cancel().Expect(200)
			a.Expect(487)
			b.Quiet(300 * time.Millisecond) // no CANCEL yet (RFC 3261 s9.1)
			b.Respond(180, nil, "")
			b.ExpectRequest("CANCEL")
			w.want("cancelled caller_cancelled 487")
		}},
		{"cancel-before-answer-comes", toneless, func(w *world) {
			w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
				if is(p, us, "SIP/2.0 200", "INVITE") {
					return simnet.HoldUntil(func(p simnet.Packet) bool { return is(p, us, "CANCEL ", "CANCEL") })
				}
				return simnet.Pass
			})
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			a.Expect(180)
			b.Answer()
			a.Cancel().Expect(200)
			a.Expect(487)
			b.ExpectRequest("ACK")
			b.ExpectRequest("BYE")
			w.want("cancelled caller_cancelled 487")
		}},
		{"cancel-after-answer-came", toneless, func(w *world) {
			w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
				if is(p, us, "CANCEL ", "CANCEL") {
					return simnet.HoldUntil(func(p simnet.Packet) bool { return is(p, us, "SIP/2.0 200", "INVITE") })
				}
				return simnet.Pass
			})
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			a.Expect(180)
			cancel := a.Cancel()
			b.Answer()
			cancel.Expect(200)
			a.Expect(200)
			a.Ack("")
			b.ExpectRequest("ACK")
			b.Quiet(time.Second) // nothing has changed
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"cancel-unheard", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			a.Expect(180)
			w.pbx.SetFaults(siptest.Faults{NeverAnswer: true, NeverTrying: true})
			w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
				if p.To.Addr() == hostPBX {
					return simnet.Drop
				}
				return simnet.Pass
			})
			a.Cancel().Expect(200)
			a.Expect(487)
			time.Sleep(63 * time.Second)
			w.network.SetFilter(nil)
			b.Answer() // long after B was given up
			b.ExpectRequest("ACK")
			w.pbx.SetFaults(siptest.Faults{})
			b.ExpectRequest("BYE")
			w.want("cancelled caller_cancelled 487")
		}},
		{"cancel-into-the-void", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			a.Expect(180)
			w.pbx.SetFaults(siptest.Faults{NeverAnswer: true, NeverTrying: true})
			a.Cancel().Expect(200)
			a.Expect(487)
			w.want("cancelled caller_cancelled 487")
		}},
		{"nobody-answers-the-cancel", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			a.Expect(180)
			w.pbx.SetFaults(siptest.Faults{NeverAnswer: true, NeverTrying: true})
			a.Expect(408)
			w.want("no_answer nobody_answered 408")
		}},
		{"cancel-overtakes", toneless, func(w *world) {
			w.carrier.SetFaults(siptest.Faults{CancelAtOnce: true})
			w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
				if is(p, us, "INVITE ", "INVITE") {
					return simnet.HoldUntil(func(p simnet.Packet) bool { return is(p, us, "CANCEL ", "CANCEL") })
				}
				return simnet.Pass
			})
			a := w.carrier.Invite(plain)
			a.Cancel().Expect(481)
			a.Expect(487)
			w.pbx.Quiet(5 * time.Second)
		}},
	})
}

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
			w.want(line(w.records.all()[0]))
			if r := w.records.all()[0]; r.Bridged != nil || len(sent) != 2 {
				w.t.Errorf("bridged %v, %d notices", r.Bridged, len(sent))
			}
		}},
		{"silence", both(toneless, func(s *setup) { s.media.Timeout = 10 * time.Second }), func(w *world) {
			a, b := w.connect(plain)
			w.header(a.ExpectRequest("BYE").Message, "Reason", "Q.850;cause=31")
			b.ExpectRequest("BYE")
			w.want("failed no_media 200")
		}},
	})
}

func TestLadderReinvite(t *testing.T) {
	change := func(w *world, from, to *siptest.Call, fromVoice *siptest.Voice, direction string, version int) {
		w.t.Helper()
		from.Reinvite(described(fromVoice, direction, version))
		offer, err := siptest.ParseSDP(to.ExpectRequest("INVITE").Body)
		if err != nil || (offer.Direction != direction && !(offer.Direction == "" && direction == "sendrecv")) {
			w.t.Errorf("%s arrived as %q, %v", direction, offer.Direction, err)
		}
		to.Answer()
		from.Expect(200)
		from.Ack("")
		to.ExpectRequest("ACK")
	}
	draw(t, []ladder{
		{"hold", toneless, func(w *world) {
			a, b := w.connect(plain)
			change(w, a, b, w.carrierVoice, "sendonly", 1)
			change(w, a, b, w.carrierVoice, "sendrecv", 2)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"hold-by-callee", toneless, func(w *world) {
			a, b := w.connect(plain)
			change(w, b, a, w.pbxVoice, "sendonly", 1)
			change(w, b, a, w.pbxVoice, "sendrecv", 2)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"late-offer-reinvite", toneless, func(w *world) {
			a, b := w.connect(plain)
			a.Reinvite("")
			if m := b.ExpectRequest("INVITE"); m.Body != "" {
				w.t.Errorf("an offer from nowhere:\n%s", m.Body)
			}
			b.Respond(200, nil, described(w.pbxVoice, "", 1))
			offer := a.Expect(200)
			a.Ack(siptest.SDP{Address: w.carrierVoice.Addr(), Codecs: []siptest.Codec{siptest.PCMU}}.Answer(offer.Body))
			if m := b.ExpectRequest("ACK"); m.Body == "" {
				w.t.Error("no answer in B's ACK")
			}
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"reinvite-refused", toneless, func(w *world) {
			a, b := w.connect(plain)
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			b.ExpectRequest("INVITE")
			b.Respond(488, nil, "")
			a.Expect(488)
			time.Sleep(time.Second)
			hangUp(a, b) // the session is as it was (RFC 3261 s14.1)
			w.want("completed caller_hung_up 200")
		}},
		{"reinvite-cancelled", toneless, func(w *world) {
			a, b := w.connect(plain)
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			b.ExpectRequest("INVITE")
			b.Respond(180, nil, "")
			time.Sleep(10 * time.Millisecond)
			a.Cancel().Expect(200)
			b.ExpectRequest("CANCEL")
			a.Expect(487)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"glare", toneless, func(w *world) {
			a, b := w.connect(plain)
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			b.Reinvite(described(w.pbxVoice, "sendonly", 1))
			b.Expect(491)
			b.ExpectRequest("INVITE")
			b.Respond(491, nil, "")
			a.Expect(491)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"reinvite-during-tone", nil, func(w *world) {
			a, b := w.connect(plain)
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			a.Expect(491)
			time.Sleep(2 * time.Second)
			hangUp(a, b)
			w.want("completed caller_hung_up 200, answer callee 50 whole, answer caller 50 whole")
		}},
		{"bye-during-reinvite", toneless, func(w *world) {
			a, b := w.connect(plain)
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			b.ExpectRequest("INVITE")
			bye := b.Bye()
			a.ExpectRequest("BYE")
			a.Expect(487)
			bye.Expect(200)
			b.Respond(487, nil, "")
			w.want("completed callee_hung_up 200")
		}},
		{"reinvite-no-ack", toneless, func(w *world) {
			a, b := w.connect(plain)
			w.carrier.SetFaults(siptest.Faults{NeverAck: true})
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			b.ExpectRequest("INVITE")
			b.Answer()
			answer := a.Expect(200)
			bye := a.ExpectRequest("BYE")
			w.about("BYE", bye.At.Sub(answer.At), 32*time.Second)
			w.header(bye.Message, "Reason", "Q.850;cause=102")
			b.ExpectRequest("BYE")
			w.want("failed no_ack 200")
		}},
		{"reinvite-to-a-dead-phone", toneless, func(w *world) {
			a, b := w.connect(plain)
			w.pbx.SetFaults(siptest.Faults{NeverAnswer: true, NeverTrying: true})
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			b.ExpectRequest("INVITE")
			a.Expect(408)
			a.ExpectRequest("BYE")
			w.want("completed dialog_gone 200")
		}},
	})
}
