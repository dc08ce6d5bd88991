package media

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

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

// The same two legs bridged again: what was said meanwhile is no loss.
func TestBridgeAgain(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Bridge(r.a, r.b)
		r.talk(5)
		r.Unbridge(r.a)
		r.talk(5)
		r.Bridge(r.b, r.a)
		r.talk(5)
		heard := r.caller.heard()
		if len(heard) != 10 || !heard[5].Marker {
			t.Fatalf("%d heard", len(heard))
		}
		continuous(t, heard, 0)
	})
}

// A re-INVITE moves the caller to another address: heard from the first packet on, the old address no more.
func TestRemoteMoves(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Bridge(r.a, r.b)
		r.talk(5)
		before := r.caller
		r.caller = r.phone(t, "198.51.100.7:4000", 0x7777)
		r.Remote(r.a, r.caller.remote())
		before.talk(r.atA)
		r.talk(5)
		heard := r.callee.heard()
		if len(heard) != 10 {
			t.Fatalf("%d heard", len(heard))
		}
		continuous(t, heard, 0)
		if n := len(r.caller.heard()); n != 5 {
			t.Errorf("%d heard at the new address", n)
		}
		if s := r.Stats(r.a); s.Strangers != 1 {
			t.Errorf("%+v", s)
		}
	})
}
