package sip

import (
	"errors"
	"net"
	"net/netip"

	"tonegate/sip/wire"
)

// PacketSocket is a UDP socket; *net.UDPConn is one.
type PacketSocket interface {
	net.PacketConn
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
}

// packetConn is a UDP socket as sipgo sees it: strangers and datagrams that
// its parser would drop in silence never get there.
type packetConn struct {
	PacketSocket
	known   func(netip.Addr) bool
	reply   func(source netip.AddrPort, b []byte)
	metrics *Metrics
	names   map[netip.AddrPort]*peerAddr // owned by the reader
}

// maxPeerNames bounds the addresses remembered with their text.
const maxPeerNames = 4096

// maxReadErrors in a row end the reader: the socket itself is broken.
const maxReadErrors = 100

// peerAddr is a source address whose text is made once.
type peerAddr struct{ text string }

func (*peerAddr) Network() string  { return "udp" }
func (a *peerAddr) String() string { return a.text }

// ReadFrom gives sipgo the next datagram that is worth parsing. An error here
// would end sipgo's reader for good, so only a closed or broken socket is one.
func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for failures := 0; ; {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err != nil {
			failures++
			if errors.Is(err, net.ErrClosed) || failures > maxReadErrors {
				return 0, nil, err
			}
			continue // an ICMP error of an earlier datagram, say
		}
		failures = 0
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if !c.known(from.Addr()) {
			c.metrics.drop(dropStranger)
			continue
		}
		if problem := wire.Check(b[:n]); problem != nil {
			c.metrics.drop(dropMalformed)
			c.reply(from, wire.Salvage(b[:n], problem))
			continue
		}
		return n, c.name(from), nil
	}
}

func (c *packetConn) name(from netip.AddrPort) *peerAddr {
	if a, ok := c.names[from]; ok {
		return a
	}
	if len(c.names) >= maxPeerNames {
		clear(c.names)
	}
	a := &peerAddr{text: from.String()}
	c.names[from] = a
	return a
}
