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
