package media

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// goroutines is the portable driver: one goroutine a socket, one for the pacer, one for the keeper.
type goroutines struct {
	plane  *plane
	pacer  *pacer
	keeper *keeper
	done   chan struct{}
}

// NewUDP starts the portable backend.
func NewUDP(o Options) Plane {
	if o.Listen == nil {
		o.Listen = listen
	}
	p := newPlane(o)
	g := &goroutines{plane: p, done: make(chan struct{})}
	p.driver = g
	pace, keep := make(chan struct{}, 1), make(chan struct{}, 1)
	g.pacer = newPacer(p.clock, func() { signal(pace) })
	g.keeper = newKeeper(p.clock, func() { signal(keep) })
	p.wg.Go(func() { g.run(g.pacer.advance, pace) })
	p.wg.Go(func() { g.run(g.keeper.advance, keep) })
	return p
}

// signal wakes the receiver of a channel that holds one.
func signal(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// run calls advance when the time that it said has passed, and when it is woken.
func (g *goroutines) run(advance func() time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if wait := advance(); wait == never {
			timer.Stop()
		} else {
			timer.Reset(wait)
		}
		select {
		case <-timer.C:
		case <-wake:
		case <-g.done:
			return
		}
	}
}

func (g *goroutines) listen(at netip.AddrPort) (sender, error) { return g.plane.Listen(at) }

func (g *goroutines) attach(l *leg) error {
	l.pacer, l.keeper = g.pacer, g.keeper
	g.plane.wg.Go(func() { l.read(l.rtp.(PacketConn), l.receive) })
	g.plane.wg.Go(func() { l.read(l.rtcp.(PacketConn), l.receiveControl) })
	return nil
}

func (g *goroutines) detach(*leg) {}

func (g *goroutines) stop() { close(g.done) }

// read hands each datagram of a socket to receive, until the socket is closed.
func (l *leg) read(conn PacketConn, receive func([]byte, netip.AddrPort)) {
	buffer := make([]byte, datagramSize)
	for failures := 0; failures < readFailures; {
		n, from, err := conn.ReadFromUDPAddrPort(buffer)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			failures++
			if failures == readFailures {
				l.plane.Log.Warn("media socket given up", "leg", uint64(l.id), "error", err)
			}
		default:
			failures = 0
			receive(buffer[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
		}
	}
}
