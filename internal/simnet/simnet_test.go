package simnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var (
	hostA = netip.MustParseAddrPort("10.0.0.1:5060")
	hostB = netip.MustParseAddrPort("10.0.0.2:5060")
)

func listen(t *testing.T, n *Network, addr netip.AddrPort) *Conn {
	t.Helper()
	c, err := n.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func send(t *testing.T, c *Conn, to netip.AddrPort, text string) {
	t.Helper()
	if n, err := c.WriteToUDPAddrPort([]byte(text), to); n != len(text) || err != nil {
		t.Fatalf("write %q: %d, %v", text, n, err)
	}
}

func receive(t *testing.T, c *Conn) string {
	t.Helper()
	b := make([]byte, 2048)
	n, _, err := c.ReadFromUDPAddrPort(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// drain reads what arrives within d.
func drain(t *testing.T, c *Conn, d time.Duration) []string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(d))
	defer c.SetReadDeadline(time.Time{})
	var got []string
	b := make([]byte, 2048)
	for {
		n, _, err := c.ReadFromUDPAddrPort(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b[:n]))
	}
}

func TestDelayIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Conditions{Delay: 25 * time.Millisecond})
		defer n.Close()
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		start := time.Now()
		send(t, a, hostB, "one")
		if got := receive(t, b); got != "one" {
			t.Fatalf("got %q", got)
		}
		if took := time.Since(start); took != 25*time.Millisecond {
			t.Fatalf("took %v, want 25ms", took)
		}
	})
}

func TestOrderIsKeptInSpiteOfJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Conditions{Delay: time.Millisecond, Jitter: 200 * time.Millisecond, Seed: 7})
		defer n.Close()
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		var want []string
		for i := range 200 {
			want = append(want, fmt.Sprint(i))
			send(t, a, hostB, want[i])
			time.Sleep(5 * time.Millisecond)
		}
		if got := drain(t, b, time.Second); !slices.Equal(got, want) {
			t.Fatalf("got %v", got)
		}
	})
}

func TestOneDatagramAnInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Conditions{Delay: time.Millisecond})
		defer n.Close()
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		var at []time.Time
		n.Watch(func(e Event) { at = append(at, e.At) })
		for i := range 10 {
			send(t, a, hostB, fmt.Sprint(i))
		}
		drain(t, b, time.Second)
		n.Close() // the recorder has finished
		if len(at) != 10 {
			t.Fatalf("%d delivered", len(at))
		}
		for i := 1; i < len(at); i++ {
			if at[i].Sub(at[i-1]) != 1 {
				t.Fatalf("datagram %d came %v after the one before", i, at[i].Sub(at[i-1]))
			}
		}
	})
}

// impaired runs two senders against one receiver and writes down everything that happened.
func impaired(t *testing.T, seed uint64) (trace string, fates map[Fate]int, got []string) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Conditions{Delay: 10 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.2, Duplicate: 0.1, Reorder: 0.1, Seed: seed})
		defer n.Close()
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		c := listen(t, n, netip.MustParseAddrPort("10.0.0.3:0"))
		fates = map[Fate]int{}
		var out strings.Builder
		start := time.Now()
		n.Watch(func(e Event) {
			fates[e.Fate]++
			fmt.Fprintf(&out, "%v %v %s %s\n", e.At.Sub(start), e.From, e.Data, e.Fate)
		})
		done := make(chan struct{})
		for _, from := range []*Conn{a, c} {
			go func() {
				for i := range 1000 {
					send(t, from, hostB, fmt.Sprint(i))
					time.Sleep(20 * time.Millisecond)
				}
				done <- struct{}{}
			}()
		}
		got = drain(t, b, 30*time.Second)
		<-done
		<-done
		n.Close()
		trace = out.String()
	})
	return trace, fates, got
}

func TestConditionsHaveTheFrequenciesAsked(t *testing.T) {
	_, fates, got := impaired(t, 1)
	within := func(what string, got, low, high int) {
		if got < low || got > high {
			t.Errorf("%s: %d, want %d to %d", what, got, low, high)
		}
	}
	within("lost of 2000", fates[Lost], 350, 450)
	within("duplicates of 2000", fates[Delivered]+fates[Lost]-2000, 110, 210)
	late := 0
	var highest int
	for _, text := range got {
		var i int
		fmt.Sscan(text, &i)
		if i < highest {
			late++
		}
		highest = max(highest, i)
	}
	within("overtaken", late, 80, 600)
	if len(got) != fates[Delivered] {
		t.Errorf("%d received, %d recorded", len(got), fates[Delivered])
	}
}

