package transaction

import (
	"testing"
	"time"

	"tonegate/sip/wire"
)

func respond(t *testing.T, s *Server, status int, now time.Time) Output {
	t.Helper()
	out, err := s.Respond(status, responses[status], now)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "sent", string(out.Send), string(responses[status]))
	return out
}

var responses = map[int][]byte{100: []byte("100"), 180: []byte("180"), 200: []byte("200"), 486: []byte("486"), 487: []byte("487")}

// RFC 3261 s17.2.1: "If a request retransmission is received while in the "Proceeding" state, the most recent
// provisional response that was received from the TU MUST be passed to the transport layer for retransmission."
func TestS17_2_1RepeatedINVITEGetsTheLastProvisional(t *testing.T) {
	s := NewServer(wire.INVITE, false, Standard, start)
	want(t, "nothing yet", string(s.Request(wire.INVITE, at(0)).Send), "")
	respond(t, &s, 100, at(0))
	respond(t, &s, 180, at(0))
	want(t, "again", string(s.Request(wire.INVITE, at(500*ms)).Send), "180")
	want(t, "no deadline while Proceeding", s.Due().IsZero(), true)
}

// RFC 3261 s17.2.1: "For unreliable transports, timer G is set to fire in T1 seconds, and is not set to fire for
// reliable transports."
// And: "If timer H fires while in the "Completed" state, it implies that the ACK was never received. In this case,
// the server transaction MUST transition to the "Terminated" state, and MUST indicate to the TU that a transaction
// failure has occurred."
func TestS17_2_1TimerGRepeatsTheFinalAndTimerHGivesUp(t *testing.T) {
	s := NewServer(wire.INVITE, false, Standard, start)
	respond(t, &s, 486, at(0))
	want(t, "INVITE again", string(s.Request(wire.INVITE, at(100*ms)).Send), "486")
	sends, event, ended := run(t, &s, time.Hour)
	wantTimes(t, sends, 500*ms, 1500*ms, 3500*ms, 7500*ms, 11500*ms, 15500*ms, 19500*ms, 23500*ms, 27500*ms, 31500*ms)
	want(t, "event", event, AckMissing)
	want(t, "Timer H", ended, 32*time.Second)
}

// RFC 3261 s17.2.1: "When the "Completed" state is entered, timer H MUST be set to fire in 64*T1 seconds for all
// transports."
func TestS17_2_1NoTimerGOverReliableTransport(t *testing.T) {
	s := NewServer(wire.INVITE, true, Standard, start)
	respond(t, &s, 486, at(0))
	sends, event, ended := run(t, &s, time.Hour)
	wantTimes(t, sends)
	want(t, "event", event, AckMissing)
	want(t, "Timer H", ended, 32*time.Second)
}

// RFC 3261 s17.2.1: "If an ACK is received while the server transaction is in the "Completed" state, the server
// transaction MUST transition to the "Confirmed" state. As Timer G is ignored in this state, any retransmissions of
// the response will cease."
// And: "The purpose of the "Confirmed" state is to absorb any additional ACK messages that arrive, triggered from
// retransmissions of the final response."
func TestS17_2_1ACKStopsTheRepetitionAndTimerIAbsorbs(t *testing.T) {
	s := NewServer(wire.INVITE, false, Standard, start)
	respond(t, &s, 486, at(0))
	wantOutput(t, "the ACK stays here", s.Request(wire.ACK, at(time.Second)), Output{Event: None})
	want(t, "state", s.State(), Confirmed)
	wantOutput(t, "INVITE absorbed", s.Request(wire.INVITE, at(time.Second)), Output{Event: None})
	wantOutput(t, "ACK absorbed", s.Request(wire.ACK, at(2*time.Second)), Output{Event: None})
	sends, event, ended := run(t, &s, time.Hour)
	wantTimes(t, sends)
	want(t, "event", event, None)
	want(t, "Timer I", ended, 6*time.Second)
}

// RFC 3261 s17.2.1: "When this state is entered, timer I is set to fire in T4 seconds for unreliable transports, and
// zero seconds for reliable transports."
func TestS17_2_1TimerIIsZeroOverTCP(t *testing.T) {
	s := NewServer(wire.INVITE, true, Standard, start)
	respond(t, &s, 486, at(0))
	wantOutput(t, "ACK", s.Request(wire.ACK, at(0)), Output{Done: true})
}

