//go:build linux && (amd64 || arm64)

package media

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"tonegate/internal/rawudp"
)

func TestDescriptorsSpeakBothFamilies(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1"} {
		at := netip.AddrPortFrom(netip.MustParseAddr(address), 26000)
		a, err := bind(at)
		if errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) {
			t.Skipf("no %s here", address)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bind(at); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("bound twice: %v", err)
		}
		var buffer [16]byte
		var from rawudp.Address
		if _, err := a.read(buffer[:], &from); err != syscall.EAGAIN {
			t.Errorf("read of nothing: %v", err)
		}
		if n, err := a.WriteToUDPAddrPort([]byte("hello"), at); n != 5 || err != nil {
			t.Errorf("%d %v", n, err)
		}
		if n, err := a.read(buffer[:], &from); n != 5 || err != 0 || from.AddrPort() != at {
			t.Errorf("%d %v from %v", n, err, from.AddrPort())
		}
		for _, wrong := range []string{"192.0.2.1:1", "[2001:db8::1]:1"} {
			if to := netip.MustParseAddrPort(wrong); to.Addr().Is4() != at.Addr().Is4() {
				if _, err := a.WriteToUDPAddrPort([]byte("hello"), to); err == nil {
					t.Errorf("%s from %s", wrong, address)
				}
			}
		}
		if !a.hold() { // a reader that is late: the number stays ours
			t.Fatal("not held")
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if _, err := bind(at); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("closed under a reader: %v", err)
		}
		a.release()
		if _, err := a.WriteToUDPAddrPort([]byte("hello"), at); err != net.ErrClosed || a.Close() != net.ErrClosed {
			t.Errorf("after close: %v", err)
		}
		b, err := bind(at)
		if err != nil {
			t.Fatal(err)
		}
		b.Close()
	}
}

// A source with a scope is one that no description names: it must equal none.
func TestSourceWithScope(t *testing.T) {
	var s rawudp.Address
	s.Of(netip.MustParseAddrPort("[fe80::1]:4000"))
	s[24] = 2
	if from := s.AddrPort(); from.IsValid() {
		t.Error(from)
	}
}

// A socket has buffers for a second of packets, whether the system gives them by itself or must be asked.
func TestDescriptorsHaveBuffers(t *testing.T) {
	for _, ask := range []bool{false, true} {
		e := &epoll{}
		if err := e.measure(); err != nil {
			t.Fatal(err)
		}
		e.buffers = e.buffers || ask
		s, err := e.listen(netip.AddrPortFrom(loopback, 26002))
		if err != nil {
			t.Fatal(err)
		}
		d := s.(*descriptor)
		for _, option := range []int{syscall.SO_RCVBUF, syscall.SO_SNDBUF} {
			size, err := syscall.GetsockoptInt(d.fd, syscall.SOL_SOCKET, option)
			if err != nil || size < 2*socketBuffer || ask && size > 2*socketBuffer {
				t.Errorf("asked %v: %d octets, %v", ask, size, err)
			}
		}
		d.Close()
	}
}

// Legs are sockets and memory, no goroutines; opening and closing one leaves the reactor asleep.
func TestLegsAreNoGoroutines(t *testing.T) {
	p := New(Options{Backend: Epoll, Ports: [2]int{36000, 36999}, Reactors: 2})
	defer p.Shutdown()
	before := runtime.NumGoroutine()
	var legs []Leg
	for range 400 {
		l, _, err := p.Open(loopback)
		if err != nil {
			t.Fatal(err)
		}
		legs = append(legs, l)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
	for _, l := range legs {
		p.Close(l)
	}
	e := p.(*plane).driver.(*epoll)
	for _, r := range e.reactors {
		if r.woken.Load() || r.legs != 0 {
			t.Errorf("woken %v, %d legs", r.woken.Load(), r.legs)
		}
	}
	for i := range e.sockets.table {
		if e.sockets.table[i].Load() != nil {
			t.Fatalf("port %d is left in the table", 36000+i)
		}
	}
}

// The system refuses to watch more sockets: no leg, and nothing is left of it.
func TestNothingIsLeftOfALegThatCannotBeWatched(t *testing.T) {
	p := newPlane(Options{Ports: [2]int{37000, 37001}})
	s := &sockets{first: 37000, table: make([]atomic.Pointer[descriptor], 2)}
	p.driver = &epoll{sockets: s, reactors: []*reactor{{poll: -1}}}
	fds := descriptors(t)
	if _, _, err := p.Open(loopback); !errors.Is(err, syscall.EBADF) {
		t.Fatal(err)
	}
	if n := descriptors(t); n != fds || len(p.legs) != 0 || p.Counters.Legs.Load() != 0 || s.of(37000).Load() != nil || s.of(37001).Load() != nil {
		t.Errorf("%d descriptors, %d before; %d legs", n, fds, len(p.legs))
	}
	if _, _, err := p.Open(loopback); !errors.Is(err, ErrNoPorts) {
		t.Errorf("its ports do not rest: %v", err)
	}
}

// A port is taken again at once while the events of the socket before are still being worked off: the new one is not confused.
func TestPortsServeAgain(t *testing.T) {
	p := New(Options{Backend: Epoll, Ports: [2]int{37002, 37003}, Quarantine: -1})
	defer p.Shutdown()
	caller, from := socket(t)
	for i := range 300 {
		l, at, err := p.Open(loopback)
		if err != nil {
			t.Fatal(i, err)
		}
		p.Remote(l, Remote{Address: from, Send: true, Receive: true, Opaque: true})
		if _, err := caller.WriteToUDPAddrPort([]byte{1}, at); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			await(t, func() bool { return p.Stats(l).Received.Packets == 1 })
		}
		if s := p.Close(l); s.Received.Packets > 1 || s.Strangers != 0 {
			t.Fatalf("%+v", s)
		}
	}
}

// BenchmarkSockets is what the system takes for the pair of sockets of BenchmarkOpenClose: the same calls, and nothing else.
func BenchmarkSockets(b *testing.B) {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		b.Fatal(err)
	}
	defer syscall.Close(poll)
	var held [400]int
	event := syscall.EpollEvent{Events: syscall.EPOLLIN}
	name := syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	turn := func(i int) {
		for j := range 2 {
			fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
			if err != nil {
				b.Fatal(err)
			}
			name.Port = 34000 + (2*i+j)%2000
			if err := syscall.Bind(fd, &name); err != nil {
				b.Fatal(err)
			}
			if err := syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &event); err != nil {
				b.Fatal(err)
			}
			if old := held[(2*i+j)%len(held)]; old != 0 {
				syscall.Close(old)
			}
			held[(2*i+j)%len(held)] = fd
		}
	}
	for i := range 200 {
		turn(i)
	}
	i := 200
	for b.Loop() {
		turn(i)
		i++
	}
	for _, fd := range held {
		syscall.Close(fd)
	}
}
