package sip

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tonegate/sip/wire"
)

// pathMTU is the largest request that goes over UDP where TCP may be used:
// the path MTU is unknown (RFC 3261 s18.1.1).
const pathMTU = 1300

// route is the flow to a peer: through our first socket of its transport and
// address family.
func (s *Server) route(p Peer) (flow, bool) {
	for _, l := range s.listeners {
		if l.Network == p.Network && l.Address.Addr().Is4() == p.Address.Addr().Is4() {
			return flow{l, p.Address, p.Address}, true
		}
	}
	return flow{}, false
}

// within is the flow for requests inside a dialog: over UDP to the peer's
// Contact where that is an address inside its trunk's networks, else back where
// its message came from. Over a stream they take the connection of its message,
// and home says who is connected to when that is gone. A peer that got its
// INVITE over TCP, because it was large, may want the rest so, too. Nothing is
// resolved, and no stranger is ever sent to.
func (s *Server) within(t *Trunk, m *wire.Message, f flow) flow {
	f.remote, f.home = m.Source, netip.AddrPort{}
	hop := nextHop(m, f.through.Network)
	switch {
	case f.through.Network != wire.UDP:
		f.home = t.home(f.through, hop, m.Source)
	case hop.IsValid() && t.accepts(hop.Addr()) && hop.Addr().Is4() == f.remote.Addr().Is4(): // another family leaves through another socket
		f.remote = hop
	}
	if tcp, ok := s.overTCP(f, t); ok && f.through.Network == wire.UDP && wantsTCP(m) {
		return tcp
	}
	return f
}

// wantsTCP reports whether a dialog's peer names TCP where it wants its
// requests sent to (RFC 3263 s4.1).
func wantsTCP(m *wire.Message) bool {
	hop, _ := nextURI(m)
	transport, _ := hop.Param("transport")
	return strings.EqualFold(transport, "tcp")
}

// nextURI is where a dialog's peer wants its requests sent to: the first of its
// route set, or its Contact. It is the peer's word and no more.
func nextURI(m *wire.Message) (wire.URI, bool) {
	if len(m.Contact) == 0 {
		return wire.URI{}, false
	}
	hop := m.Contact[0].URI
	if routes := m.RecordRoute; len(routes) > 0 {
		first := routes[0]
		if !m.IsRequest() { // the route set of a UAC is reversed (RFC 3261 s12.1.2)
			first = routes[len(routes)-1]
		}
		if a, err := wire.ParseAddress(first); err == nil {
			hop = a.URI
		}
	}
	return hop, true
}

// nextHop is the address of nextURI.
func nextHop(m *wire.Message, n wire.Network) netip.AddrPort {
	hop, ok := nextURI(m)
	if !ok {
		return netip.AddrPort{}
	}
	addr, err := netip.ParseAddr(strings.Trim(hop.Host, "[]"))
	switch {
	case err != nil:
		return netip.AddrPort{}
	case hop.Port != 0:
		return netip.AddrPortFrom(addr, uint16(hop.Port))
	case n == wire.TLS: // RFC 3261 s19.1.2
		return netip.AddrPortFrom(addr, 5061)
	}
	return netip.AddrPortFrom(addr, 5060)
}

// home is the peer of the trunk that a listener connects to for a dialog whose
// own connection is gone: the peer that the dialog names, else one on that
// machine, else one on the machine that its messages came from, else the first.
// Only a configured peer is ever connected to: what a message says chooses
// among them.
func (t *Trunk) home(l *listener, hop, source netip.AddrPort) netip.AddrPort {
	var best netip.AddrPort
	rank := 0
	for _, p := range t.Peers {
		if p.Network != l.Network || p.Address.Addr().Is4() != l.Address.Addr().Is4() {
			continue
		}
		r := 1
		switch {
		case p.Address == hop:
			r = 4
		case p.Address.Addr() == hop.Addr():
			r = 3
		case p.Address.Addr() == source.Addr():
			r = 2
		}
		if r > rank {
			best, rank = p.Address, r
		}
	}
	return best
}

// way is how a request that was built for f leaves now, and the request as it
// leaves so. A stream that is gone, and that no peer of its transport could
// stand in for, is replaced by another transport of the trunk; a datagram that
// is too large goes over TCP where the trunk wants that.
func (s *Server) way(f flow, t *Trunk, b []byte) (flow, []byte) {
	to := f
	switch l := f.through; {
	case l.Network == wire.TCP && !l.streams.reaches(f): // what came over TLS never leaves without
		to = s.elsewhere(f, t)
	case l.Network == wire.UDP && len(b) > pathMTU && t.LargeOverTCP:
		to = s.large(f, t)
	}
	return to, readdressed(b, f, to)
}

// elsewhere is the way to a peer of the trunk by another transport, on the
// same machine if there is one.
func (s *Server) elsewhere(f flow, t *Trunk) flow {
	best := f
	for _, p := range t.Peers {
		to, ok := s.route(p)
		if ok && p.Address.Addr() == f.remote.Addr() {
			return to
		}
		if ok && best == f {
			best = to
		}
	}
	return best
}

