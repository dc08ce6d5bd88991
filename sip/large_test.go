package sip

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"tonegate/internal/siptest"
	"tonegate/sip/wire"
)

// large is a peer at one port of UDP and TCP, and a server whose trunk to it sends large requests over TCP.
type large struct {
	*loopback
	a, b *siptest.Phone
	peer Peer
	tcp  keeping
}

func (l *large) big() siptest.InviteOptions {
	o := plain
	o.Body = bigger(siptest.SDP{Address: netip.AddrPortFrom(hostCarrier, 4000), Codecs: []siptest.Codec{siptest.PCMU}}.Offer())
	return o
}

// bigger is a description with much that means nothing.
func bigger(sdp string) string {
	return sdp + strings.Repeat("a=x-filler:"+strings.Repeat("y", 80)+"\r\n", 14)
}

func newLarge(t *testing.T, change func(*setup)) *large {
	t.Helper()
	l := &large{tcp: keep(listening(t, hostPBX))}
	at := tcpAddr(l.tcp.Addr())
	socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	l.peer = Peer{Network: wire.UDP, Address: at}
	l.loopback = onLoopback(t, both(func(s *setup) { s.options.Trunks[1].LargeOverTCP = true }, change), l.peer)
	l.a = l.phone(hostCarrier, func(*siptest.Options) {})
	l.b = siptest.NewPhone(socket, siptest.Options{Name: "pbx", Peer: l.at, TB: t, Timeout: patience, Listener: l.tcp,
		SDP: siptest.SDP{Address: netip.AddrPortFrom(hostPBX, 4000), Codecs: []siptest.Codec{siptest.PCMU}}})
	t.Cleanup(func() { l.b.Close() })
	return l
}

func unchanged(*setup) {}

// went fails unless a message of the server went over a network, and says so.
func (l *large) went(m *siptest.Message, n wire.Network) {
	l.t.Helper()
	if via := "SIP/2.0/" + n.String() + " " + l.at.String() + ";branch="; !strings.HasPrefix(m.Header("Via"), via) {
		l.t.Errorf("%s: Via %s, want %s", m, m.Header("Via"), via)
	}
	if rport := strings.Contains(m.Header("Via"), ";rport"); rport != (n == wire.UDP) {
		l.t.Errorf("%s: Via %s", m, m.Header("Via"))
	}
	if c := m.Header("Contact"); c != "" && c != "<sip:"+l.at.String()+transport(n)+">" {
		l.t.Errorf("%s: Contact %s", m, c)
	}
	overUDP := m.Source == l.at // the server's TCP connections come from a port of their own
	if overUDP != (n == wire.UDP) {
		l.t.Errorf("%s came from %s", m, m.Source)
	}
}

func (l *large) counted(tcp, failed, udp float64) {
	l.t.Helper()
	for result, want := range map[string]float64{largeTCP: tcp, largeFailed: failed, largeUDP: udp} {
		if got := l.metric("tonegate_sip_large_requests_total", "pbx", result); got != want {
			l.t.Errorf("%v %s, want %v", got, result, want)
		}
	}
}

// RFC 3261 s18.1.1: over 1300 octets TCP, and the Via says so. The rest of
// the transaction goes the same way, and that of a dialog where the peer's Contact
// says: TCP here.
func TestS18_1_1LargeRequestGoesOverTCP(t *testing.T) {
	l := newLarge(t, unchanged)
	c := l.a.Invite(l.big())
	d := l.b.Accept()
	l.went(d.Invite, wire.TCP)
	if want := "INVITE sip:0312340001@" + l.peer.Address.String() + " SIP/2.0\r\n"; !strings.HasPrefix(string(d.Invite.Raw), want) {
		t.Errorf("%.80s, want %s", d.Invite.Raw, want)
	}
	d.Answer()
	c.Expect(200)
	c.Ack("")
	l.went(d.ExpectRequest("ACK").Message, wire.TCP)
	c.Reinvite("")
	again := d.ExpectRequest("INVITE")
	l.went(again.Message, wire.TCP)
	d.Answer()
	c.Expect(200)
	c.Ack("")
	l.went(d.ExpectRequest("ACK").Message, wire.TCP)
	c.Reinvite(l.big().Body)
	l.went(d.ExpectRequest("INVITE").Message, wire.TCP)
	d.Answer()
	c.Expect(200)
	c.Ack("")
	d.ExpectRequest("ACK")
	bye := c.Bye()
	l.went(d.ExpectRequest("BYE").Message, wire.TCP)
	bye.Expect(200)
	l.counted(1, 0, 0)
	l.clean(l.b)
	small := l.a.Invite(plain)
	d = l.b.Accept()
	l.went(d.Invite, wire.UDP)
	d.Respond(486, nil, "")
	small.Expect(486)
}

