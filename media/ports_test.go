package media

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var uniform = rand.IntN

func drain(p *ports, now time.Duration) (list []int) {
	for {
		port, ok := p.take(now)
		if !ok {
			return list
		}
		list = append(list, int(port))
	}
}

func TestPortsAreEvenPairsWithinTheRange(t *testing.T) {
	for _, c := range []struct{ first, last, pairs, lowest, highest int }{
		{20000, 20009, 5, 20000, 20008}, {20001, 20009, 4, 20002, 20008}, {20000, 20008, 4, 20000, 20006},
		{20000, 20000, 0, 0, 0}, {20001, 20002, 0, 0, 0}, {65530, 70000, 3, 65530, 65534}, {-5, 5, 2, 2, 4}, {9, 3, 0, 0, 0},
	} {
		list := drain(newPorts(c.first, c.last, 0, uniform), 0)
		if len(list) != c.pairs {
			t.Errorf("%+v: %v", c, list)
			continue
		}
		if c.pairs > 0 && (slices.Min(list) != c.lowest || slices.Max(list) != c.highest || slices.ContainsFunc(list, func(n int) bool { return n%2 != 0 })) {
			t.Errorf("%+v: %v", c, list)
		}
	}
}

func TestPortsComeInRandomOrder(t *testing.T) {
	a, b := drain(newPorts(20000, 20199, 0, uniform), 0), drain(newPorts(20000, 20199, 0, uniform), 0)
	if slices.Equal(a, b) || slices.IsSorted(a) {
		t.Errorf("%v", a)
	}
	slices.Sort(a)
	slices.Sort(b)
	if !slices.Equal(a, b) || len(slices.Compact(a)) != 100 {
		t.Errorf("%v", a)
	}
}

func TestPortsRest(t *testing.T) {
	p := newPorts(20000, 20003, 30*time.Second, uniform)
	all := drain(p, 0)
	p.give(uint16(all[0]), time.Second)
	p.give(uint16(all[1]), 2*time.Second)
	if port, ok := p.take(31*time.Second - 1); ok {
		t.Errorf("%d after less than 30 s", port)
	}
	if port, ok := p.take(31 * time.Second); !ok || int(port) != all[0] {
		t.Errorf("%d %v", port, ok)
	}
	if port, ok := p.take(31 * time.Second); ok {
		t.Errorf("%d after less than 30 s", port)
	}
}
