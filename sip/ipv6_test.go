package sip

import (
	"crypto/tls"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
	"tonegate/media"
	"tonegate/sip/wire"
)

// The PBX's side of the world in IPv6.
var (
	hostUs6  = netip.MustParseAddr("2001:db8::1")
	hostPBX6 = netip.MustParseAddr("2001:db8::3")
)

// pbxOverIPv6 leaves the carrier where it is.
func pbxOverIPv6(s *setup) {
	s.options.Listen = append(s.options.Listen, Listen{Network: wire.UDP, Address: netip.AddrPortFrom(hostUs6, sipPort)})
	t := &s.options.Trunks[1]
	t.Peers = []Peer{{Network: wire.UDP, Address: netip.AddrPortFrom(hostPBX6, sipPort)}}
	t.Accept = []netip.Prefix{netip.MustParsePrefix("2001:db8::/124")}
	t.Media = hostUs6
}

// six is a phone of the PBX over IPv6.
func (w *world) six() (*siptest.Phone, *siptest.Voice) {
	p, v := w.phone(hostPBX6, siptest.Options{Name: "pbx6", Peer: netip.AddrPortFrom(hostUs6, sipPort), TB: w.t, Timeout: 200 * time.Second}, siptest.VoiceOptions{})
	w.t.Cleanup(func() { p.Close(); v.Close() })
	return p, v
}

func (w *world) contains(text, want string) {
	w.t.Helper()
	if !strings.Contains(text, want) {
		w.t.Errorf("no %q in\n%s", want, text)
	}
}

func TestCallsBetweenIPv4AndIPv6(t *testing.T) {
	inWorld(t, pbxOverIPv6, func(w *world) {
		pbx, voice := w.six()
		defer func() { pbx.Close(); voice.Close() }()
		a := w.carrier.Invite(forwarded)
		b := pbx.Accept()
		for _, want := range []string{"INVITE sip:0312340001@[2001:db8::3]:5060 SIP/2.0\r\n", "\r\nVia: SIP/2.0/UDP [2001:db8::1]:5060;branch=",
			"\r\nContact: <sip:[2001:db8::1]:5060>\r\n", "\r\nTo: <sip:0312340001@[2001:db8::3]:5060>\r\n", "@[2001:db8::1]:5060>;tag=", "\r\nc=IN IP6 2001:db8::1\r\n", " IN IP6 2001:db8::1\r\ns="} {
			w.contains(string(b.Invite.Raw), want)
		}
		if strings.Contains(b.Invite.Body, "127.0.0") || strings.Contains(b.Invite.Body, "IP4") {
			t.Errorf("leg A shows through:\n%s", b.Invite.Body)
		}
		b.Respond(180, nil, "")
		b.Answer()
		ok := a.Expect(200)
		w.contains(string(ok.Raw), "\r\nContact: <sip:127.0.0.1:5060>\r\n")
		w.contains(ok.Body, "\r\nc=IN IP4 127.0.0.1\r\n")
		if strings.Contains(ok.Body, "IP6") || strings.Contains(ok.Body, "2001:") {
			t.Errorf("leg B shows through:\n%s", ok.Body)
		}
		a.Ack("")
		b.ExpectRequest("ACK")
		time.Sleep(1500 * time.Millisecond) // the tone at the answer
		said, answered := speech(50, 1), speech(50, 7)
		voice.Say(said)
		w.carrierVoice.Say(answered)
		voice.Wait()
		w.carrierVoice.Wait()
		time.Sleep(50 * time.Millisecond)
		w.endsWith(w.carrierVoice, frames(said))
		w.endsWith(voice, frames(answered))

		b.Reinvite(described(voice, "sendonly", 1))
		hold := a.ExpectRequest("INVITE")
		w.contains(hold.Body, "\r\nc=IN IP4 127.0.0.1\r\n")
		a.Answer()
		w.contains(b.Expect(200).Body, "\r\nc=IN IP6 2001:db8::1\r\n")
		b.Ack("")
		a.ExpectRequest("ACK")
		bye := b.Bye()
		a.ExpectRequest("BYE")
		bye.Expect(200)
		w.want("completed callee_hung_up 200, before caller 50 whole, answer callee 50 whole")

		// And the other way.
		c := pbx.Invite(siptest.InviteOptions{To: "09012345678", From: "0312340001"})
		d := w.carrier.Accept()
		w.contains(string(d.Invite.Raw), "\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=")
		w.contains(d.Invite.Body, "\r\nc=IN IP4 127.0.0.1\r\n")
		d.Respond(180, nil, "")
		w.contains(string(c.Expect(180).Raw), "\r\nContact: <sip:[2001:db8::1]:5060>\r\n")
		c.Cancel().Expect(200)
		c.Expect(487)
		w.want("cancelled caller_cancelled 487")
		if r := w.records.all()[0]; r.Notices[1].SentTo != voice.Addr().String() {
			t.Errorf("%+v", r.Notices)
		}
		if v := pbx.Violations(); len(v) > 0 {
			t.Errorf("violations %q", v)
		}
	})
}

