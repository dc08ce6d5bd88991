package sip

import (
	"errors"
	"net"
	"net/netip"
	"runtime/debug"

	"tonegate/sip/wire"
)

// PacketSocket is a UDP socket; *net.UDPConn is one.
type PacketSocket interface {
	net.PacketConn
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
}

// maxReadErrors in a row end the reader: the socket itself is broken.
const maxReadErrors = 100

// maxDatagram is the most that UDP can carry: a datagram must fit whole.
const maxDatagram = 65535

// readPackets hands over every message from a known address, good or bad. Only
// a closed or broken socket ends it.
func (s *Server) readPackets(l *listener, socket PacketSocket) error {
	b := make([]byte, maxDatagram)
	for failures := 0; ; {
		n, from, err := socket.ReadFromUDPAddrPort(b)
		if err != nil {
			failures++
			if errors.Is(err, net.ErrClosed) || failures > maxReadErrors {
				return err
			}
			continue // an ICMP error of an earlier datagram, say
		}
		failures = 0
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if !s.known(from.Addr()) {
			s.metrics.drop(dropStranger)
			continue
		}
		if !wire.Keepalive(b[:n]) {
			s.datagram(l, b[:n], from)
		}
	}
}

// datagram takes one message. A fault of ours costs that message.
func (s *Server) datagram(l *listener, b []byte, from netip.AddrPort) {
	defer s.fence()
	m, problem := wire.Parse(b, wire.UDP, from)
	s.arrived(l, m, problem)
}

// fence is deferred around what a reader does with a message.
func (s *Server) fence() {
	if fault := recover(); fault != nil {
		s.metrics.faults.Inc()
		s.log.Error("a fault cost a message", "fault", fault, "stack", string(debug.Stack()))
	}
}
