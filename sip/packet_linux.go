//go:build linux && (amd64 || arm64)

package sip

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"

	"tonegate/internal/rawudp"
)

// rawSocket is a UDP socket of one address family whose reads and writes the
// scheduler does not see, for they do not wait: it is the runtime that waits,
// when there is nothing to read.
type rawSocket struct {
	*net.UDPConn
	raw syscall.RawConn

	// owned by the one reader
	in      []byte
	n       int
	from    rawudp.Address
	failed  syscall.Errno
	receive func(fd uintptr) bool

	sending sync.Mutex // guards what follows
	out     []byte
	to      netip.AddrPort
	refused syscall.Errno
	send    func(fd uintptr) bool
}

// quick is the socket with quick reads and writes.
func quick(conn *net.UDPConn) (PacketSocket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &rawSocket{UDPConn: conn, raw: raw}
	s.receive = func(fd uintptr) bool {
		s.n, s.failed = rawudp.Receive(int(fd), s.in, &s.from)
		return s.failed != syscall.EAGAIN
	}
	s.send = func(fd uintptr) bool {
		s.refused = rawudp.Send(int(fd), s.out, s.to)
		return s.refused != syscall.EAGAIN
	}
	return s, nil
}

// ReadFromUDPAddrPort is for one goroutine at a time.
func (s *rawSocket) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	s.in = b
	if err := s.raw.Read(s.receive); err != nil {
		return 0, netip.AddrPort{}, err
	}
	if s.failed != 0 {
		return 0, netip.AddrPort{}, os.NewSyscallError("recvfrom", s.failed)
	}
	return s.n, s.from.AddrPort(), nil
}

func (s *rawSocket) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.out, s.to = b, to
	err := s.raw.Write(s.send)
	s.out = nil
	if err == nil && s.refused != 0 {
		err = os.NewSyscallError("sendto", s.refused)
	}
	if err != nil {
		return 0, err
	}
	return len(b), nil
}
