package sip

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tonegate/internal/simnet"
	"tonegate/sip/wire"
)

// askings is a request whose top Via is given: one that is answered by a
// transaction, one without state, one that cannot be read, one that sipgo's parser would drop.
func askings(via string) map[string]string {
	whole := crlf(`
OPTIONS sip:127.0.0.1 SIP/2.0
Via: ` + via + `
Max-Forwards: 70
From: <sip:a@127.0.0.2>;tag=t
To: <sip:127.0.0.1>
Call-ID: askings
CSeq: 1 OPTIONS
Content-Length: 0

`)
	return map[string]string{
		"200": whole,
		"405": strings.ReplaceAll(whole, "OPTIONS", "SUBSCRIBE"),
		"483": strings.Replace(whole, "Max-Forwards: 70", "Max-Forwards: 0", 1),
		"400": strings.Replace(whole, "CSeq: 1 ", "CSeq: -1 ", 1),
	}
}

// RFC 3261 s18.2.1, s18.2.2 and RFC 3581 s4 over UDP: a response goes to the
// address that the request came from, to the port of its Via, or with rport to
// the port that it came from; received and rport tell which those were.
func TestResponsesOverUDPByRPort(t *testing.T) {
	for name, side := range map[string]struct {
		us, peer netip.Addr
		other    string // a host that is not the peer
	}{
		"IPv4": {hostUs, hostPBX, "127.0.0.9"},
		"IPv6": {hostUs6, hostPBX6, "[2001:db8::9]"},
	} {
		t.Run(name, func(t *testing.T) {
			host := side.peer.String()
			if side.peer.Is6() {
				host = "[" + host + "]"
			}
			for via, want := range map[string]struct {
				port uint16 // the response goes to
				via  string
			}{
				host + ":5062;branch=z9hG4bKa":                       {5062, host + ":5062;branch=z9hG4bKa"},
				host + ";branch=z9hG4bKb":                            {5060, host + ";branch=z9hG4bKb"},
				host + ":5062;rport;branch=z9hG4bKc":                 {40000, host + ":5062;branch=z9hG4bKc;received=" + side.peer.String() + ";rport=40000"},
				host + ";branch=z9hG4bKd;rport=5062":                 {40000, host + ";branch=z9hG4bKd;received=" + side.peer.String() + ";rport=40000"},
				side.other + ":5062;branch=z9hG4bKe":                 {5062, side.other + ":5062;branch=z9hG4bKe;received=" + side.peer.String()},
				side.other + ";branch=z9hG4bKf;rport":                {40000, side.other + ";branch=z9hG4bKf;received=" + side.peer.String() + ";rport=40000"},
				"pbx.example.jp:5062;branch=z9hG4bKg":                {5062, "pbx.example.jp:5062;branch=z9hG4bKg;received=" + side.peer.String()},
				host + ":5062;received=192.0.2.9;branch=z9hG4bKh":    {5062, host + ":5062;branch=z9hG4bKh"},
				host + ":5062;maddr=192.0.2.9;ttl=1;branch=z9hG4bKi": {5062, host + ":5062;maddr=192.0.2.9;ttl=1;branch=z9hG4bKi"},
				host + ":5062;RPort;BRANCH=z9hG4bKj":                 {40000, host + ":5062;BRANCH=z9hG4bKj;received=" + side.peer.String() + ";rport=40000"},
			} {
				accepted := func(s *setup) {
					s.options.Trunks[1].Accept = append(s.options.Trunks[1].Accept, netip.PrefixFrom(hostPBX, 32))
				}
				inWorld(t, both(toneless, pbxOverIPv6, accepted), func(w *world) {
					sockets := map[uint16]*simnet.Conn{}
					for _, port := range []uint16{40000, 5062} {
						sockets[port] = w.listen(side.peer, port)
						defer sockets[port].Close()
					}
					if side.peer == hostPBX {
						w.pbx.Close()
					}
					sockets[5060] = w.listen(side.peer, 5060)
					defer sockets[5060].Close()
					for status, request := range askings("SIP/2.0/UDP " + via) {
						sockets[40000].WriteToUDPAddrPort([]byte(request), netip.AddrPortFrom(side.us, sipPort))
						time.Sleep(100 * time.Millisecond)
						for port, socket := range sockets {
							socket.SetReadDeadline(time.Now().Add(time.Millisecond))
							buf := make([]byte, 65535)
							n, from, err := socket.ReadFromUDPAddrPort(buf)
							switch {
							case (err == nil) != (port == want.port):
								t.Errorf("%s, %s: at port %d %q, %v", via, status, port, buf[:n], err)
							case err != nil:
							case from != netip.AddrPortFrom(side.us, sipPort):
								t.Errorf("%s, %s: from %s", via, status, from)
							case !strings.HasPrefix(string(buf[:n]), "SIP/2.0 "+status):
								t.Errorf("%s: %.40q, want %s", via, buf[:n], status)
							case !strings.Contains(string(buf[:n]), "\r\nVia: SIP/2.0/UDP "+want.via+"\r\n"):
								t.Errorf("%s, %s:\n%s\nwant %s", via, status, buf[:n], want.via)
							}
						}
					}
				})
			}
		})
	}
}

