package sip

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"

	sipgo "github.com/emiago/sipgo/sip"

	"tonegate/sip/wire"
)

func init() {
	// sipgo's read buffer, a package variable: a datagram must fit whole.
	sipgo.TransportBufferReadSize = 65535
}

// Listen is one address that the server is reached at.
type Listen struct {
	Network wire.Network
	Address netip.AddrPort
	// Over TLS: what we show, and who must have signed what those show who connect; nil: nobody.
	Certificate *Certificate
	Clients     *Authorities
}

// listener is one open socket with its own sipgo transport layer, so that
// every message is known by the socket it came through.
type listener struct {
	Listen
	sentBy  string // our Via sent-by and Contact host
	packets *packetConn
	streams *streams
	layer   *sipgo.TransportLayer
}

func (s *Server) listen(at Listen) (*listener, error) {
	l := &listener{Listen: at, sentBy: at.Address.String()}
	silent := slog.New(slog.NewTextHandler(io.Discard, nil)) // sipgo logs whole datagrams; ours are counted instead
	l.layer = sipgo.NewTransportLayer(net.DefaultResolver, wire.NewParser(), nil, sipgo.WithTransportLayerLogger(silent))
	l.layer.OnMessage(func(m sipgo.Message) { s.arrived(l, m) })
	switch at.Network {
	case wire.UDP:
		socket, err := s.options.ListenPacket(at.Address)
		if err != nil {
			return nil, fmt.Errorf("listening on udp %s: %w", at.Address, err)
		}
		l.packets = &packetConn{PacketSocket: socket, known: s.known, metrics: s.metrics, names: map[netip.AddrPort]*peerAddr{},
			reply: func(to netip.AddrPort, b []byte) { s.refuse(flow{through: l, remote: to}, b) }}
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
	}
	return l, nil
}

// serve reads until the listener is closed.
func (l *listener) serve() error {
	if l.packets != nil {
		return l.layer.ServeUDP(l.packets)
	}
	return l.layer.ServeTCP(l.streams)
}

func (l *listener) close() error {
	if l.packets != nil {
		return l.packets.Close()
	}
	return l.streams.Close()
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
