package transaction

import (
	"slices"
	"testing"
	"time"

	"tonegate/sip/wire"
)

const ms = time.Millisecond

var start = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return start.Add(d) }

// machine is what both sides share.
type machine interface {
	Due() time.Time
	Expire(time.Time) Output
	State() State
}

// run lets virtual time pass to the end of the machine, or to limit, and gives the moments of each send and the last
// event with its moment.
func run(t *testing.T, m machine, limit time.Duration) (sends []time.Duration, event Event, ended time.Duration) {
	t.Helper()
	for range 100 {
		due := m.Due()
		if due.IsZero() || due.After(at(limit)) {
			return sends, event, ended
		}
		if out := m.Expire(due.Add(-1)); out.Send != nil || out.Event != None || out.Done {
			t.Fatalf("%v early: %+v", due.Sub(start), out)
		}
		out := m.Expire(due)
		if out.Send != nil {
			sends = append(sends, due.Sub(start))
		}
		if out.Event != None || out.Done {
			event, ended = out.Event, due.Sub(start)
		}
	}
	t.Fatal("no end")
	return
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

// wantOutput compares an output that sends nothing.
func wantOutput(t *testing.T, what string, got, want Output) {
	t.Helper()
	if got.Send != nil || got.Event != want.Event || got.Ack != want.Ack || got.Done != want.Done {
		t.Fatalf("%s: %+v, want %+v", what, got, want)
	}
}

func wantTimes(t *testing.T, got []time.Duration, want ...time.Duration) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("sent at %v, want %v", got, want)
	}
}

func newClient(t *testing.T, m wire.Method, reliable bool) Client {
	t.Helper()
	c, out := NewClient(m, reliable, []byte("request"), Standard, start)
	want(t, "first send", string(out.Send), "request")
	return c
}

func TestS17_1_1_2TimerARepeatsTheINVITEAndTimerBEndsIt(t *testing.T) {
	c := newClient(t, wire.INVITE, false)
	sends, event, ended := run(t, &c, time.Hour)
	wantTimes(t, sends, 500*ms, 1500*ms, 3500*ms, 7500*ms, 15500*ms, 31500*ms)
	want(t, "event", event, TimedOut)
	want(t, "Timer B", ended, 32*time.Second)
	want(t, "state", c.State(), Terminated)
}

func TestS17_1_1_2NoTimerAOverReliableTransport(t *testing.T) {
	c := newClient(t, wire.INVITE, true)
	sends, event, ended := run(t, &c, time.Hour)
	wantTimes(t, sends)
	want(t, "event", event, TimedOut)
	want(t, "Timer B", ended, 32*time.Second)
}

func TestS17_1_1_2ProvisionalStopsTheRepetition(t *testing.T) {
	c := newClient(t, wire.INVITE, false)
	wantOutput(t, "100", c.Response(100, at(100*ms)), Output{Event: Deliver})
	want(t, "state", c.State(), Proceeding)
	wantOutput(t, "180", c.Response(180, at(200*ms)), Output{Event: Deliver})
	sends, _, _ := run(t, &c, 3*time.Minute)
	wantTimes(t, sends)
	want(t, "state", c.State(), Proceeding)
}

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

func TestS17_1_1_2TransportErrorEndsIt(t *testing.T) {
	c := newClient(t, wire.INVITE, true)
	wantOutput(t, "Calling", c.Fail(at(0)), Output{Event: Failed, Done: true})
	c = newClient(t, wire.INVITE, false)
	c.Response(180, at(0))
	wantOutput(t, "Proceeding sends nothing", c.Fail(at(0)), Output{Event: None})
	c.Response(486, at(0))
	wantOutput(t, "the ACK could not be sent", c.Fail(at(0)), Output{Event: Failed, Done: true})
}

func TestS17_1_2_2TimerEDoublesUpToT2(t *testing.T) {
	c := newClient(t, wire.BYE, false)
	sends, event, ended := run(t, &c, time.Hour)
	wantTimes(t, sends, 500*ms, 1500*ms, 3500*ms, 7500*ms, 11500*ms, 15500*ms, 19500*ms, 23500*ms, 27500*ms, 31500*ms)
	want(t, "event", event, TimedOut)
	want(t, "Timer F", ended, 32*time.Second)
}

func TestS17_1_2_2TimerEIsT2AfterAProvisional(t *testing.T) {
	c := newClient(t, wire.BYE, false)
	want(t, "100", c.Response(100, at(100*ms)).Event, Deliver)
	sends, event, ended := run(t, &c, time.Hour)
	wantTimes(t, sends, 500*ms, 4500*ms, 8500*ms, 12500*ms, 16500*ms, 20500*ms, 24500*ms, 28500*ms)
	want(t, "event", event, TimedOut)
	want(t, "Timer F", ended, 32*time.Second)
}

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

