package transaction

import (
	"testing"
	"time"

	"tonegate/sip/wire"
)

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
