package sip

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tonegate/sip/wire"
)

// message reads a message without body.
func message(t *testing.T, c net.Conn, r *bufio.Reader) string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(patience))
	text := ""
	for !strings.HasSuffix(text, "\r\n\r\n") {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("%v after %q", err, text)
		}
		text += line
	}
	return text
}

// answerTo is the response to a message of ours.
func answerTo(request string, status int) string {
	text := fmt.Sprintf("SIP/2.0 %d So\r\n", status)
	for line := range strings.SplitSeq(request, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch name {
		case "Via", "From", "Call-ID", "CSeq":
			text += line + "\r\n"
		case "To":
			text += line + ";tag=t\r\n"
		}
	}
	return text + "Content-Length: 0\r\n\r\n"
}

// owned is a server whose only shard the test runs itself, one letter at a time.
type owned struct {
	*loopback
	sh *shard
}

func own(t *testing.T, change func(*setup), peers ...Peer) *owned {
	t.Helper()
	l := prepared(t, func(s *setup) {
		s.options.Shards = 1
		if change != nil {
			change(s)
		}
	}, peers...)
	for _, at := range l.server.listeners {
		l.server.readers.Go(func() { at.serve() })
	}
	return &owned{l, l.server.shards[0]}
}

// ask sends a peer of the PBX's trunk an OPTIONS; its end is written to the result.
func (o *owned) ask(p Peer, more ...string) *int {
	o.t.Helper()
	f, ok := o.server.route(p)
	if !ok {
		o.t.Fatalf("no way to %s", p)
	}
	branch, result := o.sh.mint.branch(), new(int)
	b := wire.NewRequest(wire.OPTIONS, "sip:"+p.Address.String()).Via(p.Network.String(), f.through.sentBy, branch).
		Add("From", "<sip:us>;tag=t").Add("To", "<sip:them>").Add("Call-ID", o.sh.mint.token()).Add("CSeq", "1 OPTIONS").Add("Contact", f.contact())
	for _, v := range more {
		b.Add("Subject", v)
	}
	out, err := b.Bytes()
	if err != nil {
		o.t.Fatal(err)
	}
	o.sh.now = time.Now()
	tx := o.sh.request(wire.OPTIONS, branch, out, f, &o.server.options.Trunks[1], nil, nil)
	if tx.over() {
		*result = 503
	}
	tx.ended = func(status int) { *result = status }
	return result
}

// work runs the shard until something is done.
func (o *owned) work(done func() bool) {
	o.t.Helper()
	end := time.After(patience)
	for !done() {
		select {
		case in := <-o.sh.mail:
			o.sh.now = time.Now()
			o.sh.open(in)
		case <-end:
			o.t.Fatal("it is never done")
		}
	}
}

// ends runs the shard until a request has ended.
func (o *owned) ends(result *int, want int) {
	o.t.Helper()
	o.work(func() bool { return *result != 0 })
	if *result != want {
		o.t.Errorf("the request ended with %d, want %d", *result, want)
	}
}

// accept is the next connection to a peer.
func accept(t *testing.T, l net.Listener) (net.Conn, *bufio.Reader) {
	t.Helper()
	l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, bufio.NewReader(c)
}

func TestRequestOverAStaleConnectionIsSentOnceMore(t *testing.T) {
	pbx := listening(t, hostPBX)
	o := own(t, nil, overTCP(pbx))
	first := o.ask(overTCP(pbx))
	conn, r := accept(t, pbx)
	io.WriteString(conn, answerTo(message(t, conn, r), 200))
	o.ends(first, 200)

	second := o.ask(overTCP(pbx)) // read by nobody who would answer
	before := message(t, conn, r)
	conn.Close()
	o.work(func() bool { return o.metric("tonegate_sip_retransmissions_total", "reconnected") > 0 })
	conn, r = accept(t, pbx)
	if again := message(t, conn, r); again != before {
		t.Errorf("sent again as\n%s\nwas\n%s", again, before)
	}
	io.WriteString(conn, answerTo(before, 404))
	o.ends(second, 404)

	third := o.ask(overTCP(pbx)) // it is not sent a third time
	message(t, conn, r)
	conn.Close()
	o.work(func() bool { return o.metric("tonegate_sip_retransmissions_total", "reconnected") > 1 })
	conn, r = accept(t, pbx)
	message(t, conn, r)
	conn.Close()
	o.ends(third, 503)
}

func TestRequestOverAConnectionThatNeverWorkedFailsAtOnce(t *testing.T) {
	pbx := listening(t, hostPBX)
	o := own(t, nil, overTCP(pbx))
	result := o.ask(overTCP(pbx))
	conn, r := accept(t, pbx)
	message(t, conn, r)
	conn.Close()
	o.ends(result, 503)
	pbx.Close()
	o.ends(o.ask(overTCP(pbx)), 503)
	if n := o.metric("tonegate_sip_retransmissions_total"); n != 0 {
		t.Errorf("%v requests again", n)
	}
}

// What was heard since says that the connection was good when the request was
// written: it may have been read, and more than its transport is broken.
func TestRequestUnansweredOnAConnectionThatSpokeSince(t *testing.T) {
	pbx := listening(t, hostPBX)
	o := own(t, nil, overTCP(pbx))
	first := o.ask(overTCP(pbx))
	conn, r := accept(t, pbx)
	request := message(t, conn, r)
	io.WriteString(conn, answerTo(request, 200))
	o.ends(first, 200)
	second := o.ask(overTCP(pbx))
	message(t, conn, r)
	io.WriteString(conn, options(1, o.at, ""))
	o.work(func() bool { return o.server.listeners[0].streams.heard(tcpAddr(pbx.Addr())) > 1 })
	conn.Close()
	o.ends(second, 503)
}

func (s *streams) heard(a netip.AddrPort) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.conns[a]; c != nil {
		return c.heard.Load()
	}
	return 0
}

// The end of a connection does not overtake the answers that it brought.
func TestAnswerOfAPeerThatClosesAtOnce(t *testing.T) {
	pbx := listening(t, hostPBX)
	o := own(t, nil, overTCP(pbx))
	for range 50 {
		result := o.ask(overTCP(pbx))
		conn, r := accept(t, pbx)
		io.WriteString(conn, answerTo(message(t, conn, r), 200))
		conn.Close()
		o.forgets(tcpAddr(pbx.Addr()))
		o.ends(result, 200)
	}
}

// A shard that loses a connection itself must not wait for its own queue.
func TestAShardNeverWaitsForItself(t *testing.T) {
	pbx := listening(t, hostPBX)
	o := own(t, nil, overTCP(pbx))
	for full := false; !full; {
		select {
		case o.sh.orders <- letter{}:
		case o.sh.mail <- letter{lost: &stream{}}:
		default:
			full = true
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.overflow(overTCP(pbx))
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the shard waits for itself")
	}
	for len(o.sh.orders)+len(o.sh.mail) > 0 {
		select {
		case <-o.sh.orders:
		case <-o.sh.mail:
		}
	}
}

// overflow loses connections to a peer in the midst of requests.
func (o *owned) overflow(p Peer) {
	s := o.server.listeners[0].streams
	for i := range 200 {
		o.ask(p)
		s.mu.Lock()
		c := s.conns[p.Address]
		s.mu.Unlock()
		switch {
		case c == nil:
			continue
		case i%2 == 0:
			go c.end(abort) // crosses the next request
		default:
			for c.queue([]byte("x"), true) == nil { // until it is full, because nobody reads
			}
		}
		for range 10 {
			o.ask(p)
		}
	}
}
