package simnet

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Bounds of one network. What does not fit is dropped and recorded, as on a real one.
const (
	maxConns    = 1 << 16
	maxInFlight = 1 << 16 // datagrams on the wire
	maxHeld     = 1 << 10
	maxFlows    = 1 << 12 // destinations of one socket with random numbers of their own
	firstPort   = 40000   // of those given to port 0
)

type link struct{ from, to netip.Addr }

// Network connects the sockets that listen on it.
type Network struct {
	mu         sync.Mutex
	conditions Conditions
	links      map[link]Conditions
	conns      map[netip.AddrPort]*Conn
	filter     Filter
	recorders  []func(Event)
	wire       wire
	held       []heldPacket
	closed     bool
}

type heldPacket struct {
	Packet
	until func(Packet) bool
}

// New returns a network whose links all have the conditions given. It panics on conditions that make no sense.
func New(conditions Conditions) *Network {
	must(conditions)
	n := &Network{
		conditions: conditions,
		links:      make(map[link]Conditions),
		conns:      make(map[netip.AddrPort]*Conn),
	}
	n.wire.arrive = n.arrive
	n.wire.mu = &n.mu
	return n
}

func must(conditions Conditions) {
	if err := conditions.validate(); err != nil {
		panic("simnet: " + err.Error())
	}
}

// Listen opens a socket on an explicit address. Port 0 takes a free one from 40000 upwards.
func (n *Network) Listen(addr netip.AddrPort) (*Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fail := func(err error) (*Conn, error) {
		return nil, fmt.Errorf("listen on %v: %w", addr, err)
	}
	if n.closed {
		return fail(net.ErrClosed)
	}
	if !addr.Addr().IsValid() || addr.Addr().IsUnspecified() {
		return fail(syscall.EADDRNOTAVAIL)
	}
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	if len(n.conns) >= maxConns {
		return fail(syscall.EMFILE)
	}
	if addr.Port() == 0 {
		for port := firstPort; port <= 65535; port++ {
			addr = netip.AddrPortFrom(addr.Addr(), uint16(port))
			if n.conns[addr] == nil {
				break
			}
		}
	}
	if n.conns[addr] != nil {
		return fail(syscall.EADDRINUSE)
	}
	c := newConn(n, addr)
	n.conns[addr] = c
	return c, nil
}

// SetLink changes the conditions of all that one host sends to another, from now on, in this direction.
func (n *Network) SetLink(from, to netip.Addr, conditions Conditions) {
	must(conditions)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links[link{from.Unmap(), to.Unmap()}] = conditions
}

// SetConditions changes the conditions of every link that has none of its own, from now on.
func (n *Network) SetConditions(conditions Conditions) {
	must(conditions)
	n.mu.Lock()
	defer n.mu.Unlock()
	conditions.Seed = n.conditions.Seed
	n.conditions = conditions
}

// SetFilter installs the hook that decides about each datagram sent from now on; nil removes it.
func (n *Network) SetFilter(f Filter) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.filter = f
}

// Watch calls record with the end of every datagram, in order of time. It runs under the network's lock and
// must not call the network. What it wrote down may be read after Close, or after synctest.Wait.
func (n *Network) Watch(record func(Event)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.recorders = append(n.recorders, record)
}

// Held says how many datagrams the filter keeps back.
func (n *Network) Held() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.held)
}

// Release lets go of every datagram that is held, in the order in which they were sent.
func (n *Network) Release() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.release(func(heldPacket) bool { return true })
}

// Close closes every socket and forgets what is in flight. Nothing of the network runs afterwards.
func (n *Network) Close() error {
	n.mu.Lock()
	conns := n.conns
	n.conns = map[netip.AddrPort]*Conn{}
	n.closed = true
	n.held = nil
	n.wire.stop()
	n.mu.Unlock()
	for _, c := range conns {
		c.shut()
	}
	return nil
}

func (n *Network) forget(c *Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conns[c.addr] == c {
		delete(n.conns, c.addr)
	}
}

// send takes a datagram from a socket; data belongs to the network.
func (n *Network) send(c *Conn, to netip.AddrPort, data []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	f := c.flowTo(to, n.conditions.Seed)
	c.sent++
	p := Packet{From: c.addr, To: to, Data: data, Sent: time.Now(), flow: f, order: c.sent}
	var verdict Verdict
	if n.filter != nil {
		verdict = n.filter(p)
	}
	switch {
	case verdict.drop:
		n.put(p, p.Sent.Add(1), Dropped)
	case verdict.until != nil && len(n.held) >= maxHeld:
		n.record(p, Dropped)
	case verdict.until != nil:
		n.held = append(n.held, heldPacket{p, verdict.until})
	default:
		n.carry(p, verdict.delay)
	}
}

func (n *Network) carry(p Packet, extra time.Duration) {
	conditions, own := n.links[link{p.From.Addr(), p.To.Addr()}]
	if !own {
		conditions = n.conditions
	}
	at, again, lost := p.flow.fate(conditions, p.Sent, extra)
	if lost {
		n.put(p, at, Lost)
		return
	}
	n.put(p, at, Delivered)
	if !again.IsZero() {
		n.put(p, again, Delivered)
	}
}

// put hands a datagram to the wire, those that will not arrive too: so the recorder sees all in one order.
func (n *Network) put(p Packet, at time.Time, fate Fate) {
	if !n.wire.put(arrival{p, at, fate}) {
		n.record(p, Dropped)
	}
}

// arrive is called by the wire, under the lock.
func (n *Network) arrive(p Packet, fate Fate) {
	if fate == Delivered {
		fate = Unheard
		if c := n.conns[p.To]; c != nil {
			fate = c.receive(p)
		}
	}
	n.record(p, fate)
	if fate == Delivered {
		n.release(func(h heldPacket) bool { return h.until(p) })
	}
}

func (n *Network) release(free func(heldPacket) bool) {
	keep := n.held[:0]
	for _, h := range n.held {
		if free(h) {
			n.put(h.Packet, time.Now().Add(1), Delivered)
		} else {
			keep = append(keep, h)
		}
	}
	clear(n.held[len(keep):])
	n.held = keep
}

func (n *Network) record(p Packet, fate Fate) {
	for _, record := range n.recorders {
		record(Event{Packet: p, At: time.Now(), Fate: fate})
	}
}
