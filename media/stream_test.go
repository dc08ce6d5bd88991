package media

import (
	"math/rand/v2"
	"testing"
	"testing/quick"
	"time"
)

const ms = time.Millisecond

// source makes the packets of one SSRC.
type source struct {
	ssrc uint32
	seq  uint16
	ts   uint32
}

func (s *source) next() header {
	h := header{ssrc: s.ssrc, seq: s.seq, ts: s.ts, octets: 160}
	s.seq++
	s.ts += 160
	return h
}

func relayed(t *testing.T, s *stream, h header, now time.Duration) header {
	t.Helper()
	out, ok := s.relay(h, 8000, now)
	if !ok {
		t.Fatalf("%+v dropped", h)
	}
	return out
}

// RFC 3550 s5.1: sequence +1 for each packet, timestamps of the source, both modulo; our SSRC.
func TestOneSourceKeepsItsTimeline(t *testing.T) {
	s := newStream(7, 65533, 0xffffff80, 160)
	in := source{ssrc: 1, seq: 65000, ts: 0xffffff00}
	was := header{seq: 65533}
	for i := range 100000 {
		h := relayed(t, &s, in.next(), time.Duration(i)*20*ms)
		if h.ssrc != 7 || h.seq != was.seq+1 || i > 0 && h.ts != was.ts+160 || h.marker != (i == 0) {
			t.Fatalf("packet %d: %+v after %+v", i, h, was)
		}
		was = h
	}
	if s.packets != 100000 || s.octets != 16000000 {
		t.Errorf("%d packets, %d octets", s.packets, s.octets)
	}
}

// media: on the first packet of a new source the sequence goes on by one, the timestamp by the time that has passed,
// and the marker is set.
func TestNewSourceContinues(t *testing.T) {
	for _, c := range []struct {
		name  string
		pause time.Duration
		want  uint32
	}{
		{"next packet time", 20 * ms, 160},
		{"half a second", 500 * ms, 4000},
		{"a minute", time.Minute, 480000},
		{"two days", 48 * time.Hour, uint32(48 * 3600 * 8000 % (1 << 32))},
		{"sooner than the last packet was heard", 3 * ms, 160},
		{"clock set back", -5 * time.Second, 160},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStream(7, 65534, 0xffffffff, 160)
			a, b := source{1, 100, 5000}, source{2, 40000, 0x80000000}
			at := time.Hour
			relayed(t, &s, a.next(), at)
			last := relayed(t, &s, a.next(), at+20*ms)
			first := relayed(t, &s, b.next(), at+20*ms+c.pause)
			if first.seq != last.seq+1 || first.ts != last.ts+c.want || !first.marker {
				t.Errorf("%+v after %+v, want +%d", first, last, c.want)
			}
			second := relayed(t, &s, b.next(), at+40*ms+c.pause)
			if second.seq != first.seq+1 || second.ts != first.ts+160 || second.marker {
				t.Errorf("%+v after %+v", second, first)
			}
		})
	}
}

func TestLatePacketsOfBeforeTheChangeAreDropped(t *testing.T) {
	s := newStream(7, 0, 0, 160)
	a, b := source{1, 100, 5000}, source{2, 40000, 0}
	relayed(t, &s, a.next(), 0)
	b.next()
	late := b.next() // overtaken by the next one
	relayed(t, &s, b.next(), 20*ms)
	if out, ok := s.relay(late, 8000, 21*ms); ok {
		t.Errorf("took the number of another packet: %+v", out)
	}
	// Reordered after the beginning they are relayed as they are.
	x, y := b.next(), b.next()
	outY, outX := relayed(t, &s, y, 40*ms), relayed(t, &s, x, 41*ms)
	if outX.seq+1 != outY.seq || outX.ts+160 != outY.ts {
		t.Errorf("%+v before %+v", outX, outY)
	}
	// The newest one still decides where the next source begins.
	c := source{3, 1, 1}
	if first := relayed(t, &s, c.next(), 60*ms); first.seq != outY.seq+1 {
		t.Errorf("%+v after %+v", first, outY)
	}
}

