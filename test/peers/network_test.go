package peers

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ownNetwork gives the rest of the test a network that holds nothing but a loopback interface: every test has
// 127.0.0.1:5060 to itself, and nothing can leave the machine. What is bound to no address sends from the given
// one. The test's goroutine gets a thread that ends with it; sockets and processes belong to the network only if
// this goroutine makes them.
func ownNetwork(t *testing.T, from netip.Addr) {
	t.Helper()
	if cannot != "" {
		t.Skip("REAL PEERS NOT TESTED: " + cannot)
	}
	runtime.LockOSThread() // never unlocked: the thread must not serve another goroutine
	if err := enterNetwork(from); err != nil {
		t.Fatal(err)
	}
}

func enterNetwork(from netip.Addr) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("making a network namespace: %w", err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening a socket in the new network: %w", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("naming the loopback interface: %w", err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bringing the loopback interface up: %w", err)
	}
	if err := lo.SetInet4Addr(from.AsSlice()); err != nil {
		return fmt.Errorf("naming the default address %s: %w", from, err)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFADDR, lo); err != nil {
		return fmt.Errorf("setting the default address %s: %w", from, err)
	}
	return addIPv6()
}

// addIPv6 gives everyone an IPv6 address: there is no ::2 on loopback as there is a 127.0.0.2.
func addIPv6() error {
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening an IPv6 socket in the new network: %w", err)
	}
	defer unix.Close(fd)
	for _, a := range []netip.AddrPort{gate, carrier, pbx, desk, lobby} {
		request := struct { // in6_ifreq of linux/ipv6.h
			address [16]byte
			prefix  uint32
			index   int32
		}{six(a.Addr()).As16(), 128, 1} // loopback is the first interface of every network
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFADDR, uintptr(unsafe.Pointer(&request))); errno != 0 {
			return fmt.Errorf("adding %s to the loopback interface: %w", six(a.Addr()), errno)
		}
		if err := usable(six(a.Addr())); err != nil {
			return err
		}
	}
	return nil
}

// usable waits until the kernel has found an address to be nobody else's, which on loopback takes it no time, but is
// done behind our back.
func usable(a netip.Addr) error {
	end, tick := time.After(5*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := net.ListenUDP("udp6", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
		if err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
		case <-end:
			return fmt.Errorf("waiting for the address on the loopback interface: %w", err)
		}
	}
}

// tryNetwork reports whether this process may make networks.
func tryNetwork() error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		result <- enterNetwork(gate.Addr())
	}()
	return <-result
}

// rerunAsOwnUser runs this test binary again as root of a user namespace, where networks can be made without
// being root outside, and returns its exit code. The error says why the kernel does not allow it.
func rerunAsOwnUser(env ...string) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 1, fmt.Errorf("finding the test binary: %w", err)
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("the kernel forbids network and user namespaces: %w", err)
	}
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), nil
	}
	return 0, err
}
