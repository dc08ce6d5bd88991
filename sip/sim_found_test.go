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
