package sip

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"tonegate/call"
	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
)

// oneCall ends the goroutine of one call's script, not the test's.
type oneCall struct{ *testing.T }

// Fatalf is for siptest.
func (c oneCall) Fatalf(format string, args ...any) {
	c.Helper()
	c.Errorf(format, args...)
	runtime.Goexit()
}

// The numbers say what their callees do.
const (
	answers = "0312340001"
	busy    = "0312340002"
	rings   = "0312340003"
	leaves  = "0312340004" // answers, and hangs up first
)

// TestLoss runs many calls at once over bad networks: all of them end, and
// everybody who was connected had heard a whole tone.
func TestLoss(t *testing.T) {
	for _, c := range []simnet.Conditions{
		{Delay: 20 * time.Millisecond, Jitter: 10 * time.Millisecond, Loss: 0.1, Seed: 1},
		{Delay: 20 * time.Millisecond, Jitter: 10 * time.Millisecond, Loss: 0.2, Seed: 2},
		{Delay: 5 * time.Millisecond, Jitter: 40 * time.Millisecond, Duplicate: 0.3, Reorder: 0.3, Seed: 3},
		{Delay: 20 * time.Millisecond, Jitter: 30 * time.Millisecond, Loss: 0.1, Duplicate: 0.1, Reorder: 0.1, Seed: 4},
		{Delay: 100 * time.Millisecond, Jitter: 200 * time.Millisecond, Loss: 0.15, Duplicate: 0.2, Reorder: 0.2, Seed: 5},
	} {
		t.Run(fmt.Sprintf("loss %v duplicate %v reorder %v seed %d", c.Loss, c.Duplicate, c.Reorder, c.Seed), func(t *testing.T) {
			inWorld(t, func(s *setup) {
				s.conditions = c
				s.carrier.TB, s.pbx.TB = oneCall{t}, oneCall{t}
			}, func(w *world) {
				w.manyCalls(80, c.Seed)
				if w.metric("tonegate_sip_retransmissions_total") == 0 {
					t.Error("the network was not bad at all")
				}
			})
		})
	}
}

func (w *world) manyCalls(n int, seed uint64) {
	w.lossy = true
	random := rand.New(rand.NewPCG(seed, 0))
	var scripts, callees sync.WaitGroup
	callees.Go(func() {
		for range n {
			b := w.pbx.Accept()
			callees.Go(func() { callee(b) })
		}
	})
	calls := map[string]string{} // what the number called is for
	for i := range n {
		to := []string{answers, answers, answers, busy, rings, leaves}[random.IntN(6)]
		o := []siptest.InviteOptions{forwarded, forwarded, plain}[random.IntN(3)]
		o.To, o.CallID = to, fmt.Sprintf("call%d@127.0.0.2", i)
		calls[o.CallID] = to
		start, talk := time.Duration(random.IntN(20000))*time.Millisecond, time.Duration(1000+random.IntN(4000))*time.Millisecond
		scripts.Go(func() {
			time.Sleep(start)
			w.caller(o, talk)
		})
	}
	scripts.Wait()
	callees.Wait()
	time.Sleep(time.Minute)
	records := w.records.all()
	if len(records) != n || w.server.Calls() != 0 {
		w.t.Errorf("%d records of %d calls, %d still up", len(records), n, w.server.Calls())
	}
	for _, r := range records {
		want := map[string]string{answers: "completed caller_hung_up 200", leaves: "completed callee_hung_up 200",
			busy: "busy far_end_refused 486", rings: "cancelled caller_cancelled 487"}[calls[r.CallID]]
		got := line(r)
		if !strings.HasPrefix(got, want) || r.Forwarded && !strings.Contains(got, "before caller 50 whole") {
			w.t.Errorf("%s: %s", calls[r.CallID], got)
		}
		if r.Bridged != nil && r.Result != call.Completed {
			w.t.Errorf("bridged and %s", got)
		}
		for _, notice := range r.Notices {
			if r.Bridged != nil && !notice.Complete {
				w.t.Errorf("bridged after a notice cut short: %s", got)
			}
		}
	}
}

func (w *world) caller(o siptest.InviteOptions, talk time.Duration) {
	a := w.carrier.Invite(o)
	switch o.To {
	case busy:
		a.Expect(486)
	case rings:
		a.Expect(180)
		time.Sleep(talk)
		a.Cancel().Expect(200)
		a.Expect(487)
	case answers:
		a.Expect(200)
		a.Ack("")
		time.Sleep(talk)
		a.Bye().Expect(200)
	case leaves:
		a.Expect(200)
		a.Ack("")
		a.ExpectRequest("BYE")
	}
}

func callee(b *siptest.Call) {
	switch {
	case strings.Contains(b.Invite.URI, busy):
		b.Respond(486, nil, "")
		return
	case strings.Contains(b.Invite.URI, rings):
		for range 20 { // a lost 180 is not repeated by a UAS, so that this one does
			b.Respond(180, nil, "")
			time.Sleep(500 * time.Millisecond)
		}
		b.ExpectRequest("CANCEL")
		return
	}
	b.Respond(180, nil, "")
	time.Sleep(700 * time.Millisecond)
	b.Answer()
	b.ExpectRequest("ACK")
	if strings.Contains(b.Invite.URI, leaves) {
		time.Sleep(3 * time.Second)
		b.Bye().Expect(200)
		return
	}
	b.ExpectRequest("BYE")
}