// Over a stream the response takes the connection, whatever the Via says; it
// tells the same.
func TestResponsesOverTCPByRPort(t *testing.T) {
	for name, us := range map[string]netip.Addr{"IPv4": hostUs, "IPv6": netip.MustParseAddr("::1")} {
		t.Run(name, func(t *testing.T) {
			peer, host := hostCarrier, hostCarrier.String()
			if us.Is6() {
				if c, err := net.Listen("tcp", "[::1]:0"); err != nil {
					t.Skipf("NOT TESTED: this machine has no IPv6 on loopback: %v", err)
				} else {
					c.Close()
				}
				peer, host = us, "[::1]"
			}
			tr := newTrap(t)
			at := free(t, us)
			onLoopback(t, func(s *setup) {
				s.options.Listen = append(s.options.Listen, Listen{Network: wire.TCP, Address: at})
				s.options.Trunks[0].Accept = append(s.options.Trunks[0].Accept, netip.MustParsePrefix("::1/128"))
			})
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: peer.AsSlice()}, Timeout: patience}
			c, err := d.Dial("tcp", at.String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			r := bufio.NewReader(c)
			_, port, _ := net.SplitHostPort(c.LocalAddr().String())
			for via, want := range map[string]string{
				host + ":5062;branch=z9hG4bKa":                                host + ":5062;branch=z9hG4bKa",
				host + ":5062;rport;branch=z9hG4bKb":                          host + ":5062;branch=z9hG4bKb;received=" + peer.String() + ";rport=" + port,
				tr.Addr().String() + ";branch=z9hG4bKc":                       tr.Addr().String() + ";branch=z9hG4bKc;received=" + peer.String(),
				tr.Addr().String() + ";maddr=127.0.0.9;branch=z9hG4bKd;rport": tr.Addr().String() + ";maddr=127.0.0.9;branch=z9hG4bKd;received=" + peer.String() + ";rport=" + port,
			} {
				for status, request := range askings("SIP/2.0/TCP " + via) {
					io.WriteString(c, request)
					got := message(t, c, r)
					if !strings.HasPrefix(got, "SIP/2.0 "+status) || !strings.Contains(got, "\r\nVia: SIP/2.0/TCP "+want+"\r\n") {
						t.Errorf("%s, %s:\n%s\nwant %s", via, status, got, want)
					}
				}
			}
			tr.spring(t)
		})
	}
}

