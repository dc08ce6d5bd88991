package media

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
)

func TestTheLogNamesTheBackend(t *testing.T) {
	for name, c := range map[string]struct {
		Options
		want string
	}{
		"asked for": {Options{Backend: UDP}, `backend=udp why="asked for"`},
		"given":     {Options{Listen: listen}, `backend=udp why="sockets are given"`},
		"best":      {Options{}, "backend=" + best() + " why="},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			c.Log = slog.New(slog.NewTextHandler(&log, nil))
			New(c.Options).Shutdown()
			if !strings.Contains(log.String(), c.want) {
				t.Errorf("%s", log.String())
			}
		})
	}
}

func best() string {
	if runtime.GOOS == "linux" && (runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64") {
		return Epoll
	}
	return UDP
}

// datagrams are what one far end has got.
func datagrams(t *testing.T, c *net.UDPConn, n int) (list []string) {
	t.Helper()
	buffer := make([]byte, datagramSize)
	for range n {
		size, _, err := c.ReadFromUDPAddrPort(buffer)
		if err != nil {
			t.Fatalf("%d of %d: %v", len(list), n, err)
		}
		list = append(list, fmt.Sprintf("%x", buffer[:size]))
	}
	return list
}

// control is the RTCP socket after an RTP socket of a far end, or the test is skipped.
func control(t *testing.T, after netip.AddrPort) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(after.Addr(), after.Port()+1)))
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	return c
}

// The same packets at the same times, with the same random numbers: what leaves is the same to the octet.
func TestBackendsSendTheSame(t *testing.T) {
	var all [][]string
	backends(t, func(t *testing.T, start func(Options) Plane) { all = append(all, transcript(t, start)) })
	for _, other := range all[1:] {
		if i := slices.IndexFunc(all[0], func(s string) bool { return !slices.Contains(other, s) }); i >= 0 || len(other) != len(all[0]) {
			t.Fatalf("%d and %d datagrams; the first that differs is %d", len(all[0]), len(other), i)
		}
		if !slices.Equal(all[0], other) {
			t.Error("in another order")
		}
	}
	if len(all[0]) < 100 {
		t.Errorf("only %d datagrams were compared", len(all[0]))
	}
}

// transcript is what the two far ends of a call get: tone, relay, change of source, events, hold, T.38, reports and BYE.
func transcript(t *testing.T, start func(Options) Plane) (list []string) {
	epoch := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var passed atomic.Int64
	p := start(Options{Ports: [2]int{30000, 30999}, Timeout: -1, Now: func() time.Time { return epoch.Add(time.Duration(passed.Load())) }})
	defer p.Shutdown()
	caller, fromA := socket(t)
	callee, fromB := socket(t)
	callerRTCP, calleeRTCP := control(t, fromA), control(t, fromB)
	a, atA, errA := p.Open(loopback)
	b, atB, errB := p.Open(loopback)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	for i, id := range []Leg{a, b} {
		l := p.(*plane).legs[id]
		l.out.Lock()
		l.ssrc, l.cname = 0x1000+uint32(i), "fixed"
		l.out.stream = newStream(l.ssrc, 65500, 0xfffff000, 160)
		l.out.Unlock()
	}
	remoteA := Remote{Address: fromA, Send: true, Receive: true}
	remoteB := Remote{Address: fromB, Send: true, Receive: true, Payloads: map[uint8]uint8{101: 96}}
	describe := func() {
		p.Remote(a, remoteA)
		p.Remote(b, remoteB)
		for _, id := range []Leg{a, b} { // what is left to chance in reports is when: here only the BYE
			l := p.(*plane).legs[id]
			l.out.Lock()
			l.out.reportDue = time.Hour
			l.out.Unlock()
		}
	}
	describe()

	done := make(chan Played, 1)
	p.Play(a, tone(5), func(played Played) { done <- played })
	for range 5 {
		list = append(list, datagrams(t, caller, 1)...)
		passed.Add(int64(20 * time.Millisecond))
	}
	list = append(list, fmt.Sprintf("%+v", outcome(<-done)))
	p.Bridge(a, b)

	send := func(from *net.UDPConn, to netip.AddrPort, h rtp.Header) {
		t.Helper()
		if _, err := from.WriteToUDPAddrPort(packet(t, h), to); err != nil {
			t.Fatal(err)
		}
	}
	relay := func(n int, h rtp.Header) {
		t.Helper()
		for i := range n {
			h.SequenceNumber++
			h.Timestamp += 160
			h.PayloadType = []uint8{0, 101}[i%2]
			send(caller, atA, h)
			list = append(list, datagrams(t, callee, 1)...)
			send(callee, atB, h)
			list = append(list, datagrams(t, caller, 1)...)
			passed.Add(int64(20 * time.Millisecond))
		}
	}
	relay(30, rtp.Header{SSRC: 7, SequenceNumber: 65520, Timestamp: 0xffffff00})
	passed.Add(int64(time.Second)) // silence, then another source
	relay(10, rtp.Header{SSRC: 8, SequenceNumber: 3, Timestamp: 99})
	remoteA.Send = false
	p.Remote(a, remoteA)
	send(callee, atB, rtp.Header{SSRC: 8, SequenceNumber: 14, Timestamp: 99})
	await(t, func() bool { return p.Stats(b).Received.Packets == 41 })
	remoteA.Send = true
	p.Remote(a, remoteA)
	relay(10, rtp.Header{SSRC: 8, SequenceNumber: 14, Timestamp: 5000})

	remoteA.Opaque, remoteB.Opaque = true, true // T.38, and back
	describe()
	for _, datagram := range [][]byte{{0, 1, 2}, {}, {0x80, 200, 0, 1}, packet(t, rtp.Header{SSRC: 8}), make([]byte, datagramSize-1)} {
		for _, way := range []struct {
			from, to *net.UDPConn
			at       netip.AddrPort
		}{{caller, callee, atA}, {callee, caller, atB}} {
			for _, sent := range [][]byte{make([]byte, datagramSize), datagram} { // the first is too long
				if _, err := way.from.WriteToUDPAddrPort(sent, way.at); err != nil {
					t.Fatal(err)
				}
			}
			list = append(list, datagrams(t, way.to, 1)...)
		}
	}
	remoteA.Opaque, remoteB.Opaque = false, false
	describe()
	passed.Add(int64(time.Second))
	relay(10, rtp.Header{SSRC: 8, SequenceNumber: 30000, Timestamp: 5000})

	list = append(list, fmt.Sprintf("%+v", counts(p.Stats(a))), fmt.Sprintf("%+v", counts(p.Stats(b))))
	p.Close(a)
	p.Close(b)
	list = append(list, datagrams(t, callerRTCP, 1)...)
	return append(list, datagrams(t, calleeRTCP, 1)...)
}

