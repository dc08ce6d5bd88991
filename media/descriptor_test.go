//go:build linux && (amd64 || arm64)

package media

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"testing"
)

func TestDescriptorsSpeakBothFamilies(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1"} {
		at := netip.AddrPortFrom(netip.MustParseAddr(address), 26000)
		a, err := bind(at)
		if errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) {
			t.Skipf("no %s here", address)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bind(at); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("bound twice: %v", err)
		}
		var buffer [16]byte
		var from sockaddr
		if _, err := a.read(buffer[:], &from); err != syscall.EAGAIN {
			t.Errorf("read of nothing: %v", err)
		}
		if n, err := a.WriteToUDPAddrPort([]byte("hello"), at); n != 5 || err != nil {
			t.Errorf("%d %v", n, err)
		}
		if n, err := a.read(buffer[:], &from); n != 5 || err != 0 || from.read() != at {
			t.Errorf("%d %v from %v", n, err, from.read())
		}
		for _, wrong := range []string{"192.0.2.1:1", "[2001:db8::1]:1"} {
			if to := netip.MustParseAddrPort(wrong); to.Addr().Is4() != at.Addr().Is4() {
				if _, err := a.WriteToUDPAddrPort([]byte("hello"), to); err == nil {
					t.Errorf("%s from %s", wrong, address)
				}
			}
		}
		if !a.hold() { // a reader that is late: the number stays ours
			t.Fatal("not held")
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if _, err := bind(at); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("closed under a reader: %v", err)
		}
		a.release()
		if _, err := a.WriteToUDPAddrPort([]byte("hello"), at); err != net.ErrClosed || a.Close() != net.ErrClosed {
			t.Errorf("after close: %v", err)
		}
		b, err := bind(at)
		if err != nil {
			t.Fatal(err)
		}
		b.Close()
	}
}

// A source with a scope is one that no description names: it must equal none.
func TestSourceWithScope(t *testing.T) {
	var s sockaddr
	s.write(netip.MustParseAddrPort("[fe80::1]:4000"))
	s[24] = 2
	if from := s.read(); from.IsValid() {
		t.Error(from)
	}
}