func TestRunIsRepeatablePerSeed(t *testing.T) {
	first, _, _ := impaired(t, 42)
	for range 3 {
		if again, _, _ := impaired(t, 42); again != first {
			t.Fatal("the same seed gave another run")
		}
	}
	if other, _, _ := impaired(t, 43); other == first {
		t.Fatal("another seed gave the same run")
	}
}

func TestLinkHasConditionsOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Conditions{})
		defer n.Close()
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		n.SetLink(hostA.Addr(), hostB.Addr(), Conditions{Loss: 1})
		send(t, a, hostB, "lost")
		send(t, b, hostA, "the other direction")
		if got := receive(t, a); got != "the other direction" {
			t.Fatalf("got %q", got)
		}
		if got := drain(t, b, time.Second); got != nil {
			t.Fatalf("got %q over a link that loses everything", got)
		}
		n.SetLink(hostA.Addr(), hostB.Addr(), Conditions{})
		send(t, a, hostB, "mended")
		if got := receive(t, b); got != "mended" {
			t.Fatalf("got %q", got)
		}
	})
}

func TestFilterHoldsTheAnswerUntilTheCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Conditions{Delay: time.Millisecond})
		defer n.Close()
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		var order []string
		n.Watch(func(e Event) { order = append(order, string(e.Data)) })
		n.SetFilter(func(p Packet) Verdict {
			switch string(p.Data) {
			case "200":
				return HoldUntil(func(p Packet) bool { return string(p.Data) == "CANCEL" })
			case "180":
				return Drop
			case "183":
				return Delay(5 * time.Second)
			}
			return Pass
		})
		send(t, b, hostA, "180")
		send(t, b, hostA, "183")
		send(t, b, hostA, "200")
		time.Sleep(time.Second)
		if n.Held() != 1 {
			t.Fatalf("%d held", n.Held())
		}
		send(t, a, hostB, "CANCEL")
		time.Sleep(10 * time.Second)
		n.Close()
		if want := []string{"180", "CANCEL", "200", "183"}; !slices.Equal(order, want) {
			t.Fatalf("order %v, want %v", order, want)
		}
	})
}

func TestReleaseKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Conditions{})
		defer n.Close()
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		n.SetFilter(func(Packet) Verdict { return Hold() })
		for _, text := range []string{"1", "2", "3"} {
			send(t, a, hostB, text)
		}
		n.Release()
		if got := drain(t, b, time.Second); !slices.Equal(got, []string{"1", "2", "3"}) {
			t.Fatalf("got %v", got)
		}
	})
}

func TestReceiveQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Conditions{})
		defer n.Close()
		a, b := listen(t, n, hostA), listen(t, n, hostB)
		fates := map[Fate]int{}
		n.Watch(func(e Event) { fates[e.Fate]++ })
		for range receiveQueue + 10 {
			send(t, a, hostB, "x")
		}
		send(t, a, netip.MustParseAddrPort("10.9.9.9:1"), "x")
		time.Sleep(time.Second)
		got := drain(t, b, time.Second)
		n.Close()
		if fates[Delivered] != receiveQueue || fates[Overflowed] != 10 || fates[Unheard] != 1 {
			t.Fatalf("fates %v", fates)
		}
		if len(got) != receiveQueue {
			t.Fatalf("%d read", len(got))
		}
	})
}

func TestReadDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(Conditions{})
		defer n.Close()
		a := listen(t, n, hostA)
		start := time.Now()
		time.AfterFunc(time.Second, func() { a.SetReadDeadline(time.Now().Add(2 * time.Second)) })
		_, _, err := a.ReadFrom(make([]byte, 1))
		var timeout net.Error
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Fatalf("got %v", err)
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Fatalf("took %v", took)
		}
		a.SetDeadline(time.Now())
		if _, err := a.WriteToUDPAddrPort([]byte("x"), hostB); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("write after the deadline: %v", err)
		}
		a.SetDeadline(time.Time{})
		send(t, a, hostA, "to myself")
		if got := receive(t, a); got != "to myself" {
			t.Fatalf("got %q", got)
		}
	})
}

