package sip

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"tonegate/internal/siptest"
	"tonegate/sip/wire"
)

// listening is a peer that connections are accepted at.
func listening(t *testing.T, at netip.Addr) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", netip.AddrPortFrom(at, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func overTCP(l net.Listener) Peer { return Peer{Network: wire.TCP, Address: tcpAddr(l.Addr())} }

// carrierAt gives the carrier's trunk these peers.
func carrierAt(peers ...Peer) func(*setup) {
	return func(s *setup) { s.options.Trunks[0].Peers = peers }
}

// forgets waits until the server knows that a connection has gone.
func (l *loopback) forgets(remote netip.AddrPort) {
	l.t.Helper()
	l.until("a connection is still known", func() bool { return !l.server.listeners[0].streams.has(remote) })
}

func (l *loopback) until(problem string, done func() bool) {
	l.t.Helper()
	for end := time.Now().Add(patience); !done(); runtime.Gosched() {
		if time.Now().After(end) {
			l.t.Fatal(problem)
		}
	}
}

// talk sets a call up.
func talk(a, b *siptest.Phone) (c, d *siptest.Call) {
	c = a.Invite(plain)
	d = b.Accept()
	d.Answer()
	c.Expect(200)
	c.Ack("")
	d.ExpectRequest("ACK")
	return c, d
}

// keeping is a listener that keeps what it accepts, so that a test can close it.
type keeping struct {
	net.Listener
	conns chan net.Conn
}

func keep(l net.Listener) keeping { return keeping{l, make(chan net.Conn, 100)} }

func (l keeping) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.conns <- c
	}
	return c, err
}

func TestCallerClosesItsConnectionInTheTalk(t *testing.T) {
	home, pbx := keep(listening(t, hostCarrier)), listening(t, hostPBX)
	l := onLoopback(t, carrierAt(overTCP(home)), overTCP(pbx))
	conn := l.dial(hostCarrier)
	a := l.phone(hostCarrier, func(o *siptest.Options) { o.Stream, o.Listener = conn, home })
	b := l.phone(hostPBX, func(o *siptest.Options) { o.Listener = pbx })
	c, d := talk(a, b)
	conn.Close()
	l.forgets(tcpAddr(conn.LocalAddr()))
	d.Reinvite("") // opens the connection
	c.ExpectRequest("INVITE")
	c.Answer()
	d.Expect(200)
	d.Ack("")
	c.ExpectRequest("ACK")
	bye := d.Bye() // takes the same
	c.ExpectRequest("BYE")
	bye.Expect(200)
	if n := len(home.conns); n != 1 {
		t.Errorf("%d connections to the caller", n)
	}
}

func TestCalleeClosesItsConnectionInTheTalk(t *testing.T) {
	pbx := keep(listening(t, hostPBX))
	l := onLoopback(t, nil, overTCP(pbx))
	a := l.phone(hostCarrier, func(o *siptest.Options) { o.Stream = l.dial(hostCarrier) })
	b := l.phone(hostPBX, func(o *siptest.Options) { o.Listener = pbx })
	c, d := talk(a, b)
	(<-pbx.conns).Close()
	l.forgets(tcpAddr(pbx.Addr()))
	bye := c.Bye()
	d.ExpectRequest("BYE")
	bye.Expect(200)
}

