package media

import (
	"errors"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

var ours = netip.MustParseAddr("192.0.2.200")

// rig is a plane with two legs and their phones in a bubble of virtual time.
type rig struct {
	*network
	Plane
	t      *testing.T
	a, b   Leg
	atA    netip.AddrPort
	atB    netip.AddrPort
	caller *phone
	callee *phone
	sums   *Counters
}

func bubble(t *testing.T, o Options, test func(*testing.T, *rig)) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{network: newNetwork(), t: t, sums: new(Counters)}
		o.Listen, o.Counters = r.listen, r.sums
		r.Plane = NewUDP(o)
		defer r.Shutdown()
		r.a, r.atA = r.open()
		r.b, r.atB = r.open()
		r.caller = r.phone(t, "198.51.100.1:4000", 0xaaaa)
		r.callee = r.phone(t, "198.51.100.2:4000", 0xbbbb)
		r.Remote(r.a, r.caller.remote())
		r.Remote(r.b, r.callee.remote())
		test(t, r)
	})
}

func (r *rig) open() (Leg, netip.AddrPort) {
	r.t.Helper()
	l, at, err := r.Open(ours)
	if err != nil {
		r.t.Fatal(err)
	}
	return l, at
}

// talk lets both phones send n packets, 20 ms each.
func (r *rig) talk(n int) {
	for range n {
		r.caller.talk(r.atA)
		r.callee.talk(r.atB)
		time.Sleep(20 * ms)
	}
	synctest.Wait()
}

func (r *rig) play(l Leg, what Playback) <-chan Played {
	done := make(chan Played, 10)
	r.Play(l, what, func(p Played) { done <- p })
	return done
}

// once takes the one report of a playback.
func once(t *testing.T, done <-chan Played) Played {
	t.Helper()
	synctest.Wait()
	if len(done) != 1 {
		t.Fatalf("done was called %d times", len(done))
	}
	return <-done
}

func none(t *testing.T, done <-chan Played) {
	t.Helper()
	synctest.Wait()
	if len(done) != 0 {
		t.Fatalf("done was called: %+v", <-done)
	}
}

func TestToneIsSpacedByItsInterval(t *testing.T) {
	for _, interval := range []time.Duration{10 * ms, 20 * ms, 30 * ms, 60 * ms} {
		bubble(t, Options{}, func(t *testing.T, r *rig) {
			what := tone(50)
			what.Interval, what.Samples = interval, uint32(interval/ms)*8
			start := time.Now()
			done := r.play(r.a, what)
			time.Sleep(50*interval - 1)
			none(t, done)
			time.Sleep(1)
			p := once(t, done)
			heard := r.caller.heard()
			if len(heard) != 50 || p.Packets != 50 || !p.Complete || p.Failed != "" || p.To != r.caller.rtp.at {
				t.Fatalf("%d heard, %+v", len(heard), p)
			}
			if !p.First.Equal(start) || !p.Last.Equal(start.Add(49*interval)) {
				t.Errorf("from %v to %v", p.First.Sub(start), p.Last.Sub(start))
			}
			for i, h := range heard {
				if want := start.Add(time.Duration(i) * interval); !h.at.Equal(want) {
					t.Errorf("frame %d: %v off", i, h.at.Sub(want))
				}
				if h.Payload[0] != byte(i) || h.Marker != (i == 0) || h.PayloadType != 0 || len(h.Payload) != 160 {
					t.Errorf("frame %d: %+v", i, h.Header)
				}
			}
			continuous(t, heard, 0)
		})
	}
}

// Streams are spread over the slots, and each keeps its own time.
func TestManyTones(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		start := time.Now()
		var list []*phone
		var reports []<-chan Played
		for i := range 60 {
			l, _ := r.open()
			p := r.phone(t, netip.AddrPortFrom(netip.MustParseAddr("198.51.100.3"), uint16(4000+2*i)).String(), 1)
			r.Remote(l, p.remote())
			list = append(list, p)
			reports = append(reports, r.play(l, tone(25)))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		var perSlot [slots]int
		for i, p := range list {
			heard := p.heard()
			if len(heard) != 25 {
				t.Fatalf("%d heard", len(heard))
			}
			continuous(t, heard, 0)
			perSlot[heard[0].at.Sub(start)/ms%slots]++
			if played := once(t, reports[i]); !played.Complete {
				t.Errorf("%+v", played)
			}
		}
		for slot, n := range perSlot {
			if n != 3 {
				t.Errorf("slot %d has %d of 60 streams", slot, n)
			}
		}
	})
}

