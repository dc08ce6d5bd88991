package siptest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

const (
	maxMessage  = 64 << 10
	maxStreams  = 256
	streamWrite = 5 * time.Second
)

// path is where a message goes or came from.
type path struct {
	addr   netip.AddrPort
	stream *stream // nil for datagrams
}

func (w path) transport() string {
	if w.stream == nil {
		return "UDP"
	}
	if _, secure := w.stream.conn.(*tls.Conn); secure {
		return "TLS"
	}
	return "TCP"
}

// packetConn is what *net.UDPConn and *simnet.Conn have in common.
type packetConn interface {
	ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error)
	Close() error
}

func datagrams(conn net.PacketConn) packetConn {
	if c, ok := conn.(packetConn); ok {
		return c
	}
	return anyPacketConn{conn}
}

type anyPacketConn struct{ net.PacketConn }

func (c anyPacketConn) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, addr, err := c.ReadFrom(b)
	if udp, ok := addr.(*net.UDPAddr); ok && udp != nil {
		return n, udp.AddrPort(), err
	}
	return n, netip.AddrPort{}, err
}

func (c anyPacketConn) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return c.WriteTo(b, net.UDPAddrFromAddrPort(to))
}

// transmit sends under the phone's lock. Like the network, it does not report losses.
func (p *Phone) transmit(to path, data []byte) {
	if p.closed {
		return
	}
	p.note("->", string(data))
	lost := p.faults.LoseFirst > 0
	if lost {
		p.faults.LoseFirst--
	}
	from, dest := p.addr, to.addr
	if to.stream != nil {
		from, dest = to.stream.local, to.stream.remote
	}
	p.options.Ladder.sent(time.Now(), from, dest, data, lost)
	switch {
	case lost:
	case to.stream != nil:
		to.stream.conn.SetWriteDeadline(time.Now().Add(streamWrite))
		to.stream.conn.Write(data)
	default:
		p.conn.WriteToUDPAddrPort(data, to.addr)
	}
}

func (p *Phone) readDatagrams() {
	buf := make([]byte, maxMessage)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // such as an ICMP error of an earlier send
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if strings.TrimSpace(string(buf[:n])) == "" {
			continue // keep-alive, RFC 5626 s3.5.1
		}
		p.receive(append([]byte(nil), buf[:n]...), path{addr: from})
	}
}

// stream is a TCP or TLS connection.
type stream struct {
	conn          net.Conn
	local, remote netip.AddrPort
}

func (p *Phone) accept() {
	for {
		conn, err := p.options.Listener.Accept()
		if err != nil {
			return
		}
		p.serve(conn)
	}
}

// serve reads a connection until it ends. It returns nil if the phone has closed or has too many.
func (p *Phone) serve(conn net.Conn) *stream {
	s := &stream{conn: conn, local: tcpAddr(conn.LocalAddr()), remote: tcpAddr(conn.RemoteAddr())}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.streams) >= maxStreams {
		conn.Close()
		return nil
	}
	p.streams[s] = struct{}{}
	p.options.Ladder.attach(s.local, p.options.Name)
	p.running.Go(func() {
		p.readStream(s)
		conn.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.streams, s)
	})
	return s
}

func tcpAddr(a net.Addr) netip.AddrPort {
	if tcp, ok := a.(*net.TCPAddr); ok {
		addr := tcp.AddrPort()
		return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	}
	return netip.AddrPort{}
}

func (p *Phone) readStream(s *stream) {
	r := bufio.NewReaderSize(s.conn, maxMessage)
	for {
		data, err := readFramed(r)
		if err != nil {
			return
		}
		p.receive(data, path{addr: s.remote, stream: s})
	}
}

// readFramed reads one message from a stream, by its Content-Length (RFC 3261 s18.3).
func readFramed(r *bufio.Reader) ([]byte, error) {
	var head []byte
	length := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if len(head) == 0 && strings.TrimSpace(string(line)) == "" {
			continue
		}
		head = append(head, line...)
		if len(head) > maxMessage {
			return nil, errors.New("read message: too long")
		}
		text := strings.TrimSpace(string(line))
		if text == "" {
			break
		}
		if name, value, _ := strings.Cut(text, ":"); sameName("Content-Length", strings.TrimSpace(name)) {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil || length < 0 || length > maxMessage {
				return nil, errors.New("read message: Content-Length " + value)
			}
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	return append(head, body...), nil
}
