//go:build linux && (amd64 || arm64)

package media

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"tonegate/internal/rawudp"
)

// batch is how many sockets are read between two looks at the clock.
const batch = 256

// reactor is a goroutine with an epoll instance of its own. With RawSyscall it calls only what does not wait.
type reactor struct {
	plane  *plane
	poll   int // epoll descriptor
	event  int // eventfd that ends its wait
	pacer  *pacer
	keeper *keeper
	legs   int // owned by plane.mu

	woken, stopped atomic.Bool
	sockets        *sockets

	// owned by run
	next   time.Duration // when pacer or keeper have something to do
	file   *os.File      // poll, for the runtime
	raw    syscall.RawConn
	look   func(uintptr) bool // asked by the runtime whether there are events, when there may be
	found  int
	events [batch]syscall.EpollEvent
	packet [datagramSize]byte
	from   rawudp.Address
}

func newReactor(p *plane, s *sockets) (*reactor, error) {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	event, _, errno := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		syscall.Close(poll)
		return nil, os.NewSyscallError("eventfd2", errno)
	}
	err = syscall.SetNonblock(poll, true) // or the runtime does not wait for it
	r := &reactor{plane: p, poll: poll, event: int(event), sockets: s, file: os.NewFile(uintptr(poll), "epoll")}
	r.pacer = newPacer(p.clock, r.wake)
	r.keeper = newKeeper(p.clock, r.wake)
	r.look = func(uintptr) bool {
		r.found = r.ready()
		return r.found > 0
	}
	if err == nil {
		err = syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, r.event, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: ownEvent})
	}
	if err == nil {
		err = r.file.SetReadDeadline(time.Time{})
	}
	if err == nil {
		r.raw, err = r.file.SyscallConn()
	}
	if err != nil {
		r.release()
		return nil, fmt.Errorf("waiting for epoll: %w", err)
	}
	return r, nil
}

func (r *reactor) release() {
	syscall.Close(r.event)
	r.file.Close()
}

// wake has the reactor look at its pacer and keeper.
func (r *reactor) wake() {
	if r.woken.Swap(true) {
		return
	}
	one := [8]byte{1}
	syscall.RawSyscall(syscall.SYS_WRITE, uintptr(r.event), uintptr(unsafe.Pointer(&one)), 8)
}

func (r *reactor) run() {
	defer r.release()
	for {
		now := r.plane.clock()
		if r.woken.Swap(false) || now >= r.next {
			if r.stopped.Load() {
				return
			}
			now = r.turn()
		}
		for _, event := range r.events[:r.wait(now)] {
			r.read(event.Fd)
		}
	}
}

// turn does what pacer and keeper have to do, and gives the time.
func (r *reactor) turn() time.Duration {
	wait := min(r.pacer.advance(), r.keeper.advance())
	now := r.plane.clock()
	r.next = never
	if wait != never {
		r.next = now + wait
	}
	return now
}

// wait gives how many events there are. It is the runtime that waits: a call of our own that waits would keep a P, and the runtime
// busy taking it away, which costs more than it saves.
func (r *reactor) wait(now time.Duration) int {
	left := r.next - now
	if n := r.ready(); n > 0 || left <= 0 {
		return n
	}
	var deadline time.Time
	if r.next != never {
		deadline = time.Now().Add(left)
	}
	if err := r.file.SetReadDeadline(deadline); err != nil {
		return 0
	}
	r.found = 0
	_ = r.raw.Read(r.look) // the deadline is no failure
	return r.found
}

// ready gives events without a wait.
func (r *reactor) ready() int {
	n, _, err := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(r.poll), uintptr(unsafe.Pointer(&r.events)), batch, 0, 0, 0)
	if err != 0 {
		return 0
	}
	return int(n)
}

// ownEvent stands for the eventfd where sockets have their port.
const ownEvent = -1

// watch has the events of a socket come to the reactor, from now on and until it is closed. The reactor need not be told of either: it
// finds the socket by its port.
func (r *reactor) watch(d *descriptor) error {
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(d.port)}
	_, _, err := syscall.RawSyscall6(syscall.SYS_EPOLL_CTL, uintptr(r.poll), syscall.EPOLL_CTL_ADD, uintptr(d.fd), uintptr(unsafe.Pointer(&event)), 0, 0)
	if err != 0 {
		return os.NewSyscallError("epoll_ctl", err)
	}
	return nil
}

// read takes one datagram from the socket of a port. If there are more, the next wait says so: asking costs more than being told.
func (r *reactor) read(port int32) {
	if port == ownEvent {
		var count [8]byte
		syscall.RawSyscall(syscall.SYS_READ, uintptr(r.event), uintptr(unsafe.Pointer(&count)), 8)
		return
	}
	d := r.sockets.of(uint16(port)).Load()
	if d == nil { // closed with packets left
		return
	}
	n, err := d.read(r.packet[:], &r.from)
	switch err {
	case 0:
		d.failures = 0
		d.receive(r.packet[:n], r.from.AddrPort())
	case syscall.EAGAIN, syscall.EINTR:
	default:
		if d.failures++; d.failures == readFailures {
			r.plane.Log.Warn("media socket given up", "error", err)
			syscall.EpollCtl(r.poll, syscall.EPOLL_CTL_DEL, d.fd, nil)
		}
	}
}
