package sip

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tonegate/sip/wire"
)

func TestCallsOverTLSBothWays(t *testing.T) {
	ca := newAuthority(t)
	carrierAt := answering(t, hostCarrier, serving(ca.issue("carrier", hostCarrier)))
	pbxAt := answering(t, hostPBX, serving(ca.issue("pbx", hostUs, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"pbx.example.jp"} })))
	s := overTLS(t, ca, func(s *setup) {
		s.options.Trunks[0].Peers = []Peer{{Network: wire.TLS, Address: tcpAddr(carrierAt.Addr()), Authorities: ca.trusted()}}
	}, Peer{Network: wire.TLS, Address: tcpAddr(pbxAt.Addr()), Name: "pbx.example.jp", Authorities: ca.trusted()})
	toUs, back := s.caller(hostCarrier, s.connect(hostCarrier)), s.callee(hostPBX, pbxAt)
	outward, home := s.caller(hostPBX, s.connect(hostPBX)), s.callee(hostCarrier, carrierAt)
	for i := range 10 {
		a, b, o := toUs, back, plain
		if i%2 == 1 {
			a, b, o.To, o.From = outward, home, "09012345678", "0312340001"
		}
		c := a.Invite(o)
		d := b.Accept()
		d.Respond(180, nil, "")
		d.Answer()
		ok := c.Expect(200)
		c.Ack("")
		d.ExpectRequest("ACK")
		for what, got := range map[string]string{"Contact on leg A": ok.Header("Contact"), "Contact on leg B": d.Invite.Header("Contact")} {
			if want := "<sip:" + s.at.String() + ";transport=tls>"; got != want {
				t.Errorf("%s %s, want %s", what, got, want)
			}
		}
		if got, want := d.Invite.Header("Via"), "SIP/2.0/TLS "+s.at.String()+";"; !strings.HasPrefix(got, want) {
			t.Errorf("Via %s", got)
		}
		bye := d.Bye()
		c.ExpectRequest("BYE")
		bye.Expect(200)
	}
	if n := s.connections(); n != 4 {
		t.Errorf("%d connections for two callers and two callees", n)
	}
	if n := s.log.count("WARN"); n > 0 {
		t.Errorf("log:\n%s", &s.log.text)
	}
}

// A peer that cannot prove who it is gets no call, at once, and the log says why.
func TestPeerThatIsNotWhoItShouldBe(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	for name, c := range map[string]struct {
		config *tls.Config
		change func(*Peer)
		want   string
	}{
		"wrong authority":  {config: serving(other.issue("pbx", hostPBX)), want: "unknown authority"},
		"wrong address":    {config: serving(ca.issue("pbx", hostSpare)), want: "127.0.0.4, not 127.0.0.3"},
		"wrong name":       {config: serving(ca.issue("pbx", hostPBX)), change: func(p *Peer) { p.Name = "pbx.example.jp" }, want: "not valid for any names, but wanted to match pbx.example.jp"},
		"expired":          {config: serving(ca.issue("pbx", hostPBX, expired)), want: "certificate has expired"},
		"system's roots":   {config: serving(ca.issue("pbx", hostPBX)), change: func(p *Peer) { p.Authorities = nil }, want: "unknown authority"},
		"TLS 1.1":          {config: &tls.Config{Certificates: serving(ca.issue("pbx", hostPBX)).Certificates, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, want: "protocol version"},
		"not for a server": {config: serving(ca.issue("pbx", hostPBX, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })), want: "incompatible key usage"},
		// Who learns only after the handshake of TLS 1.3 that our own certificate is refused: by the peer's alert, or,
		// when our request has crossed it, by a reset that takes the alert with it.
		"our certificate refused": {config: &tls.Config{Certificates: serving(ca.issue("pbx", hostPBX)).Certificates, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: other.pool()}, want: "came to nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			listener := answering(t, hostPBX, c.config)
			heard := make(chan string, 10)
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						close(heard)
						return
					}
					b, _ := io.ReadAll(conn)
					heard <- string(b)
					conn.Close()
				}
			}()
			p := Peer{Network: wire.TLS, Address: tcpAddr(listener.Addr()), Authorities: ca.trusted()}
			if c.change != nil {
				c.change(&p)
			}
			good := answering(t, hostSpare, serving(ca.issue("spare", hostSpare)))
			s := overTLS(t, ca, nil, p, Peer{Network: wire.TLS, Address: tcpAddr(good.Addr()), Authorities: ca.trusted()})
			a, b := s.caller(hostCarrier, s.connect(hostCarrier)), s.callee(hostSpare, good)
			began := time.Now()
			call := a.Invite(plain)
			b.Accept().Respond(486, nil, "") // the next target
			call.Expect(486)
			if took := time.Since(began); took > streamOpenTime/2 {
				t.Errorf("it took %v to go on to the next target", took)
			}
			s.log.expect(t, c.want)
			listener.Close()
			for text := range heard {
				if text != "" {
					t.Errorf("it was sent\n%s", text)
				}
			}
		})
	}
}