// clean fails if a phone has seen a rule broken.
func (l *large) clean(p *siptest.Phone) {
	l.t.Helper()
	if v := p.Violations(); len(v) > 0 {
		l.t.Errorf("%s: %q", p.Name(), v)
	}
}

// A peer that names TCP in its Contact is sent the rest of the dialog over it,
// however small (RFC 3263 s4.1): it may have nothing else.
func TestDialogOfALargeInviteGoesWhereItsContactSays(t *testing.T) {
	l := newLarge(t, unchanged)
	c := l.a.Invite(l.big())
	d := l.b.Accept()
	answer := siptest.SDP{Address: netip.AddrPortFrom(hostPBX, 4000), Codecs: []siptest.Codec{siptest.PCMU}}.Offer()
	d.Respond(200, []string{"Contact: <sip:b@" + l.peer.Address.String() + ";transport=tcp>"}, answer)
	c.Expect(200)
	c.Ack("")
	l.went(d.ExpectRequest("ACK").Message, wire.TCP)
	bye := c.Bye()
	l.went(d.ExpectRequest("BYE").Message, wire.TCP)
	bye.Expect(200)
	l.counted(1, 0, 0)
	l.clean(l.b)
}

func TestCancelAndAckFollowALargeInvite(t *testing.T) {
	l := newLarge(t, unchanged)
	c := l.a.Invite(l.big())
	d := l.b.Accept()
	d.Respond(180, nil, "")
	c.Expect(180)
	c.Cancel().Expect(200)
	cancel := d.ExpectRequest("CANCEL")
	l.went(cancel.Message, wire.TCP)
	if got, want := cancel.Header("Via"), d.Invite.Header("Via"); got != want {
		t.Errorf("CANCEL: Via %s, want %s", got, want)
	}
	c.Expect(487)
	c = l.a.Invite(l.big())
	d = l.b.Accept()
	d.Respond(486, nil, "")
	ack := d.ExpectRequest("ACK")
	l.went(ack.Message, wire.TCP)
	if got, want := ack.Header("Via"), d.Invite.Header("Via"); got != want {
		t.Errorf("ACK: Via %s, want %s", got, want)
	}
	c.Expect(486)
	l.until("calls do not end", func() bool { return l.server.Calls() == 0 })
	l.clean(l.b)
}

// The ACK that answers a late offer can be large; nobody answers it.
func TestLargeAckOfALateOffer(t *testing.T) {
	l := newLarge(t, unchanged)
	o := plain
	o.NoSDP = true
	c := l.a.Invite(o)
	d := l.b.Accept()
	d.Respond(200, nil, siptest.SDP{Address: netip.AddrPortFrom(hostPBX, 4000), Codecs: []siptest.Codec{siptest.PCMU}}.Offer())
	c.Expect(200)
	c.Ack(l.big().Body)
	l.went(d.ExpectRequest("ACK").Message, wire.TCP)
	hangUp(c, d)
}

func TestLargeRequestsGoOverUDPByDefault(t *testing.T) {
	l := newLarge(t, func(s *setup) { s.options.Trunks[1].LargeOverTCP = false })
	c := l.a.Invite(l.big())
	d := l.b.Accept()
	l.went(d.Invite, wire.UDP)
	d.Respond(486, nil, "")
	c.Expect(486)
	l.counted(0, 0, 0)
}