// RFC 3261 s17.2.1: "Furthermore, while in the "Completed" state, if a request retransmission is received, the server
// SHOULD pass the response to the transport for retransmission."
// sipgo stores a late response before it asks whether the state takes it, and repeats that one.
func TestS17_2_1LateResponseNeverReplacesTheFinal(t *testing.T) {
	s := NewServer(wire.INVITE, false, Standard, start)
	respond(t, &s, 487, at(0))
	for _, status := range []int{180, 200, 486} {
		if out, err := s.Respond(status, responses[status], at(0)); err != ErrCompleted || out.Send != nil {
			t.Fatalf("%d after 487: %+v %v", status, out, err)
		}
	}
	want(t, "Timer G", string(s.Expire(at(500*ms)).Send), "487")
	want(t, "INVITE", string(s.Request(wire.INVITE, at(600*ms)).Send), "487")
}

// RFC 3261 s17.2.2: "Once in the "Trying" state, any further request retransmissions are discarded."
// And: "If a retransmission of the request is received while in the "Proceeding" state, the most recently sent
// provisional response MUST be passed to the transport layer for retransmission."
func TestS17_2_2TryingAbsorbsRepetitions(t *testing.T) {
	s := NewServer(wire.BYE, false, Standard, start)
	want(t, "state", s.State(), Trying)
	wantOutput(t, "BYE again", s.Request(wire.BYE, at(0)), Output{Event: None})
	respond(t, &s, 100, at(0))
	want(t, "BYE again", string(s.Request(wire.BYE, at(0)).Send), "100")
}

// RFC 3261 s17.2.2: "While in the "Completed" state, the server transaction MUST pass the final response to the
// transport layer for retransmission whenever a retransmission of the request is received. Any other final responses
// passed by the TU to the server transaction MUST be discarded while in the "Completed" state."
func TestS17_2_2TimerJRepeatsTheFinal(t *testing.T) {
	s := NewServer(wire.BYE, false, Standard, start)
	respond(t, &s, 200, at(0))
	want(t, "BYE again", string(s.Request(wire.BYE, at(31*time.Second)).Send), "200")
	if _, err := s.Respond(486, responses[486], at(0)); err != ErrCompleted {
		t.Fatal(err)
	}
	sends, event, ended := run(t, &s, time.Hour)
	wantTimes(t, sends)
	want(t, "event", event, None)
	want(t, "Timer J", ended, 32*time.Second)
}

// RFC 3261 s17.2.2: "When the server transaction enters the "Completed" state, it MUST set Timer J to fire in 64*T1
// seconds for unreliable transports, and zero seconds for reliable transports."
func TestS17_2_2TimerJIsZeroOverTCP(t *testing.T) {
	s := NewServer(wire.BYE, true, Standard, start)
	want(t, "done", respond(t, &s, 200, at(0)).Done, true)
}

// RFC 3261 s17.2.1: "So long as the server transaction is in the "Proceeding" state, each of these MUST be passed to
// the transport layer for transmission. They are not sent reliably by the transaction layer (they are not retransmitted
// by it) and do not cause a change in the state of the server transaction."
func TestS17_2_1ProvisionalsPassAndAreNotRepeated(t *testing.T) {
	s := NewServer(wire.INVITE, false, Standard, start)
	for _, status := range []int{100, 180, 180, 100, 180} {
		respond(t, &s, status, at(0))
		want(t, "state", s.State(), Proceeding)
		want(t, "nothing due", s.Due().IsZero(), true)
	}
}

// RFC 3261 s17.2.1: "From then on, when timer G fires, the response is passed to the transport again for transmission,
// and timer G is reset with a value that doubles, unless that value exceeds T2, in which case it is reset with the
// value of T2."
func TestS17_2_1TimerGDoublesUpToT2(t *testing.T) {
	s := NewServer(wire.INVITE, false, Timers{T1: time.Second, T2: 3 * time.Second, T4: time.Second}, start)
	respond(t, &s, 486, at(0))
	sends, _, ended := run(t, &s, 12*time.Second)
	wantTimes(t, sends, 1*time.Second, 3*time.Second, 6*time.Second, 9*time.Second, 12*time.Second)
	want(t, "goes on", ended, 0)
}

// RFC 3261 s17.2.2: "Any further provisional responses that are received from the TU while in the "Proceeding" state
// MUST be passed to the transport layer for transmission."
func TestS17_2_2ProvisionalsPass(t *testing.T) {
	s := NewServer(wire.BYE, false, Standard, start)
	respond(t, &s, 100, at(0))
	respond(t, &s, 180, at(0))
	want(t, "state", s.State(), Proceeding)
	want(t, "the latest again", string(s.Request(wire.BYE, at(0)).Send), "180")
	respond(t, &s, 200, at(0))
	want(t, "state", s.State(), Completed)
}