// Plain SIP where TLS is expected, in both directions.
func TestPlainBytesOnTLSPorts(t *testing.T) {
	ca := newAuthority(t)
	listener, err := net.Listen("tcp", "127.0.0.3:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	heard := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "SIP/2.0 400 Bad Request\r\n\r\n")
		b, _ := io.ReadAll(conn)
		heard <- string(b)
	}()
	s := overTLS(t, ca, nil, Peer{Network: wire.TLS, Address: tcpAddr(listener.Addr()), Authorities: ca.trusted()})
	a := s.caller(hostCarrier, s.connect(hostCarrier))
	a.Invite(plain).Expect(500)
	if text := <-heard; strings.Contains(text, "INVITE") {
		t.Errorf("a call left in plain text:\n%s", text)
	}
	s.log.expect(t, "first record does not look like a TLS handshake")

	before := s.log.count("direction=in")
	conn := s.dial(hostCarrier)
	io.WriteString(conn, options(1, s.at, ""))
	ended(t, conn, "SIP/2.0")
	for end := time.Now().Add(patience); s.log.count("direction=in") == before || s.metric("tonegate_sip_dropped_total", "handshake") == 0; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("not in the log")
		}
	}
	if n := s.metric("tonegate_sip_dropped_total", "handshake"); n != 1 {
		t.Errorf("%v handshakes counted", n)
	}
}

// ended reads a connection to its end, where it may not have said a thing.
func ended(t *testing.T, c net.Conn, not string) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(patience))
	b, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is kept")
	}
	if strings.Contains(string(b), not) {
		t.Errorf("it was answered\n%s", b)
	}
}

func TestClientsMustShowACertificate(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	s := overTLS(t, ca, func(s *setup) { s.options.Listen[0].Clients = ca.trusted() })
	for name, c := range map[string]struct {
		shown []*Certificate
		max   uint16
		want  string
	}{
		"none":            {want: "client didn't provide a certificate"},
		"none, TLS 1.2":   {max: tls.VersionTLS12, want: "client didn't provide a certificate"},
		"wrong authority": {shown: []*Certificate{other.issue("carrier", hostCarrier)}, want: "unknown authority"},
		"expired":         {shown: []*Certificate{ca.issue("old", hostCarrier, expired)}, want: "certificate has expired"},
		"TLS 1.1":         {shown: []*Certificate{ca.issue("carrier", hostCarrier)}, max: tls.VersionTLS11, want: "unsupported versions"},
	} {
		t.Run(name, func(t *testing.T) {
			config := &tls.Config{RootCAs: ca.pool(), ServerName: hostUs.String(), MinVersion: tls.VersionTLS10, MaxVersion: c.max}
			for _, shown := range c.shown { // also when the server asks for another authority's
				config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown.files.value.Load(), nil }
			}
			conn := tls.Client(s.dial(hostCarrier), config)
			conn.SetDeadline(time.Now().Add(patience))
			if err := conn.Handshake(); err == nil { // with TLS 1.3 the refusal comes after it
				io.WriteString(conn, options(1, s.at, ""))
				ended(t, conn, "SIP/2.0")
			} else if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection is kept")
			}
			s.log.expect(t, c.want)
		})
	}
	conn := s.connect(hostCarrier, ca.issue("carrier", hostCarrier))
	io.WriteString(conn, options(2, s.at, ""))
	hears(t, conn, bufio.NewReader(conn), "200")
}