// RFC 5118 s4.5 and RFC 3261 s25.1: no brackets in received.
func TestReceivedOverIPv6(t *testing.T) {
	inWorld(t, both(toneless, pbxOverIPv6), func(w *world) {
		pbx, voice := w.six()
		defer func() { pbx.Close(); voice.Close() }()
		for via, want := range map[string]string{
			"[2001:db8::9]:5060;rport;branch=z9hG4bKa":                       "[2001:db8::9]:5060;branch=z9hG4bKa;received=2001:db8::3;rport=5060",
			"[2001:db8::3]:5060;branch=z9hG4bKb":                             "[2001:db8::3]:5060;branch=z9hG4bKb",
			"[2001:0DB8:0:0::3]:5060;branch=z9hG4bKc":                        "[2001:0DB8:0:0::3]:5060;branch=z9hG4bKc",
			"[2001:db8::3];branch=z9hG4bKd;received=[2001:db8::9]":           "[2001:db8::3];branch=z9hG4bKd",
			"pbx.example.jp:5060;branch=z9hG4bKe;received=2001:db8::9;rport": "pbx.example.jp:5060;branch=z9hG4bKe;received=2001:db8::3;rport=5060",
		} {
			raw := string(request("OPTIONS sip:[2001:db8::1]:5060 SIP/2.0", "1 OPTIONS", "", ""))
			before, after, _ := strings.Cut(raw, "Via: ")
			_, after, _ = strings.Cut(after, "\r\n")
			pbx.SendRaw([]byte(before + "Via: SIP/2.0/UDP " + via + "\r\n" + after))
			m := pbx.Receive()
			if got := m.Header("Via"); m.Code != 200 || got != "SIP/2.0/UDP "+want {
				t.Errorf("%d, Via %s\nwant %s", m.Code, got, want)
			}
		}
	})
}

// Requests within a call follow an IPv6 Contact, and stay on the family of their socket.
func TestContactOverIPv6(t *testing.T) {
	for contact, want := range map[string]string{
		"<sip:b@[2001:db8::3]:5070>":    "[2001:db8::3]:5070",
		"<sip:b@[2001:DB8:0::3]>":       "[2001:db8::3]:5060",
		"<sip:b@[2001:db8::ffff]:5060>": "[2001:db8::3]:5060", // a stranger
		"<sip:b@192.0.2.3:5070>":        "[2001:db8::3]:5060", // the trunk's, but of the other family
	} {
		t.Run(contact, func(t *testing.T) {
			inWorld(t, both(toneless, pbxOverIPv6, func(s *setup) {
				s.options.Trunks[1].Accept = append(s.options.Trunks[1].Accept, netip.MustParsePrefix("192.0.2.3/32"))
			}), func(w *world) {
				w.lossy = true // the call ends as it may
				pbx, voice := w.six()
				defer func() { pbx.Close(); voice.Close() }()
				var to []string
				w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
					if p.From.Addr() == hostUs6 && strings.HasPrefix(string(p.Data), "ACK ") {
						to = append(to, p.To.String())
					}
					return simnet.Pass
				})
				a := w.carrier.Invite(plain)
				b := pbx.Accept()
				b.Respond(200, []string{"Contact: " + contact}, described(voice, "", 0))
				a.Expect(200)
				a.Ack("")
				time.Sleep(100 * time.Millisecond)
				if len(to) == 0 || to[0] != want {
					t.Errorf("the ACK went to %s, want %s", to, want)
				}
				a.Bye().Expect(200)
			})
		})
	}
}

