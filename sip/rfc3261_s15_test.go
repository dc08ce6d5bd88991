package sip

import (
	"testing"
	"time"

	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
)

// RFC 3261 s15: "The caller's UA MAY send a BYE for either confirmed or early dialogs, and the callee's UA MAY send a
// BYE on confirmed dialogs, but MUST NOT send a BYE on early dialogs." s15.1.2: "the UAS core MUST generate a 2xx
// response to the BYE". And: "The UAS MUST still respond to any pending requests received for that dialog. It is
// RECOMMENDED that a 487 (Request Terminated) response be generated to those pending requests."
func TestRFC3261S15_1_2BYEOnAnEarlyDialog(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		sent := w.tap(hostCarrier)
		a, b := w.ring(plain)
		a.Bye().Expect(200)
		a.Expect(487)
		b.ExpectRequest("CANCEL")
		if n := len(sent.all("BYE")); n != 0 {
			t.Errorf("%d BYEs on an early dialog of the caller's", n)
		}
		w.want("cancelled caller_hung_up 487")
	})
}

// RFC 3261 s15.1.2: "The UAS MUST still respond to any pending requests received for that dialog. It is RECOMMENDED
// that a 487 (Request Terminated) response be generated to those pending requests." Whoever hangs up.
func TestRFC3261S15_1_2PendingRequests(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) {
		s.carrier.Manual, s.pbx.Manual = []string{"INFO", "UPDATE"}, []string{"INFO", "UPDATE"}
	}), func(w *world) {
		for _, method := range []string{"INVITE", "UPDATE"} {
			for _, caller := range []bool{true, false} {
				a, b := w.connect(plain)
				asked := a.Request(method, nil, described(w.carrierVoice, "sendonly", 1))
				open := b.ExpectRequest("INVITE")
				if caller {
					a.Bye().Expect(200)
					b.ExpectRequest("BYE")
					w.want("completed caller_hung_up 200")
				} else {
					bye := b.Bye()
					a.ExpectRequest("BYE")
					bye.Expect(200)
					w.want("completed callee_hung_up 200")
				}
				asked.Expect(487)
				open.Respond(487, nil, "")
			}
		}
		// An INFO that waits for the other leg is answered too.
		a, b := w.connect(plain)
		info := a.Request("INFO", nil, "")
		asked := b.ExpectRequest("INFO")
		a.Bye().Expect(200)
		b.ExpectRequest("BYE")
		asked.Respond(200, nil, "")
		info.Expect(200, 487)
		w.want("completed caller_hung_up 200")
	})
}

// RFC 3261 s15: "However, the callee's UA MUST NOT send a BYE on a confirmed dialog until it has received an ACK for
// its 2xx response or until the server transaction times out."
func TestRFC3261S15NoBYEBeforeTheACK(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		for _, acks := range []bool{true, false} {
			w.carrier.SetFaults(siptest.Faults{NeverAck: !acks})
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Answer()
			b.ExpectRequest("ACK")
			ok := a.Expect(200)
			b.Bye().Expect(200)
			a.Quiet(5 * time.Second)
			if acks {
				a.Ack("")
				a.ExpectRequest("BYE")
			} else {
				w.about("the BYE", a.ExpectRequest("BYE").At.Sub(ok.At), 32*time.Second)
			}
			w.want("completed callee_hung_up 200")
		}
	})
}

// RFC 3261 s15.1.1: "If the response for the BYE is a 481 (Call/Transaction Does Not Exist) or a 408 (Request Timeout)
// or no response at all is received for the BYE (that is, a timeout is returned by the client transaction), the UAC
// MUST consider the session and the dialog terminated." Nothing is left in either case, and no second BYE is sent.
func TestRFC3261S15_1_1BYEThatFails(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.pbx.Manual = []string{"BYE"} }), func(w *world) {
		for _, code := range []int{481, 408, 500} {
			a, b := w.connect(plain)
			a.Bye().Expect(200)
			b.ExpectRequest("BYE").Respond(code, nil, "")
			b.Quiet(time.Minute)
			w.want("completed caller_hung_up 200")
		}
		a, b := w.connect(plain)
		sent := w.tap(hostPBX)
		a.Bye().Expect(200)
		b.ExpectRequest("BYE")
		time.Sleep(time.Minute)
		all := sent.all("BYE")
		if len(all) != 11 || string(all[0].Raw) != string(all[10].Raw) {
			t.Errorf("%d BYEs, want one and ten repetitions", len(all))
		}
		w.want("completed caller_hung_up 200")
	})
}

// RFC 3261 s15.1.1: "The UAC MUST consider the session terminated (and therefore stop sending or listening for media)
// as soon as the BYE request is passed to the client transaction." s15.1.2: "Once done, the UAS SHOULD terminate the
// session (and therefore stop sending and listening for media)."
func TestRFC3261S15_1NoMediaAfterTheBYE(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.connect(plain)
		w.carrierVoice.Say(make([]int16, 8000))
		time.Sleep(500 * time.Millisecond)
		if w.pbxVoice.Report().Packets == 0 {
			t.Error("nothing was heard during the call")
		}
		a.Bye().Expect(200)
		time.Sleep(50 * time.Millisecond)
		heard := w.pbxVoice.Report().Packets
		time.Sleep(time.Second)
		if n := w.pbxVoice.Report().Packets; n != heard {
			t.Errorf("%d packets after the BYE", n-heard)
		}
		b.ExpectRequest("BYE")
		w.want("completed caller_hung_up 200")
	})
}

// RFC 3261 s15.1.2: "If the BYE does not match an existing dialog, the UAS core SHOULD generate a 481 (Call/Transaction
// Does Not Exist) response and pass that to the server transaction. This rule means that a BYE sent without tags by a
// UAC will be rejected."
func TestRFC3261S15_1_2BYEWithoutADialog(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.connect(plain)
		w.carrier.Request("BYE", siptest.InviteOptions{To: "0312340001", CallID: a.CallID}).Expect(481)
		w.carrier.Request("BYE", siptest.InviteOptions{To: "<sip:0312340001@127.0.0.1>;tag=none", CallID: a.CallID}).Expect(481)
		b.Quiet(time.Second)
		w.done(a, b)
	})
}

// RFC 3261 s15: "If the INVITE results in 2xx final response(s) to the INVITE, this means that a UAS accepted the
// invitation while the CANCEL was in progress. The UAC MAY continue with the sessions established by any 2xx responses,
// or MAY terminate them with BYE." We terminate them, each.
func TestRFC3261S15AnswersThatCrossTheCANCEL(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.ring(plain)
		fork := b.Fork()
		w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
			if is(p, pbx, "CANCEL ", "CANCEL") {
				return simnet.Drop
			}
			return simnet.Pass
		})
		a.Cancel().Expect(200)
		a.Expect(487)
		for _, c := range []*siptest.Call{b, fork} {
			c.Answer()
			c.ExpectRequest("ACK")
			c.ExpectRequest("BYE")
		}
		w.want("cancelled caller_cancelled 487")
	})
}
