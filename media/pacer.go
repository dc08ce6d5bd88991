package media

import (
	"sync"
	"time"
)

const (
	slots = 20
	tick  = time.Millisecond
)

// pacer sends the frames of all playbacks from one goroutine: a wheel of 20 slots of 1 ms. Deadlines are absolute, so a late slot is
// caught up and nothing drifts. A new playback goes into the emptiest slot, which is at most 20 ms away.
// Without playbacks it sleeps.
type pacer struct {
	clock func() time.Duration
	wake  func()

	mu    sync.Mutex
	added []*playback

	// owned by who calls advance
	wheel  [slots][]*playback
	count  int
	tick   int64 // done
	packet [datagramSize]byte
}

func newPacer(clock func() time.Duration, wake func()) *pacer {
	return &pacer{clock: clock, wake: wake}
}

// add hands over a playback.
func (p *pacer) add(b *playback) {
	p.mu.Lock()
	p.added = append(p.added, b)
	p.mu.Unlock()
	p.wake()
}

// advance sends what is due and gives the time until something is, or never.
func (p *pacer) advance() time.Duration {
	for {
		p.admit()
		if p.count == 0 {
			return never
		}
		next := p.next()
		if wait := time.Duration(next)*tick - p.clock(); wait > 0 {
			return wait
		}
		p.turn(next)
	}
}

// admit places what was added.
func (p *pacer) admit() {
	p.mu.Lock()
	added := p.added
	p.added = nil
	p.mu.Unlock()
	if len(added) == 0 {
		return
	}
	soon := ceil(p.clock())
	if p.count == 0 {
		p.tick = soon - 1
	}
	soon = max(soon, p.tick+1) // this millisecond's turn may be over
	for _, b := range added {
		best := soon
		for k := soon + 1; k < soon+slots; k++ {
			if len(p.wheel[k%slots]) < len(p.wheel[best%slots]) {
				best = k
			}
		}
		b.leg.out.Lock()
		b.start = time.Duration(best) * tick
		b.leg.out.Unlock()
		b.tick = best
		p.wheel[best%slots] = append(p.wheel[best%slots], b)
		p.count++
	}
}

// next is the next tick whose slot holds something. Its frames may be due a turn later still.
func (p *pacer) next() int64 {
	k := p.tick + 1
	for len(p.wheel[k%slots]) == 0 {
		k++
	}
	return k
}

// turn sends what is due at tick k and puts it where it is due next.
func (p *pacer) turn(k int64) {
	slot := p.wheel[k%slots]
	kept := slot[:0]
	for _, b := range slot {
		if b.tick <= k {
			if !b.step(p.packet[:]) {
				p.count--
				continue
			}
			b.tick = ceil(b.due())
		}
		if b.tick%slots == k%slots {
			kept = append(kept, b)
		} else {
			p.wheel[b.tick%slots] = append(p.wheel[b.tick%slots], b)
		}
	}
	clear(slot[len(kept):])
	p.wheel[k%slots] = kept
	p.tick = k
}

// ceil is the first tick that is not before d.
func ceil(d time.Duration) int64 { return int64((d + tick - 1) / tick) }
