package sip

import (
	"testing"
	"time"

	"tonegate/internal/simnet"
)

// What simulations have found, as the shortest scenarios that show it.

// The ACK is lost, and the caller's re-INVITE is there before its repetition:
// the 2xx goes on being repeated until the ACK comes. (The re-INVITE once took
// its place, and the call stayed for ever.)
func TestReinviteOvertakesAck(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		lost := false
		w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
			if is(p, us, "ACK ", "ACK") && !lost {
				lost = true
				return simnet.Drop
			}
			return simnet.Pass
		})
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Answer()
		a.Expect(200)
		a.Ack("")
		a.Reinvite(described(w.carrierVoice, "sendonly", 1)).Expect(491, 500)
		time.Sleep(time.Second)
		a.Reinvite(described(w.carrierVoice, "sendonly", 2))
		b.ExpectRequest("INVITE")
		b.Answer()
		a.Expect(200)
		a.Ack("")
		hangUp(a, b)
		w.want("completed caller_hung_up 200")
	})
}

// A re-INVITE before the first INVITE has its final response (RFC 3261 s14.2).
func TestReinviteBeforeTheAnswer(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Respond(180, nil, "")
		a.Expect(180)
		a.Reinvite(described(w.carrierVoice, "sendonly", 1)).Expect(500)
		b.Respond(486, nil, "")
		time.Sleep(time.Second)
		w.want("busy far_end_refused 486")
	})
}

// The peer's CANCEL of its re-INVITE comes before the other leg has said a word
// about ours: ours is cancelled no sooner than it may be (RFC 3261 s9.1).
func TestReinviteIsCancelledOnceItMayBe(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.connect(plain)
		answered := false
		w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
			answered = answered || p.From.Addr() == hostPBX && is(p, us, "SIP/2.0 100", "INVITE")
			if is(p, pbx, "CANCEL ", "CANCEL") && !answered {
				t.Error("a CANCEL before any response")
			}
			return simnet.Pass
		})
		a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		a.Expect(100)
		a.Cancel().Expect(200)
		b.ExpectRequest("INVITE")
		b.ExpectRequest("CANCEL")
		a.Expect(487)
		hangUp(a, b)
		w.want("completed caller_hung_up 200")
	})
}

// A response was held back behind one without its PRACK, and the caller gave up
// before that came. (The response was sent after the final one, and then
// repeated for a call that had ended: a fault.)
func TestHeldProgressEndsWithTheInvite(t *testing.T) {
	inWorld(t, both(toneless, reliable), func(w *world) {
		refused := false
		w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
			if is(p, us, "SIP/2.0 487", "INVITE") && !refused {
				return simnet.Drop
			}
			return simnet.Pass
		})
		sent := w.tap(hostCarrier)
		a := w.carrier.Invite(acknowledging(plain))
		b := w.pbx.Accept()
		b.Respond(183, nil, described(w.pbxVoice, "", 1))
		first := a.Expect(183)
		b.Respond(183, nil, described(w.pbxVoice, "", 1))
		time.Sleep(time.Second)
		a.Cancel().Expect(200)
		a.Expect(487)
		before := len(sent.all("SIP/2.0 183"))
		a.Prack(first, "").Expect(200)
		time.Sleep(5 * time.Second)
		if n := len(sent.all("SIP/2.0 183")) - before; n > 0 {
			t.Errorf("%d responses after the final one", n)
		}
		refused = true
		b.ExpectRequest("CANCEL")
		w.want("cancelled caller_cancelled 487")
	})
}

// Who stays refuses the description of the target for now, and is asked again.
// (It was left on hold.)
func TestTransferFromHoldMeetsAnotherRequest(t *testing.T) {
	inWorld(t, both(toneless, transfers), func(w *world) {
		a, b := w.connect(plain)
		b.Reinvite(described(w.pbxVoice, "sendonly", 1))
		a.ExpectRequest("INVITE")
		a.Respond(200, nil, described(w.carrierVoice, "recvonly", 2))
		b.Expect(200)
		b.Ack("")
		a.ExpectRequest("ACK")
		b.Request("REFER", []string{"Refer-To: <sip:" + mobile + "@127.0.0.1>"}, "").Expect(202)
		w.told(b, active, "SIP/2.0 100 Trying")
		c := w.carrier.Accept()
		c.Answer()
		w.told(b, over, "SIP/2.0 200 OK")
		b.ExpectRequest("BYE")
		c.ExpectRequest("ACK")
		a.ExpectRequest("INVITE")
		a.Respond(491, nil, "")
		a.ExpectRequest("ACK")
		w.freshened(a)
		hangUp(a, c)
		w.want("completed transferred 200")
		w.want("completed caller_hung_up 200")
	})
}
