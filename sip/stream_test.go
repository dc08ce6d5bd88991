package sip

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tonegate/internal/siptest"
	"tonegate/sip/wire"
)

func TestResponseOverTheConnectionOfTheRequest(t *testing.T) {
	l, tr := onLoopback(t, nil), newTrap(t)
	first, second := l.dial(hostCarrier), l.dial(hostCarrier)
	r1, r2 := bufio.NewReader(first), bufio.NewReader(second)
	for i := range 20 {
		io.WriteString(first, options(2*i, tcpAddr(tr.Addr()), ""))
		hears(t, first, r1, "200")
		io.WriteString(second, options(2*i+1, tcpAddr(tr.Addr()), ""))
		hears(t, second, r2, "200")
	}
	io.WriteString(first, strings.Replace(options(99, tcpAddr(tr.Addr()), ""), "Max-Forwards: 70", "Max-Forwards: 0", 1))
	hears(t, first, r1, "483")
	io.WriteString(first, strings.Replace(options(98, tcpAddr(tr.Addr()), ""), "CSeq: 1 OPTIONS", "CSeq: x", 1))
	hears(t, first, r1, "400")
	tr.spring(t)
}

func TestNobodyIsDialledBecauseAMessageNamedHim(t *testing.T) {
	tr := newTrap(t)
	listener, err := net.Listen("tcp", "127.0.0.3:0")
	if err != nil {
		t.Fatal(err)
	}
	l := onLoopback(t, nil, Peer{Network: wire.TCP, Address: tcpAddr(listener.Addr())})
	conn := l.dial(hostCarrier)
	a := l.phone(hostCarrier, func(o *siptest.Options) { o.Stream, o.Lenient = conn, true })
	b := l.phone(hostPBX, func(o *siptest.Options) { o.Listener, o.Lenient = listener, true })
	o := plain
	o.Headers = []string{"Contact: <sip:a@" + tr.Addr().String() + ";transport=tcp>", "Record-Route: <sip:" + tr.Addr().String() + ";transport=tcp;lr>"}
	c := a.Invite(o)
	d := b.Accept()
	d.Respond(200, []string{"Contact: <sip:b@" + tr.Addr().String() + ";transport=tcp>", "Record-Route: <sip:" + tr.Addr().String() + ";transport=tcp;lr>"},
		siptest.SDP{Address: netip.MustParseAddrPort("127.0.0.3:4000"), Codecs: []siptest.Codec{siptest.PCMU}}.Offer())
	d.ExpectRequest("ACK")
	c.Expect(200)
	c.Ack("", "Route:")
	// The caller's connection is gone: its BYE can go nowhere, least of all to its Contact.
	conn.Close()
	b.Close()
	l.drained()
	tr.spring(t)
}

func TestCallsOverTCP(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.3:0")
	if err != nil {
		t.Fatal(err)
	}
	l := onLoopback(t, nil, Peer{Network: wire.TCP, Address: tcpAddr(listener.Addr())})
	conn := l.dial(hostCarrier)
	a := l.phone(hostCarrier, func(o *siptest.Options) { o.Stream = conn })
	b := l.phone(hostPBX, func(o *siptest.Options) { o.Listener = listener })
	for range 20 {
		c := a.Invite(plain)
		d := b.Accept()
		d.Respond(180, nil, "")
		d.Answer()
		c.Expect(200)
		c.Ack("")
		d.ExpectRequest("ACK")
		bye := d.Bye()
		c.ExpectRequest("BYE")
		bye.Expect(200)
	}
	if n := l.connections(); n != 2 {
		t.Errorf("%d connections for two peers", n)
	}
	for _, p := range []*siptest.Phone{a, b} {
		if v := p.Violations(); len(v) > 0 {
			t.Errorf("%s: %q", p.Name(), v)
		}
	}
}

