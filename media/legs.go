package media

import (
	crand "crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// plane is Plane over a driver.
type plane struct {
	Options
	epoch  time.Time
	driver driver
	wg     sync.WaitGroup

	mu     sync.Mutex // table, ports, and who is bridged with whom: all control calls
	legs   map[Leg]*leg
	next   Leg
	random *rand.Rand // cannot be guessed
	ports  *ports
	closed bool
}

// driver is what the backends differ in: who waits for packets and for the time. Its methods but listen are called with plane.mu held.
type driver interface {
	listen(netip.AddrPort) (sender, error)
	// attach begins to hand what arrives at the leg's sockets to it, and gives it its pacer and keeper. After an error it does not.
	attach(*leg) error
	// detach forgets a leg whose sockets are closed.
	detach(*leg)
	// stop ends the goroutines of the driver; all legs are closed.
	stop()
}

// sender is what a leg needs of a socket; reading is the driver's.
type sender interface {
	WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error)
	Close() error
}

// newPlane is a plane without its driver.
func newPlane(o Options) *plane {
	o = o.withDefaults()
	var seed [32]byte
	crand.Read(seed[:])
	random := rand.New(rand.NewChaCha8(seed))
	return &plane{
		Options: o,
		epoch:   o.Now(),
		legs:    make(map[Leg]*leg),
		random:  random,
		ports:   newPorts(o.Ports[0], o.Ports[1], o.Quarantine, random.IntN),
	}
}

// clock is the time since the start of the plane.
func (p *plane) clock() time.Duration { return p.Now().Sub(p.epoch) }

func (p *plane) traffic(f flow) Traffic {
	t := Traffic{Packets: f.packets, Octets: f.octets}
	if f.packets > 0 {
		t.First, t.Last = p.epoch.Add(f.first), p.epoch.Add(f.last)
	}
	return t
}

// attempts bounds how many pairs one Open tries when others hold ports of our range.
const attempts = 32

// Open implements Plane.
func (p *plane) Open(address netip.Addr) (Leg, netip.AddrPort, error) {
	address = address.Unmap()
	for range attempts {
		port, err := p.reserve()
		if err != nil {
			return 0, netip.AddrPort{}, err
		}
		at := netip.AddrPortFrom(address, port)
		id, err := p.bind(at)
		if err == nil {
			return id, at, nil
		}
		p.mu.Lock()
		p.ports.give(port, p.clock())
		p.mu.Unlock()
		if !errors.Is(err, syscall.EADDRINUSE) {
			return 0, netip.AddrPort{}, fmt.Errorf("media: opening a leg at %v: %w", at, err)
		}
	}
	return 0, netip.AddrPort{}, fmt.Errorf("%w: %d pairs in turn are held by other programs", ErrNoPorts, attempts)
}

func (p *plane) reserve() (uint16, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, fmt.Errorf("media: opening a leg: %w", net.ErrClosed)
	}
	port, ok := p.ports.take(p.clock())
	if !ok {
		p.Counters.PortsExhausted.Add(1)
		return 0, ErrNoPorts
	}
	return port, nil
}

// bind opens both sockets and a leg with them, or nothing.
func (p *plane) bind(at netip.AddrPort) (Leg, error) {
	rtp, err := p.driver.listen(at)
	if err != nil {
		return 0, err
	}
	rtcp, err := p.driver.listen(netip.AddrPortFrom(at.Addr(), at.Port()+1))
	if err != nil {
		rtp.Close()
		return 0, err
	}
	id, err := p.add(at.Port(), rtp, rtcp)
	if err != nil {
		rtp.Close()
		rtcp.Close()
	}
	return id, err
}

// add makes the leg and has its sockets read. Without an error they are the leg's; with one they are the caller's still.
func (p *plane) add(port uint16, rtp, rtcp sender) (Leg, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, net.ErrClosed
	}
	ssrc, start := p.random.Uint32(), p.random.Uint64()
	var name [12]byte
	binary.NativeEndian.PutUint64(name[:], p.random.Uint64())
	binary.NativeEndian.PutUint32(name[8:], p.random.Uint32())
	l := &leg{plane: p, id: p.next + 1, port: port, rtp: rtp, rtcp: rtcp, ssrc: ssrc, cname: hex.EncodeToString(name[:])}
	l.in.clock, l.out.clock = defaultClock, defaultClock
	l.out.stream = newStream(ssrc, uint16(start>>32), uint32(start), defaultClock/50)
	if err := p.driver.attach(l); err != nil {
		return 0, err
	}
	p.next++
	p.legs[l.id] = l
	p.Counters.Legs.Add(1)
	return l.id, nil
}

// Remote implements Plane.
func (p *plane) Remote(id Leg, r Remote) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.legs[id]; l != nil {
		l.describe(r, p.clock())
		l.keeper.schedule(l, l.due())
	}
}

// Stats implements Plane.
func (p *plane) Stats(id Leg) Stats {
	p.mu.Lock()
	l := p.legs[id]
	p.mu.Unlock()
	if l == nil {
		return Stats{}
	}
	l.watch(p.clock())
	return l.stats()
}

// Close implements Plane.
func (p *plane) Close(id Leg) Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.legs[id]
	if l == nil {
		return Stats{}
	}
	return p.close(l)
}

// close ends a leg; p.mu is held.
func (p *plane) close(l *leg) Stats {
	delete(p.legs, l.id)
	p.sever(l)
	l.end(Closed)
	l.keeper.cancel(l)
	l.bye()
	l.rtp.Close()
	l.rtcp.Close()
	p.driver.detach(l)
	p.ports.give(l.port, p.clock())
	p.Counters.Legs.Add(-1)
	return l.count()
}

// Shutdown implements Plane.
func (p *plane) Shutdown() {
	p.mu.Lock()
	if !p.closed {
		for _, l := range p.legs {
			p.close(l)
		}
		p.closed = true
		p.driver.stop()
	}
	p.mu.Unlock()
	p.wg.Wait()
}
