package media

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

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
		loop := packet(t, rtp.Header{SSRC: r.Plane.(*plane).legs[r.a].ssrc})
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
