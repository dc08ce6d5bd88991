package media

import (
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/pion/rtp"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// socket is a far end with a real RTP socket.
func socket(t testing.TB) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c, c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// backends runs a test over each that the system has.
func backends[T interface {
	testing.TB
	Run(string, func(T)) bool
}](t T, test func(T, func(Options) Plane)) {
	for _, name := range []string{UDP, Epoll} {
		t.Run(name, func(t T) {
			test(t, func(o Options) Plane {
				o.Backend = name
				p := New(o)
				if _, portable := p.(*plane).driver.(*goroutines); portable != (name == UDP) {
					p.Shutdown()
					t.Skip("not on this system")
				}
				return p
			})
		})
	}
}

// The whole way through the system's sockets: a tone, then relay, then the leg is gone.
func TestRealSockets(t *testing.T) { backends(t, testRealSockets) }

func testRealSockets(t *testing.T, start func(Options) Plane) {
	goroutines := runtime.NumGoroutine()
	p := start(Options{Ports: [2]int{31000, 31999}})
	a, atA, err := p.Open(loopback)
	if err != nil {
		t.Fatal(err)
	}
	b, atB, err := p.Open(loopback)
	if err != nil {
		t.Fatal(err)
	}
	caller, fromA := socket(t)
	callee, fromB := socket(t)
	p.Remote(a, Remote{Address: fromA, Send: true, Receive: true})
	p.Remote(b, Remote{Address: fromB, Send: true, Receive: true})

	read := func(c *net.UDPConn, from netip.AddrPort) rtp.Packet {
		t.Helper()
		buffer := make([]byte, 1500)
		n, source, err := c.ReadFromUDPAddrPort(buffer)
		if err != nil {
			t.Fatal(err)
		}
		var h rtp.Packet
		if err := h.Unmarshal(buffer[:n]); err != nil || source != from {
			t.Fatalf("from %v: %v", source, err)
		}
		return h
	}

	done := make(chan Played, 1)
	p.Play(a, tone(5), func(played Played) { done <- played })
	var last rtp.Packet
	for i := range 5 {
		h := read(caller, atA)
		if i > 0 && (h.SequenceNumber != last.SequenceNumber+1 || h.Timestamp != last.Timestamp+160) {
			t.Errorf("%+v after %+v", h.Header, last.Header)
		}
		last = h
	}
	if played := <-done; !played.Complete || played.Packets != 5 || played.To != fromA {
		t.Errorf("%+v", played)
	}
	p.Bridge(a, b)
	for i := range 100 {
		sent := packet(t, rtp.Header{SequenceNumber: uint16(i), Timestamp: uint32(160 * i), SSRC: 99})
		if _, err := callee.WriteToUDPAddrPort(sent, atB); err != nil {
			t.Fatal(err)
		}
		h := read(caller, atA)
		if h.SSRC != last.SSRC || h.SequenceNumber != last.SequenceNumber+1 || i > 0 && h.Timestamp != last.Timestamp+160 || h.Marker != (i == 0) {
			t.Fatalf("%+v after %+v", h.Header, last.Header)
		}
		last = h
	}
	if s := p.Close(b); s.Received.Packets != 100 || s.Strangers+s.Malformed+s.WriteErrors != 0 {
		t.Errorf("%+v", s)
	}
	p.Shutdown()
	gone(t, goroutines)
	again, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(atA))
	if err != nil {
		t.Fatalf("a socket was left open: %v", err)
	}
	again.Close()
}

func TestRealPortsHeldByOthers(t *testing.T) { backends(t, testRealPortsHeldByOthers) }

func testRealPortsHeldByOthers(t *testing.T, start func(Options) Plane) {
	held, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 32001})
	if err != nil {
		t.Skip("32001 is in use on this machine")
	}
	defer held.Close()
	p := start(Options{Ports: [2]int{32000, 32003}})
	defer p.Shutdown()
	if _, at, err := p.Open(loopback); err != nil || at.Port() != 32002 {
		t.Errorf("%v %v", at, err)
	}
	if _, _, err := p.Open(netip.MustParseAddr("203.0.113.1")); err == nil {
		t.Error("an address that is not ours was bound")
	}
}

// sink takes what is written and gives nothing to read.
type sink struct{ closed chan struct{} }

func (s *sink) ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error) {
	<-s.closed
	return 0, netip.AddrPort{}, net.ErrClosed
}
func (s *sink) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) { return len(b), nil }
func (s *sink) LocalAddr() net.Addr                                        { return &net.UDPAddr{} }
func (s *sink) SetReadDeadline(time.Time) error                            { return nil }
func (s *sink) Close() error                                               { close(s.closed); return nil }