// late is a clock that can be told to stand: what a busy machine looks like from inside.
func TestLateFramesAreCaughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := &playback{Playback: tone(20)}
		l := &leg{plane: &udp{Options: Options{}.withDefaults(), epoch: time.Now()}}
		phone := n.phone(t, "198.51.100.1:4000", 1)
		l.rtp, _ = n.listen(netip.AddrPortFrom(ours, 20000))
		l.out.clock = 8000
		l.describe(phone.remote(), 0)
		b.leg, b.done, l.out.playing = l, func(Played) {}, b
		var now time.Duration
		p := newPacer(func() time.Duration { return now })
		p.add(b)
		p.admit()
		now = 95 * ms // nothing ran for 95 ms: frames 0 to 4 are due
		for p.count > 0 && time.Duration(p.next())*tick <= now {
			p.turn(p.next())
		}
		if heard := phone.heard(); len(heard) != 5 {
			t.Errorf("%d frames were caught up", len(heard))
		}
		if b.due() != 100*ms {
			t.Errorf("the next is due at %v", b.due())
		}
	})
}

func TestToneThenBridgeIsOneStream(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.talk(1) // before the bridge it goes nowhere
		done := r.play(r.a, tone(50))
		time.Sleep(time.Second)
		if p := once(t, done); !p.Complete {
			t.Fatalf("%+v", p)
		}
		time.Sleep(137 * ms)
		r.Bridge(r.a, r.b)
		r.talk(50)
		heard := r.caller.heard()
		if len(heard) != 100 || !heard[50].Marker || heard[51].Marker {
			t.Fatalf("%d heard, marker %v", len(heard), heard[50].Marker)
		}
		continuous(t, heard, 0)
		if other := r.callee.heard(); len(other) != 50 || other[0].SSRC == heard[0].SSRC || other[0].SSRC == 0xaaaa {
			t.Errorf("%d heard with SSRC %x", len(other), other[0].SSRC)
		}

		// A notice in the middle of the call, and back.
		done = r.play(r.a, tone(10))
		r.talk(20)
		if p := once(t, done); !p.Complete {
			t.Errorf("%+v", p)
		}
		if other := r.callee.heard(); len(other) != 20 {
			t.Errorf("the other direction went on with %d packets", len(other))
		}
		r.Bridge(r.a, r.b)
		r.talk(20)
		all := append(heard, r.caller.heard()...)
		if len(all) != 130 {
			t.Errorf("%d heard", len(all))
		}
		continuous(t, all, 20*8)
	})
}

func TestBridgeCutsATone(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		done := r.play(r.a, tone(50))
		time.Sleep(495 * ms)
		r.Bridge(r.a, r.b)
		if p := once(t, done); p.Complete || p.Failed != Bridged || p.Packets != 25 {
			t.Errorf("%+v", p)
		}
		r.talk(10)
		heard := r.caller.heard()
		if len(heard) != 35 {
			t.Errorf("%d heard", len(heard))
		}
		continuous(t, heard, 20*8)
	})
}

func TestEndsOfAPlayback(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(*rig)
		want string
	}{
		"stop":     {func(r *rig) { r.Stop(r.a); r.Stop(r.a) }, Stopped},
		"close":    {func(r *rig) { r.Close(r.a); r.Close(r.a) }, Closed},
		"shutdown": {func(r *rig) { r.Shutdown() }, Closed},
		"unbridge": {func(r *rig) { r.Unbridge(r.a) }, Bridged},
		"replaced": {func(r *rig) { r.Play(r.a, tone(1), func(Played) {}) }, Replaced},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{}, func(t *testing.T, r *rig) {
				done := r.play(r.a, tone(50))
				time.Sleep(205 * ms)
				c.end(r)
				if p := once(t, done); p.Complete || p.Failed != c.want || p.Packets != 11 || p.Last.Sub(p.First) != 200*ms {
					t.Errorf("%+v", p)
				}
				time.Sleep(2 * time.Second)
				none(t, done)
				if n := len(r.caller.heard()); name != "replaced" && n != 11 {
					t.Errorf("%d heard", n)
				}
			})
		})
	}
}

