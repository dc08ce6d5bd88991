package simnet

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"time"
)

// reorderAtLeast is longer than the 20 ms between two RTP packets, so that a reordered one is overtaken.
const reorderAtLeast = 30 * time.Millisecond

// Conditions describe a link in one direction. The zero value delivers everything at once and in order.
// Seed counts in New only.
type Conditions struct {
	Delay     time.Duration // every datagram takes this long
	Jitter    time.Duration // and up to this much more, without overtaking on its own flow
	Loss      float64       // probability 0..1 that a datagram vanishes
	Duplicate float64       // probability 0..1 that it arrives twice
	Reorder   float64       // probability 0..1 that it is late by another Delay+Jitter (at least 30 ms) and is overtaken
	Seed      uint64
}

func (c Conditions) validate() error {
	for _, p := range []struct {
		name  string
		value float64
	}{{"loss", c.Loss}, {"duplicate", c.Duplicate}, {"reorder", c.Reorder}} {
		if !(p.value >= 0 && p.value <= 1) {
			return fmt.Errorf("conditions: %s %v is not a probability", p.name, p.value)
		}
	}
	if c.Delay < 0 || c.Jitter < 0 {
		return fmt.Errorf("conditions: delay %v and jitter %v must not be negative", c.Delay, c.Jitter)
	}
	return nil
}

// flow is the traffic from one socket to one address. It has its own random numbers, so that its fate does
// not depend on how the sends of other sockets interleave with its own.
type flow struct {
	random *rand.Rand
	last   time.Time // when the latest datagram in order arrives
}

func newFlow(seed uint64, from, to netip.AddrPort) *flow {
	h := fnv.New64a()
	fmt.Fprintf(h, "%v>%v", from, to)
	return &flow{random: rand.New(rand.NewPCG(seed, h.Sum64()))}
}

// fate says when a datagram sent now arrives, whether it arrives again, and whether it is lost on the way.
func (f *flow) fate(c Conditions, now time.Time, extra time.Duration) (at, again time.Time, lost bool) {
	// The same number of draws for every datagram: a change of one condition leaves the others' luck alone.
	lose, duplicate, reorder := f.random.Float64(), f.random.Float64(), f.random.Float64()
	first, second := f.random.Float64(), f.random.Float64()
	at = now.Add(max(c.Delay+time.Duration(first*float64(c.Jitter))+extra, 1))
	switch {
	case lose < c.Loss:
		return at, again, true
	case reorder < c.Reorder:
		at = at.Add(max(c.Delay+c.Jitter, reorderAtLeast))
	case extra > 0: // delayed on purpose, others may overtake
	case at.Before(f.last):
		at = f.last
	default:
		f.last = at
	}
	if duplicate < c.Duplicate {
		again = at.Add(time.Duration(second * float64(c.Jitter)))
	}
	return at, again, false
}