func TestStalledHandshakesKeepNobodyWaiting(t *testing.T) {
	ca := newAuthority(t)
	s := overTLS(t, ca, nil)
	began := time.Now()
	var stalled []net.Conn
	for range maxStreamsPer {
		stalled = append(stalled, s.dial(hostCarrier))
	}
	for end := time.Now().Add(patience); s.connections() < maxStreamsPer && time.Now().Before(end); {
		runtime.Gosched()
	}
	ended(t, s.dial(hostCarrier), "SIP") // each of them counts as a connection
	if time.Since(began) > streamOpenTime/2 {
		t.Error("the one too many had to wait")
	}
	conn := s.connect(hostPBX)
	io.WriteString(conn, options(1, s.at, ""))
	hears(t, conn, bufio.NewReader(conn), "200")
	if took := time.Since(began); took > streamOpenTime/2 {
		t.Errorf("another peer had to wait %v", took)
	}
	for _, c := range stalled {
		ended(t, c, "SIP")
	}
	if took := time.Since(began); took < streamOpenTime || took > streamOpenTime+patience/2 {
		t.Errorf("they were let go after %v", took)
	}
	for end := time.Now().Add(patience); s.connections() > 1 && time.Now().Before(end); {
		runtime.Gosched()
	}
	if n := s.connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestShutdownEndsHandshakes(t *testing.T) {
	ca := newAuthority(t)
	s := overTLS(t, ca, nil)
	c := s.dial(hostCarrier)
	for end := time.Now().Add(patience); s.connections() < 1 && time.Now().Before(end); {
		runtime.Gosched()
	}
	began := time.Now()
	s.server.listeners[0].close()
	ended(t, c, "SIP")
	if took := time.Since(began); took > streamOpenTime/2 {
		t.Errorf("it took %v", took)
	}
}

// New files are shown to those who connect from then on; a call that is up
// does not notice. Files that cannot be used change nothing.
func TestCertificateIsReplacedDuringACall(t *testing.T) {
	ca, next := newAuthority(t), newAuthority(t)
	listener := answering(t, hostPBX, serving(ca.issue("pbx", hostPBX)))
	s := overTLS(t, ca, nil, Peer{Network: wire.TLS, Address: tcpAddr(listener.Addr()), Authorities: ca.trusted()})
	a, b := s.caller(hostCarrier, s.connect(hostCarrier)), s.callee(hostPBX, listener)
	c := a.Invite(plain)
	d := b.Accept()
	d.Answer()
	c.Expect(200)
	c.Ack("")
	d.ExpectRequest("ACK")

	files := &s.server.options.Listen[0].Certificate.files
	serial := func() string {
		files.mu.Lock()
		files.next = time.Time{} // two seconds have gone by
		files.mu.Unlock()
		return s.connect(hostCarrier).ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	first := serial()
	key := filepath.Join(ca.dir, "us.key")
	for _, broken := range []string{"", "-----BEGIN PRIVATE KEY-----\n", "gone"} {
		if err := os.WriteFile(key, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		if broken == "gone" {
			os.Remove(key)
		}
		before := s.log.count("cannot be used")
		for range 3 {
			if got := serial(); got != first {
				t.Fatalf("with %q, %s is shown", broken, got)
			}
		}
		if n := s.log.count("cannot be used") - before; n != 1 {
			t.Errorf("%q: %d log lines", broken, n)
		}
	}
	ca.issue("us", hostUs)
	if got := serial(); got == first {
		t.Error("the old certificate is shown")
	}
	if s.log.count("are in force") != 1 {
		t.Errorf("log:\n%s", &s.log.text)
	}

	c.Reinvite("")
	d.ExpectRequest("INVITE")
	d.Answer()
	c.Expect(200)
	c.Ack("")
	d.ExpectRequest("ACK")
	bye := c.Bye()
	d.ExpectRequest("BYE")
	bye.Expect(200)

	// So are the authorities that a peer is held to.
	b.Close()
	for end := time.Now().Add(patience); s.server.listeners[0].streams.has(tcpAddr(listener.Addr())) && time.Now().Before(end); {
		runtime.Gosched()
	}
	data, err := os.ReadFile(filepath.Join(next.dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(ca.dir, "ca.pem"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := tls.Listen("tcp", listener.Addr().String(), serving(next.issue("pbx", hostPBX)))
	if err != nil {
		t.Fatal(err)
	}
	s.server.trunks["pbx"].Peers[0].Authorities.files.next = time.Time{}
	b = s.callee(hostPBX, again)
	c = a.Invite(plain)
	b.Accept().Respond(486, nil, "")
	c.Expect(486)
}

func (s *streams) has(a netip.AddrPort) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[a] != nil
}

// Whoever could pretend to be a trunk without TLS is not heard.
func TestTrunkOverTLSIsNotHeardWithout(t *testing.T) {
	ca := newAuthority(t)
	s := overTLS(t, ca, nil, Peer{Network: wire.TLS, Address: netip.AddrPortFrom(hostPBX, 5061), Authorities: ca.trusted()})
	tcp, udp := s.server.options.Listen[1].Address, s.server.options.Listen[2].Address
	plainTCP, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: hostPBX.AsSlice()}, Timeout: patience}).Dial("tcp", tcp.String())
	if err != nil {
		t.Fatal(err)
	}
	defer plainTCP.Close()
	datagrams, err := net.DialUDP("udp", &net.UDPAddr{IP: hostPBX.AsSlice()}, net.UDPAddrFromAddrPort(udp))
	if err != nil {
		t.Fatal(err)
	}
	defer datagrams.Close()
	io.WriteString(plainTCP, options(1, s.at, ""))
	io.WriteString(datagrams, strings.Replace(options(2, s.at, ""), "/TCP", "/UDP", 1))
	for end := time.Now().Add(patience); s.metric("tonegate_sip_dropped_total", "stranger") < 2; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("they were heard")
		}
	}
	conn := s.connect(hostPBX)
	io.WriteString(conn, options(3, s.at, ""))
	hears(t, conn, bufio.NewReader(conn), "200")
}

