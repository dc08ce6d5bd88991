package transaction

import (
	"testing"
	"time"

	"tonegate/sip/wire"
)

// RFC 3261 s17.1.1.2: "If an unreliable transport is being used, the client transaction MUST start timer A with a
// value of T1."
// And: "This process MUST continue so that the request is retransmitted with intervals that double after each
// transmission."
// And: "For any transport, the client transaction MUST start timer B with a value of 64*T1 seconds (Timer B controls
// transaction timeouts)."
func TestS17_1_1_2TimerARepeatsTheINVITEAndTimerBEndsIt(t *testing.T) {
	c := newClient(t, wire.INVITE, false)
	sends, event, ended := run(t, &c, time.Hour)
	wantTimes(t, sends, 500*ms, 1500*ms, 3500*ms, 7500*ms, 15500*ms, 31500*ms)
	want(t, "event", event, TimedOut)
	want(t, "Timer B", ended, 32*time.Second)
	want(t, "state", c.State(), Terminated)
}

// RFC 3261 s17.1.1.2: "If a reliable transport is being used, the client transaction SHOULD NOT start timer A (Timer
// A controls request retransmissions)."
func TestS17_1_1_2NoTimerAOverReliableTransport(t *testing.T) {
	c := newClient(t, wire.INVITE, true)
	sends, event, ended := run(t, &c, time.Hour)
	wantTimes(t, sends)
	want(t, "event", event, TimedOut)
	want(t, "Timer B", ended, 32*time.Second)
}

// RFC 3261 s17.1.1.2: "In the "Proceeding" state, the client transaction SHOULD NOT retransmit the request any
// longer. Furthermore, the provisional response MUST be passed to the TU. Any further provisional responses MUST be
// passed up to the TU while in the "Proceeding" state."
func TestS17_1_1_2ProvisionalStopsTheRepetition(t *testing.T) {
	c := newClient(t, wire.INVITE, false)
	wantOutput(t, "100", c.Response(100, at(100*ms)), Output{Event: Deliver})
	want(t, "state", c.State(), Proceeding)
	wantOutput(t, "180", c.Response(180, at(200*ms)), Output{Event: Deliver})
	sends, _, _ := run(t, &c, 3*time.Minute)
	wantTimes(t, sends)
	want(t, "state", c.State(), Proceeding)
}

// RFC 3261 s17.1.1.2: "Any retransmissions of the final response that are received while in the "Completed" state
// MUST cause the ACK to be re-passed to the transport layer for retransmission, but the newly received response MUST
// NOT be passed up to the TU."
func TestS17_1_1_2FinalIsAcknowledgedAgainForEachRepetition(t *testing.T) {
	c := newClient(t, wire.INVITE, false)
	out := c.Response(486, at(0))
	want(t, "Ack", out.Ack, true)
	want(t, "event", out.Event, Deliver)
	want(t, "ACK", string(c.Ack([]byte("ack")).Send), "ack")
	out = c.Response(486, at(500*ms))
	want(t, "ACK again", string(out.Send), "ack")
	want(t, "not delivered again", out.Event, None)
	want(t, "a second ACK changes nothing", c.Ack([]byte("other")).Send == nil, true)
	want(t, "the first is kept", string(c.Response(486, at(time.Second)).Send), "ack")
	wantOutput(t, "200 after 486", c.Response(200, at(time.Second)), Output{})
	_, event, ended := run(t, &c, time.Hour)
	want(t, "Timer D", ended, 32*time.Second)
	want(t, "silent", event, None)
}

// RFC 3261 s17.1.1.2: "The client transaction SHOULD start timer D when it enters the "Completed" state, with a value
// of at least 32 seconds for unreliable transports, and a value of zero seconds for reliable transports."
// And: "the client transaction MUST generate an ACK request, even if the transport is reliable"
func TestS17_1_1_2TimerDIs32SecondsAtLeastAndZeroOverTCP(t *testing.T) {
	quick := Timers{T1: 50 * ms, T2: 400 * ms, T4: 500 * ms}
	c, _ := NewClient(wire.INVITE, false, []byte("r"), quick, start)
	c.Response(500, start)
	c.Ack([]byte("a"))
	_, _, ended := run(t, &c, time.Hour)
	want(t, "Timer D", ended, 32*time.Second)

	c, _ = NewClient(wire.INVITE, true, []byte("r"), quick, start)
	c.Response(500, start)
	want(t, "due", c.Due(), start)
	out := c.Ack([]byte("a"))
	want(t, "ACK", string(out.Send), "a")
	want(t, "done with the ACK", out.Done, true)
}

