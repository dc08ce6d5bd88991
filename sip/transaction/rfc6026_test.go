package transaction

import (
	"testing"
	"time"

	"tonegate/sip/wire"
)

// RFC 6026 s8.4: "Any 2xx responses that match this client transaction and that are received while in the "Accepted"
// state MUST be passed up to the TU. The client transaction MUST NOT generate an ACK to the 2xx response."
// And: "If Timer M fires while the client transaction is in the "Accepted" state, the client transaction MUST move to
// the "Terminated" state."
func TestS8_4AcceptedDeliversEvery2xxUntilTimerM(t *testing.T) {
	for _, reliable := range []bool{false, true} {
		c := newClient(t, wire.INVITE, reliable)
		wantOutput(t, "200", c.Response(200, at(time.Second)), Output{Event: Deliver})
		want(t, "state", c.State(), Accepted)
		wantOutput(t, "again, or of another fork", c.Response(200, at(2*time.Second)), Output{Event: Deliver})
		wantOutput(t, "486 of another fork", c.Response(486, at(2*time.Second)), Output{Event: None})
		wantOutput(t, "late 180", c.Response(180, at(2*time.Second)), Output{Event: None})
		wantOutput(t, "transport error", c.Fail(at(2*time.Second)), Output{Event: None})
		sends, event, ended := run(t, &c, time.Hour)
		wantTimes(t, sends)
		want(t, "event", event, None)
		want(t, "Timer M", ended, 33*time.Second)
		wantOutput(t, "after that", c.Response(200, at(time.Hour)), Output{Event: None})
	}
}

// RFC 6026 s7.1: "While in the "Accepted" state, any retransmissions of the INVITE received will match this
// transaction state machine and will be absorbed by the machine without changing its state."
// And: "Any retransmission of the 2xx response passed from the TU to the transaction while in the "Accepted" state
// MUST be passed to the transport layer for transmission. Any ACKs received from the network while in the "Accepted"
// state MUST be passed directly to the TU and not absorbed."
func TestS7_1AcceptedAbsorbsINVITEAndLetsThe2xxOfTheUserPass(t *testing.T) {
	for _, reliable := range []bool{false, true} {
		s := NewServer(wire.INVITE, reliable, Standard, start)
		respond(t, &s, 180, at(0))
		respond(t, &s, 200, at(0))
		want(t, "state", s.State(), Accepted)
		wantOutput(t, "INVITE again", s.Request(wire.INVITE, at(500*ms)), Output{Event: None})
		respond(t, &s, 200, at(500*ms))
		if _, err := s.Respond(486, responses[486], at(500*ms)); err != ErrCompleted {
			t.Fatal(err)
		}
		if _, err := s.Respond(180, responses[180], at(500*ms)); err != ErrCompleted {
			t.Fatal(err)
		}
		wantOutput(t, "ACK that matches goes up", s.Request(wire.ACK, at(time.Second)), Output{Event: Deliver})
		want(t, "state", s.State(), Accepted)
		sends, event, ended := run(t, &s, time.Hour)
		wantTimes(t, sends)
		want(t, "event", event, None)
		want(t, "Timer L", ended, 32*time.Second)
		if _, err := s.Respond(200, responses[200], at(time.Hour)); err != ErrCompleted {
			t.Fatal(err)
		}
	}
}

// RFC 6026 s8.4: "When a 2xx response is received while in either the "Calling" or "Proceeding" states, the client
// transaction MUST transition to the "Accepted" state, and Timer M MUST be started with a value of 64*T1."
func TestS8_4TimerMStartsWithTheFirst2xx(t *testing.T) {
	for _, before := range []int{0, 180} {
		c := newClient(t, wire.INVITE, false)
		if before != 0 {
			c.Response(before, at(0))
		}
		wantOutput(t, "200", c.Response(200, at(time.Second)), Output{Event: Deliver})
		want(t, "state", c.State(), Accepted)
		want(t, "Timer M", c.Due(), at(33*time.Second))
		wantOutput(t, "of another fork", c.Response(202, at(20*time.Second)), Output{Event: Deliver})
		want(t, "Timer M does not start again", c.Due(), at(33*time.Second))
	}
}

// RFC 6026 s8.4: "Any retransmissions of a response with status code 300-699 that are received while in the "Completed"
// state MUST cause the ACK to be re-passed to the transport layer for retransmission, but the newly received response
// MUST NOT be passed up to the TU."
func TestS8_4OnlyFailuresAreAcknowledgedAgain(t *testing.T) {
	c := newClient(t, wire.INVITE, false)
	c.Response(486, at(0))
	c.Ack([]byte("ack"))
	for status, again := range map[int]string{300: "ack", 486: "ack", 699: "ack", 180: "", 200: ""} {
		out := c.Response(status, at(time.Second))
		want(t, "ACK", string(out.Send), again)
		want(t, "event", out.Event, None)
	}
}

// RFC 6026 s7.1: "The server transaction MUST NOT generate 2xx retransmissions on its own."
func TestS7_1No2xxOfItsOwn(t *testing.T) {
	s := NewServer(wire.INVITE, false, Standard, start)
	respond(t, &s, 200, at(0))
	sends, _, _ := run(t, &s, time.Hour)
	wantTimes(t, sends)
}

// RFC 6026 s8.7: "When the INVITE server transaction enters the "Accepted" state, Timer L MUST be set to fire in 64*T1
// for all transports."
func TestS8_7TimerLOnAllTransports(t *testing.T) {
	for _, reliable := range []bool{false, true} {
		s := NewServer(wire.INVITE, reliable, Standard, start)
		respond(t, &s, 200, at(time.Second))
		want(t, "Timer L", s.Due(), at(33*time.Second))
		wantOutput(t, "the end", s.Expire(s.Due()), Output{Done: true})
		want(t, "state", s.State(), Terminated)
	}
}
