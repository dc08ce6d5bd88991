package transaction

import (
	"strconv"
	"testing"
	"time"

	"tonegate/sip/wire"
)

// depth is how many inputs make a path.
const depth = 9

// mind is what the every-order test remembers of one path besides the machine.
type mind struct {
	now       time.Time
	done      bool
	delivered int // client: status of the final response delivered
	acks      int // client: how often an ACK was asked for
	sent      int // server: status of the final response sent
	timedOut  int
}

// common checks what holds for every machine after every input.
func (k *mind) common(t *testing.T, path []string, m machine, out Output) {
	if k.done && (out.Send != nil || out.Event != None || out.Done || out.Ack) {
		t.Fatalf("%v: output after Done: %+v", path, out)
	}
	k.done = k.done || out.Done
	due := m.Due()
	if k.done != (m.State() == Terminated) || k.done && !due.IsZero() {
		t.Fatalf("%v: done %v, state %v, due %v", path, k.done, m.State(), due)
	}
	if !due.IsZero() && due.Before(k.now) {
		t.Fatalf("%v: due %v before now", path, due.Sub(k.now))
	}
	if out.Event == TimedOut {
		k.timedOut++
	}
	if k.timedOut > 2 {
		t.Fatalf("%v: timed out %d times", path, k.timedOut)
	}
}

// ends lets time pass and demands an end within twenty steps, unless the machine waits for its user or its peer.
func ends(t *testing.T, path []string, m machine) {
	last := time.Time{}
	for range 20 {
		due := m.Due()
		if due.IsZero() {
			waits := m.State() == Proceeding || m.State() == Trying || m.State() == Terminated
			if !waits {
				t.Fatalf("%v: %v for ever", path, m.State())
			}
			return
		}
		if due.Before(last) {
			t.Fatalf("%v: deadline goes back", path)
		}
		last = due
		if out := m.Expire(due); !out.Done && !m.Due().IsZero() && !m.Due().After(due) {
			t.Fatalf("%v: no progress at %v", path, due)
		}
	}
	t.Fatalf("%v: no end", path)
}

type clientInput struct {
	name   string
	status int // of a response
	do     func(*Client, *mind) Output
}

func clientInputs() []clientInput {
	ack := []byte("ack")
	list := []clientInput{
		{"Ack", 0, func(c *Client, k *mind) Output { return c.Ack(ack) }},
		{"Fail", 0, func(c *Client, k *mind) Output { return c.Fail(k.now) }},
		{"Due", 0, func(c *Client, k *mind) Output {
			if due := c.Due(); !due.IsZero() {
				k.now = due
			}
			return c.Expire(k.now)
		}},
		{"5s", 0, func(c *Client, k *mind) Output { k.now = k.now.Add(5 * time.Second); return Output{} }},
	}
	for _, status := range []int{100, 180, 200, 486} {
		list = append(list, clientInput{strconv.Itoa(status), status, func(c *Client, k *mind) Output {
			return c.Response(status, k.now)
		}})
	}
	return list
}

func TestEveryOrderClient(t *testing.T) {
	inputs := clientInputs()
	path := make([]string, 0, depth)
	type place struct { // two paths that come to the same place go on in the same way
		state  State
		clock  clock
		timerC time.Time
		bytes  string
		mind   mind
		length int
	}
	var been map[place]bool
	var step func(c Client, k mind)
	step = func(c Client, k mind) {
		here := place{c.state, c.clock, c.timerC, string(c.bytes), k, len(path)}
		if been[here] {
			return
		}
		been[here] = true
		if len(path) == depth {
			ends(t, path, &c)
			return
		}
		ended := k.done // nothing but one more input of each kind can tell
		for _, in := range inputs {
			c, k := c, k
			path = append(path, in.name)
			// time that passed is made up for before anything else happens
			for !c.Due().IsZero() && c.Due().Before(k.now) {
				k.common(t, path, lateClient{&c, k.now}, c.Expire(k.now))
			}
			out := in.do(&c, &k)
			if out.Event == Deliver && in.status >= 200 {
				if k.delivered != 0 && (k.delivered != in.status || in.status >= 300 || !c.invite) {
					t.Fatalf("%v: %d delivered after %d", path, in.status, k.delivered)
				}
				k.delivered = in.status
			}
			if out.Ack {
				k.acks++
			}
			if k.acks > 1 || out.Ack && (k.delivered < 300 || !c.invite) {
				t.Fatalf("%v: ACK asked for %d times, final %d", path, k.acks, k.delivered)
			}
			k.common(t, path, lateClient{&c, k.now}, out)
			if !ended {
				step(c, k)
			}
			path = path[:len(path)-1]
		}
	}
	for _, m := range []wire.Method{wire.INVITE, wire.BYE} {
		for _, reliable := range []bool{false, true} {
			been = map[place]bool{}
			c, _ := NewClient(m, reliable, []byte("request"), Standard, start)
			step(c, mind{now: start})
		}
	}
}