// Who connected to us is not connected to: only the peers that are configured
// have a name to be held to.
func TestCallerWhoseConnectionIsGoneIsNotDialled(t *testing.T) {
	ca := newAuthority(t)
	listener := answering(t, hostPBX, serving(ca.issue("pbx", hostPBX)))
	s := overTLS(t, ca, nil, Peer{Network: wire.TLS, Address: tcpAddr(listener.Addr()), Authorities: ca.trusted()})
	conn := s.connect(hostCarrier)
	a, b := s.caller(hostCarrier, conn), s.callee(hostPBX, listener)
	c := a.Invite(plain)
	d := b.Accept()
	d.Answer()
	c.Expect(200)
	c.Ack("")
	d.ExpectRequest("ACK")
	port := conn.LocalAddr().(*net.TCPAddr)
	a.Close()
	for end := time.Now().Add(patience); s.server.listeners[0].streams.has(tcpAddr(port)) && time.Now().Before(end); {
		runtime.Gosched()
	}
	trap, err := net.ListenTCP("tcp", port)
	if err != nil {
		t.Fatal(err)
	}
	bye := d.Bye()
	bye.Expect(200)
	s.drained()
	trap.SetDeadline(time.Now())
	if c, err := trap.Accept(); err == nil {
		t.Errorf("%s connected", c.RemoteAddr())
	}
	trap.Close()
	if _, err := s.server.listeners[0].streams.security.client(netip.AddrPortFrom(hostPBX, 1)); !errors.Is(err, errNoPeer) {
		t.Error(err)
	}
}
