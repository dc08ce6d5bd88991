package sip

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"tonegate/internal/simnet"
)

var (
	simSeeds = flag.String("sim.seeds", "", "seeds to simulate, such as 17 or 1-100; without them a fixed few")
	simLoss  = flag.Int("sim.loss", -1, "percent of datagrams lost each way; without it 5, 10 and 20")
	simCalls = flag.Int("sim.calls", 200, "calls of each seed")
	simOnly  = flag.Int("sim.call", -1, "draw the ladder of this call in any case")
)

// simRun is all that decides a simulation.
type simRun struct {
	seed       uint64
	calls      int
	restarts   int
	shards     int // more than one: who does what first is the scheduler's choice, and a run does not repeat
	conditions simnet.Conditions
}

func (r simRun) String() string {
	return fmt.Sprintf("-sim.seeds=%d -sim.loss=%d -sim.calls=%d", r.seed, int(r.conditions.Loss*100+0.5), r.calls)
}

// newSimRun is the run of a seed: every fourth without restarts, so that
// nothing hides behind them; every third over a slow and uneven network; every
// fifth over one that repeats and reorders much.
func newSimRun(seed uint64, loss, calls int) simRun {
	share := float64(loss) / 100
	c := simnet.Conditions{Delay: 20 * time.Millisecond, Jitter: 15 * time.Millisecond, Loss: share, Duplicate: share / 2, Reorder: share / 2, Seed: seed}
	if seed%3 == 2 {
		c.Delay, c.Jitter = 100*time.Millisecond, 200*time.Millisecond
	}
	if seed%5 == 3 {
		c.Duplicate, c.Reorder = 0.3, 0.3
	}
	return simRun{seed: seed, calls: calls, restarts: int(seed % 4), shards: 1, conditions: c}
}

const simWindow = 2 * time.Minute // in which calls begin

// simulate runs one simulation, and hands it over while it still can be looked into.
func simulate(t *testing.T, run simRun, look func(*simWorld)) {
	t.Helper()
	cryptotest.SetGlobalRandom(t, run.seed)
	synctest.Test(t, func(t *testing.T) {
		w := newSimWorld(t, run)
		defer w.shut()
		w.robots.Do(w.schedule)
		time.Sleep(simWindow + time.Minute)
		for waited := 0; w.server.Calls() > 0 && waited < 20; waited++ {
			time.Sleep(30 * time.Second)
		}
		time.Sleep(2 * lifetime) // the BYEs that the robots are still sending
		stuck := w.server.Calls()
		w.shutdown()
		synctest.Wait()
		if stuck > 0 {
			t.Errorf("%d calls are stuck", stuck)
		}
		look(w)
	})
}

func (w *simWorld) schedule() {
	random := rand.New(rand.NewPCG(w.run.seed, 2))
	for i := range w.run.calls {
		c := &simCall{simPlan: drawPlan(random, i, simWindow), world: w, index: i, id: fmt.Sprintf("call%d@sim", i)}
		w.calls = append(w.calls, c)
		w.byCall[c.called] = c
		for _, third := range c.thirds {
			w.byCall[third.number] = c
		}
		w.robots.After(c.start, func() { w.begin(c) })
	}
	for range w.run.restarts {
		at, host := time.Duration(random.Int64N(int64(simWindow))), random.IntN(len(w.hosts))
		w.robots.After(at, func() { w.restart(host, time.Duration(random.Int64N(int64(8*time.Second)))) })
	}
}

// restart lets a host forget everything, and be silent for a while. Whatever
// it is part of, or becomes meanwhile, may end as it likes, but must end.
func (w *simWorld) restart(host int, silent time.Duration) {
	began := time.Since(w.began)
	for _, c := range w.calls {
		if c.start < began+silent && c.uses(host) && !c.ended() {
			c.hit, c.hitAt = true, time.Now()
		}
	}
	for _, c := range w.calls {
		for _, e := range c.ends() {
			if e.host == host {
				e.over("restarted")
			}
		}
	}
	w.hosts[host].Restart(silent)
}

// uses reports whether a call may have to do with a host.
func (c *simCall) uses(host int) bool {
	for _, t := range c.thirds {
		if t.carrier == host {
			return true
		}
	}
	switch host - len(simCarriers) {
	case 0, 1:
		return !c.firm
	case 2:
		return c.firm
	}
	return c.carrier == host
}

func (c *simCall) ends() []*simEnd {
	ends := append(slices.Clone(c.b), c.more...)
	if c.a == nil {
		return ends
	}
	return append([]*simEnd{c.a}, ends...)
}

