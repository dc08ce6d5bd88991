package media

import (
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// network delivers datagrams between sockets in memory, at once and in order.
type network struct {
	mu    sync.Mutex
	conns map[netip.AddrPort]*conn
}

func newNetwork() *network { return &network{conns: make(map[netip.AddrPort]*conn)} }

type datagram struct {
	b    []byte
	from netip.AddrPort
	at   time.Time
}

// conn is a PacketConn of the network.
type conn struct {
	net    *network
	at     netip.AddrPort
	queue  chan datagram
	closed chan struct{}
	once   sync.Once
}

func (n *network) listen(at netip.AddrPort) (PacketConn, error) { return n.open(at) }

func (n *network) open(at netip.AddrPort) (*conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conns[at] != nil {
		return nil, &net.OpError{Op: "listen", Err: syscall.EADDRINUSE}
	}
	c := &conn{net: n, at: at, queue: make(chan datagram, 10000), closed: make(chan struct{})}
	n.conns[at] = c
	return c, nil
}

func (c *conn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case d := <-c.queue:
		return copy(b, d.b), d.from, nil
	case <-c.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (c *conn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	select {
	case <-c.closed:
		return 0, net.ErrClosed
	default:
	}
	c.net.mu.Lock()
	other := c.net.conns[to]
	c.net.mu.Unlock()
	if other != nil {
		select {
		case other.queue <- datagram{append([]byte(nil), b...), c.at, time.Now()}:
		default:
		}
	}
	return len(b), nil
}

func (c *conn) LocalAddr() net.Addr             { return net.UDPAddrFromAddrPort(c.at) }
func (c *conn) SetReadDeadline(time.Time) error { return nil }
func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.net.mu.Lock()
		delete(c.net.conns, c.at)
		c.net.mu.Unlock()
	})
	return nil
}

// phone is a far end on the network: one RTP and one RTCP socket.
type phone struct {
	t         testing.TB
	rtp, rtcp *conn
	seq       uint16
	ts, ssrc  uint32
}

func (n *network) phone(t testing.TB, at string, ssrc uint32) *phone {
	t.Helper()
	addr := netip.MustParseAddrPort(at)
	a, err := n.open(addr)
	if err != nil {
		t.Fatal(err)
	}
	b, err := n.open(netip.AddrPortFrom(addr.Addr(), addr.Port()+1))
	if err != nil {
		t.Fatal(err)
	}
	return &phone{t: t, rtp: a, rtcp: b, seq: 65530, ts: 0xffffff00, ssrc: ssrc}
}

// talk sends one 20 ms packet.
func (p *phone) talk(to netip.AddrPort) {
	p.t.Helper()
	b := packet(p.t, rtp.Header{SequenceNumber: p.seq, Timestamp: p.ts, SSRC: p.ssrc})
	p.seq++
	p.ts += 160
	if _, err := p.rtp.WriteToUDPAddrPort(b, to); err != nil {
		p.t.Fatal(err)
	}
}

// packet builds RTP with 160 octets of payload.
func packet(t testing.TB, h rtp.Header) []byte {
	t.Helper()
	h.Version = 2
	b, err := (&rtp.Packet{Header: h, Payload: make([]byte, 160)}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type heard struct {
	rtp.Packet
	at time.Time
}

// heard takes what has arrived so far.
func (p *phone) heard() []heard {
	p.t.Helper()
	var list []heard
	for {
		select {
		case d := <-p.rtp.queue:
			h := heard{at: d.at}
			if err := h.Unmarshal(d.b); err != nil {
				p.t.Fatal(err)
			}
			list = append(list, h)
		default:
			return list
		}
	}
}

func (p *phone) remote() Remote {
	return Remote{Address: p.rtp.at, Send: true, Receive: true}
}

// continuous checks RFC 3550 s5.1 over all that a phone heard: one SSRC, sequence +1, and a timestamp that follows the time of
// arrival within slack clock units.
func continuous(t testing.TB, list []heard, slack int64) {
	t.Helper()
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		if b.SSRC != a.SSRC {
			t.Fatalf("packet %d: SSRC %x after %x", i, b.SSRC, a.SSRC)
		}
		if b.SequenceNumber != a.SequenceNumber+1 {
			t.Fatalf("packet %d: sequence %d after %d", i, b.SequenceNumber, a.SequenceNumber)
		}
		step := int64(b.Timestamp - a.Timestamp)
		if passed := b.at.Sub(a.at).Milliseconds() * 8; step < passed-slack || step > passed+slack {
			t.Fatalf("packet %d: timestamp +%d in %d units of time", i, step, passed)
		}
	}
}

func frames(n int) [][]byte {
	list := make([][]byte, n)
	for i := range list {
		list[i] = make([]byte, 160)
		for j := range list[i] {
			list[i][j] = byte(i)
		}
	}
	return list
}

func tone(n int) Playback {
	return Playback{Frames: frames(n), Payload: 0, Samples: 160, Interval: 20 * time.Millisecond}
}