// lateClient shows a deadline that "5s" has just passed as due now: the loop is about to call Expire.
type lateClient struct {
	*Client
	now time.Time
}

func (l lateClient) Due() time.Time {
	if due := l.Client.Due(); due.IsZero() || due.After(l.now) {
		return due
	}
	return l.now
}

type serverInput struct {
	name   string
	status int // of a response to send
	do     func(*Server, *mind) (Output, error)
}

func serverInputs(m wire.Method) []serverInput {
	list := []serverInput{
		{"request", 0, func(s *Server, k *mind) (Output, error) { return s.Request(m, k.now), nil }},
		{"ACK", 0, func(s *Server, k *mind) (Output, error) { return s.Request(wire.ACK, k.now), nil }},
		{"Due", 0, func(s *Server, k *mind) (Output, error) {
			if due := s.Due(); !due.IsZero() {
				k.now = due
			}
			return s.Expire(k.now), nil
		}},
		{"1s", 0, func(s *Server, k *mind) (Output, error) {
			if k.now = k.now.Add(time.Second); !s.Due().IsZero() && !s.Due().After(k.now) {
				return s.Expire(k.now), nil
			}
			return Output{}, nil
		}},
	}
	for _, status := range []int{180, 200, 486, 487} {
		list = append(list, serverInput{strconv.Itoa(status), status, func(s *Server, k *mind) (Output, error) {
			return s.Respond(status, responses[status], k.now)
		}})
	}
	return list
}

func TestEveryOrderServer(t *testing.T) {
	path := make([]string, 0, depth)
	var inputs []serverInput
	type place struct {
		state    State
		clock    clock
		response string
		mind     mind
		length   int
	}
	var been map[place]bool
	var step func(s Server, k mind)
	step = func(s Server, k mind) {
		here := place{s.state, s.clock, string(s.response), k, len(path)}
		if been[here] {
			return
		}
		been[here] = true
		if len(path) == depth {
			ends(t, path, &s)
			return
		}
		ended := k.done
		for _, in := range inputs {
			s, k := s, k
			path = append(path, in.name)
			out, err := in.do(&s, &k)
			if in.status != 0 && (err == nil) != (string(out.Send) == in.name) {
				t.Fatalf("%v: neither sent nor refused: %+v, %v", path, out, err)
			}
			if final := string(out.Send); final >= "2" {
				status, _ := strconv.Atoi(final)
				if k.sent != 0 && k.sent != status {
					t.Fatalf("%v: sent %d, then %d", path, k.sent, status)
				}
				k.sent = status
			} else if final != "" && k.sent != 0 {
				t.Fatalf("%v: %s after %d", path, final, k.sent)
			}
			if out.Event == AckMissing && k.sent < 300 {
				t.Fatalf("%v: AckMissing after %d", path, k.sent)
			}
			k.common(t, path, &s, out)
			if !ended {
				step(s, k)
			}
			path = path[:len(path)-1]
		}
	}
	for _, m := range []wire.Method{wire.INVITE, wire.BYE} {
		inputs = serverInputs(m)
		for _, reliable := range []bool{false, true} {
			been = map[place]bool{}
			step(NewServer(m, reliable, Standard, start), mind{now: start})
		}
	}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	octets := []byte("octets")
	if n := testing.AllocsPerRun(100, func() { exchange(octets) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

// exchange is a forwarded call's worth of transactions: INVITE and BYE, both sides, with repetitions.
func exchange(octets []byte) {
	now := start
	s := NewServer(wire.INVITE, false, Standard, now)
	s.Respond(100, octets, now)
	s.Request(wire.INVITE, now)
	s.Respond(200, octets, now)
	s.Respond(200, octets, now)
	c, _ := NewClient(wire.INVITE, false, octets, Standard, now)
	c.Expire(c.Due())
	c.Response(180, now)
	c.Response(200, now)
	refused, _ := NewClient(wire.INVITE, false, octets, Standard, now)
	refused.Response(486, now)
	refused.Ack(octets)
	refused.Response(486, now)
	bye, _ := NewClient(wire.BYE, false, octets, Standard, now)
	bye.Expire(bye.Due())
	bye.Response(200, now)
	byes := NewServer(wire.BYE, false, Standard, now)
	byes.Respond(200, octets, now)
	byes.Request(wire.BYE, now)
	for _, m := range [...]*Client{&c, &refused, &bye} {
		m.Expire(m.Due())
	}
	s.Expire(s.Due())
	byes.Expire(byes.Due())
}

func BenchmarkForwardedCall(b *testing.B) {
	octets := []byte("octets")
	b.ReportAllocs()
	for b.Loop() {
		exchange(octets)
	}
}
