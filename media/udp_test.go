package media

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

var ours = netip.MustParseAddr("192.0.2.200")

// rig is a plane with two legs and their phones in a bubble of virtual time.
type rig struct {
	*network
	Plane
	t      *testing.T
	a, b   Leg
	atA    netip.AddrPort
	atB    netip.AddrPort
	caller *phone
	callee *phone
	sums   *Counters
}

func bubble(t *testing.T, o Options, test func(*testing.T, *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{network: newNetwork(), t: t, sums: new(Counters)}
		o.Listen, o.Counters = r.listen, r.sums
		r.Plane = NewUDP(o)
		defer r.Shutdown()
		r.a, r.atA = r.open()
		r.b, r.atB = r.open()
		r.caller = r.phone(t, "198.51.100.1:4000", 0xaaaa)
		r.callee = r.phone(t, "198.51.100.2:4000", 0xbbbb)
		r.Remote(r.a, r.caller.remote())
		r.Remote(r.b, r.callee.remote())
		test(t, r)
	})
}

func (r *rig) open() (Leg, netip.AddrPort) {
	r.t.Helper()
	l, at, err := r.Open(ours)
	if err != nil {
		r.t.Fatal(err)
	}
	return l, at
}

// talk lets both phones send n packets, 20 ms each.
func (r *rig) talk(n int) {
	for range n {
		r.caller.talk(r.atA)
		r.callee.talk(r.atB)
		time.Sleep(20 * ms)
	}
	synctest.Wait()
}

func (r *rig) play(l Leg, what Playback) <-chan Played {
	done := make(chan Played, 10)
	r.Play(l, what, func(p Played) { done <- p })
	return done
}

func TestPortsRunOutAndRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := NewUDP(Options{Ports: [2]int{20000, 20007}, Listen: n.listen})
		defer p.Shutdown()
		var legs []Leg
		seen := map[uint16]bool{}
		for range 4 {
			l, at, err := p.Open(ours)
			if err != nil || at.Addr() != ours || at.Port()%2 != 0 || seen[at.Port()] {
				t.Fatalf("%v %v", at, err)
			}
			seen[at.Port()] = true
			legs = append(legs, l)
		}
		if _, _, err := p.Open(ours); !errors.Is(err, ErrNoPorts) {
			t.Fatal(err)
		}
		p.Close(legs[2])
		time.Sleep(30*time.Second - 1)
		if _, _, err := p.Open(ours); !errors.Is(err, ErrNoPorts) {
			t.Fatal(err)
		}
		time.Sleep(time.Nanosecond)
		if _, _, err := p.Open(ours); err != nil {
			t.Fatal(err)
		}
	})
}

func TestPortsHeldByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		for _, at := range []string{"192.0.2.200:20000", "192.0.2.200:20003"} { // one RTP, one RTCP
			if _, err := n.open(netip.MustParseAddrPort(at)); err != nil {
				t.Fatal(err)
			}
		}
		p := NewUDP(Options{Ports: [2]int{20000, 20005}, Listen: n.listen})
		defer p.Shutdown()
		if _, at, err := p.Open(ours); err != nil || at.Port() != 20004 {
			t.Fatalf("%v %v", at, err)
		}
		if _, _, err := p.Open(ours); !errors.Is(err, ErrNoPorts) {
			t.Fatal(err)
		}
		if len(n.conns) != 4 {
			t.Errorf("%d sockets are open: half a pair was left", len(n.conns))
		}
		broken := NewUDP(Options{Listen: func(netip.AddrPort) (PacketConn, error) { return nil, net.ErrWriteToConnected }})
		defer broken.Shutdown()
		if _, _, err := broken.Open(ours); !errors.Is(err, net.ErrWriteToConnected) || errors.Is(err, ErrNoPorts) {
			t.Fatal(err)
		}
	})
}

func TestShutdownLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	bubble(t, Options{Quarantine: -1}, func(t *testing.T, r *rig) {
		done := make(chan Played, 4000)
		for range 1000 {
			a, _ := r.open()
			b, _ := r.open()
			r.Remote(a, r.caller.remote())
			r.Remote(b, r.callee.remote())
			r.Play(a, tone(50), func(p Played) { done <- p })
			time.Sleep(21 * ms)
			r.Bridge(a, b)
			r.Play(b, tone(50), func(p Played) { done <- p })
			r.Close(a)
			r.Close(b)
		}
		synctest.Wait()
		p := r.Plane.(*plane)
		p.mu.Lock()
		defer p.mu.Unlock()
		g := p.driver.(*goroutines)
		g.pacer.mu.Lock()
		defer g.pacer.mu.Unlock()
		g.keeper.mu.Lock()
		defer g.keeper.mu.Unlock()
		if len(done) != 2000 || len(p.legs) != 2 || len(g.keeper.queue) != 2 || len(g.pacer.added) != 0 || len(r.conns) != 8 {
			t.Errorf("%d reports, %d legs, %d deadlines, %d playbacks, %d sockets",
				len(done), len(p.legs), len(g.keeper.queue), len(g.pacer.added), len(r.conns))
		}
		if n := len(p.ports.free) + len(p.ports.resting); n != 4998 {
			t.Errorf("%d pairs came back", n)
		}
	})
	gone(t, before)
}

// Nothing plays and nothing is open: no timer runs.
func TestIdlePlaneSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads := 0
		epoch := time.Now()
		p := NewUDP(Options{Listen: newNetwork().listen, Now: func() time.Time { reads++; return epoch.Add(time.Since(epoch)) }})
		defer p.Shutdown()
		synctest.Wait()
		before := reads
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if reads != before {
			t.Errorf("the clock was read %d times in an idle day", reads-before)
		}
	})
}

func TestOpenAfterShutdown(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Shutdown()
		r.Shutdown()
		if _, _, err := r.Open(ours); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if len(r.conns) != 4 { // the phones'
			t.Errorf("%d sockets are open", len(r.conns))
		}
		r.Remote(r.a, Remote{})
		r.Bridge(r.a, r.b)
		r.Unbridge(r.a)
		r.Stop(r.a)
	})
}
