package sip

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"

	"tonegate/sip/wire"
)

// Listen is one address that the server is reached at.
type Listen struct {
	Network wire.Network
	Address netip.AddrPort
	// Over TLS: what we show, and who must have signed what those show who connect; nil: nobody.
	Certificate *Certificate
	Clients     *Authorities
}

// listener is one open socket. Streams have a sipgo transport layer each, so
// that every message is known by the socket it came through.
type listener struct {
	Listen
	sentBy  string       // our Via sent-by and Contact host
	packets PacketSocket // UDP
	streams *streams     // TCP and TLS
	serve   func() error // reads until the listener is closed
}

func (s *Server) listen(at Listen) (*listener, error) {
	l := &listener{Listen: at, sentBy: at.Address.String()}
	switch at.Network {
	case wire.UDP:
		socket, err := s.options.ListenPacket(at.Address)
		if err != nil {
			return nil, fmt.Errorf("listening on udp %s: %w", at.Address, err)
		}
		l.packets = socket
		l.serve = func() error {
			return s.readPackets(l, socket)
		}
	case wire.TCP, wire.TLS:
		tcp, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at.Address))
		if err != nil {
			return nil, fmt.Errorf("listening on %s %s: %w", strings.ToLower(at.Network.String()), at.Address, err)
		}
		var over *security
		if at.Network == wire.TLS {
			over = newSecurity(at, s.options.Trunks, s.log)
		}
		l.streams = newStreams(tcp, over, s.trunk, s.lost, s.metrics)
		silent := slog.New(slog.DiscardHandler) // sipgo logs whole messages; ours are counted instead
		layer := sipgo.NewTransportLayer(net.DefaultResolver, wire.NewParser(), nil, sipgo.WithTransportLayerLogger(silent))
		layer.OnMessage(func(m sipgo.Message) { s.framed(l, m) })
		l.serve = func() error { return layer.ServeTCP(l.streams) }
	}
	return l, nil
}

func (l *listener) close() error {
	if l.packets != nil {
		return l.packets.Close()
	}
	return l.streams.Close()
}

// sent reports whether a Via is one that we write on this socket.
func (l *listener) sent(v wire.Via) bool {
	port := v.Port
	if port == 0 {
		port = 5060
		if l.Network == wire.TLS {
			port = 5061
		}
	}
	addr, err := netip.ParseAddr(strings.Trim(v.Host, "[]"))
	return err == nil && netip.AddrPortFrom(addr, uint16(port)) == l.Address
}

// flow is a way to a peer: a socket of ours and an address.
type flow struct {
	through *listener
	remote  netip.AddrPort
	// home is the configured peer that is connected to, over a stream, when
	// no connection with remote is left; zero for nobody.
	home netip.AddrPort
}

// send writes a message. Branch names the request, "" is for responses.
func (f flow) send(b []byte, branch string) error {
	_, err := f.carry(b, branch != "")
	return err
}

// carry is send, and tells which connection has taken the message.
func (f flow) carry(b []byte, request bool) (*stream, error) {
	switch {
	case len(b) == 0:
		return nil, fmt.Errorf("nothing to send to %s", f.remote)
	case f.through.packets != nil:
		_, err := f.through.packets.WriteToUDPAddrPort(b, f.remote)
		return nil, err
	case request:
		return f.through.streams.request(f, b)
	}
	return nil, f.through.streams.respond(f, b)
}

// contact is our Contact value on this flow.
func (f flow) contact() string {
	return "<sip:" + f.through.sentBy + transport(f.through.Network) + ">"
}

// transport is the URI parameter that leads a request to a network. TLS has
// one too (RFC 3261 s26.2.2 discourages it, everybody writes it): sips would
// claim that every hop is secured up to the telephone, which we cannot know.
func transport(n wire.Network) string {
	switch n {
	case wire.TCP:
		return ";transport=tcp"
	case wire.TLS:
		return ";transport=tls"
	}
	return ""
}