// RFC 3261 s17.1.4: "The client transaction SHOULD inform the TU that a transport failure has occurred, and the
// client transaction SHOULD transition directly to the "Terminated" state."
func TestS17_1_4TransportErrorEndsIt(t *testing.T) {
	c := newClient(t, wire.INVITE, true)
	wantOutput(t, "Calling", c.Fail(at(0)), Output{Event: Failed, Done: true})
	c = newClient(t, wire.INVITE, false)
	c.Response(180, at(0))
	wantOutput(t, "Proceeding sends nothing", c.Fail(at(0)), Output{Event: None})
	c.Response(486, at(0))
	wantOutput(t, "the ACK could not be sent", c.Fail(at(0)), Output{Event: Failed, Done: true})
}

// RFC 3261 s17.1.2.2: "If an unreliable transport is in use, the client transaction MUST set timer E to fire in T1
// seconds."
// And: "For the default values of T1 and T2, this results in intervals of 500 ms, 1 s, 2 s, 4 s, 4 s, 4 s, etc."
// And: "When entering this state, the client transaction SHOULD set timer F to fire in 64*T1 seconds."
func TestS17_1_2_2TimerEDoublesUpToT2(t *testing.T) {
	c := newClient(t, wire.BYE, false)
	sends, event, ended := run(t, &c, time.Hour)
	wantTimes(t, sends, 500*ms, 1500*ms, 3500*ms, 7500*ms, 11500*ms, 15500*ms, 19500*ms, 23500*ms, 27500*ms, 31500*ms)
	want(t, "event", event, TimedOut)
	want(t, "Timer F", ended, 32*time.Second)
}

// RFC 3261 s17.1.2.2: "If Timer E fires while in the "Proceeding" state, the request MUST be passed to the transport
// layer for retransmission, and Timer E MUST be reset with a value of T2 seconds. If timer F fires while in the
// "Proceeding" state, the TU MUST be informed of a timeout, and the client transaction MUST transition to the
// terminated state."
func TestS17_1_2_2TimerEIsT2AfterAProvisional(t *testing.T) {
	c := newClient(t, wire.BYE, false)
	want(t, "100", c.Response(100, at(100*ms)).Event, Deliver)
	sends, event, ended := run(t, &c, time.Hour)
	wantTimes(t, sends, 500*ms, 4500*ms, 8500*ms, 12500*ms, 16500*ms, 20500*ms, 24500*ms, 28500*ms)
	want(t, "event", event, TimedOut)
	want(t, "Timer F", ended, 32*time.Second)
}

// RFC 3261 s17.1.2.2: "Once the client transaction enters the "Completed" state, it MUST set Timer K to fire in T4
// seconds for unreliable transports, and zero seconds for reliable transports."
// s17.1.2.1: "The result is that only a single 2xx response to a non-INVITE is ever delivered to a UAC."
func TestS17_1_2_2TimerKAbsorbsRepetitions(t *testing.T) {
	c := newClient(t, wire.BYE, false)
	wantOutput(t, "200", c.Response(200, at(0)), Output{Event: Deliver})
	wantOutput(t, "again", c.Response(200, at(time.Second)), Output{Event: None})
	wantOutput(t, "another final", c.Response(481, at(time.Second)), Output{Event: None})
	sends, event, ended := run(t, &c, time.Hour)
	wantTimes(t, sends)
	want(t, "event", event, None)
	want(t, "Timer K", ended, 5*time.Second)
}

// RFC 3261 s17.1.2.2: "it MUST set Timer K to fire in T4 seconds for unreliable transports, and zero seconds for
// reliable transports."
func TestS17_1_2_2TimerKIsZeroOverTCP(t *testing.T) {
	c := newClient(t, wire.OPTIONS, true)
	wantOutput(t, "200", c.Response(200, at(0)), Output{Event: Deliver, Done: true})
}

