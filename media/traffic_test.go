package media

import (
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
)

func descriptors(t *testing.T) int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(list)
}

func threads(t *testing.T) int {
	list, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Skip(err)
	}
	return len(list)
}

// Legs are opened, played to, bridged, stopped and closed while packets come in: nothing is left, and nobody gets what is not his.
func TestTrafficMeetsControl(t *testing.T) { backends(t, testTrafficMeetsControl) }

func testTrafficMeetsControl(t *testing.T, start func(Options) Plane) {
	caller, fromA := socket(t)
	callee, fromB := socket(t)
	goroutines, fds := runtime.NumGoroutine(), descriptors(t)
	p := start(Options{Ports: [2]int{29000, 29999}, Quarantine: -1, Rate: 1 << 30, Reactors: 2})
	var begun, ended atomic.Int64
	var wg sync.WaitGroup
	var to [2]atomic.Pointer[netip.AddrPort]
	stop := make(chan struct{})
	for i, from := range []*net.UDPConn{caller, callee} {
		wg.Go(func() {
			for seq := uint16(0); ; seq++ {
				select {
				case <-stop:
					return
				default:
				}
				if at := to[i].Load(); at != nil {
					from.WriteToUDPAddrPort(packet(t, rtp.Header{SSRC: 9, SequenceNumber: seq, Timestamp: 160 * uint32(seq)}), *at)
				}
			}
		})
	}
	what := tone(50)
	what.Interval, what.Samples = time.Millisecond, 8
	relayed := uint64(0)
	for i := range 500 {
		a, atA, errA := p.Open(loopback)
		b, atB, errB := p.Open(loopback)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		p.Remote(a, Remote{Address: fromA, Send: true, Receive: true})
		p.Remote(b, Remote{Address: fromB, Send: true, Receive: true})
		to[0].Store(&atA)
		to[1].Store(&atB)
		begun.Add(2)
		p.Play(a, what, func(Played) { ended.Add(1) })
		p.Play(b, what, func(Played) { ended.Add(1) })
		p.Stop(b)
		p.Bridge(a, b)
		p.Stats(a)
		p.Unbridge(b)
		p.Bridge(b, a)
		if i%10 == 0 { // the others are closed at once, with or without packets
			await(t, func() bool { return p.Stats(a).Sent.Packets > 60 && p.Stats(b).Sent.Packets > 0 })
		}
		p.Close(a)
		relayed += p.Close(b).Received.Packets
	}
	close(stop)
	wg.Wait()
	p.Shutdown()
	if begun.Load() != ended.Load() || relayed == 0 {
		t.Errorf("%d playbacks, %d reports, %d packets", begun.Load(), ended.Load(), relayed)
	}
	gone(t, goroutines)
	if n := descriptors(t); n > fds {
		t.Errorf("%d descriptors, %d before", n, fds)
	}
}

// gone waits until there are no more goroutines than before: one that has told
// whoever waits for it that it is done is still there for a moment.
func gone(t *testing.T, before int) {
	t.Helper()
	await(t, func() bool { return runtime.NumGoroutine() <= before })
}

// Each start and stop gives its threads and descriptors back.
func TestShutdownGivesThreadsBack(t *testing.T) { backends(t, testShutdownGivesThreadsBack) }

func testShutdownGivesThreadsBack(t *testing.T, start func(Options) Plane) {
	before, fds := threads(t), descriptors(t)
	for range 50 {
		p := start(Options{Ports: [2]int{28000, 28099}, Reactors: 2})
		if _, _, err := p.Open(loopback); err != nil {
			t.Fatal(err)
		}
		p.Shutdown()
	}
	if n := descriptors(t); n > fds {
		t.Errorf("%d descriptors, %d before", n, fds)
	}
	await(t, func() bool { return threads(t) <= before+20 }) // of 100; the runtime keeps some of its own
}