// Only a configured peer on the machine that a request came from is ever
// connected to for its response.
func TestHomeOfAResponse(t *testing.T) {
	at := netip.MustParseAddrPort
	trunk := &Trunk{Peers: []Peer{
		{Network: wire.UDP, Address: at("192.0.2.1:5060")}, {Network: wire.TCP, Address: at("192.0.2.2:5070")}, {Network: wire.TCP, Address: at("192.0.2.2:5080")},
		{Network: wire.TLS, Address: at("192.0.2.3:5061")}, {Network: wire.TCP, Address: at("[2001:db8::2]:5070")}}}
	for _, c := range []struct {
		network      wire.Network
		us           string
		source, home string
	}{
		{wire.TCP, "192.0.2.9:5060", "192.0.2.2:40000", "192.0.2.2:5070"},
		{wire.TCP, "192.0.2.9:5060", "192.0.2.2:5080", "192.0.2.2:5080"},
		{wire.TCP, "192.0.2.9:5060", "192.0.2.1:40000", ""},
		{wire.TCP, "192.0.2.9:5060", "192.0.2.3:40000", ""},
		{wire.TLS, "192.0.2.9:5061", "192.0.2.3:40000", "192.0.2.3:5061"},
		{wire.TLS, "192.0.2.9:5061", "192.0.2.2:40000", ""},
		{wire.UDP, "192.0.2.9:5060", "192.0.2.1:5060", ""},
		{wire.TCP, "[2001:db8::9]:5060", "[2001:db8::2]:40000", "[2001:db8::2]:5070"},
		{wire.TCP, "[2001:db8::9]:5060", "[2001:db8::3]:40000", ""},
	} {
		var want netip.AddrPort
		if c.home != "" {
			want = at(c.home)
		}
		l := &listener{Listen: Listen{Network: c.network, Address: at(c.us)}}
		m := &wire.Message{Source: at(c.source), Via: []wire.Via{{Host: "192.0.2.2", Port: 5070}}}
		if got := replyFlow(l, m, trunk).home; got != want {
			t.Errorf("%s from %s: %s, want %s", c.network, c.source, got, c.home)
		}
	}
}

// What a dialog's peer says of itself chooses among the peers that are
// configured, and never adds one.
func TestHomeOfADialog(t *testing.T) {
	at := netip.MustParseAddrPort
	trunk := &Trunk{Accept: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Peers: []Peer{
		{Network: wire.UDP, Address: at("192.0.2.7:5060")}, {Network: wire.TCP, Address: at("192.0.2.1:5060")},
		{Network: wire.TCP, Address: at("192.0.2.2:5060")}, {Network: wire.TCP, Address: at("192.0.2.2:5080")}, {Network: wire.TLS, Address: at("192.0.2.3:5061")}}}
	s := &Server{}
	for _, c := range []struct{ contact, route, source, home string }{
		{"sip:a@192.0.2.2:5080", "", "192.0.2.1:40000", "192.0.2.2:5080"},                   // the peer itself
		{"sip:a@192.0.2.2:9999", "", "192.0.2.1:40000", "192.0.2.2:5060"},                   // its machine
		{"sip:a@192.0.2.7:5060", "", "192.0.2.2:40000", "192.0.2.2:5060"},                   // over another transport only
		{"sip:a@203.0.113.1:5060", "", "192.0.2.2:40000", "192.0.2.2:5060"},                 // a stranger
		{"sip:a@192.0.2.8:5060", "", "192.0.2.9:40000", "192.0.2.1:5060"},                   // of the trunk, but no peer
		{"sip:a@trap.example.jp", "", "192.0.2.9:40000", "192.0.2.1:5060"},                  // a name
		{"sip:a@192.0.2.1", "<sip:192.0.2.2:5080;lr>", "192.0.2.1:40000", "192.0.2.2:5080"}, // its proxy
		{"sip:a@192.0.2.2", "", "192.0.2.9:40000", "192.0.2.2:5060"},                        // the port that TCP has by default
	} {
		contact, err := wire.ParseAddress("<" + c.contact + ">")
		if err != nil {
			t.Fatal(err)
		}
		m := &wire.Message{Method: wire.INVITE, Source: at(c.source), Contact: []wire.Address{contact}}
		if c.route != "" {
			m.RecordRoute = []string{c.route}
		}
		l := &listener{Listen: Listen{Network: wire.TCP, Address: at("192.0.2.9:5060")}}
		f := s.within(trunk, m, flow{through: l, remote: m.Source})
		if f.home != at(c.home) || f.remote != m.Source {
			t.Errorf("%s %s from %s: %s, home %s, want %s", c.contact, c.route, c.source, f.remote, f.home, c.home)
		}
	}
}
