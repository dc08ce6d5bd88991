package sip

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tonegate/call"
	"tonegate/media"
	"tonegate/sip/transaction"
	"tonegate/sip/wire"
	"tonegate/stoplist"
)

// still is a media plane without sockets: what a call costs in this package alone.
type still struct {
	media.Plane
	next media.Leg
}

func (p *still) Open(a netip.Addr) (media.Leg, netip.AddrPort, error) {
	p.next++
	return p.next, netip.AddrPortFrom(a, 20000), nil
}
func (*still) Remote(media.Leg, media.Remote) {}
func (*still) Bridge(a, b media.Leg)          {}
func (*still) Unbridge(media.Leg)             {}
func (*still) Stop(media.Leg)                 {}
func (*still) Close(media.Leg) media.Stats    { return media.Stats{} }

// outbox keeps what the server sends; nothing ever arrives at it.
type outbox struct {
	net.PacketConn
	sent [][]byte
}

func (o *outbox) ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error) {
	return 0, netip.AddrPort{}, net.ErrClosed
}

func (o *outbox) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) {
	o.sent = append(o.sent, b)
	return len(b), nil
}

func (o *outbox) Close() error { return nil }

type discarded struct{}

func (discarded) Append(any) bool { return true }

// bench is a server of one shard that is driven by hand, without goroutines.
type bench struct {
	tb     testing.TB
	server *Server
	shard  *shard
	out    *outbox
	calls  int
	text   []byte
}

func newBench(tb testing.TB, plane media.Plane) *bench {
	tb.Helper()
	b := &bench{tb: tb, out: &outbox{}}
	list := new(stoplist.List)
	list.Publish(new(stoplist.Table))
	trunk := func(name string, at netip.Addr) Trunk {
		return Trunk{Name: name, Peers: []Peer{{Network: wire.UDP, Address: netip.AddrPortFrom(at, sipPort)}},
			Accept: []netip.Prefix{netip.PrefixFrom(at, 32)}, Media: hostUs, Timers: transaction.Standard}
	}
	o := Options{
		Node: "tg1", Listen: []Listen{{Network: wire.UDP, Address: netip.AddrPortFrom(hostUs, sipPort)}},
		Trunks: []Trunk{trunk("carrier", hostCarrier), trunk("pbx", hostPBX)},
		Policy: samplePolicy(tb), List: list, Ready: func() bool { return true }, Plane: plane, Records: discarded{},
		Metrics: NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler),
		Limits: Limits{Calls: 1 << 30, InvitesPerSecond: 1 << 30}, Shards: 1,
		ListenPacket: func(netip.AddrPort) (PacketSocket, error) { return b.out, nil },
	}
	o.Policy.Rules = []call.Rule{{None: "this test has no notices"}}
	var err error
	if b.server, err = New(o); err != nil {
		tb.Fatal(err)
	}
	b.shard = b.server.shards[0]
	b.shard.now = time.Now()
	return b
}

// arrive has one datagram dealt with, as the reader and the shard would.
func (b *bench) arrive(from netip.Addr) {
	b.out.sent = b.out.sent[:0]
	b.server.datagram(b.server.listeners[0], b.text, netip.AddrPortFrom(from, sipPort))
	b.shard.guarded(<-b.shard.mail, b.shard.open)
}

// lines gives the head lines of a message that name the dialog and its transaction.
func lines(msg []byte, names ...string) (text []byte) {
	for line := range bytes.Lines(msg) {
		for _, name := range names {
			if bytes.HasPrefix(line, []byte(name)) {
				text = append(text, line...)
			}
		}
	}
	return text
}

const benchSDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\n" +
	"a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"

// call places one forwarded call, and ends it.
func (b *bench) call() {
	b.end(b.begin())
	if n := b.server.Calls(); n != 0 {
		b.tb.Fatalf("%d calls up after call %d", n, b.calls)
	}
}