func TestLoopEndsWhenStopped(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		what := tone(10)
		what.Loop = true
		done := r.play(r.a, what)
		time.Sleep(510 * ms)
		none(t, done)
		r.Stop(r.a)
		if p := once(t, done); !p.Complete || p.Failed != "" || p.Packets != 26 {
			t.Errorf("%+v", p)
		}
		heard := r.caller.heard()
		continuous(t, heard, 0)
		if len(heard) != 26 || heard[10].Payload[0] != 0 || heard[19].Payload[0] != 9 {
			t.Errorf("%d heard", len(heard))
		}
	})
}

func TestPlaybackThatCannotBe(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		long, still, huge, payload := tone(1), tone(1), tone(1), tone(1)
		long.Interval = time.Minute
		still.Samples = 0
		huge.Frames = [][]byte{make([]byte, 3000)}
		payload.Payload = 128
		for name, what := range map[string]Playback{"empty": {}, "interval": long, "samples": still, "frame": huge, "payload": payload} {
			if p := once(t, r.play(r.a, what)); p.Complete || p.Failed == "" {
				t.Errorf("%s: %+v", name, p)
			}
		}
		bare, _ := r.open()
		if p := once(t, r.play(bare, tone(1))); p.Failed != "no remote address" {
			t.Errorf("%+v", p)
		}
		if p := once(t, r.play(999, tone(1))); p.Failed != Closed {
			t.Errorf("%+v", p)
		}
		if n := r.sums.PlaybacksIncomplete.Load(); n != 7 {
			t.Errorf("%d incomplete", n)
		}
		r.Shutdown()
		if p := once(t, r.play(r.a, tone(1))); p.Failed != Closed {
			t.Errorf("%+v", p)
		}
	})
}

// On hold nothing is sent, time goes on, and the frames that were not sent are said.
func TestHoldDuringATone(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		done := r.play(r.a, tone(50))
		time.Sleep(205 * ms)
		held := r.caller.remote()
		held.Send = false
		r.Remote(r.a, held)
		time.Sleep(400 * ms)
		r.Remote(r.a, r.caller.remote())
		time.Sleep(time.Second)
		p := once(t, done)
		if p.Complete || p.Packets != 30 || p.Failed != "on hold: 20 of 50 frames not sent" {
			t.Errorf("%+v", p)
		}
		heard := r.caller.heard()
		if len(heard) != 30 {
			t.Fatalf("%d heard", len(heard))
		}
		continuous(t, heard, 0)
	})
}

func TestHoldAndResume(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Bridge(r.a, r.b)
		r.talk(10)
		held := r.callee.remote() // a=sendonly: the callee sends music and hears nothing
		held.Send = false
		r.Remote(r.b, held)
		r.talk(10)
		if n := len(r.caller.heard()); n != 20 {
			t.Errorf("the caller heard %d", n)
		}
		held.Receive = false // a=inactive
		r.Remote(r.b, held)
		r.talk(10)
		if n := len(r.caller.heard()); n != 0 {
			t.Errorf("the caller heard %d", n)
		}
		r.Remote(r.b, r.callee.remote())
		r.talk(10)
		heard := r.callee.heard()
		if len(heard) != 20 {
			t.Fatalf("the callee heard %d", len(heard))
		}
		continuous(t, heard, 0)
		if s := r.Stats(r.b); s.Lost != 0 || s.Dropped != 10 {
			t.Errorf("%+v", s)
		}
	})
}

func TestHoldByAddress(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Bridge(r.a, r.b)
		r.Remote(r.b, Remote{Address: netip.MustParseAddrPort("0.0.0.0:4000"), Send: true, Receive: true})
		r.talk(10)
		if a, b := len(r.caller.heard()), len(r.callee.heard()); a != 0 || b != 0 {
			t.Errorf("heard %d and %d", a, b)
		}
	})
}