func outcome(p Played) Played { p.To = netip.AddrPort{}; return p }

func counts(s Stats) Stats { s.Far = Far{}; return s }

// await lets the plane's own goroutines go on until what they do is seen.
func await(t testing.TB, seen func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !seen(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("not within 10 s")
		}
	}
}

// Relay and tone through the system's sockets allocate nothing, in whichever goroutine.
func TestSocketsAllocateNothing(t *testing.T) { backends(t, testSocketsAllocateNothing) }

func testSocketsAllocateNothing(t *testing.T, start func(Options) Plane) {
	p := start(Options{Ports: [2]int{27000, 27999}, Rate: 1 << 30, Timeout: -1})
	defer p.Shutdown()
	caller, fromA := socket(t)
	callee, fromB := socket(t)
	a, atA, errA := p.Open(loopback)
	b, _, errB := p.Open(loopback)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	p.Remote(a, Remote{Address: fromA, Send: true, Receive: true})
	p.Remote(b, Remote{Address: fromB, Send: true, Receive: true})
	p.Bridge(a, b)
	sent, buffer := packet(t, rtp.Header{SSRC: 9}), make([]byte, datagramSize)
	h := header{ssrc: 9}
	if n := testing.AllocsPerRun(1000, func() {
		h.seq++
		h.write(sent)
		if _, err := caller.WriteToUDPAddrPort(sent, atA); err != nil {
			t.Fatal(err)
		}
		if _, _, err := callee.ReadFromUDPAddrPort(buffer); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("relay: %v allocations a packet", n)
	}
	describe := func(opaque bool) {
		p.Remote(a, Remote{Address: fromA, Send: true, Receive: true, Opaque: opaque})
		p.Remote(b, Remote{Address: fromB, Send: true, Receive: true, Opaque: opaque})
	}
	describe(true)
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := caller.WriteToUDPAddrPort(sent, atA); err != nil {
			t.Fatal(err)
		}
		if _, _, err := callee.ReadFromUDPAddrPort(buffer); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("UDPTL: %v allocations a datagram", n)
	}
	describe(false)
	what := tone(50)
	what.Interval, what.Samples, what.Loop = time.Millisecond, 8, true
	p.Play(a, what, func(Played) {})
	if n := testing.AllocsPerRun(1000, func() {
		if _, _, err := caller.ReadFromUDPAddrPort(buffer); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("tone: %v allocations a frame", n)
	}
}
