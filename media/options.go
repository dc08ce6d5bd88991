package media

import (
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"time"
)

// Backends of Options.
const (
	Epoll = "epoll" // Linux: one reactor a core
	UDP   = "udp"   // everywhere: one goroutine a socket
)

// New starts the best backend that there is, or the one asked for, and says in the log which and why.
func New(o Options) Plane {
	o = o.withDefaults()
	why := "asked for"
	switch {
	case o.Backend == UDP:
	case o.Listen != nil:
		why = "sockets are given"
	default:
		p, err := newEpoll(o)
		if err == nil {
			o.Log.Info("media plane", "backend", Epoll, "why", "the best here", "reactors", o.Reactors, "ports", o.Ports)
			return p
		}
		why = "no epoll: " + err.Error()
	}
	o.Log.Info("media plane", "backend", UDP, "why", why, "ports", o.Ports)
	return NewUDP(o)
}

// PacketConn is the socket that the portable backend needs; *net.UDPConn is one. Close must end a read that waits.
type PacketConn interface {
	ReadFromUDPAddrPort([]byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error)
	LocalAddr() net.Addr
	SetReadDeadline(time.Time) error
	Close() error
}

// Options of the plane. The zero value of each stands for what is said beside it.
type Options struct {
	Backend    string                                   // UDP; the best that the system has, Epoll on Linux
	Reactors   int                                      // of Epoll; one less than GOMAXPROCS, at least 1
	Ports      [2]int                                   // first and last port, both included; 20000 to 29999
	Quarantine time.Duration                            // rest of a port pair after use; 30 s; negative: none
	Timeout    time.Duration                            // see Silent; 60 s; negative: never
	Rate       int                                      // packets a second accepted from a remote side; 1000
	Listen     func(netip.AddrPort) (PacketConn, error) // UDP sockets of the system; if set, the backend is UDP
	Silent     func(Leg)                                // once when a bridge has carried nothing for Timeout, with the leg opened first
	Now        func() time.Time                         // time.Now
	Log        *slog.Logger                             // nothing is logged
	Counters   *Counters                                // nothing is counted
}

func (o Options) withDefaults() Options {
	if o.Reactors <= 0 {
		o.Reactors = max(1, runtime.GOMAXPROCS(0)-1)
	}
	if o.Ports == [2]int{} {
		o.Ports = [2]int{20000, 29999}
	}
	if o.Quarantine == 0 {
		o.Quarantine = 30 * time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = 60 * time.Second
	}
	if o.Rate <= 0 {
		o.Rate = 1000
	}
	if o.Silent == nil {
		o.Silent = func(Leg) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Counters == nil {
		o.Counters = new(Counters)
	}
	return o
}

// socketBuffer holds a second of packets when a reader is late.
const socketBuffer = 64 << 10

// listen binds a UDP socket of one address family, so that sources are not seen as IPv4 within IPv6.
func listen(at netip.AddrPort) (PacketConn, error) {
	network := "udp4"
	if at.Addr().Is6() {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	// The system may allow less; then what it allows is used.
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	return conn, nil
}