func TestUnbridgeIsSilence(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Bridge(r.a, r.b)
		r.talk(5)
		r.Unbridge(r.b)
		r.talk(5)
		c, d := r.open()
		third := r.phone(t, "198.51.100.9:4000", 0xcccc)
		r.Remote(c, third.remote())
		r.Bridge(r.a, c) // a transfer
		for range 5 {
			third.talk(d)
			r.talk(1)
		}
		r.Bridge(r.a, r.b) // and back: the third hears nothing more
		third.talk(d)
		r.talk(5)
		heard := r.caller.heard()
		if len(heard) != 15 {
			t.Errorf("%d heard", len(heard))
		}
		continuous(t, heard, 0)
		if n := len(third.heard()); n != 5 {
			t.Errorf("the third heard %d", n)
		}
		r.Bridge(r.a, r.a)
		r.Bridge(r.a, 999)
		r.talk(1)
		if n := len(r.caller.heard()); n != 1 {
			t.Errorf("a bridge to nothing took the bridge apart: %d", n)
		}
	})
}

func TestStrangersAreCountedAndDropped(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Bridge(r.a, r.b)
		stranger := r.phone(t, "198.51.100.66:4000", 0xeeee)
		neighbour := r.phone(t, "198.51.100.1:4444", 0xeeee) // the right host, another port
		for range 10 {
			stranger.talk(r.atA)
			neighbour.talk(r.atA)
		}
		stranger.rtcp.WriteToUDPAddrPort([]byte{0x80, 201, 0, 1, 0, 0, 0, 1}, netip.AddrPortFrom(ours, r.atA.Port()+1))
		r.talk(5)
		if n := len(r.callee.heard()); n != 5 {
			t.Errorf("%d heard", n)
		}
		if s := r.Stats(r.a); s.Strangers != 21 || s.Received.Packets != 5 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhatIsNotRTPIsDropped(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Bridge(r.a, r.b)
		loop := packet(t, rtp.Header{SSRC: r.Plane.(*udp).legs[r.a].ssrc})
		for _, b := range [][]byte{{}, {0}, {0x80}, make([]byte, 200), {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, loop, append([]byte{0x80, 0}, make([]byte, 9)...)} {
			r.caller.rtp.WriteToUDPAddrPort(b, r.atA)
		}
		synctest.Wait()
		if n := len(r.callee.heard()); n != 0 {
			t.Errorf("%d heard", n)
		}
		if s := r.Stats(r.a); s.Malformed != 7 {
			t.Errorf("%+v", s)
		}
	})
}

func TestRateIsLimited(t *testing.T) {
	bubble(t, Options{Rate: 100}, func(t *testing.T, r *rig) {
		r.Bridge(r.a, r.b)
		for range 500 {
			r.caller.talk(r.atA)
		}
		synctest.Wait()
		if n := len(r.callee.heard()); n != 100 {
			t.Errorf("%d heard", n)
		}
		if s := r.Stats(r.a); s.Limited != 400 {
			t.Errorf("%+v", s)
		}
	})
}

func TestPayloadTypesAreMapped(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		remote := r.callee.remote()
		remote.Payloads = map[uint8]uint8{101: 96}
		r.Remote(r.b, remote)
		r.Bridge(r.a, r.b)
		for i, payload := range []uint8{0, 101, 96, 0} {
			r.caller.rtp.WriteToUDPAddrPort(packet(t, rtp.Header{SequenceNumber: uint16(i), SSRC: 1, PayloadType: payload, Marker: payload == 101}), r.atA)
		}
		synctest.Wait()
		heard := r.callee.heard()
		for i, want := range []uint8{0, 96, 96, 0} {
			if heard[i].PayloadType != want || heard[i].Marker != (i < 2) {
				t.Errorf("packet %d: %+v", i, heard[i].Header)
			}
		}
	})
}

// T.38: datagrams go through as they are.
func TestOpaqueIsNotTouched(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		a, b := r.caller.remote(), r.callee.remote()
		a.Opaque, b.Opaque = true, true
		r.Remote(r.a, a)
		r.Remote(r.b, b)
		r.Bridge(r.a, r.b)
		for _, sent := range []string{"\x00\x01\x01\x06\x00\x00", "\x80\xc8 looks like RTCP"} {
			r.caller.rtp.WriteToUDPAddrPort([]byte(sent), r.atA)
			synctest.Wait()
			if d := <-r.callee.rtp.queue; string(d.b) != sent || d.from != r.atB {
				t.Errorf("%q from %v", d.b, d.from)
			}
		}
		time.Sleep(30 * time.Second)
		if len(r.caller.rtcp.queue) != 0 {
			t.Error("RTCP to a fax")
		}
	})
}

