//go:build linux && (amd64 || arm64)

package rawudp

import (
	"encoding/binary"
	"net/netip"
	"syscall"
	"unsafe"
)

// Address is struct sockaddr_in or sockaddr_in6 of the system.
type Address [28]byte

// Of writes an address without its zone, and gives how many octets are used.
func (s *Address) Of(a netip.AddrPort) int {
	binary.BigEndian.PutUint16(s[2:], a.Port())
	if a.Addr().Is4() {
		binary.NativeEndian.PutUint16(s[:], syscall.AF_INET)
		ip := a.Addr().As4()
		copy(s[4:], ip[:])
		return 16
	}
	binary.NativeEndian.PutUint16(s[:], syscall.AF_INET6)
	ip := a.Addr().As16()
	copy(s[8:], ip[:])
	return 28
}

// AddrPort is not valid for an address with a scope: neither a description nor a configuration can name it.
func (s *Address) AddrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16(s[2:])
	switch {
	case binary.NativeEndian.Uint16(s[:]) == syscall.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(s[4:8])), port)
	case binary.NativeEndian.Uint32(s[24:]) == 0:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(s[8:24])), port)
	}
	return netip.AddrPort{}
}

// Send writes one datagram to an address of the socket's family. 0 is success.
func Send(fd int, b []byte, to netip.AddrPort) syscall.Errno {
	var name Address
	size := name.Of(to)
	_, _, err := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		0, uintptr(unsafe.Pointer(&name)), uintptr(size))
	return err
}

// Receive takes one datagram, if there is one; EAGAIN says that there is none. b is not empty.
func Receive(fd int, b []byte, from *Address) (int, syscall.Errno) {
	size := uint32(len(from))
	n, _, err := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
		0, uintptr(unsafe.Pointer(from)), uintptr(unsafe.Pointer(&size)))
	return int(n), err
}

// Close gives the socket's number back. That of a UDP socket does not wait.
func Close(fd int) { syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0) }
