package media

import (
	"testing"
	"time"
)

func (r *reception) feed(in *source, n int, now *time.Duration) (taken int) {
	for range n {
		if r.take(in.next(), 8000, *now) != dropped {
			taken++
		}
		*now += 20 * ms
	}
	return taken
}

// RFC 3550 A.3: lost = expected - received; the fraction is that since the last report.
func TestLossAndFraction(t *testing.T) {
	var r reception
	var now time.Duration
	in := source{1, 65500, 0}
	r.feed(&in, 100, &now)
	if r.lost() != 0 || r.expected() != 100 || r.highest() != 65536+63 || r.fraction() != 0 {
		t.Errorf("lost %d, expected %d, highest %d", r.lost(), r.expected(), r.highest())
	}
	in.seq += 25
	r.feed(&in, 75, &now)
	if r.lost() != 25 || r.expected() != 200 {
		t.Errorf("lost %d, expected %d", r.lost(), r.expected())
	}
	if f := r.fraction(); f != 64 { // a quarter
		t.Errorf("fraction %d/256", f)
	}
	if f := r.fraction(); f != 0 {
		t.Errorf("fraction %d/256 although nothing came since", f)
	}
}

// A.3: "number of packets received includes any which are late or duplicates, so the number lost may be negative".
func TestDuplicatesMakeLossNegative(t *testing.T) {
	var r reception
	h := header{ssrc: 1, seq: 5}
	for range 3 {
		r.take(h, 8000, 0)
	}
	if r.lost() != -2 || r.fraction() != 0 {
		t.Errorf("lost %d", r.lost())
	}
}

func TestOutOfOrder(t *testing.T) {
	var r reception
	for _, seq := range []uint16{65534, 65535, 1, 0, 2, 4, 5, 3} {
		if r.take(header{ssrc: 1, seq: seq}, 8000, 0) == dropped {
			t.Errorf("%d dropped", seq)
		}
	}
	if r.outOfOrder != 2 || r.lost() != 0 || r.highest() != 65536+5 {
		t.Errorf("out of order %d, lost %d, highest %d", r.outOfOrder, r.lost(), r.highest())
	}
}

// A.1: a jump of more than MAX_DROPOUT is not believed until a second packet follows it; then counting begins anew.
func TestSequenceJump(t *testing.T) {
	var r reception
	var now time.Duration
	in := source{1, 100, 0}
	r.feed(&in, 10, &now)
	jumped := source{1, 30000, 0}
	if v := r.take(jumped.next(), 8000, now); v != dropped {
		t.Errorf("first of the jump: %d", v)
	}
	if v := r.take(in.next(), 8000, now); v != accepted {
		t.Errorf("the source goes on: %d", v)
	}
	jumped.next()
	r.take(jumped.next(), 8000, now)
	if v := r.take(jumped.next(), 8000, now); v != renewed {
		t.Errorf("second in sequence: %d", v)
	}
	if r.lost() != 0 {
		t.Errorf("lost %d: the jump is no loss", r.lost())
	}
}

// s6.2.1, A.1: another SSRC needs two packets in sequence while the present one is alive.
func TestNewSourceOnProbation(t *testing.T) {
	var r reception
	var now time.Duration
	old, next := source{1, 100, 0}, source{2, 5000, 0}
	r.feed(&old, 10, &now)
	if v := r.take(next.next(), 8000, now); v != dropped {
		t.Errorf("first: %d", v)
	}
	if v := r.take(old.next(), 8000, now); v != accepted {
		t.Errorf("old one meanwhile: %d", v)
	}
	if v := r.take(next.next(), 8000, now); v != renewed || r.ssrc != 2 {
		t.Errorf("second: %d", v)
	}
	for range 3 { // what was still on its way
		if v := r.take(old.next(), 8000, now); v != dropped {
			t.Errorf("late packet of the old source: %d", v)
		}
	}
	if v := r.take(next.next(), 8000, now); v != accepted {
		t.Errorf("third: %d", v)
	}
	old.seq += 7 // after its time the old SSRC is one like any other
	now += 2 * time.Second
	if v := r.take(old.next(), 8000, now); v != renewed {
		t.Errorf("back after silence: %d", v)
	}
}

func TestSilentSourceIsReplacedAtOnce(t *testing.T) {
	var r reception
	var now time.Duration
	old, next := source{1, 100, 0}, source{2, 5000, 0}
	r.feed(&old, 10, &now)
	if v := r.take(next.next(), 8000, now+alive); v != renewed {
		t.Errorf("%d", v)
	}
	r.expectNew()
	third := source{3, 1, 1}
	if v := r.take(third.next(), 8000, now+alive); v != renewed {
		t.Errorf("described anew: %d", v)
	}
	if r.lost() != 0 {
		t.Errorf("lost %d", r.lost())
	}
}

func TestLossOfAllSourcesCounts(t *testing.T) {
	var r reception
	var now time.Duration
	a, b := source{1, 100, 0}, source{2, 5000, 0}
	r.feed(&a, 5, &now)
	a.seq += 3
	r.feed(&a, 5, &now)
	now += time.Second
	r.feed(&b, 5, &now)
	b.seq += 4
	r.feed(&b, 5, &now)
	if r.lost() != 7 {
		t.Errorf("lost %d of both", r.lost())
	}
}

// A.8: J = J + (|D| - J)/16.
func TestJitter(t *testing.T) {
	var r reception
	want := 0.0
	at := time.Duration(0)
	for i := range 200 {
		r.take(header{ssrc: 1, seq: uint16(i), ts: uint32(i * 160)}, 8000, at)
		d := 0.0
		if i > 0 {
			d = 40 // each arrives 5 ms early or late in turn
		}
		want += (d - want) / 16
		if i%2 == 0 {
			at += 25 * ms
		} else {
			at += 15 * ms
		}
	}
	if got := float64(r.jitter) / 16; got < want-1 || got > want+1 {
		t.Errorf("jitter %.1f, want %.1f", got, want)
	}
	even := reception{}
	for i := range 200 {
		even.take(header{ssrc: 1, seq: uint16(i), ts: uint32(i * 160)}, 8000, time.Duration(i)*20*ms)
	}
	if even.jitter != 0 {
		t.Errorf("jitter %d of an even stream", even.jitter)
	}
	for i := range 50 { // an event does not make it uneven
		even.take(header{ssrc: 1, seq: uint16(200 + i), ts: 200 * 160}, 8000, time.Duration(200+i)*20*ms)
	}
	if even.jitter != 0 {
		t.Errorf("jitter %d after an event", even.jitter)
	}
}

func TestMeter(t *testing.T) {
	var m meter
	passed := 0
	for i := range 3000 {
		if m.allow(100, time.Duration(i)*ms) {
			passed++
		}
	}
	if passed != 300 {
		t.Errorf("%d in 3 s at 100 a second", passed)
	}
}
