package sip

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"tonegate/announce"
	"tonegate/call"
	"tonegate/media"
	"tonegate/stoplist"
)

// Options are everything that a server is made of.
type Options struct {
	Node    string // our name in records
	Listen  []Listen
	Trunks  []Trunk
	Policy  call.Policy
	List    *stoplist.List
	Ready   func() bool // whether there is a list in force; without one only emergency calls are taken
	Assets  *announce.Library
	Plane   media.Plane
	Records Recorder
	Metrics *Metrics
	Log     *slog.Logger
	Limits  Limits
	Shards  int // 0: one a core
	// ListenPacket opens UDP sockets; nil is the real network.
	ListenPacket func(netip.AddrPort) (PacketSocket, error)
}

// Limits bound what the server takes on. Emergency calls never count.
type Limits struct {
	Calls            int
	InvitesPerSecond int
}

// Recorder keeps call records; false when it had no room.
type Recorder interface{ Append(record any) bool }

// Server is the B2BUA: sockets, shards, and the calls that they own.
type Server struct {
	options    Options
	trunks     map[string]*Trunk
	watches    map[string][]*watch // by trunk, one a peer; nil where it is not watched
	metrics    *Metrics
	log        *slog.Logger
	listeners  []*listener
	shards     []*shard
	seed       maphash.Seed
	calls      atomic.Int64
	draining   atomic.Bool
	rate       *rate.Limiter
	complaints *rate.Limiter // replies to messages that cannot be read, and log lines about what calls cannot have
	readers    sync.WaitGroup
	loops      sync.WaitGroup
}

// complaintsPerSecond bounds the replies to messages that cannot be read.
const complaintsPerSecond = 100

// New opens the sockets and starts the shards; Serve lets traffic in.
func New(o Options) (*Server, error) {
	if o.Shards == 0 {
		o.Shards = runtime.GOMAXPROCS(0)
	}
	o.Shards = min(o.Shards, maxShards)
	if o.ListenPacket == nil {
		o.ListenPacket = listenPacket
	}
	s := &Server{options: o, trunks: map[string]*Trunk{}, watches: map[string][]*watch{}, metrics: o.Metrics, log: o.Log, seed: maphash.MakeSeed(),
		rate:       rate.NewLimiter(rate.Limit(o.Limits.InvitesPerSecond), max(1, o.Limits.InvitesPerSecond)),
		complaints: rate.NewLimiter(complaintsPerSecond, complaintsPerSecond)}
	for i := range s.options.Trunks {
		s.trunks[o.Trunks[i].Name] = &s.options.Trunks[i]
	}
	s.metrics.preset(s.options.Trunks)
	for i := range o.Shards {
		s.shards = append(s.shards, newShard(s, i))
	}
	for _, at := range o.Listen {
		l, err := s.listen(at)
		if err != nil {
			s.closeSockets()
			return nil, err
		}
		s.listeners = append(s.listeners, l)
	}
	s.attend()
	return s, nil
}

func listenPacket(at netip.AddrPort) (PacketSocket, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	conn.SetReadBuffer(socketBuffer) // the kernel's default holds 100 INVITEs; less than asked for is no error
	conn.SetWriteBuffer(socketBuffer)
	if at.Addr().IsUnspecified() { // of both families, it may be
		return conn, nil
	}
	return quick(conn)
}

const socketBuffer = 4 << 20

// Start lets traffic in.
func (s *Server) Start() {
	for _, sh := range s.shards {
		s.loops.Go(sh.run)
	}
	for _, l := range s.listeners {
		s.readers.Go(func() {
			if err := l.serve(); err != nil && !errors.Is(err, net.ErrClosed) {
				s.log.Error("a listener stopped", "network", l.Network.String(), "address", l.sentBy, "error", err)
			}
		})
	}
}

// Shutdown refuses new calls, waits for those that are up until ctx is done,
// ends the rest, and closes everything.
func (s *Server) Shutdown(ctx context.Context) {
	s.draining.Store(true)
	for s.calls.Load() > 0 && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	for _, sh := range s.shards {
		sh.order(letter{release: true})
	}
	grace := time.After(releaseTime) // BYEs get their answers
	for s.calls.Load() > 0 {
		select {
		case <-grace:
			s.calls.Store(0)
		case <-time.After(20 * time.Millisecond):
		}
	}
	s.closeSockets()
	for _, sh := range s.shards {
		close(sh.stop)
	}
	s.loops.Wait()
}

// releaseTime is how long the ends of released calls may take.
const releaseTime = 2 * time.Second

func (s *Server) closeSockets() {
	for _, l := range s.listeners {
		l.close()
	}
	s.readers.Wait()
}

// Rescreen holds every live call against the list now in force.
func (s *Server) Rescreen() {
	for _, sh := range s.shards {
		sh.order(letter{rescreen: true})
	}
}

// Silent says that a leg's bridge has carried no RTP for too long.
func (s *Server) Silent(l media.Leg) {
	for _, sh := range s.shards {
		sh.order(letter{silent: l})
	}
}

// Draining reports whether Shutdown has begun: new calls are refused.
func (s *Server) Draining() bool { return s.draining.Load() }

// Calls is the number of calls being set up or up.
func (s *Server) Calls() int { return int(s.calls.Load()) }

func (s *Server) trunk(a netip.Addr) *Trunk { return trunkOf(s.options.Trunks, a) }

func (s *Server) known(a netip.Addr) bool { return s.trunk(a) != nil }

// deliver gives a message to its shard, or drops it: its sender will repeat it.
func (s *Server) deliver(shard int, in letter) {
	select {
	case s.shards[shard].mail <- in:
	default:
		s.metrics.drop(dropOverload)
	}
}

// lost tells the shards of a connection that was given requests and has
// ended. It goes the way of messages, so that it comes behind those that the
// connection brought, and it may wait: a shard never calls it.
func (s *Server) lost(c *stream) {
	for _, sh := range s.shards {
		select {
		case sh.mail <- letter{lost: c}:
		case <-sh.stop:
		}
	}
}
