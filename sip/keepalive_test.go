package sip

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tonegate/internal/simnet"
)

// pipes is a listener for connections in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.done); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

// from is a connection that comes from an address.
type from struct {
	net.Conn
	at netip.AddrPort
}

func (f from) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(f.at) }

// pinger is a connection between a trunk with keepalives and us, in virtual
// time: what it hears of us, and how often what came of them was counted.
type pinger struct {
	*world
	net.Conn
	streams *streams
	lost    chan *stream
}

const keepaliveEvery = 30 * time.Second

// inKeepalive runs a script at the far end of a connection.
func inKeepalive(t *testing.T, every time.Duration, script func(k *pinger)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		l := pipes{make(chan net.Conn, 1), make(chan struct{})}
		l.conns <- from{near, netip.AddrPortFrom(hostPBX, 40000)}
		w := &world{t: t, registry: prometheus.NewRegistry()}
		trunk := &Trunk{Name: "pbx", Keepalive: every}
		k := &pinger{world: w, Conn: far, lost: make(chan *stream, 10)}
		k.streams = newStreams(l, nil, func(netip.Addr) *Trunk { return trunk }, func(c *stream) { k.lost <- c }, NewMetrics(w.registry))
		go func() { // as sipgo does
			for {
				c, err := k.streams.Accept()
				if err != nil {
					return
				}
				go func() {
					io.Copy(io.Discard, c)
					c.Close()
				}()
			}
		}()
		script(k)
		far.Close()
		k.streams.Close()
	})
}

// pinged waits for a ping, and fails unless it comes after so long.
func (k *pinger) pinged(least, most time.Duration) {
	k.t.Helper()
	began := time.Now()
	b := make([]byte, len(ping))
	if _, err := io.ReadFull(k, b); err != nil || string(b) != ping {
		k.t.Fatalf("%q, %v", b, err)
	}
	if took := time.Since(began); took < least || took > most {
		k.t.Fatalf("a ping after %v", took)
	}
}

func (k *pinger) results(answered, missing, closed float64) {
	k.t.Helper()
	synctest.Wait()
	for result, want := range map[string]float64{beatAnswered: answered, beatMissing: missing, beatClosed: closed} {
		if got := k.metric("tonegate_sip_keepalives_total", "pbx", result); got != want {
			k.t.Errorf("%v %s, want %v", got, result, want)
		}
	}
}

// RFC 5626 s4.4.1: pings come after 80 to 100 % of the interval, and who does
// not answer within 10 s is gone. Who waits for an answer of it is told.
func TestPeerThatStopsAnsweringPingsLosesItsConnection(t *testing.T) {
	inKeepalive(t, keepaliveEvery, func(k *pinger) {
		for range 5 {
			k.pinged(keepaliveEvery*4/5-pongTime, keepaliveEvery)
			io.WriteString(k, pong)
		}
		k.pinged(0, keepaliveEvery)
		f := flow{remote: netip.AddrPortFrom(hostPBX, 40000)}
		go k.streams.request(f, []byte("BYE"))
		io.ReadFull(k, make([]byte, 3))
		began := time.Now()
		if n, err := k.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Fatalf("%d octets, %v", n, err)
		}
		if took := time.Since(began).Round(time.Millisecond); took != pongTime {
			t.Errorf("closed after %v", took)
		}
		k.results(5, 0, 1)
		select {
		case <-k.lost:
		default:
			t.Error("nobody is told of the request")
		}
	})
}

func TestPeerThatHasNeverAnsweredAPingKeepsItsConnection(t *testing.T) {
	inKeepalive(t, keepaliveEvery, func(k *pinger) {
		for range 5 {
			k.pinged(0, keepaliveEvery)
		}
		time.Sleep(pongTime)
		k.results(0, 5, 0)
		k.pinged(0, keepaliveEvery)
		time.Sleep(pongTime / 2)
		io.WriteString(k, "OPTIONS ") // lives, and has not answered
		time.Sleep(pongTime / 2)
		k.pinged(0, keepaliveEvery)
		time.Sleep(pongTime)
		k.results(1, 6, 0)
		k.pinged(0, keepaliveEvery)
	})
}

// What is no answer to a ping does not make its sender one who answers.
func TestOnlyALineEndAfterAPingIsAPong(t *testing.T) {
	inKeepalive(t, keepaliveEvery, func(k *pinger) {
		io.WriteString(k, pong) // before any ping
		for _, s := range []string{ping, pong + "OPTIONS sip:a SIP/2.0" + pong, "\n"} {
			k.pinged(0, keepaliveEvery)
			io.WriteString(k, s)
		}
		k.pinged(0, keepaliveEvery)
		io.WriteString(k, "OPTIONS sip:a SIP/2.0\r\n")
		io.WriteString(k, pong) // the end of its header
		for range 3 {
			k.pinged(0, keepaliveEvery)
		}
		time.Sleep(pongTime)
		k.results(4, 3, 0)
	})
}

func TestWithoutKeepaliveNothingIsSent(t *testing.T) {
	inKeepalive(t, 0, func(k *pinger) {
		k.SetReadDeadline(time.Now().Add(streamIdle / 2))
		if n, err := k.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%d octets, %v", n, err)
		}
	})
	inWorld(t, toneless, func(w *world) {
		w.carrier.Quiet(time.Hour)
		w.pbx.Quiet(time.Second)
	})
}

// A ping of the peer is answered, over a real connection (RFC 5626 s3.5.1).
func TestPingOverTCPIsAnswered(t *testing.T) {
	l := onLoopback(t, nil)
	c := l.dial(hostCarrier)
	r := bufio.NewReader(c)
	c.SetDeadline(time.Now().Add(patience))
	for i := range 3 {
		io.WriteString(c, ping)
		b := make([]byte, len(pong))
		if _, err := io.ReadFull(r, b); err != nil || string(b) != pong {
			t.Fatalf("%q, %v", b, err)
		}
		io.WriteString(c, options(i, l.at, ""))
		hears(t, c, r, "200")
	}
}

// Over UDP nobody answers a line end: RFC 5626 s3.5.2 has STUN there.
func TestKeepalivesOverUDP(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.options.Trunks[1].Keepalive = keepaliveEvery }), func(w *world) {
		var mu sync.Mutex
		beats := map[netip.Addr]int{}
		w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
			if strings.Trim(string(p.Data), "\r\n") != "" {
				return simnet.Pass
			}
			if p.From.Addr() == hostUs && (string(p.Data) != pong || p.From.Port() != sipPort || p.To.Port() != sipPort) {
				t.Errorf("%q from %s to %s", p.Data, p.From, p.To)
			}
			if p.From.Addr() == hostUs {
				mu.Lock()
				defer mu.Unlock()
				beats[p.To.Addr()]++
			}
			return simnet.Pass
		})
		for _, s := range []string{ping, pong} {
			w.carrier.SendRaw([]byte(s))
		}
		a, b := w.connect(plain)
		hangUp(a, b)
		w.want("completed caller_hung_up 200")
		time.Sleep(10 * keepaliveEvery)
		mu.Lock()
		defer mu.Unlock()
		for _, at := range []netip.Addr{hostPBX, hostSpare} {
			if n := beats[at]; n < 10 || n > 12 {
				t.Errorf("%d to %s", n, at)
			}
		}
		if n := beats[hostCarrier]; n != 0 {
			t.Errorf("%d to a trunk without", n)
		}
	})
}
