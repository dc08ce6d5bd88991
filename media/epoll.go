//go:build linux && (amd64 || arm64)

package media

import "net/netip"

// epoll is the driver of Linux: a few reactors, each of which reads the sockets of its legs, paces their playbacks and serves them when
// they are due. A leg stays with its reactor.
type epoll struct{ reactors []*reactor }

// newEpoll starts the backend.
func newEpoll(o Options) (Plane, error) {
	p := newPlane(o)
	e := new(epoll)
	for range p.Reactors {
		r, err := newReactor(p)
		if err != nil {
			e.release()
			return nil, err
		}
		e.reactors = append(e.reactors, r)
	}
	p.driver = e
	for _, r := range e.reactors {
		p.wg.Go(r.run)
	}
	return p, nil
}

func (e *epoll) release() {
	for _, r := range e.reactors {
		r.release()
	}
}

func (e *epoll) listen(at netip.AddrPort) (sender, error) { return bind(at) }

// attach gives the leg to the reactor that has the fewest.
func (e *epoll) attach(l *leg) {
	r := e.reactors[0]
	for _, other := range e.reactors {
		if other.legs < r.legs {
			r = other
		}
	}
	r.legs++
	l.pacer, l.keeper = r.pacer, r.keeper
	rtp, rtcp := l.rtp.(*descriptor), l.rtcp.(*descriptor)
	rtp.reactor, rtp.receive = r, l.receive
	rtcp.reactor, rtcp.receive = r, l.receiveControl
	r.update(rtp, rtcp)
}

func (e *epoll) detach(l *leg) {
	rtp, rtcp := l.rtp.(*descriptor), l.rtcp.(*descriptor)
	rtp.reactor.legs--
	rtp.reactor.update(rtp, rtcp)
}

func (e *epoll) stop() {
	for _, r := range e.reactors {
		r.stopped.Store(true)
		r.wake()
	}
}