// The peer's SSRC changes in the call, as when it is put on its own hold music: one stream for the other side all the same.
func TestSourceChangesInACall(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Bridge(r.a, r.b)
		r.talk(10)
		late := *r.caller
		r.caller.ssrc, r.caller.seq, r.caller.ts = 0x1234, 9, 9
		r.talk(2)
		late.talk(r.atA)
		late.talk(r.atA)
		r.talk(10)
		heard := r.callee.heard()
		if len(heard) != 21 { // one on probation
			t.Fatalf("%d heard", len(heard))
		}
		continuous(t, heard, 0)
	})
}

func TestStats(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Bridge(r.a, r.b)
		start := time.Now()
		r.talk(10)
		r.caller.seq += 3
		r.caller.ts += 480
		time.Sleep(60 * ms)
		r.talk(10)
		s := r.Close(r.a)
		if s.Received.Packets != 20 || s.Received.Octets != 3200 || s.Sent.Packets != 20 || s.Lost != 3 || s.Jitter != 0 || s.OneWay {
			t.Errorf("%+v", s)
		}
		if !s.Received.First.Equal(start) || s.Received.Last.Sub(start) != 440*ms {
			t.Errorf("%+v", s.Received)
		}
		if n := r.sums.Received.Load(); n != 20 {
			t.Errorf("%d counted", n)
		}
		r.Close(r.b)
		if n := r.sums.Received.Load(); n != 40 || r.sums.Lost.Load() != 3 || r.sums.Legs.Load() != 0 {
			t.Errorf("%d counted", n)
		}
		if r.Stats(r.a) != (Stats{}) || r.Close(r.a) != (Stats{}) {
			t.Error("statistics of a leg that is closed")
		}
	})
}

func TestOneWay(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Bridge(r.a, r.b)
		for range 245 {
			r.callee.talk(r.atB)
			time.Sleep(20 * ms)
		}
		if r.Stats(r.a).OneWay {
			t.Error("before 5 s")
		}
		for range 10 {
			r.callee.talk(r.atB)
			time.Sleep(20 * ms)
		}
		synctest.Wait()
		if a, b := r.Stats(r.a), r.Stats(r.b); !a.OneWay || b.OneWay {
			t.Errorf("%v %v", a.OneWay, b.OneWay)
		}
	})
}

func TestSilentIsSaidOnce(t *testing.T) {
	silent := make(chan Leg, 10)
	bubble(t, Options{Timeout: 10 * time.Second, Silent: func(l Leg) { silent <- l }}, func(t *testing.T, r *rig) {
		silent = make(chan Leg, 10)
		time.Sleep(time.Minute) // no bridge yet
		r.Bridge(r.b, r.a)
		r.talk(50)
		time.Sleep(9900 * ms)
		synctest.Wait()
		if len(silent) != 0 {
			t.Fatal("too early")
		}
		time.Sleep(200 * ms)
		synctest.Wait()
		if len(silent) != 1 || <-silent != r.a {
			t.Fatal("not said")
		}
		time.Sleep(time.Minute)
		r.talk(1)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(silent) != 0 {
			t.Error("said again")
		}
	})
}