// The peer that is connected to again is held to its name again.
func TestConnectionsOverTLSAreOpenedAgain(t *testing.T) {
	ca := newAuthority(t)
	named := func(name string) *tls.Config {
		return serving(ca.issue(name, hostUs, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{name} }))
	}
	names := make(chan string, 10)
	listen := func(at netip.Addr, name string) (keeping, Peer) {
		config := named(name)
		config.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			names <- h.ServerName
			return nil, nil
		}
		l := keep(answering(t, at, config))
		return l, Peer{Network: wire.TLS, Address: tcpAddr(l.Addr()), Name: name, Authorities: ca.trusted()}
	}
	home, caller := listen(hostCarrier, "carrier.example.jp")
	pbx, callee := listen(hostPBX, "pbx.example.jp")
	s := overTLS(t, ca, carrierAt(caller), callee)
	conn := s.connect(hostCarrier)
	a := s.phone(hostCarrier, func(o *siptest.Options) { o.Stream, o.Listener = conn, home })
	b := s.callee(hostPBX, pbx)
	c, d := talk(a, b)
	conn.Close()
	s.forgets(tcpAddr(conn.LocalAddr()))
	d.Reinvite("")
	c.ExpectRequest("INVITE")
	c.Answer()
	d.Expect(200)
	d.Ack("")
	c.ExpectRequest("ACK")
	(<-pbx.conns).Close()
	s.forgets(tcpAddr(pbx.Addr()))
	s.drained()
	c.ExpectRequest("BYE")
	d.ExpectRequest("BYE")
	for _, want := range []string{"pbx.example.jp", "carrier.example.jp", "pbx.example.jp"} {
		if got := <-names; got != want {
			t.Errorf("connected to %s, want %s", got, want)
		}
	}
	if s.log.count("came to nothing") > 0 {
		t.Errorf("log:\n%s", &s.log.text)
	}
}

// A caller that nobody can connect to is reached over what it has opened since.
func TestRequestsTakeTheLatestConnectionOfTheMachine(t *testing.T) {
	pbx := listening(t, hostPBX)
	l := onLoopback(t, nil, overTCP(pbx))
	conn := l.dial(hostCarrier)
	a := l.phone(hostCarrier, func(o *siptest.Options) { o.Stream, o.Lenient = conn, true })
	b := l.phone(hostPBX, func(o *siptest.Options) { o.Listener = pbx })
	_, d := talk(a, b)
	older, other, latest := l.dial(hostCarrier), l.dial(hostPBX), l.dial(hostCarrier)
	for i, c := range []net.Conn{older, other, latest} {
		io.WriteString(c, options(i, l.at, ""))
		hears(t, c, bufio.NewReader(c), "200")
	}
	conn.Close()
	l.forgets(tcpAddr(conn.LocalAddr()))
	d.Bye().Expect(200)
	latest.SetReadDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(latest).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "BYE ") {
		t.Errorf("%q, %v", line, err)
	}
}

// A trunk whose peers are reached over UDP may still call over TCP, which RFC 3261 s18.1.1 tells it to do.
func TestRequestsLeaveOverUDPWhenTheConnectionOfACallerIsGone(t *testing.T) {
	pbx := listening(t, hostPBX)
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: hostCarrier.AsSlice()})
	if err != nil {
		t.Fatal(err)
	}
	first := Peer{Network: wire.UDP, Address: netip.AddrPortFrom(hostSpare, 9)} // on another machine
	peer := Peer{Network: wire.UDP, Address: socket.LocalAddr().(*net.UDPAddr).AddrPort()}
	l := onLoopback(t, carrierAt(first, peer), overTCP(pbx))
	conn := l.dial(hostCarrier)
	a := siptest.NewPhone(socket, siptest.Options{Name: "carrier", Peer: l.at, TB: t, Timeout: patience, Stream: conn,
		SDP: siptest.SDP{Address: netip.AddrPortFrom(hostCarrier, 4000), Codecs: []siptest.Codec{siptest.PCMU}}})
	defer a.Close()
	b := l.phone(hostPBX, func(o *siptest.Options) { o.Listener = pbx })
	c, d := talk(a, b)
	conn.Close()
	l.forgets(tcpAddr(conn.LocalAddr()))
	d.Reinvite("")
	invite := c.ExpectRequest("INVITE")
	for name, want := range map[string]string{"Via": "SIP/2.0/UDP " + l.at.String() + ";branch=", "Contact": "<sip:" + l.at.String() + ">"} {
		if got := invite.Header(name); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	c.Answer()
	d.Expect(200)
	d.Ack("")
	if ack := c.ExpectRequest("ACK"); !strings.HasPrefix(ack.Header("Via"), "SIP/2.0/UDP ") {
		t.Errorf("ACK: Via %s", ack.Header("Via"))
	}
	bye := d.Bye()
	c.ExpectRequest("BYE")
	bye.Expect(200)
}

