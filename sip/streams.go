package sip

import (
	"context"
	"errors"
	"fmt"
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
	streamUnheard   = 64              // requests remembered until the peer says something
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
	security *security // nil: plain TCP
	known    func(netip.Addr) bool
	lost     func(branch string) // a request that could not be written
	metrics  *Metrics
	dialer   net.Dialer

	ready chan net.Conn
	stop  context.Context
	end   context.CancelFunc
	wait  sync.WaitGroup

	mu    sync.Mutex // connections come and go rarely; messages never wait for it long
	conns map[netip.AddrPort]*stream
}

func newStreams(l net.Listener, over *security, known func(netip.Addr) bool, lost func(string), m *Metrics) *streams {
	s := &streams{listener: l, security: over, known: known, lost: lost, metrics: m, ready: make(chan net.Conn), conns: map[netip.AddrPort]*stream{}}
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
		if !s.known(remote.Addr()) || s.add(c) != nil {
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
		c.drain()
		return
	}
	s.run(c, secure)
}

// add remembers a connection, unless there are too many.
func (s *streams) add(c *stream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	same := 0
	for remote := range s.conns {
		if remote.Addr() == c.remote.Addr() {
			same++
		}
	}
	if len(s.conns) >= maxStreams || same >= maxStreamsPer || s.stop.Err() != nil {
		return errStreamMany
	}
	s.conns[c.remote] = c
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
	case <-c.closed: // while it was being dialled: Close had nothing to close
		conn.Close()
		return
	default:
	}
	select {
	case s.ready <- c:
	case <-c.closed:
	case <-s.stop.Done():
		c.Close()
	}
}

// send queues b for remote, over the connection that there is or a new one.
// Branch names the request, "" for a response: lost is told if it cannot be written.
func (s *streams) send(remote netip.AddrPort, b []byte, branch string, dial bool) error {
	s.mu.Lock()
	c := s.conns[remote]
	s.mu.Unlock()
	if c == nil {
		if !dial {
			return fmt.Errorf("no connection to %s any more", remote)
		}
		c = newStream(s, remote)
		if err := s.add(c); err != nil {
			return err
		}
		s.wait.Go(func() { s.dial(c) })
	}
	return c.queue(outgoing{b, branch})
}

func (s *streams) dial(c *stream) {
	ctx, cancel := context.WithTimeout(s.stop, streamOpenTime)
	defer cancel()
	conn, err := s.connect(ctx, c.remote)
	if err != nil {
		c.Close()
		c.drain()
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
		c.Close()
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
