//go:build linux && (amd64 || arm64)

package media

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"tonegate/internal/rawudp"
)

// descriptor is a UDP socket that neither waits nor is connected. Its number goes back to the system when its last user is done with it:
// nobody reads from, or writes to, a socket that has got the same number since.
type descriptor struct {
	fd     int
	family uint16
	users  atomic.Int32 // one of them is the leg, until closed
	closed atomic.Bool

	port     uint16
	leg      *leg // set before the reactor sees it
	control  bool // the socket of RTCP
	reactor  *reactor
	failures int // to read, in a row; owned by the reactor
}

// bind opens a socket of one address family, so that sources are not seen as IPv4 within IPv6. None of these calls waits.
func bind(at netip.AddrPort) (*descriptor, error) {
	family := uintptr(syscall.AF_INET)
	var name rawudp.Address
	size := name.Of(at)
	if at.Addr().Is6() {
		family = syscall.AF_INET6
		scope, err := scope(at.Addr().Zone())
		if err != nil {
			return nil, err
		}
		binary.NativeEndian.PutUint32(name[24:], scope)
	}
	fd, _, err := syscall.RawSyscall(syscall.SYS_SOCKET, family, syscall.SOCK_DGRAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != 0 {
		return nil, os.NewSyscallError("socket", err)
	}
	if family == syscall.AF_INET6 {
		if err := syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 1); err != nil {
			syscall.Close(int(fd))
			return nil, os.NewSyscallError("setsockopt", err)
		}
	}
	if _, _, err = syscall.RawSyscall(syscall.SYS_BIND, fd, uintptr(unsafe.Pointer(&name)), uintptr(size)); err != 0 {
		syscall.Close(int(fd))
		return nil, os.NewSyscallError("bind", err)
	}
	d := &descriptor{fd: int(fd), family: uint16(family), port: at.Port()}
	d.users.Store(1)
	return d, nil
}

// enlarge asks for larger buffers. The system may allow less; then what it allows is used.
func (d *descriptor) enlarge() {
	_ = syscall.SetsockoptInt(d.fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, socketBuffer)
	_ = syscall.SetsockoptInt(d.fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, socketBuffer)
}

// receive hands a datagram to the leg.
func (d *descriptor) receive(b []byte, from netip.AddrPort) {
	if d.control {
		d.leg.receiveControl(b, from)
		return
	}
	d.leg.receive(b, from)
}

// scope is the number of the interface that a zone names.
func scope(zone string) (uint32, error) {
	if zone == "" {
		return 0, nil
	}
	i, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, err
	}
	return uint32(i.Index), nil
}

// hold keeps the number ours until release; false if it is not any more.
func (d *descriptor) hold() bool {
	for {
		n := d.users.Load()
		if n == 0 || d.closed.Load() {
			return false
		}
		if d.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (d *descriptor) release() {
	if d.users.Add(-1) == 0 {
		rawudp.Close(d.fd)
	}
}

// Close implements sender.
func (d *descriptor) Close() error {
	if d.closed.Swap(true) {
		return net.ErrClosed
	}
	d.release()
	return nil
}

// WriteToUDPAddrPort implements sender. It never waits.
func (d *descriptor) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if !d.hold() {
		return 0, net.ErrClosed
	}
	defer d.release()
	if to.Addr().Is4() != (d.family == syscall.AF_INET) {
		return 0, syscall.EINVAL
	}
	if err := rawudp.Send(d.fd, b, to); err != 0 {
		return 0, err
	}
	return len(b), nil
}

// read takes one datagram, if there is one.
func (d *descriptor) read(b []byte, from *rawudp.Address) (int, syscall.Errno) {
	if !d.hold() {
		return 0, syscall.EAGAIN
	}
	defer d.release()
	return rawudp.Receive(d.fd, b, from)
}
