package dialog

import (
	"testing"
	"time"

	"tonegate/sip/wire"
)

// steady is what the machines of an established call do, repetitions included.
func steady(d *Dialog, bye *wire.Message, octets []byte) int {
	now := time.Unix(0, 0)
	done := 0
	a := Accept(octets, 500*time.Millisecond, 4*time.Second, now)
	for range 3 {
		now = a.Due()
		if send, _ := a.Expire(now); len(send) > 0 {
			done++
		}
	}
	a.Stop()
	var p Provisional
	p.Send(p.NextRSeq(1, 7), 1, octets, true, 500*time.Millisecond, now)
	if send, _ := p.Expire(p.Due()); len(send) > 0 {
		done++
	}
	p.Stop()
	var s Session
	s.Start(90*time.Second, true, now)
	if refresh, _ := s.Expire(s.Due()); refresh {
		done++
	}
	s.Stop()
	if d.Receive(bye) == 0 {
		done++
	}
	return done
}

func established() (*Dialog, *wire.Message) {
	d := &Dialog{CallID: "c", LocalTag: "l", RemoteTag: "r", RemoteSeq: 1}
	return d, &wire.Message{Method: wire.BYE, CallID: "c", From: wire.Address{Tag: "r"}, To: wire.Address{Tag: "l"}, CSeq: 2}
}

func TestSteadyStateDoesNotAllocate(t *testing.T) {
	d, bye := established()
	octets := []byte("octets")
	if n := steady(d, bye, octets); n != 6 {
		t.Fatalf("%d of 6 things done", n)
	}
	if n := testing.AllocsPerRun(100, func() { steady(d, bye, octets) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSteady(b *testing.B) {
	d, bye := established()
	octets := []byte("octets")
	b.ReportAllocs()
	for b.Loop() {
		steady(d, bye, octets)
	}
}