func TestAHeldCallIsNotSilent(t *testing.T) {
	silent := make(chan Leg, 10)
	bubble(t, Options{Timeout: 10 * time.Second, Silent: func(l Leg) { silent <- l }}, func(t *testing.T, r *rig) {
		silent = make(chan Leg, 10)
		r.Bridge(r.a, r.b)
		a, b := r.caller.remote(), r.callee.remote()
		a.Receive, b.Receive = false, false
		r.Remote(r.a, a)
		r.Remote(r.b, b)
		time.Sleep(10 * time.Minute)
		b.Receive = true
		r.Remote(r.b, b)
		time.Sleep(9 * time.Second)
		synctest.Wait()
		if len(silent) != 0 {
			t.Error("silent although on hold a moment ago")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(silent) != 1 {
			t.Errorf("said %d times after the hold", len(silent))
		}
	})
}

// control takes the RTCP that a phone has got.
func (p *phone) control() (list [][]rtcp.Packet) {
	p.t.Helper()
	for {
		select {
		case d := <-p.rtcp.queue:
			packets, ok := readCompound(d.b)
			if !ok {
				p.t.Fatalf("%x is no compound packet", d.b)
			}
			list = append(list, packets)
		default:
			return list
		}
	}
}

func TestReports(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Bridge(r.a, r.b)
		rtcpA := netip.AddrPortFrom(ours, r.atA.Port()+1)
		r.talk(500)
		reports := r.caller.control()
		if len(reports) < 1 || len(reports) > 6 {
			t.Fatalf("%d reports in 10 s", len(reports))
		}
		heard := r.caller.heard()
		last := reports[len(reports)-1]
		sr, ok := last[0].(*rtcp.SenderReport)
		if !ok || sr.SSRC != heard[0].SSRC || len(sr.Reports) != 1 || sr.Reports[0].SSRC != 0xaaaa || sr.Reports[0].TotalLost != 0 {
			t.Fatalf("%+v", last[0])
		}
		if sr.PacketCount == 0 || sr.OctetCount != 160*sr.PacketCount {
			t.Errorf("%d packets, %d octets", sr.PacketCount, sr.OctetCount)
		}
		if at := heard[sr.PacketCount-1]; sr.RTPTime-at.Timestamp > 160 {
			t.Errorf("RTP time %d at packet %d", sr.RTPTime, at.Timestamp)
		}

		// What the caller reports is for us, and is not passed on.
		answer, err := compound(&rtcp.SenderReport{SSRC: 0xaaaa, NTPTime: 77 << 16, Reports: []rtcp.ReceptionReport{
			{SSRC: sr.SSRC, FractionLost: 64, TotalLost: 5, Jitter: 80, LastSenderReport: middle(ntp(time.Now().Add(-1100 * ms))), Delay: 65536},
			{SSRC: 0x5555, TotalLost: 99},
		}}, 0xaaaa, "caller", false)
		if err != nil {
			t.Fatal(err)
		}
		before := len(r.callee.control())
		r.caller.rtcp.WriteToUDPAddrPort(answer, rtcpA)
		synctest.Wait()
		far := r.Stats(r.a).Far
		if far.Reports != 1 || far.Lost != 5 || far.Fraction != 0.25 || far.Jitter != 10*ms || far.RTT.Round(ms) != 100*ms {
			t.Errorf("%+v after %d", far, before)
		}
		if n := len(r.callee.control()); n != 0 {
			t.Errorf("%d passed on", n)
		}
		r.talk(400) // our next one answers with LSR
		next := r.caller.control()[0][0].(*rtcp.SenderReport)
		if next.Reports[0].LastSenderReport != 77 || next.Reports[0].Delay == 0 {
			t.Errorf("%+v", next.Reports)
		}

		r.Close(r.a)
		final := r.caller.control()
		if bye, ok := final[len(final)-1][2].(*rtcp.Goodbye); !ok || bye.Sources[0] != sr.SSRC {
			t.Errorf("%v", final)
		}
	})
}

func TestNoByeFromWhoWasNeverHeard(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Close(r.a)
		if n := len(r.caller.control()); n != 0 {
			t.Errorf("%d RTCP packets", n) // RFC 3550 s6.3.7
		}
	})
}

func TestReportsOnHoldAndOverRTPPort(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		held := r.caller.remote()
		held.Send, held.Receive = false, false
		r.Remote(r.a, held)
		time.Sleep(20 * time.Second)
		reports := r.caller.control()
		if len(reports) < 3 {
			t.Fatalf("%d reports", len(reports))
		}
		rr, ok := reports[0][0].(*rtcp.ReceiverReport)
		if !ok || len(rr.Reports) != 0 {
			t.Fatalf("%+v", reports[0][0])
		}
		b, _ := compound(&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: rr.SSRC, TotalLost: 7}}}, 1, "x", true)
		r.caller.rtp.WriteToUDPAddrPort(b, r.atA)
		synctest.Wait()
		if far := r.Stats(r.a).Far; far.Lost != 7 || !far.Bye {
			t.Errorf("%+v", far)
		}
		elsewhere := r.caller.remote()
		elsewhere.RTCP = netip.MustParseAddrPort("198.51.100.1:4099")
		c, _ := r.network.open(elsewhere.RTCP)
		r.Remote(r.a, elsewhere)
		time.Sleep(10 * time.Second)
		if len(c.queue) == 0 {
			t.Error("a=rtcp is not heeded")
		}
	})
}

func TestPortsRunOutAndRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		p := NewUDP(Options{Ports: [2]int{20000, 20007}, Listen: n.listen})
		defer p.Shutdown()
		var legs []Leg
		seen := map[uint16]bool{}
		for range 4 {
			l, at, err := p.Open(ours)
			if err != nil || at.Addr() != ours || at.Port()%2 != 0 || seen[at.Port()] {
				t.Fatalf("%v %v", at, err)
			}
			seen[at.Port()] = true
			legs = append(legs, l)
		}
		if _, _, err := p.Open(ours); !errors.Is(err, ErrNoPorts) {
			t.Fatal(err)
		}
		p.Close(legs[2])
		time.Sleep(30*time.Second - 1)
		if _, _, err := p.Open(ours); !errors.Is(err, ErrNoPorts) {
			t.Fatal(err)
		}
		time.Sleep(1)
		if _, _, err := p.Open(ours); err != nil {
			t.Fatal(err)
		}
	})
}

func TestPortsHeldByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		for _, at := range []string{"192.0.2.200:20000", "192.0.2.200:20003"} { // one RTP, one RTCP
			if _, err := n.open(netip.MustParseAddrPort(at)); err != nil {
				t.Fatal(err)
			}
		}
		p := NewUDP(Options{Ports: [2]int{20000, 20005}, Listen: n.listen})
		defer p.Shutdown()
		if _, at, err := p.Open(ours); err != nil || at.Port() != 20004 {
			t.Fatalf("%v %v", at, err)
		}
		if _, _, err := p.Open(ours); !errors.Is(err, ErrNoPorts) {
			t.Fatal(err)
		}
		if len(n.conns) != 4 {
			t.Errorf("%d sockets are open: half a pair was left", len(n.conns))
		}
		broken := NewUDP(Options{Listen: func(netip.AddrPort) (PacketConn, error) { return nil, net.ErrWriteToConnected }})
		defer broken.Shutdown()
		if _, _, err := broken.Open(ours); !errors.Is(err, net.ErrWriteToConnected) || errors.Is(err, ErrNoPorts) {
			t.Fatal(err)
		}
	})
}

func TestShutdownLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	bubble(t, Options{Quarantine: -1}, func(t *testing.T, r *rig) {
		done := make(chan Played, 4000)
		for range 1000 {
			a, _ := r.open()
			b, _ := r.open()
			r.Remote(a, r.caller.remote())
			r.Remote(b, r.callee.remote())
			r.Play(a, tone(50), func(p Played) { done <- p })
			time.Sleep(21 * ms)
			r.Bridge(a, b)
			r.Play(b, tone(50), func(p Played) { done <- p })
			r.Close(a)
			r.Close(b)
		}
		synctest.Wait()
		p := r.Plane.(*udp)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.pacer.mu.Lock()
		defer p.pacer.mu.Unlock()
		p.keep.mu.Lock()
		defer p.keep.mu.Unlock()
		if len(done) != 2000 || len(p.legs) != 2 || len(p.keep.queue) != 2 || len(p.pacer.added) != 0 || len(r.conns) != 8 {
			t.Errorf("%d reports, %d legs, %d deadlines, %d playbacks, %d sockets",
				len(done), len(p.legs), len(p.keep.queue), len(p.pacer.added), len(r.conns))
		}
		if n := len(p.ports.free) + len(p.ports.resting); n != 4998 {
			t.Errorf("%d pairs came back", n)
		}
	})
	if after := runtime.NumGoroutine(); after > before { // the bubble has waited for its own
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

// Nothing plays and nothing is open: no timer runs.
func TestIdlePlaneSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads := 0
		epoch := time.Now()
		p := NewUDP(Options{Listen: newNetwork().listen, Now: func() time.Time { reads++; return epoch.Add(time.Since(epoch)) }})
		defer p.Shutdown()
		synctest.Wait()
		before := reads
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if reads != before {
			t.Errorf("the clock was read %d times in an idle day", reads-before)
		}
	})
}

func TestOpenAfterShutdown(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Shutdown()
		r.Shutdown()
		if _, _, err := r.Open(ours); !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
		if len(r.conns) != 4 { // the phones'
			t.Errorf("%d sockets are open", len(r.conns))
		}
		r.Remote(r.a, Remote{})
		r.Bridge(r.a, r.b)
		r.Unbridge(r.a)
		r.Stop(r.a)
	})
}