// begin places a call until its ACK, and gives its number and what names its dialog.
func (b *bench) begin() (number int, dialog []byte) {
	b.calls++
	b.text = fmt.Appendf(b.text[:0], "INVITE sip:0312340001@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bK%d;rport\r\nFrom: <sip:05012340001@127.0.0.2>;tag=f%d\r\n"+
		"To: <sip:0312340001@127.0.0.1>\r\nCall-ID: c%d@127.0.0.2\r\nCSeq: 1 INVITE\r\nContact: <sip:127.0.0.2:5060>\r\nMax-Forwards: 70\r\n"+
		"Diversion: <sip:0399990001@127.0.0.2>;reason=unconditional\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", b.calls, b.calls, b.calls, len(benchSDP), benchSDP)
	b.arrive(hostCarrier)
	invite := lines(b.out.sent[len(b.out.sent)-1], "Via:", "From:", "To:", "Call-ID:", "CSeq:")
	tagged := bytes.Replace(invite, []byte("@127.0.0.3:5060>\r\n"), []byte("@127.0.0.3:5060>;tag=callee\r\n"), 1)
	b.text = fmt.Appendf(b.text[:0], "SIP/2.0 180 Ringing\r\n%sContact: <sip:127.0.0.3:5060>\r\nContent-Length: 0\r\n\r\n", tagged)
	b.arrive(hostPBX)
	b.text = fmt.Appendf(b.text[:0], "SIP/2.0 200 OK\r\n%sContact: <sip:127.0.0.3:5060>\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", tagged, len(benchSDP), benchSDP)
	b.arrive(hostPBX)
	for _, sent := range b.out.sent {
		if bytes.HasPrefix(sent, []byte("SIP/2.0 200")) {
			dialog = lines(sent, "From:", "To:", "Call-ID:")
		}
	}
	b.request("ACK", 1, b.calls, dialog)
	return b.calls, dialog
}

// request is one of the caller's within its dialog.
func (b *bench) request(method string, seq, number int, dialog []byte) {
	b.text = fmt.Appendf(b.text[:0], "%s sip:127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bK%s%d;rport\r\n%sCSeq: %d %s\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		method, method, number, dialog, seq, method)
	b.arrive(hostCarrier)
}

// end has the caller hang up.
func (b *bench) end(number int, dialog []byte) {
	b.request("BYE", 2, number, dialog)
	for _, sent := range b.out.sent {
		if bytes.HasPrefix(sent, []byte("BYE")) {
			b.text = fmt.Appendf(b.text[:0], "SIP/2.0 200 OK\r\n%sContent-Length: 0\r\n\r\n", lines(sent, "Via:", "From:", "To:", "Call-ID:", "CSeq:"))
		}
	}
	b.arrive(hostPBX)
}

// later lets time pass, timers included.
func (b *bench) later(d time.Duration) {
	b.shard.now = b.shard.now.Add(d)
	for t := b.shard.timers.due(b.shard.now); t != nil; t = b.shard.timers.due(b.shard.now) {
		b.shard.expire(t)
	}
}

// BenchmarkCall is a whole forwarded call, six messages in and seven out, without sockets, media and ledger.
func BenchmarkCall(b *testing.B) {
	s := newBench(b, &still{})
	b.ReportAllocs()
	for b.Loop() {
		s.call()
		s.later(10 * time.Millisecond)
	}
}

// A finished call stays for 64*T1, to answer for what comes late.
func TestFinishedCallsAreSmall(t *testing.T) {
	const calls, most = 2000, 5 << 10
	s := newBench(t, &still{})
	s.call()
	before := inUse()
	for range calls {
		s.call()
	}
	s.later(6 * time.Second) // Timer K is over
	after := inUse()
	if each := int(after-before) / calls; each > most {
		t.Errorf("%d bytes are kept of a finished call, more than %d", each, most)
	} else {
		t.Logf("%d bytes are kept of a finished call", each)
	}
	s.later(lifetime)
	if n := len(s.shard.servers) + len(s.shard.clients) + len(s.shard.legs) + len(s.shard.timers); n != 0 {
		t.Errorf("%d things are left after 64*T1", n)
	}
	runtime.KeepAlive(s)
}

// Calls are memory and sockets, never goroutines, their media included.
func TestCallsThatAreUpAreSmall(t *testing.T) {
	const most = 25 << 10
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	calls := min(5000, (int(limit.Cur)-200)/4) // each has four sockets
	if calls < 1000 || testing.Short() {
		t.Skipf("short, or not enough descriptors: %d", limit.Cur)
	}
	plane := media.New(media.Options{Ports: [2]int{10000, 65535}})
	defer plane.Shutdown()
	s := newBench(t, plane)
	type dialog struct {
		number int
		lines  []byte
	}
	up := make([]dialog, calls)
	up[0].number, up[0].lines = s.begin()
	goroutines, before := runtime.NumGoroutine(), inUse()
	for i := 1; i < calls; i++ {
		up[i].number, up[i].lines = s.begin()
	}
	after := inUse()
	if n := s.server.Calls(); n != calls {
		t.Fatalf("%d calls up", n)
	}
	if n := runtime.NumGoroutine(); n > goroutines { // fewer: one of an earlier test has just ended
		t.Errorf("%d goroutines with %d calls, %d with one", n, calls, goroutines)
	}
	each := int(after-before) / calls
	if t.Logf("%d calls up: %d goroutines, %d bytes each", calls, goroutines, each); each > most {
		t.Errorf("more than %d bytes", most)
	}
	for _, d := range up {
		s.end(d.number, d.lines)
	}
	if n := s.server.Calls(); n != 0 {
		t.Errorf("%d calls are left", n)
	}
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