func TestCloseUnblocksReaders(t *testing.T) {
	for name, shut := range map[string]func(*Network, *Conn) error{
		"conn":    func(_ *Network, c *Conn) error { return c.Close() },
		"network": func(n *Network, _ *Conn) error { return n.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := New(Conditions{})
				defer n.Close()
				a := listen(t, n, hostA)
				errs := make(chan error, 2)
				for range 2 {
					go func() {
						_, _, err := a.ReadFrom(make([]byte, 1))
						errs <- err
					}()
				}
				synctest.Wait()
				if err := shut(n, a); err != nil {
					t.Fatal(err)
				}
				for range 2 {
					if err := <-errs; !errors.Is(err, net.ErrClosed) {
						t.Fatalf("got %v", err)
					}
				}
				if _, err := a.WriteToUDPAddrPort([]byte("x"), hostB); !errors.Is(err, net.ErrClosed) {
					t.Fatalf("write: %v", err)
				}
				if err := a.Close(); !errors.Is(err, net.ErrClosed) {
					t.Fatalf("second close: %v", err)
				}
			})
		})
	}
}

func TestListenRefusals(t *testing.T) {
	n := New(Conditions{})
	defer n.Close()
	listen(t, n, hostA)
	for addr, want := range map[string]error{
		"10.0.0.1:5060":          syscall.EADDRINUSE,
		"[::ffff:10.0.0.1]:5060": syscall.EADDRINUSE,
		"0.0.0.0:5060":           syscall.EADDRNOTAVAIL,
	} {
		if _, err := n.Listen(netip.MustParseAddrPort(addr)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", addr, err, want)
		}
	}
	if _, err := n.Listen(netip.AddrPort{}); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("no address: %v", err)
	}
	one, two := listen(t, n, netip.MustParseAddrPort("[2001:db8::1]:0")), listen(t, n, netip.MustParseAddrPort("[2001:db8::1]:0"))
	if one.String() == two.String() || one.LocalAddr().String() != one.String() {
		t.Errorf("port 0 gave %v and %v", one, two)
	}
	one.Close()
	if again, err := n.Listen(one.addr); err != nil || again == nil {
		t.Errorf("a closed address is not free: %v", err)
	}
}

func TestWriteRefusals(t *testing.T) {
	n := New(Conditions{})
	defer n.Close()
	a := listen(t, n, hostA)
	if _, err := a.WriteToUDPAddrPort(make([]byte, maxDatagram+1), hostB); !errors.Is(err, syscall.EMSGSIZE) {
		t.Errorf("too long: %v", err)
	}
	if _, err := a.WriteToUDPAddrPort(nil, netip.AddrPort{}); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("nowhere: %v", err)
	}
	if _, err := a.WriteTo(nil, &net.TCPAddr{}); err == nil {
		t.Error("a TCP address was accepted")
	}
	if _, err := a.WriteTo(nil, nil); err == nil {
		t.Error("a nil address was accepted")
	}
}

func TestConditionsThatMakeNoSense(t *testing.T) {
	for _, c := range []Conditions{{Loss: 1.1}, {Duplicate: -1}, {Delay: -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v accepted", c)
				}
			}()
			New(c)
		}()
	}
}

func TestSourceAddressIsShared(t *testing.T) {
	n := New(Conditions{})
	defer n.Close()
	a, b := listen(t, n, hostA), listen(t, n, hostB)
	buf := make([]byte, 10)
	var seen []net.Addr
	for range 2 {
		if _, err := a.WriteTo([]byte("x"), b.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		_, from, err := b.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, from)
	}
	if seen[0] != seen[1] || seen[0].String() != a.String() {
		t.Fatalf("sources %v", seen)
	}
}

func TestRealTimeLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	n := New(Conditions{Delay: 2 * time.Millisecond})
	a, b := listen(t, n, hostA), listen(t, n, hostB)
	var got [100]bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 8)
		for {
			size, _, err := b.ReadFrom(buf)
			if err != nil || size != 8 {
				return
			}
			got[binary.BigEndian.Uint64(buf)] = true
			if got[99] {
				return
			}
		}
	}()
	start := time.Now()
	for i := range got {
		a.WriteTo(binary.BigEndian.AppendUint64(nil, uint64(i)), b.LocalAddr())
	}
	<-done
	if took := time.Since(start); took < 2*time.Millisecond {
		t.Errorf("took %v", took)
	}
	for i, ok := range got {
		if !ok {
			t.Errorf("datagram %d is missing", i)
		}
	}
	send(t, a, hostB, "in flight when the network closes")
	n.Close()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); runtime.Gosched() {
		if runtime.NumGoroutine() <= before {
			return
		}
	}
	t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

func BenchmarkSendReceive(b *testing.B) {
	n := New(Conditions{})
	defer n.Close()
	from, _ := n.Listen(hostA)
	to, _ := n.Listen(hostB)
	data, buf := make([]byte, 172), make([]byte, 2048)
	b.ReportAllocs()
	for b.Loop() {
		from.WriteToUDPAddrPort(data, hostB)
		to.ReadFromUDPAddrPort(buf)
	}
}