func (c *simCall) ended() bool {
	for _, e := range c.ends() {
		if !e.down {
			return false
		}
	}
	return c.a != nil
}

// simTally counts what became of calls.
type simTally struct{ calls, intended, lost, hit, changes, messages int }

func (s *simTally) add(o simTally) {
	s.calls, s.intended, s.lost, s.hit = s.calls+o.calls, s.intended+o.intended, s.lost+o.lost, s.hit+o.hit
	s.changes, s.messages = s.changes+o.changes, s.messages+o.messages
}

// share is that of the calls that should have ended as intended, and did.
func (s *simTally) share() float64 { return float64(s.intended) / float64(max(1, s.calls-s.hit)) }

// TestSimulation runs hundreds of calls for each seed over networks that lose,
// duplicate and reorder, while hosts restart.
func TestSimulation(t *testing.T) {
	levels := []int{5, 10, 20}
	if *simLoss >= 0 {
		levels = []int{*simLoss}
	}
	first, last := simSeedRange(t)
	for _, loss := range levels {
		t.Run(fmt.Sprintf("loss %d", loss), func(t *testing.T) {
			var all simTally
			for seed := first; seed <= last; seed++ {
				began, one := time.Now(), simTally{}
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
					simulate(t, newSimRun(seed, loss, *simCalls), func(w *simWorld) { one = w.check() })
				})
				all.add(one)
				one.show(fmt.Sprintf("%d %%  seed %d, %.1f s", loss, seed, time.Since(began).Seconds()))
			}
			all.show(fmt.Sprintf("%d %%  in all", loss))
			t.Logf("%+v: %.4f %%", all, 100*all.share())
			if want := map[int]float64{5: 0.9999, 10: 0.999, 20: 0.99}[loss]; all.share() < want {
				t.Errorf("completion %.4f %% of %d calls, want %.4f %%", 100*all.share(), all.calls-all.hit, 100*want)
			}
		})
	}
}

// simSeedRange is what was asked for; else a few, and fewer where time is short.
func simSeedRange(t *testing.T) (first, last uint64) {
	switch n, _ := fmt.Sscanf(*simSeeds, "%d-%d", &first, &last); {
	case n == 2:
		return first, last
	case n == 1:
		return first, first
	case *simSeeds != "":
		t.Fatalf("seeds %q: want 17 or 1-100", *simSeeds)
	case testing.Short() || raceDetector:
		return 1, 1
	}
	return 1, 6
}

// show is a line of the table, for those who asked for seeds.
func (s *simTally) show(of string) {
	if *simSeeds != "" {
		fmt.Printf("loss %-26s %6d calls %5d hit by restarts %7d as intended %3d not %9.4f %% %8d messages %6d changes\n",
			of, s.calls, s.hit, s.intended, s.calls-s.hit-s.intended, 100*s.share(), s.messages, s.changes)
	}
}

// TestSimulationOnShards has the same invariants where calls run in parallel.
func TestSimulationOnShards(t *testing.T) {
	run := newSimRun(3, 10, 200)
	run.shards = 3
	simulate(t, run, func(w *simWorld) { w.check() })
}

// TestSimulationRepeats holds a seed to deciding everything: two runs send the
// same datagrams, signalling and voice, at the same times. Only RTCP reports,
// which decide nothing, are timed by chance.
func TestSimulationRepeats(t *testing.T) {
	first, last := uint64(7), uint64(7)
	if *simSeeds != "" {
		first, last = simSeedRange(t)
	}
	for seed := first; seed <= last; seed++ {
		var runs []*simWorld
		for range 2 {
			t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
				simulate(t, newSimRun(seed, 20, 100), func(w *simWorld) { runs = append(runs, w) })
			})
		}
		if len(runs) == 2 {
			compare(t, &runs[0].journal, &runs[1].journal)
		}
	}
}

func compare(t *testing.T, one, other *simJournal) {
	t.Helper()
	if one.messages == other.messages && one.sum.Sum64() == other.sum.Sum64() {
		return
	}
	t.Errorf("transcripts %x of %d and %x of %d datagrams", one.sum.Sum64(), one.messages, other.sum.Sum64(), other.messages)
	for i := range min(len(one.sip), len(other.sip)) {
		a, b := one.sip[i], other.sip[i]
		if !a.At.Equal(b.At) || string(a.Data) != string(b.Data) || a.Fate != b.Fate {
			t.Fatalf("they part at message %d, at %v and %v, %s and %s:\n%s\n%s", i, a.At, b.At, a.Fate, b.Fate, a.Data, b.Data)
		}
	}
}