// RFC 3261 s16.6 item 11: "The timer MUST be larger than 3 minutes."
func TestS16_6Item11TimerC(t *testing.T) {
	c := newClient(t, wire.INVITE, false)
	c.Response(100, at(time.Second)) // does not reset it
	want(t, "from the start", c.Due(), at(Standard.C))
	c.Response(183, at(time.Minute))
	want(t, "s16.7 item 2: 101-199 reset it", c.Due(), at(time.Minute+Standard.C))
	out := c.Expire(c.Due())
	wantOutput(t, "event", out, Output{Event: TimedOut})
	want(t, "state", c.State(), Proceeding)
	want(t, "once", c.Due().IsZero(), true)
	want(t, "487 to our CANCEL", c.Response(487, at(time.Hour)).Ack, true)
}

func TestTimerCOff(t *testing.T) {
	off := Standard
	off.C = 0
	c, _ := NewClient(wire.INVITE, false, []byte("r"), off, start)
	c.Response(180, start)
	want(t, "due", c.Due().IsZero(), true)
}

// RFC 3261 s17.1.1.2: "The formal definition of retransmit within the context of the transaction layer is to take the
// message previously sent to the transport layer and pass it to the transport layer once more."
func TestS17_1_1_2RepetitionIsTheSameMessage(t *testing.T) {
	for _, m := range []wire.Method{wire.INVITE, wire.BYE} {
		c := newClient(t, m, false)
		for range 5 {
			want(t, string(m), string(c.Expire(c.Due()).Send), "request")
		}
	}
}

// RFC 3261 s17.1.1.2: "Whatever the value of T1, the exponential backoffs on retransmissions described in this section
// MUST be used."
func TestS17_1_1_2BackoffWithAnotherT1(t *testing.T) {
	c, _ := NewClient(wire.INVITE, false, []byte("r"), Timers{T1: time.Second, T2: 4 * time.Second, T4: 5 * time.Second}, start)
	sends, event, ended := run(t, &c, time.Hour)
	wantTimes(t, sends, 1*time.Second, 3*time.Second, 7*time.Second, 15*time.Second, 31*time.Second, 63*time.Second)
	want(t, "event", event, TimedOut)
	want(t, "Timer B", ended, 64*time.Second)
}

// RFC 3261 s17.1.1.2: "If the client transaction is still in the "Calling" state when timer B fires, the client
// transaction SHOULD inform the TU that a timeout has occurred. The client transaction MUST NOT generate an ACK."
func TestS17_1_1_2TimerBMakesNoACK(t *testing.T) {
	c := newClient(t, wire.INVITE, true)
	wantOutput(t, "Timer B", c.Expire(at(32*time.Second)), Output{Event: TimedOut, Done: true})
	wantOutput(t, "an ACK that nobody asked for", c.Ack([]byte("ack")), Output{})
}

// RFC 3261 s17.1.1.2: "When in either the "Calling" or "Proceeding" states, reception of a response with status code
// from 300-699 MUST cause the client transaction to transition to "Completed"."
func TestS17_1_1_2EveryFailureCompletes(t *testing.T) {
	for _, before := range []int{0, 100, 180, 199} {
		for _, status := range []int{300, 302, 400, 486, 500, 503, 600, 699} {
			c := newClient(t, wire.INVITE, false)
			if before != 0 {
				c.Response(before, at(0))
			}
			wantOutput(t, "final", c.Response(status, at(0)), Output{Event: Deliver, Ack: true})
			want(t, "state", c.State(), Completed)
		}
	}
}

// RFC 3261 s17.1.2.2: "If a final response (status codes 200-699) is received while in the "Proceeding" state, the
// response MUST be passed to the TU, and the client transaction MUST transition to the "Completed" state."
func TestS17_1_2_2FinalInProceedingGoesUp(t *testing.T) {
	for _, status := range []int{200, 302, 481, 699} {
		c := newClient(t, wire.BYE, false)
		c.Response(183, at(0))
		wantOutput(t, "final", c.Response(status, at(0)), Output{Event: Deliver})
		want(t, "state", c.State(), Completed)
	}
}