// overTCP is the same peer over TCP, for a trunk that wants what is large so;
// false when it is none that we know.
func (s *Server) overTCP(f flow, t *Trunk) (flow, bool) {
	tcp, ok := s.route(Peer{Network: wire.TCP, Address: f.remote})
	return tcp, ok && t.LargeOverTCP && slices.ContainsFunc(t.Peers, func(p Peer) bool { return p.Network == wire.UDP && p.Address == f.remote })
}

// large is the way of a request that is too large for UDP: over TCP, unless
// the peer has lately shown that it has none.
func (s *Server) large(f flow, t *Trunk) flow {
	tcp, ok := s.overTCP(f, t)
	if !ok {
		return f
	}
	if tcp.through.streams.refuses(f.remote) {
		s.metrics.large.WithLabelValues(t.Name, largeUDP).Inc()
		return f
	}
	s.metrics.large.WithLabelValues(t.Name, largeTCP).Inc()
	return tcp
}

// readdressed is a request of ours as it leaves through another socket, which
// its Via and Contact must name (RFC 3261 s18.1.1).
func readdressed(b []byte, from, to flow) []byte {
	if from.through == to.through {
		return b
	}
	head, body, ok := bytes.Cut(b, []byte("\r\n\r\n"))
	if !ok {
		return b
	}
	lines, via := strings.Split(string(head), "\r\n"), false
	for i, line := range lines {
		switch {
		case !via && strings.HasPrefix(line, "Via: "):
			_, branch, _ := strings.Cut(line, ";branch=")
			branch, _, _ = strings.Cut(branch, ";")
			lines[i], via = "Via: "+wire.NewInvite("", to.through.Network.String(), to.through.sentBy, branch).Via, true
		case line == "Contact: "+from.contact():
			lines[i] = "Contact: " + to.contact()
		}
	}
	return append([]byte(strings.Join(lines, "\r\n")+"\r\n\r\n"), body...)
}

// sendAck sends the ACK of a 2xx, which no transaction carries: it is sent
// again when the 2xx is.
func (s *Server) sendAck(f flow, t *Trunk, ack []byte, branch string) {
	to, b := s.way(f, t, ack)
	to.send(b, branch)
}

// live is the connection that a request takes: the one that f names, or else,
// for a request within a dialog, another one of the same machine, of which
// one to its configured peer is best and then the latest that has said
// something; nil when there is none.
func (s *streams) live(f flow) *stream {
	if c := s.conns[f.remote]; c != nil || f.home == f.remote {
		return c
	}
	if c := s.conns[f.home]; c != nil && f.home.Addr() == f.remote.Addr() {
		return c
	}
	var latest *stream
	for remote, c := range s.conns {
		if remote.Addr() == f.remote.Addr() && c.heard.Load() > 0 && (latest == nil || c.number > latest.number) {
			latest = c
		}
	}
	return latest
}

// reaches reports whether there is a way to where f leads, or somebody to connect to.
func (s *streams) reaches(f flow) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.home.IsValid() || s.live(f) != nil
}

// request queues a request, over the connection that there is or a new one to
// the configured peer that f leads home to.
func (s *streams) request(f flow, b []byte) (*stream, error) {
	s.mu.Lock()
	c := s.live(f)
	s.mu.Unlock()
	if c == nil {
		return s.open(f, b, true)
	}
	return c, c.queue(b, true)
}

// respond queues a response, over the connection of its request. If that is
// gone one is opened, but only to a configured peer on the same machine
// (RFC 3261 s18.2.2 would, to wherever the sender's Via says).
func (s *streams) respond(f flow, b []byte) error {
	s.mu.Lock()
	c := s.conns[f.remote]
	s.mu.Unlock()
	if c == nil {
		_, err := s.open(f, b, false)
		return err
	}
	return c.queue(b, false)
}

// open is the connection to a configured peer, a new one if there is none.
func (s *streams) open(f flow, b []byte, request bool) (*stream, error) {
	if !f.home.IsValid() {
		return nil, fmt.Errorf("no connection to %s any more", f.remote)
	}
	c, err := s.to(f.home)
	if err != nil {
		return nil, err
	}
	return c, c.queue(b, request)
}

func (s *streams) to(home netip.AddrPort) (*stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.conns[home]; c != nil {
		return c, nil
	}
	c := newStream(s, home)
	if err := s.addLocked(c); err != nil {
		return nil, err
	}
	s.wait.Go(func() { s.dial(c) })
	return c, nil
}

// refusal remembers for a while who takes no connection.
func (s *streams) refusal(by netip.AddrPort, refused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.refused, by)
	if !refused {
		return
	}
	if len(s.refused) >= maxRefusals {
		clear(s.refused)
	}
	s.refused[by] = time.Now().Add(refusalTime)
}

// refuses reports whether a peer took no connection a while ago.
func (s *streams) refuses(a netip.AddrPort) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.refused[a]
	return ok && time.Now().Before(until)
}
