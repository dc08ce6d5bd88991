package sip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Bounds of stream connections.
const (
	maxStreams      = 1024             // connections of one listening address
	maxStreamsPer   = 64               // of one source address
	streamQueue     = 256              // messages that wait to be written
	streamIdle      = 10 * time.Minute // without a message
	streamWriteTime = 5 * time.Second
	streamOpenTime  = 4 * time.Second // to connect, and to agree on keys where that is asked for
	maxRefusals     = 256             // addresses remembered that take no connection
	refusalTime     = 5 * time.Minute // how long
)

var (
	errStreamFull = errors.New("the peer does not read: send queue full")
	errStreamMany = errors.New("too many connections")
)

// streams are the TCP or TLS connections of one listening address, accepted and
// dialled alike. sipgo reads them all through Accept, so that a connection
// that we dialled is framed and parsed like any other, and never finds one by
// an address that a message named.
type streams struct {
	listener net.Listener
	security *security               // nil: plain TCP
	trunk    func(netip.Addr) *Trunk // nil: a stranger
	lost     func(*stream)           // a connection that was given requests has ended
	metrics  *Metrics
	dialer   net.Dialer

	ready chan net.Conn
	stop  context.Context
	end   context.CancelFunc
	wait  sync.WaitGroup

	mu      sync.Mutex // connections come and go rarely; messages never wait for it long
	conns   map[netip.AddrPort]*stream
	opened  uint64                       // the number of the latest
	refused map[netip.AddrPort]time.Time // until when nobody is thought to accept a connection there
}

func newStreams(l net.Listener, over *security, trunk func(netip.Addr) *Trunk, lost func(*stream), m *Metrics) *streams {
	s := &streams{listener: l, security: over, trunk: trunk, lost: lost, metrics: m, ready: make(chan net.Conn),
		conns: map[netip.AddrPort]*stream{}, refused: map[netip.AddrPort]time.Time{}}
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		s.dialer.LocalAddr = &net.TCPAddr{IP: a.IP, Zone: a.Zone}
	}
	s.stop, s.end = context.WithCancel(context.Background())
	s.wait.Go(s.acceptLoop)
	return s
}

func (s *streams) acceptLoop() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			if s.stop.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			select { // out of descriptors, say: try again a little later
			case <-s.stop.Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
			continue
		}
		remote := remoteOf(conn)
		c := newStream(s, remote)
		if s.trunk(remote.Addr()) == nil || s.add(c) != nil {
			s.metrics.drop(dropStranger)
			conn.Close()
			continue
		}
		if s.security == nil {
			s.run(c, conn)
			continue
		}
		s.wait.Go(func() { s.greet(c, conn) }) // whoever is slow to agree on keys keeps nobody else waiting
	}
}

// greet agrees on keys with a peer that has connected.
func (s *streams) greet(c *stream, conn net.Conn) {
	ctx, cancel := context.WithTimeout(s.stop, streamOpenTime)
	defer cancel()
	secure, err := s.security.accept(ctx, conn, c.remote)
	if err != nil {
		s.metrics.drop(dropHandshake)
		c.Close()
		return
	}
	s.run(c, secure)
}

// add remembers a connection, unless there are too many.
func (s *streams) add(c *stream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addLocked(c)
}

func (s *streams) addLocked(c *stream) error {
	same := 0
	for remote := range s.conns {
		if remote.Addr() == c.remote.Addr() {
			same++
		}
	}
	if len(s.conns) >= maxStreams || same >= maxStreamsPer || s.stop.Err() != nil {
		return errStreamMany
	}
	s.opened++
	c.number, s.conns[c.remote] = s.opened, c
	return nil
}

// remove forgets a connection; nil when it is not open yet.
func (s *streams) remove(c *stream) net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns[c.remote] == c {
		delete(s.conns, c.remote)
	}
	return c.Conn
}

// run hands an open connection to sipgo and starts its writer.
func (s *streams) run(c *stream, conn net.Conn) {
	s.mu.Lock()
	c.Conn = conn
	s.mu.Unlock()
	s.wait.Go(c.write)
	select {
	case <-c.closed: // while it was being dialled: there was nothing to close
		conn.Close()
		c.Close()
		return
	default:
	}
	select {
	case s.ready <- c:
		return
	case <-c.closed:
	case <-s.stop.Done():
	}
	c.Close() // nobody reads it
}

func (s *streams) dial(c *stream) {
	ctx, cancel := context.WithTimeout(s.stop, streamOpenTime)
	defer cancel()
	conn, err := s.connect(ctx, c.remote)
	s.refusal(c.remote, err != nil)
	if err != nil {
		c.Close()
		return
	}
	s.run(c, conn)
}

func (s *streams) connect(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if s.security != nil {
		return s.security.dial(ctx, &s.dialer, to)
	}
	return s.dialer.DialContext(ctx, "tcp", to.String())
}

// Accept, Addr and Close make streams the net.Listener that sipgo serves.
func (s *streams) Accept() (net.Conn, error) {
	select {
	case c := <-s.ready:
		return c, nil
	case <-s.stop.Done():
		return nil, net.ErrClosed
	}
}

// Addr is the listening address.
func (s *streams) Addr() net.Addr { return s.listener.Addr() }

// Close ends every connection and waits for their writers.
func (s *streams) Close() error {
	s.end()
	err := s.listener.Close()
	s.mu.Lock()
	open := make([]*stream, 0, len(s.conns))
	for _, c := range s.conns {
		open = append(open, c)
	}
	s.mu.Unlock()
	for _, c := range open {
		c.shut()
	}
	s.wait.Wait()
	return err
}

func remoteOf(c net.Conn) netip.AddrPort {
	a, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
