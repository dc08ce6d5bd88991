package sip

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// stream is one connection. Writing never blocks the caller: a goroutine
// drains the queue, and a peer that does not read loses its connection.
type stream struct {
	net.Conn
	owner  *streams
	remote netip.AddrPort
	number uint64 // later connections have higher ones
	out    chan []byte
	closed chan struct{}
	once   sync.Once

	heard   atomic.Uint64 // how often the peer has said something
	awaited atomic.Uint64 // what heard will be with the answer to our ping
	ponged  atomic.Bool   // the peer has answered one

	mu    sync.Mutex
	asked bool // it was given a request
	over  bool // those who wait for an answer know that it has ended
	told  bool // the operator knows that the peer turned us away
}

func newStream(owner *streams, remote netip.AddrPort) *stream {
	return &stream{owner: owner, remote: remote, out: make(chan []byte, streamQueue), closed: make(chan struct{})}
}

// queue takes a message to be written. What it takes and cannot carry is
// reported by the goroutine that runs the connection, never by the caller:
// that is a shard, which would wait for itself.
func (c *stream) queue(b []byte, request bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.closed:
		return net.ErrClosed
	default:
	}
	select {
	case c.out <- b:
		c.asked = c.asked || request
		return nil
	default:
		c.end(abort)
		return errStreamFull
	}
}

// write sends what is queued until the connection ends.
func (c *stream) write() {
	defer c.shut()
	beat := c.beating()
	defer beat.stop()
	for {
		select {
		case <-c.closed:
			return
		case b := <-c.out:
			if !c.put(b) {
				return
			}
		case <-beat.due():
			if !beat.next(c) {
				return
			}
		}
	}
}

// put writes one message; false ends the connection.
func (c *stream) put(b []byte) bool {
	c.SetWriteDeadline(time.Now().Add(streamWriteTime))
	_, err := c.Conn.Write(b)
	if err != nil {
		c.turnedAway(err)
	}
	return err == nil
}

// Read is sipgo's: a silent connection ends after streamIdle.
func (c *stream) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(streamIdle)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.hear(b[:n])
	}
	if err != nil {
		c.turnedAway(err)
		c.Close()
	}
	return n, err
}

// turnedAway tells the operator of a peer over TLS that ended the connection
// without a word. It learns last who we are: with TLS 1.3 our certificate is
// refused when we have long begun to write.
func (c *stream) turnedAway(err error) {
	over := c.owner.security
	if over == nil || c.heard.Load() > 0 || errors.Is(err, net.ErrClosed) {
		return
	}
	c.mu.Lock()
	tell := c.asked && !c.told
	c.told = c.told || tell
	c.mu.Unlock()
	if tell {
		over.refused(c.remote, "out", err)
	}
}

// Write is sipgo's answer to a keepalive (RFC 5626 s4.4.1).
func (c *stream) Write(b []byte) (int, error) {
	if err := c.queue(append([]byte(nil), b...), false); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Close is for whoever reads the connection, and has handed on all that came
// over it: from now on it takes nothing, and those who wait for an answer to
// what it took are told, behind the answers that did come.
func (c *stream) Close() error {
	c.shut()
	c.mu.Lock()
	tell := c.asked && !c.over
	c.over = true
	c.mu.Unlock()
	if tell {
		c.owner.lost(c)
	}
	return nil
}

// shut ends the connection, once. Over TLS it says so to the peer, who may
// keep it waiting.
func (c *stream) shut() { c.end(net.Conn.Close) }

// end lets the first who ends the connection do so, and nobody else wait for that.
func (c *stream) end(end func(net.Conn) error) {
	var conn net.Conn
	c.once.Do(func() {
		close(c.closed)
		conn = c.owner.remove(c)
	})
	if conn != nil {
		end(conn)
	}
}

// abort ends a connection without a word.
func abort(c net.Conn) error {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	return c.Close()
}
