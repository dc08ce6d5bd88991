package peers

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A process is a program that runs beside a test and never outlives it.
type process struct {
	name string
	cmd  *exec.Cmd
	out  *output
	done chan struct{} // closed when it has ended
	err  error         // how it ended; read after done
}

// An output keeps what a process prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs a program in dir. Call it from the test's goroutine, so that it is in the test's network.
func start(t *testing.T, dir, program string, args ...string) *process {
	t.Helper()
	p := &process{name: program, cmd: exec.Command(program, args...), out: new(output), done: make(chan struct{})}
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(), "HOME="+dir, "TERM=dumb")
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", program, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

// ended reports whether the process is no more.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// wait returns how the process ended, and fails the test if it does not end in time.
func (p *process) wait(t *testing.T, within time.Duration) error {
	t.Helper()
	select {
	case <-p.done:
		return p.err
	case <-time.After(within):
		t.Fatalf("%s still runs after %v; it printed:\n%s", p.name, within, p.out)
		return nil
	}
}

// stop asks the process to end and waits for it.
func (p *process) stop(t *testing.T, signal os.Signal) {
	t.Helper()
	p.cmd.Process.Signal(signal)
	p.wait(t, 10*time.Second)
}

// eventually calls the condition until it is true, and fails the test if that takes too long.
func eventually(t *testing.T, what string, within time.Duration, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within %v", what, within)
		}
	}
}

// bound reports whether a socket of the test's network has the address: "udp" or "tcp".
func bound(t *testing.T, network string, addr netip.AddrPort) bool {
	t.Helper()
	if addr.Addr().Is6() {
		network += "6"
	}
	// The table belongs to the thread's network, not the process's.
	text, err := os.ReadFile("/proc/thread-self/net/" + network)
	if err != nil {
		t.Fatalf("reading the socket table: %v", err)
	}
	want := ""
	for word := range slices.Chunk(addr.Addr().AsSlice(), 4) { // each as the host's number
		want += fmt.Sprintf("%08X", binary.NativeEndian.Uint32(word))
	}
	want += fmt.Sprintf(":%04X", addr.Port())
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[1] == want {
			return true
		}
	}
	return false
}