func TestS17_1_2_2TimerKIsZeroOverTCP(t *testing.T) {
	c := newClient(t, wire.OPTIONS, true)
	wantOutput(t, "200", c.Response(200, at(0)), Output{Event: Deliver, Done: true})
}

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

func TestS16_6Item11TimerCOff(t *testing.T) {
	off := Standard
	off.C = 0
	c, _ := NewClient(wire.INVITE, false, []byte("r"), off, start)
	c.Response(180, start)
	want(t, "due", c.Due().IsZero(), true)
}

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

func TestS17_2_1RepeatedINVITEGetsTheLastProvisional(t *testing.T) {
	s := NewServer(wire.INVITE, false, Standard, start)
	want(t, "nothing yet", string(s.Request(wire.INVITE, at(0)).Send), "")
	respond(t, &s, 100, at(0))
	respond(t, &s, 180, at(0))
	want(t, "again", string(s.Request(wire.INVITE, at(500*ms)).Send), "180")
	want(t, "no deadline while Proceeding", s.Due().IsZero(), true)
}

func TestS17_2_1TimerGRepeatsTheFinalAndTimerHGivesUp(t *testing.T) {
	s := NewServer(wire.INVITE, false, Standard, start)
	respond(t, &s, 486, at(0))
	want(t, "INVITE again", string(s.Request(wire.INVITE, at(100*ms)).Send), "486")
	sends, event, ended := run(t, &s, time.Hour)
	wantTimes(t, sends, 500*ms, 1500*ms, 3500*ms, 7500*ms, 11500*ms, 15500*ms, 19500*ms, 23500*ms, 27500*ms, 31500*ms)
	want(t, "event", event, AckMissing)
	want(t, "Timer H", ended, 32*time.Second)
}

func TestS17_2_1NoTimerGOverReliableTransport(t *testing.T) {
	s := NewServer(wire.INVITE, true, Standard, start)
	respond(t, &s, 486, at(0))
	sends, event, ended := run(t, &s, time.Hour)
	wantTimes(t, sends)
	want(t, "event", event, AckMissing)
	want(t, "Timer H", ended, 32*time.Second)
}

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

func TestS17_2_1TimerIIsZeroOverTCP(t *testing.T) {
	s := NewServer(wire.INVITE, true, Standard, start)
	respond(t, &s, 486, at(0))
	wantOutput(t, "ACK", s.Request(wire.ACK, at(0)), Output{Done: true})
}

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

func TestS17_2_2TryingAbsorbsRepetitions(t *testing.T) {
	s := NewServer(wire.BYE, false, Standard, start)
	want(t, "state", s.State(), Trying)
	wantOutput(t, "BYE again", s.Request(wire.BYE, at(0)), Output{Event: None})
	respond(t, &s, 100, at(0))
	want(t, "BYE again", string(s.Request(wire.BYE, at(0)).Send), "100")
}

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

func TestS17_2_2TimerJIsZeroOverTCP(t *testing.T) {
	s := NewServer(wire.BYE, true, Standard, start)
	want(t, "done", respond(t, &s, 200, at(0)).Done, true)
}

func TestLateLoopKeepsTheScheduleAndSendsNoBurst(t *testing.T) {
	c := newClient(t, wire.INVITE, false)
	want(t, "600 ms", string(c.Expire(at(600*ms)).Send), "request")
	want(t, "next", c.Due(), at(1500*ms))
	want(t, "20 s", string(c.Expire(at(20*time.Second)).Send), "request")
	if out := c.Expire(at(20 * time.Second)); out.Send != nil {
		t.Fatal("a second one at once")
	}
	want(t, "after everything", c.Expire(at(time.Hour)).Event, TimedOut)
}

func TestTimersThatWouldSpinAreReplaced(t *testing.T) {
	c, _ := NewClient(wire.BYE, false, []byte("r"), Timers{T1: -1}, start)
	want(t, "T1", c.Due(), at(500*ms))
}

func TestStatusOutOfRange(t *testing.T) {
	s := NewServer(wire.BYE, false, Standard, start)
	for _, status := range []int{-1, 0, 99, 700} {
		if out, err := s.Respond(status, []byte("x"), start); err == nil || out.Send != nil {
			t.Fatalf("%d: %+v", status, out)
		}
		c := newClient(t, wire.BYE, false)
		wantOutput(t, "client", c.Response(status, start), Output{Event: None})
	}
}