func TestAPeerThatIsDownIsPassedOver(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.3:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	listener, err := net.Listen("tcp", "127.0.0.4:0")
	if err != nil {
		t.Fatal(err)
	}
	l := onLoopback(t, nil, Peer{Network: wire.TCP, Address: tcpAddr(closed.Addr())}, Peer{Network: wire.TCP, Address: tcpAddr(listener.Addr())})
	conn := l.dial(hostCarrier)
	a := l.phone(hostCarrier, func(o *siptest.Options) { o.Stream = conn })
	b := l.phone(hostSpare, func(o *siptest.Options) { o.Listener = listener })
	began := time.Now()
	c := a.Invite(plain)
	b.Accept().Respond(486, nil, "")
	c.Expect(486)
	b.Close()
	for end := time.Now().Add(patience); l.connections() > 1 && time.Now().Before(end); {
		runtime.Gosched()
	}
	c = a.Invite(plain)
	c.Expect(500) // both are down now
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestConnectionsOfOneAddressAreCapped(t *testing.T) {
	l := onLoopback(t, nil)
	var open []net.Conn
	for range maxStreamsPer {
		open = append(open, l.dial(hostCarrier))
	}
	for i, c := range open { // all of them are served
		io.WriteString(c, options(i, l.at, ""))
		hears(t, c, bufio.NewReader(c), "200")
	}
	for range 20 {
		c := l.dial(hostCarrier)
		c.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("one connection too many is kept: %v", err)
		}
	}
	other := l.dial(hostPBX) // another trunk has its own share
	io.WriteString(other, options(1000, l.at, ""))
	hears(t, other, bufio.NewReader(other), "200")
	stranger := l.dial(netip.MustParseAddr("127.0.0.8"))
	stranger.SetReadDeadline(time.Now().Add(patience))
	if _, err := stranger.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a stranger's connection is kept: %v", err)
	}
}

func TestAPeerThatDoesNotReadLosesItsConnectionOnly(t *testing.T) {
	l := onLoopback(t, nil)
	deaf, other := l.dial(hostCarrier), l.dial(hostCarrier)
	r := bufio.NewReader(other)
	lost := make(chan error)
	go func() {
		end := time.Now().Add(patience)
		for i := 0; ; i++ {
			deaf.SetWriteDeadline(end)
			if _, err := io.WriteString(deaf, options(i, l.at, "")); err != nil {
				lost <- err
				return
			}
		}
	}()
	for i := 1 << 20; ; i++ {
		io.WriteString(other, options(i, l.at, ""))
		hears(t, other, r, "200")
		select {
		case err := <-lost:
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("the connection is kept")
			}
			io.WriteString(other, options(0, l.at, ""))
			hears(t, other, r, "200")
			return
		default:
		}
	}
}

func TestManyMessagesToAPeerThatHangsWhileDialled(t *testing.T) {
	metrics := NewMetrics(prometheus.NewRegistry())
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	peer, err := net.Listen("tcp", "127.0.0.3:0")
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	s := newStreams(server, nil, func(netip.Addr) *Trunk { return &Trunk{} }, func(*stream) {}, metrics)
	for range 2 * streamQueue { // most of them before the connection is there
		s.request(flow{remote: tcpAddr(peer.Addr()), home: tcpAddr(peer.Addr())}, []byte("x"))
	}
	accepted := make(chan net.Conn, 10)
	go func() {
		defer close(accepted)
		for {
			c, err := peer.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	go func() { // as sipgo does
		for {
			c, err := s.Accept()
			if err != nil {
				return
			}
			go io.Copy(io.Discard, c)
		}
	}()
	c := <-accepted
	s.Close()
	c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("a connection outlives its owner")
	}
}

// Two readers of one stream that disagree about where a message ends let a
// third party slip one in. In doubt the connection ends.
func TestDoubtfulLengthEndsTheConnection(t *testing.T) {
	l := onLoopback(t, nil)
	slipped := options(2, l.at, "")
	for name, doubtful := range map[string]string{
		"none":      strings.Replace(options(1, l.at, ""), "Content-Length: 0\r\n", "", 1),
		"two":       options(1, l.at, fmt.Sprintf("Content-Length: %d\r\n", len(slipped))),
		"two, so":   options(1, l.at, "l: 5\r\n"),
		"negative":  strings.Replace(options(1, l.at, ""), "Content-Length: 0", "Content-Length: -1", 1),
		"no number": strings.Replace(options(1, l.at, ""), "Content-Length: 0", "Content-Length: 0x10", 1),
		"too much":  strings.Replace(options(1, l.at, ""), "Content-Length: 0", "Content-Length: 99999999999", 1),
	} {
		t.Run(name, func(t *testing.T) {
			c := l.dial(hostCarrier)
			io.WriteString(c, doubtful+slipped)
			c.SetReadDeadline(time.Now().Add(patience))
			all, err := io.ReadAll(c)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection stays")
			}
			if strings.Contains(string(all), "SIP/2.0 200") {
				t.Errorf("answered\n%s", all)
			}
		})
	}
}