func TestResponsesFollowACallerWhoseConnectionIsGone(t *testing.T) {
	home, pbx, elsewhere := listening(t, hostCarrier), listening(t, hostPBX), newTrap(t)
	l := onLoopback(t, func(s *setup) {
		s.options.Trunks[0].Peers = []Peer{overTCP(home)}
		s.options.Trunks[0].Accept = append(s.options.Trunks[0].Accept, netip.PrefixFrom(hostSpare, 32))
		s.options.Trunks[1].Accept = s.options.Trunks[1].Accept[:1]
	}, overTCP(pbx))
	b := l.phone(hostPBX, func(o *siptest.Options) { o.Listener = pbx })
	conn := l.dial(hostCarrier)
	a := l.phone(hostCarrier, func(o *siptest.Options) { o.Stream, o.Listener = conn, home })
	c := a.Invite(plain)
	d := b.Accept()
	conn.Close()
	l.forgets(tcpAddr(conn.LocalAddr()))
	d.Respond(180, nil, "")
	c.Expect(180)
	d.Respond(486, nil, "")
	c.Expect(486)
	// Another machine of the trunk, where no peer is: nobody connects to it.
	conn = l.dial(hostSpare)
	conn.(*net.TCPConn).SetLinger(0) // its port is free at once
	at := tcpAddr(conn.LocalAddr())
	a = l.phone(hostSpare, func(o *siptest.Options) { o.Stream = conn })
	o := plain
	o.Headers = []string{"Contact: <sip:a@" + elsewhere.Addr().String() + ";transport=tcp>"}
	a.Invite(o)
	d = b.Accept()
	conn.Close()
	l.forgets(at)
	port, err := net.Listen("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	d.Respond(486, nil, "")
	l.until("the call does not end", func() bool { return l.server.Calls() == 0 })
	port.(*net.TCPListener).SetDeadline(time.Now())
	if c, err := port.Accept(); err == nil {
		t.Errorf("%s connected", c.RemoteAddr())
	}
	elsewhere.spring(t)
}

// Within a dialog the connection it came on comes first, then one to the
// configured peer on that machine, then the latest of that machine; at its
// start only one to the peer counts.
func TestWhichConnectionARequestTakes(t *testing.T) {
	at := netip.MustParseAddrPort
	s := &streams{conns: map[netip.AddrPort]*stream{}}
	for i, a := range []string{"192.0.2.1:1001", "192.0.2.1:1002", "192.0.2.1:5060", "192.0.2.1:1004", "192.0.2.2:5060", "192.0.2.2:1006", "192.0.2.3:1007"} {
		s.conns[at(a)] = &stream{remote: at(a), number: uint64(i)}
		s.conns[at(a)].heard.Store(1)
	}
	silent := at("192.0.2.1:1099") // still agreeing on keys, say
	s.conns[silent] = &stream{remote: silent, number: 99}
	for _, c := range []struct{ remote, home, want string }{
		{"192.0.2.1:1001", "192.0.2.1:5060", "192.0.2.1:1001"},
		{"192.0.2.1:9999", "192.0.2.1:5060", "192.0.2.1:5060"},
		{"192.0.2.1:9999", "192.0.2.1:5070", "192.0.2.1:1004"},
		{"192.0.2.1:9999", "192.0.2.2:5060", "192.0.2.1:1004"},
		{"192.0.2.1:9999", "", "192.0.2.1:1004"},
		{"192.0.2.3:9999", "", "192.0.2.3:1007"},
		{"192.0.2.4:9999", "192.0.2.2:5060", ""}, // nobody on that machine: the peer is connected to
		{"192.0.2.4:9999", "", ""},
		{"192.0.2.1:5070", "192.0.2.1:5070", ""}, // the start of a dialog
		{"192.0.2.1:5060", "192.0.2.1:5060", "192.0.2.1:5060"},
	} {
		f := flow{remote: at(c.remote)}
		if c.home != "" {
			f.home = at(c.home)
		}
		got := ""
		if c := s.live(f); c != nil {
			got = c.remote.String()
		}
		if got != c.want {
			t.Errorf("to %s, home %s: %q, want %q", c.remote, c.home, got, c.want)
		}
		if want := c.want != "" || c.home != ""; s.reaches(f) != want {
			t.Errorf("to %s, home %s: reached is %v", c.remote, c.home, !want)
		}
	}
}
