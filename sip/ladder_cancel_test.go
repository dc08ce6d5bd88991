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
			w.want("cancelled caller_cancelled 487, before caller stopped")
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
		{"cancel-of-the-unreachable", toneless, func(w *world) {
			w.pbx.SetFaults(siptest.Faults{NeverAnswer: true, NeverTrying: true})
			a := w.carrier.Invite(plain)
			w.pbx.Accept()
			a.Cancel().Expect(200)
			a.Expect(487)
			w.want("cancelled caller_cancelled 487")
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
