package sip

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tonegate/call"
	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
	"tonegate/media"
	"tonegate/sip/wire"
)

// The tests over loopback run in real time. patience bounds
// each wait; none of them sleeps.
const patience = 10 * time.Second

// loopback is a real server on TCP and UDP; its media is simulated unless a test has it real.
type loopback struct {
	*world
	at netip.AddrPort
}

// trap is a TCP listener outside of every trunk, which nobody may ever connect to.
type trap struct {
	net.Listener
	caught chan string
}

func newTrap(t *testing.T) *trap {
	l, err := net.Listen("tcp", "127.0.0.9:0")
	if err != nil {
		t.Fatal(err)
	}
	tr := &trap{l, make(chan string, 10)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(tr.caught)
				return
			}
			tr.caught <- c.RemoteAddr().String()
			c.Close()
		}
	}()
	return tr
}

// spring ends the trap and fails if anything was caught.
func (tr *trap) spring(t *testing.T) {
	t.Helper()
	tr.Close()
	for from := range tr.caught {
		t.Errorf("%s connected to an address that only a message named", from)
	}
}

func tcpAddr(a net.Addr) netip.AddrPort { return a.(*net.TCPAddr).AddrPort() }

// onLoopback starts a server whose PBX trunk has the peers given.
func onLoopback(t *testing.T, change func(*setup), peers ...Peer) *loopback {
	t.Helper()
	l := prepared(t, change, peers...)
	l.server.Start()
	return l
}

// prepared is onLoopback before the server starts.
func prepared(t *testing.T, change func(*setup), peers ...Peer) *loopback {
	t.Helper()
	at := free(t, hostUs)
	w := &world{t: t, network: simnet.New(simnet.Conditions{})}
	s := w.defaults()
	toneless(&s)
	s.options.Listen = []Listen{{Network: wire.TCP, Address: at}, {Network: wire.UDP, Address: at}}
	if len(peers) > 0 {
		s.options.Trunks[1].Peers = peers
		s.options.Policy.Routes[0].To = nil
		for i := range peers {
			s.options.Policy.Routes[0].To = append(s.options.Policy.Routes[0].To, call.Target{Trunk: "pbx", Peer: i})
		}
	}
	if change != nil {
		change(&s)
	}
	if s.media.Listen == nil {
		s.media.Listen = func(a netip.AddrPort) (media.PacketConn, error) { return w.network.Listen(a) }
	}
	w.plane = media.NewUDP(s.media)
	s.options.Plane = w.plane
	var err error
	if w.server, err = New(s.options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		w.server.Shutdown(ctx)
		w.plane.Shutdown()
		w.network.Close()
	})
	return &loopback{w, at}
}

// dial connects from one of the trunks' addresses.
func (l *loopback) dial(from netip.Addr) net.Conn {
	l.t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from.AsSlice()}, Timeout: patience}
	c, err := d.Dial("tcp", l.at.String())
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { c.Close() })
	return c
}

// phone is a telephone at an address, speaking TCP over a connection of its
// own, or waiting for one.
func (l *loopback) phone(at netip.Addr, change func(*siptest.Options)) *siptest.Phone {
	l.t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: at.AsSlice()})
	if err != nil {
		l.t.Fatal(err)
	}
	o := siptest.Options{Name: at.String(), Peer: l.at, TB: l.t, Timeout: patience,
		SDP: siptest.SDP{Address: netip.AddrPortFrom(at, 4000), Codecs: []siptest.Codec{siptest.PCMU}}}
	change(&o)
	p := siptest.NewPhone(conn, o)
	l.t.Cleanup(func() { p.Close() })
	return p
}

// options is an OPTIONS request over TCP whose every address is a trap.
func options(n int, trap netip.AddrPort, more string) string {
	return crlf(fmt.Sprintf(`
OPTIONS sip:127.0.0.1;maddr=%[2]s SIP/2.0
Via: SIP/2.0/TCP %[2]s;branch=z9hG4bKt%[1]d;maddr=%[3]s;received=%[3]s;rport=%[4]d
Route: <sip:%[2]s;transport=tcp;lr>
Record-Route: <sip:%[2]s;transport=tcp;lr>
Max-Forwards: 70
From: <sip:a@%[2]s>;tag=t
To: <sip:127.0.0.1>
Call-ID: trap%[1]d
CSeq: 1 OPTIONS
Contact: <sip:a@%[2]s;transport=tcp>
%[5]sContent-Length: 0

`, n, trap, trap.Addr(), trap.Port(), more))
}

// hears reads one message and checks its status.
func hears(t *testing.T, c net.Conn, r *bufio.Reader, status string) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(patience))
	first, err := r.ReadString('\n')
	if err != nil || !strings.HasPrefix(first, "SIP/2.0 "+status) {
		t.Fatalf("%q, %v", first, err)
	}
	for line := first; strings.TrimSpace(line) != ""; {
		if line, err = r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
}

func (l *loopback) connections() int {
	s := l.server.listeners[0].streams
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// drained waits until no call is left after ending them all.
func (l *loopback) drained() {
	l.t.Helper()
	for _, sh := range l.server.shards {
		sh.order(letter{release: true})
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for l.server.Calls() > 0 && ctx.Err() == nil {
		<-time.After(time.Millisecond)
	}
	if n := l.server.Calls(); n > 0 {
		l.t.Fatalf("%d calls do not end", n)
	}
}