// A call from IPv4 to IPv6 over real sockets, voice included.
func TestCallToIPv6OverRealSockets(t *testing.T) {
	us6 := netip.MustParseAddr("::1")
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skipf("NOT TESTED: this machine has no IPv6 on loopback: %v", err)
	} else {
		l.Close()
	}
	ca := newAuthority(t)
	ours, theirs := ca.issue("us6", us6), ca.issue("pbx6", us6)
	udp := func(at netip.Addr) *net.UDPConn {
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, network := range []wire.Network{wire.UDP, wire.TCP, wire.TLS} {
		t.Run(network.String(), func(t *testing.T) {
			at6 := free(t, us6)
			socket := udp(us6)
			peer := Peer{Network: network, Address: socket.LocalAddr().(*net.UDPAddr).AddrPort(), Authorities: ca.trusted()}
			var listener net.Listener
			var err error
			switch network {
			case wire.TCP:
				listener, err = net.Listen("tcp", "[::1]:0")
			case wire.TLS:
				listener, err = tls.Listen("tcp", "[::1]:0", serving(theirs))
			}
			if err != nil {
				t.Fatal(err)
			}
			if listener != nil {
				peer.Address = tcpAddr(listener.Addr())
			}
			l := onLoopback(t, func(s *setup) {
				s.options.Listen = append(s.options.Listen, Listen{Network: network, Address: at6, Certificate: ours})
				s.options.Trunks[1].Accept = []netip.Prefix{netip.PrefixFrom(us6, 128)}
				s.options.Trunks[1].Media = us6
				s.media.Listen = func(at netip.AddrPort) (media.PacketConn, error) {
					return net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
				}
			}, peer)
			voiceA, voiceB := siptest.NewVoice(udp(hostCarrier), siptest.VoiceOptions{}), siptest.NewVoice(udp(us6), siptest.VoiceOptions{})
			defer voiceA.Close()
			defer voiceB.Close()
			speaks := func(v *siptest.Voice) func(*siptest.Options) {
				return func(o *siptest.Options) {
					o.SDP.Address, o.Media, o.Listener = v.Addr(), v.SetRemote, nil
				}
			}
			a := l.phone(hostCarrier, speaks(voiceA))
			o := siptest.Options{Name: "pbx6", Peer: at6, TB: t, Timeout: patience, Listener: listener, Media: voiceB.SetRemote,
				SDP: siptest.SDP{Address: voiceB.Addr(), Codecs: []siptest.Codec{siptest.PCMU}}}
			b := siptest.NewPhone(socket, o)
			defer b.Close()
			c := a.Invite(plain)
			d := b.Accept()
			l.contains(string(d.Invite.Raw), "\r\nVia: SIP/2.0/"+network.String()+" "+at6.String()+";branch=")
			l.contains(d.Invite.Body, "\r\nc=IN IP6 ::1\r\n")
			d.Respond(180, nil, "")
			d.Answer()
			l.contains(c.Expect(200).Body, "\r\nc=IN IP4 127.0.0.1\r\n")
			c.Ack("")
			d.ExpectRequest("ACK")
			said, answered := speech(25, 1), speech(25, 7)
			voiceA.Say(said)
			voiceB.Say(answered)
			voiceA.Wait()
			voiceB.Wait()
			for end := time.Now().Add(patience); len(voiceA.Packets())+len(voiceB.Packets()) < 50 && time.Now().Before(end); {
				runtime.Gosched()
			}
			hangUp(c, d)
			l.endsWith(voiceB, frames(said))
			l.endsWith(voiceA, frames(answered))
		})
	}
}
