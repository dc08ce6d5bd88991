package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"

	"golang.org/x/time/rate"

	"tonegate/sip/wire"
)

// security is the TLS of one listening address.
type security struct {
	certificate *Certificate
	clients     *Authorities // nil: those who connect need show no certificate
	peers       map[netip.AddrPort]Peer
	log         *slog.Logger
	complaints  *rate.Limiter // log lines about refused connections
}

// refusalsPerSecond bounds the log lines about connections that came to nothing.
const refusalsPerSecond = 5

var errNoPeer = errors.New("not a peer that is reached over TLS")

func newSecurity(at Listen, trunks []Trunk, log *slog.Logger) *security {
	s := &security{certificate: at.Certificate, clients: at.Clients, peers: map[netip.AddrPort]Peer{}, log: log,
		complaints: rate.NewLimiter(refusalsPerSecond, refusalsPerSecond)}
	for _, t := range trunks {
		for _, p := range t.Peers {
			if p.Network == wire.TLS {
				s.peers[p.Address] = p
			}
		}
	}
	return s
}

// config is what both directions share. TLS 1.2 and 1.3 only (RFC 8996);
// crypto/tls knows no renegotiation as a server, and does none as a client.
func (s *security) config() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS12,
		Certificates:           []tls.Certificate{s.certificate.files.now(s.log)},
		SessionTicketsDisabled: true, // connections last; a resumed one would not show its certificate to new Authorities
	}
}

// server is the configuration for those who connect.
func (s *security) server() *tls.Config {
	c := s.config()
	if s.clients != nil {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, s.clients.files.now(s.log)
	}
	return c
}

// client is the configuration for a peer that we connect to; nobody else is.
func (s *security) client(remote netip.AddrPort) (*tls.Config, error) {
	p, ok := s.peers[remote]
	if !ok {
		return nil, errNoPeer
	}
	c := s.config()
	c.ServerName = p.Name
	if c.ServerName == "" {
		c.ServerName = remote.Addr().String()
	}
	if p.Authorities != nil {
		c.RootCAs = p.Authorities.files.now(s.log)
	}
	return c, nil
}

// accept makes a connection of a peer one over TLS.
func (s *security) accept(ctx context.Context, conn net.Conn, remote netip.AddrPort) (net.Conn, error) {
	return s.agree(ctx, conn, tls.Server(conn, s.server()), remote, "in")
}

// dial connects to a peer over TLS, and makes sure of who it is.
func (s *security) dial(ctx context.Context, d *net.Dialer, remote netip.AddrPort) (net.Conn, error) {
	config, err := s.client(remote)
	if err != nil {
		return nil, err
	}
	conn, err := d.DialContext(ctx, "tcp", remote.String())
	if err != nil {
		return nil, err
	}
	return s.agree(ctx, conn, tls.Client(conn, config), remote, "out")
}

func (s *security) agree(ctx context.Context, conn net.Conn, secure *tls.Conn, remote netip.AddrPort, direction string) (net.Conn, error) {
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		s.refused(remote, direction, err)
		return nil, err
	}
	return secure, nil
}

// refused tells the operator: it is the certificates that are wrong, nearly always.
func (s *security) refused(remote netip.AddrPort, direction string, err error) {
	if s.complaints.Allow() {
		s.log.Warn("a TLS connection came to nothing", "peer", remote.String(), "direction", direction, "error", err)
	}
}
