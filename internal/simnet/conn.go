package simnet

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	receiveQueue = 1 << 10 // datagrams that wait for a reader
	maxDatagram  = 65507   // octets of payload, as UDP over IPv4
	maxSources   = 1 << 10 // source addresses kept so that readers need not allocate them again
)

// Conn is a socket of a Network. It is a net.PacketConn and has the two methods of *net.UDPConn that avoid
// net.Addr. All methods may be called from several goroutines.
type Conn struct {
	network *Network
	addr    netip.AddrPort
	local   *net.UDPAddr
	name    string

	flows map[netip.AddrPort]*flow // under the network's lock
	sent  uint64                   // under the network's lock

	mu      sync.Mutex
	changed *sync.Cond // the queue, the deadline or closed
	queue   []Packet
	closed  bool
	read    deadline
	write   time.Time
	sources map[netip.AddrPort]*net.UDPAddr
}

type deadline struct {
	at    time.Time
	timer *time.Timer
}

var _ net.PacketConn = (*Conn)(nil)

func newConn(n *Network, addr netip.AddrPort) *Conn {
	c := &Conn{
		network: n,
		addr:    addr,
		local:   net.UDPAddrFromAddrPort(addr),
		name:    addr.String(),
		flows:   make(map[netip.AddrPort]*flow),
		sources: make(map[netip.AddrPort]*net.UDPAddr),
	}
	c.changed = sync.NewCond(&c.mu)
	return c
}

// flowTo is called under the network's lock. Destinations beyond the bound share one flow.
func (c *Conn) flowTo(to netip.AddrPort, seed uint64) *flow {
	if len(c.flows) >= maxFlows && c.flows[to] == nil {
		to = netip.AddrPort{}
	}
	f := c.flows[to]
	if f == nil {
		f = newFlow(seed, c.addr, to)
		c.flows[to] = f
	}
	return f
}

func (c *Conn) receive(p Packet) Fate {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return Unheard
	case len(c.queue) >= receiveQueue:
		return Overflowed
	}
	c.queue = append(c.queue, p)
	c.changed.Signal()
	return Delivered
}

// ReadFromUDPAddrPort waits for a datagram; what does not fit into b is cut off.
func (c *Conn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := c.next()
	if err != nil {
		return 0, netip.AddrPort{}, c.failed("read", err)
	}
	return copy(b, p.Data), p.From, nil
}

// ReadFrom is ReadFromUDPAddrPort with a *net.UDPAddr, the same one for the same source.
func (c *Conn) ReadFrom(b []byte) (int, net.Addr, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, err := c.next()
	if err != nil {
		return 0, nil, c.failed("read", err)
	}
	return copy(b, p.Data), c.source(p.From), nil
}

func (c *Conn) next() (Packet, error) {
	for {
		switch {
		case c.closed:
			return Packet{}, net.ErrClosed
		case passed(c.read.at):
			return Packet{}, os.ErrDeadlineExceeded
		case len(c.queue) > 0:
			p := c.queue[0]
			c.queue[0] = Packet{}
			c.queue = c.queue[1:]
			return p, nil
		}
		c.changed.Wait()
	}
}

func passed(at time.Time) bool { return !at.IsZero() && !time.Now().Before(at) }

func (c *Conn) source(from netip.AddrPort) *net.UDPAddr {
	addr := c.sources[from]
	if addr == nil {
		if len(c.sources) >= maxSources {
			clear(c.sources)
		}
		addr = net.UDPAddrFromAddrPort(from)
		c.sources[from] = addr
	}
	return addr
}

// WriteToUDPAddrPort sends a copy of b. Like UDP it does not say whether anybody receives it.
func (c *Conn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if err := c.writable(len(b), to); err != nil {
		return 0, c.failed("write", err)
	}
	data := make([]byte, len(b))
	copy(data, b)
	c.network.send(c, netip.AddrPortFrom(to.Addr().Unmap(), to.Port()), data)
	return len(b), nil
}

func (c *Conn) writable(size int, to netip.AddrPort) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return net.ErrClosed
	case passed(c.write):
		return os.ErrDeadlineExceeded
	case size > maxDatagram:
		return syscall.EMSGSIZE
	case !to.IsValid() || to.Port() == 0 || to.Addr().IsUnspecified():
		return syscall.EINVAL
	}
	return nil
}

// WriteTo is WriteToUDPAddrPort for a *net.UDPAddr.
func (c *Conn) WriteTo(b []byte, to net.Addr) (int, error) {
	addr, ok := to.(*net.UDPAddr)
	if !ok || addr == nil {
		return 0, c.failed("write", fmt.Errorf("%T is not an address of this network", to))
	}
	return c.WriteToUDPAddrPort(b, addr.AddrPort())
}

// LocalAddr is a *net.UDPAddr, the same one each time. String has its text ready.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// String is the local address, made once.
func (c *Conn) String() string { return c.name }

// SetDeadline sets both deadlines; the zero time removes them.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline ends waiting and future reads at t with os.ErrDeadlineExceeded.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.failed("set", net.ErrClosed)
	}
	if c.read.timer != nil {
		c.read.timer.Stop()
	}
	c.read = deadline{at: t}
	if !t.IsZero() && !passed(t) {
		c.read.timer = time.AfterFunc(time.Until(t), c.wake)
	}
	c.changed.Broadcast()
	return nil
}

// SetWriteDeadline makes writes from t on fail; a write never waits.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.failed("set", net.ErrClosed)
	}
	c.write = t
	return nil
}

func (c *Conn) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed.Broadcast()
}

// Close frees the address and ends every waiting read with net.ErrClosed.
func (c *Conn) Close() error {
	c.network.forget(c)
	if !c.shut() {
		return c.failed("close", net.ErrClosed)
	}
	return nil
}

func (c *Conn) shut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.closed = true
	c.queue, c.sources = nil, nil
	if c.read.timer != nil {
		c.read.timer.Stop()
	}
	c.changed.Broadcast()
	return true
}

// failed gives an error the shape that *net.UDPConn gives it.
func (c *Conn) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: c.local, Err: err}
}