// bridged is a plane over sinks with two bridged legs.
func bridged(t testing.TB) (l *leg, from netip.AddrPort) {
	p := NewUDP(Options{
		Rate:   1 << 40,
		Listen: func(netip.AddrPort) (PacketConn, error) { return &sink{make(chan struct{})}, nil },
	})
	t.Cleanup(p.Shutdown)
	from = netip.MustParseAddrPort("198.51.100.1:4000")
	a, _, _ := p.Open(ours)
	b, _, _ := p.Open(ours)
	p.Remote(a, Remote{Address: from, Send: true, Receive: true})
	p.Remote(b, Remote{Address: from, Send: true, Receive: true})
	p.Bridge(a, b)
	return p.(*plane).legs[a], from
}

func TestNothingIsAllocatedPerPacket(t *testing.T) {
	l, from := bridged(t)
	b := packet(t, rtp.Header{SSRC: 9})
	h := header{ssrc: 9}
	if n := testing.AllocsPerRun(1000, func() {
		h.seq++
		h.ts += 160
		h.write(b)
		l.receive(b, from)
	}); n != 0 {
		t.Errorf("relay: %v allocations a packet", n)
	}
	if s := l.peer.stats(); s.Sent.Packets != 1001 {
		t.Fatalf("%d packets were relayed", s.Sent.Packets)
	}
	stranger := netip.MustParseAddrPort("198.51.100.66:4000")
	if n := testing.AllocsPerRun(1000, func() { l.receive(b, stranger) }); n != 0 {
		t.Errorf("stranger: %v allocations", n)
	}
	play := &playback{Playback: tone(10), leg: l.peer, done: func(Played) {}}
	play.Loop = true
	l.peer.out.Lock()
	l.peer.out.playing, l.peer.out.feed = play, nil
	l.peer.out.Unlock()
	var buffer [datagramSize]byte
	if n := testing.AllocsPerRun(1000, func() { play.step(buffer[:]) }); n != 0 {
		t.Errorf("tone: %v allocations a frame", n)
	}
	if play.played.Packets != 1001 {
		t.Fatalf("%d frames", play.played.Packets)
	}
}

// BenchmarkRelay: our own work on a packet, without sockets.
func BenchmarkRelay(b *testing.B) {
	l, from := bridged(b)
	p := packet(b, rtp.Header{SSRC: 9})
	h := header{ssrc: 9}
	b.ReportAllocs()
	for b.Loop() {
		h.seq++
		h.ts += 160
		h.write(p)
		l.receive(p, from)
	}
}

// BenchmarkRelaySockets: one packet at a time through real sockets and two goroutine switches.
func BenchmarkRelaySockets(b *testing.B) { backends(b, benchmarkRelaySockets) }

func benchmarkRelaySockets(b *testing.B, start func(Options) Plane) {
	p := start(Options{Ports: [2]int{33000, 33999}, Rate: 1 << 40})
	defer p.Shutdown()
	a, atA, err := p.Open(loopback)
	if err != nil {
		b.Fatal(err)
	}
	c, _, err := p.Open(loopback)
	if err != nil {
		b.Fatal(err)
	}
	caller, fromA := socket(b)
	callee, fromB := socket(b)
	p.Remote(a, Remote{Address: fromA, Send: true, Receive: true})
	p.Remote(c, Remote{Address: fromB, Send: true, Receive: true})
	p.Bridge(a, c)
	sent := packet(b, rtp.Header{SSRC: 9})
	h := header{ssrc: 9}
	buffer := make([]byte, 1500)
	b.ReportAllocs()
	for b.Loop() {
		h.seq++
		h.write(sent)
		if _, err := caller.WriteToUDPAddrPort(sent, atA); err != nil {
			b.Fatal(err)
		}
		if _, _, err := callee.ReadFromUDPAddrPort(buffer); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTone: one frame from the wheel into a real socket.
func BenchmarkTone(b *testing.B) { backends(b, benchmarkTone) }

func benchmarkTone(b *testing.B, start func(Options) Plane) {
	c, to := socket(b)
	_ = c.SetReadBuffer(4096) // what it does not take is dropped
	q := start(Options{Ports: [2]int{33000, 33999}})
	defer q.Shutdown()
	id, _, err := q.Open(loopback)
	if err != nil {
		b.Fatal(err)
	}
	q.Remote(id, Remote{Address: to, Send: true})
	l := q.(*plane).legs[id]
	var now time.Duration
	p := newPacer(func() time.Duration { return now }, func() {})
	play := &playback{Playback: tone(50), leg: l, done: func(Played) {}}
	play.Loop = true
	l.out.playing = play
	p.add(play)
	p.admit()
	b.ReportAllocs()
	for b.Loop() {
		now += 20 * time.Millisecond
		p.turn(p.next())
	}
	if play.played.Packets < b.N {
		b.Fatalf("%d frames of %d", play.played.Packets, b.N)
	}
}
