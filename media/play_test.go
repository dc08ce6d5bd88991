package media

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

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
			time.Sleep(time.Nanosecond)
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
	for _, interval := range []time.Duration{20 * ms, 60 * ms} {
		bubble(t, Options{}, func(t *testing.T, r *rig) {
			start := time.Now()
			var list []*phone
			var reports []<-chan Played
			what := tone(25)
			what.Interval, what.Samples = interval, uint32(interval/ms)*8
			for i := range 60 {
				l, _ := r.open()
				p := r.phone(t, netip.AddrPortFrom(netip.MustParseAddr("198.51.100.3"), uint16(4000+2*i)).String(), 1)
				r.Remote(l, p.remote())
				list = append(list, p)
				reports = append(reports, r.play(l, what))
			}
			time.Sleep(25*interval + 20*ms)
			synctest.Wait()
			var perSlot [slots]int
			for i, p := range list {
				heard := p.heard()
				if len(heard) != 25 || heard[0].at.Sub(start) > 20*ms {
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
}

// A busy machine seen from inside: the clock has gone on, and nothing has run.
func TestLateFramesAreCaughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		b := &playback{Playback: tone(20)}
		l := &leg{plane: &plane{Options: Options{}.withDefaults(), epoch: time.Now()}}
		phone := n.phone(t, "198.51.100.1:4000", 1)
		l.rtp, _ = n.listen(netip.AddrPortFrom(ours, 20000))
		l.out.clock = 8000
		l.describe(phone.remote(), 0)
		b.leg, b.done, l.out.playing = l, func(Played) {}, b
		var now time.Duration
		p := newPacer(func() time.Duration { return now }, func() {})
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
