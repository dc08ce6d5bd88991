//go:build linux && (amd64 || arm64)

package media

import (
	"net/netip"
	"sync/atomic"
	"syscall"
)

// epoll is the driver of Linux: a few reactors, each of which reads the sockets of its legs, paces their playbacks and serves them when
// they are due. A leg stays with its reactor.
type epoll struct {
	reactors []*reactor
	sockets  *sockets
	buffers  bool // the system's own buffers are smaller than what we want
}

// sockets are the open ones by port; it is in the plane's range, and no two legs have the same. An event of a port whose socket
// is closed meets none, or the next one, which then has nothing to read: events tell of a state.
type sockets struct {
	first uint16
	table []atomic.Pointer[descriptor]
}

func (s *sockets) of(port uint16) *atomic.Pointer[descriptor] { return &s.table[port-s.first] }

// newEpoll starts the backend.
func newEpoll(o Options) (Plane, error) {
	p := newPlane(o)
	first, last := span(p.Ports)
	e := &epoll{sockets: &sockets{first: uint16(first), table: make([]atomic.Pointer[descriptor], max(0, last+1-first))}}
	if err := e.measure(); err != nil {
		return nil, err
	}
	for range p.Reactors {
		r, err := newReactor(p, e.sockets)
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

// measure finds out once whether each socket needs to be given buffers.
func (e *epoll) measure() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	for _, option := range []int{syscall.SO_RCVBUF, syscall.SO_SNDBUF} {
		size, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, option)
		e.buffers = e.buffers || err != nil || size < 2*socketBuffer // socket(7): the system says twice what was asked for
	}
	return nil
}

func (e *epoll) release() {
	for _, r := range e.reactors {
		r.release()
	}
}

func (e *epoll) listen(at netip.AddrPort) (sender, error) {
	d, err := bind(at)
	if err == nil && e.buffers {
		d.enlarge()
	}
	return d, err
}

// attach gives the leg to the reactor that has the fewest.
func (e *epoll) attach(l *leg) error {
	r := e.reactors[0]
	for _, other := range e.reactors {
		if other.legs < r.legs {
			r = other
		}
	}
	l.pacer, l.keeper = r.pacer, r.keeper
	rtp, rtcp := l.rtp.(*descriptor), l.rtcp.(*descriptor)
	rtp.leg, rtcp.leg, rtcp.control = l, l, true
	for _, d := range []*descriptor{rtp, rtcp} {
		d.reactor = r
		e.sockets.of(d.port).Store(d)
		if err := r.watch(d); err != nil {
			e.forget(l)
			return err
		}
	}
	r.legs++
	return nil
}

func (e *epoll) detach(l *leg) {
	e.forget(l)
	l.rtp.(*descriptor).reactor.legs--
}

func (e *epoll) forget(l *leg) {
	e.sockets.of(l.port).Store(nil)
	e.sockets.of(l.port + 1).Store(nil)
}

func (e *epoll) stop() {
	for _, r := range e.reactors {
		r.stopped.Store(true)
		r.wake()
	}
}
