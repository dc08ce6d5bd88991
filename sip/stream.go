package sip

import (
	"crypto/tls"
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
	out    chan outgoing
	closed chan struct{}
	once   sync.Once

	heard   atomic.Bool // the peer has said something
	unheard chan string // branches of the requests written before it did
}

type outgoing struct {
	b      []byte
	branch string
}

func newStream(owner *streams, remote netip.AddrPort) *stream {
	return &stream{owner: owner, remote: remote, out: make(chan outgoing, streamQueue), closed: make(chan struct{}),
		unheard: make(chan string, streamUnheard)}
}

func (c *stream) queue(o outgoing) error {
	select {
	case <-c.closed:
		return net.ErrClosed
	default:
	}
	select {
	case c.out <- o:
		select {
		case <-c.closed: // since the look above: nobody else would report it
			c.drain()
		default:
		}
		return nil
	default:
		c.end(abort)
		return errStreamFull
	}
}

func (c *stream) write() {
	defer c.drain()
	defer c.Close()
	for {
		select {
		case <-c.closed:
			return
		case o := <-c.out:
			if o.branch != "" && !c.heard.Load() {
				select {
				case c.unheard <- o.branch:
				default: // it will time out
				}
			}
			c.SetWriteDeadline(time.Now().Add(streamWriteTime))
			if _, err := c.Conn.Write(o.b); err != nil {
				c.fail(o)
				c.turnedAway(err)
				return
			}
		}
	}
}

// drain reports what was queued and will never be written.
func (c *stream) drain() {
	for {
		select {
		case o := <-c.out:
			c.fail(o)
		default:
			return
		}
	}
}

func (c *stream) fail(o outgoing) {
	if o.branch != "" {
		c.owner.lost(o.branch)
	}
}

// Read is sipgo's: a silent connection ends after streamIdle.
func (c *stream) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(streamIdle)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.heard.Store(true)
	}
	if err != nil {
		c.Close()
		c.turnedAway(err)
	}
	return n, err
}

// turnedAway reports what was written to a peer that ended the connection
// without a word. It learns last who we are: with TLS 1.3 our certificate is
// refused when we have long begun to write.
func (c *stream) turnedAway(err error) {
	for !c.heard.Load() {
		select {
		case branch := <-c.unheard:
			c.owner.lost(branch)
			if over := c.owner.security; over != nil {
				over.refused(c.remote, "out", err)
			}
		default:
			return
		}
	}
}

// Write is sipgo's answer to a keepalive (RFC 5626 s4.4.1).
func (c *stream) Write(b []byte) (int, error) {
	if err := c.queue(outgoing{b: append([]byte(nil), b...)}); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Close ends the connection, once. Over TLS it says so to the peer, who may
// keep it waiting.
func (c *stream) Close() error {
	c.end(net.Conn.Close)
	return nil
}

func (c *stream) end(end func(net.Conn) error) {
	c.once.Do(func() {
		close(c.closed)
		if conn := c.owner.remove(c); conn != nil {
			end(conn)
		}
	})
}

// abort ends a connection without a word.
func abort(c net.Conn) error {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	return c.Close()
}