func TestLossIsPassedOn(t *testing.T) {
	s := newStream(7, 0, 0, 160)
	a := source{1, 100, 5000}
	first := relayed(t, &s, a.next(), 0)
	a.next()
	a.next()
	if h := relayed(t, &s, a.next(), 60*ms); h.seq != first.seq+3 || h.ts != first.ts+480 || h.marker {
		t.Errorf("%+v", h)
	}
}

// RFC 4733 s2.5.1.1: all packets of an event have the timestamp of its beginning.
func TestSourceChangesDuringAnEvent(t *testing.T) {
	s := newStream(7, 0, 0, 160)
	relayed(t, &s, header{ssrc: 1, seq: 1, ts: 1000}, 0)
	var last header
	for i := range uint16(10) { // an event of 200 ms
		last = relayed(t, &s, header{ssrc: 1, seq: 2 + i, ts: 1160}, 20*ms+time.Duration(i)*20*ms)
	}
	first := relayed(t, &s, header{ssrc: 2, seq: 9, ts: 9}, 220*ms)
	if first.seq != last.seq+1 || first.ts != last.ts+1600 {
		t.Errorf("%+v after %+v: time stood still during the event", first, last)
	}
}

func TestOtherPacketTimesAndClocks(t *testing.T) {
	for _, c := range []struct {
		clock int
		step  uint32
		ptime time.Duration
	}{{8000, 80, 10 * ms}, {8000, 480, 60 * ms}, {16000, 320, 20 * ms}, {48000, 960, 20 * ms}, {90000, 3000, 33 * ms}} {
		s := newStream(7, 0, 0, 160)
		s.relay(header{ssrc: 1, seq: 1, ts: 0}, c.clock, 0)
		last, _ := s.relay(header{ssrc: 1, seq: 2, ts: c.step}, c.clock, c.ptime)
		soon, _ := s.relay(header{ssrc: 2, seq: 2, ts: 77}, c.clock, c.ptime+ms)
		if soon.ts != last.ts+c.step {
			t.Errorf("%+v: +%d", c, soon.ts-last.ts)
		}
	}
}

// Whatever the order and the sources, no number is used twice, unless a packet came twice.
func TestNoNumberIsUsedTwice(t *testing.T) {
	property := func(seed uint64) bool {
		r := rand.New(rand.NewPCG(seed, 1))
		s := newStream(7, uint16(r.Uint32()), r.Uint32(), 160)
		used := map[uint16]bool{}
		now := time.Duration(0)
		for ssrc := range uint32(20) {
			in := source{ssrc, uint16(r.Uint32()), r.Uint32()}
			packets := make([]header, 30)
			for i := range packets {
				packets[i] = in.next()
			}
			for range 15 { // reorder
				i := r.IntN(29)
				packets[i], packets[i+1] = packets[i+1], packets[i]
			}
			for _, h := range packets {
				now += time.Duration(r.IntN(40)) * ms
				out, ok := s.relay(h, 8000, now)
				if ok && used[out.seq] {
					return false
				}
				used[out.seq] = used[out.seq] || ok
			}
		}
		return len(used) > 500
	}
	if err := quick.Check(property, nil); err != nil {
		t.Error(err)
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		d     time.Duration
		clock int
		want  uint32
	}{{20 * ms, 8000, 160}, {-ms, 8000, 0}, {time.Second, 90000, 90000}, {3 * 365 * 24 * time.Hour, 48000, uint32(uint64(3*365*24*3600*48000) % (1 << 32))}} {
		if got := units(c.d, c.clock); got != c.want {
			t.Errorf("%v at %d Hz: %d, want %d", c.d, c.clock, got, c.want)
		}
	}
	if duration(160, 8000) != 20*ms {
		t.Error(duration(160, 8000))
	}
}
