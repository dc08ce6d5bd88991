package media

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// All calls from many goroutines at once, in any order, on legs that others close: every playback is reported once, and nothing is left.
func TestControlFromEverywhere(t *testing.T) {
	bubble(t, Options{Quarantine: -1, Timeout: time.Second, Silent: func(Leg) {}}, func(t *testing.T, r *rig) {
		var begun, ended atomic.Int64
		var mu sync.Mutex
		legs := []Leg{r.a, r.b}
		pick := func() Leg {
			mu.Lock()
			defer mu.Unlock()
			return legs[rand.IntN(len(legs))]
		}
		act := func() {
			switch rand.IntN(9) {
			case 0:
				if l, _, err := r.Open(ours); err == nil {
					r.Remote(l, r.caller.remote())
					mu.Lock()
					legs = append(legs, l)
					mu.Unlock()
				}
			case 1, 2:
				begun.Add(1)
				what := tone(1 + rand.IntN(20))
				what.Loop = rand.IntN(4) == 0
				r.Play(pick(), what, func(Played) { ended.Add(1) })
			case 3:
				r.Bridge(pick(), pick())
			case 4:
				r.Unbridge(pick())
			case 5:
				r.Stop(pick())
			case 6:
				r.Stats(pick())
			case 7:
				r.Remote(pick(), Remote{Address: r.callee.rtp.at, Send: rand.IntN(2) == 0, Receive: true})
			case 8:
				if rand.IntN(3) == 0 {
					r.Close(pick())
				}
			}
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 500 {
					act()
					time.Sleep(time.Duration(rand.IntN(20)) * ms)
				}
			})
		}
		wg.Go(func() { r.talk(250) })
		wg.Wait()
		r.Shutdown()
		synctest.Wait()
		if begun.Load() == 0 || begun.Load() != ended.Load() {
			t.Errorf("%d playbacks, %d reports", begun.Load(), ended.Load())
		}
		if len(r.conns) != 4 || r.sums.Legs.Load() != 0 {
			t.Errorf("%d sockets, %d legs are left", len(r.conns), r.sums.Legs.Load())
		}
	})
}