// RFC 3261 s18.1.1: a peer without TCP is sent the same over UDP, and is not asked again for a while.
func TestS18_1_1LargeRequestToAPeerWithoutTCP(t *testing.T) {
	l := newLarge(t, unchanged)
	l.tcp.Close()
	for range 3 {
		c := l.a.Invite(l.big())
		d := l.b.Accept()
		l.went(d.Invite, wire.UDP)
		d.Respond(180, nil, "")
		c.Expect(180)
		c.Cancel().Expect(200)
		c.Expect(487)
	}
	l.counted(1, 1, 2)
	l.clean(l.b)
}

// One that takes connections, and says nothing, and closes them, has no TCP either.
func TestLargeRequestToAPeerThatClosesTCP(t *testing.T) {
	l := newLarge(t, unchanged)
	go func() {
		for c := range l.tcp.conns {
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
	}()
	defer close(l.tcp.conns)
	c := l.a.Invite(l.big())
	var d *siptest.Call
	if d = l.b.Accept(); d.Invite.Source != l.at { // it was read before it was closed
		d = l.b.Accept()
	}
	l.went(d.Invite, wire.UDP)
	d.Respond(486, nil, "")
	c.Expect(486)
	l.b.Close()
	l.counted(1, 1, 0)
}

// TCP to an address that only a Contact names is not for us to open.
func TestLargeRequestToAContactStaysOnUDP(t *testing.T) {
	l := newLarge(t, unchanged)
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: hostPBX.AsSlice()})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	at := socket.LocalAddr().(*net.UDPAddr).AddrPort()
	c := l.a.Invite(plain)
	d := l.b.Accept()
	d.Respond(200, []string{"Contact: <sip:b@" + at.String() + ">"}, siptest.SDP{Address: netip.AddrPortFrom(hostPBX, 4000), Codecs: []siptest.Codec{siptest.PCMU}}.Offer())
	c.Expect(200)
	c.Ack("")
	c.Reinvite(l.big().Body)
	buf := make([]byte, 65535)
	for {
		n, _, err := socket.ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(buf[:n]); strings.HasPrefix(text, "INVITE ") {
			if n < pathMTU || !strings.Contains(text, "\r\nVia: SIP/2.0/UDP ") {
				t.Errorf("%d octets:\n%s", n, text)
			}
			break
		}
	}
	l.counted(0, 0, 0)
}

// What a request says of its body is left alone.
func TestReaddressed(t *testing.T) {
	udp := flow{through: &listener{Listen: Listen{Network: wire.UDP}, sentBy: "[2001:db8::1]:5060"}}
	tcp := flow{through: &listener{Listen: Listen{Network: wire.TCP}, sentBy: "[2001:db8::1]:5070"}}
	body := "v=0\r\nVia: SIP/2.0/UDP [2001:db8::1]:5060;branch=z\r\n\r\nContact: <sip:[2001:db8::1]:5060>\r\n"
	const rest = "\r\nFrom: <sip:a@[2001:db8::1]:5060>;tag=a\r\nContent-Length: 99\r\n\r\n"
	was := "BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bKa;rport\r\nContact: <sip:[2001:db8::1]:5060>" + rest + body
	is := "BYE sip:x SIP/2.0\r\nVia: SIP/2.0/TCP [2001:db8::1]:5070;branch=z9hG4bKa\r\nContact: <sip:[2001:db8::1]:5070;transport=tcp>" + rest + body
	if got := string(readdressed([]byte(was), udp, tcp)); got != is {
		t.Errorf("got\n%s\nwant\n%s", got, is)
	}
	if got := string(readdressed([]byte(is), tcp, udp)); got != was {
		t.Errorf("and back\n%s", got)
	}
	if got := string(readdressed([]byte("\r\n\r\n"), udp, tcp)); got != "\r\n\r\n" {
		t.Errorf("%q", got)
	}
}
