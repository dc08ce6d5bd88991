package media

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// fax describes both sides as T.38, or as voice again.
func (r *rig) fax(on bool) {
	a, b := r.caller.remote(), r.callee.remote()
	a.Opaque, b.Opaque = on, on
	r.Remote(r.a, a)
	r.Remote(r.b, b)
}

// pass sends a datagram to one of our ports and gives what the other side got; "nothing" if nothing.
func (r *rig) pass(sent string, from *conn, at netip.AddrPort, to *conn) string {
	from.WriteToUDPAddrPort([]byte(sent), at)
	synctest.Wait()
	select {
	case d := <-to.queue:
		return string(d.b)
	default:
		return "nothing"
	}
}

// modems sends n datagrams each way, 20 ms apart, and checks that each arrives as it was.
func (r *rig) modems(n int) {
	r.t.Helper()
	for i := range n {
		sent := string([]byte{byte(i >> 8), byte(i)}) + "\x80\xc8 UDPTL"
		a, b := r.pass(sent, r.caller.rtp, r.atA, r.callee.rtp), r.pass(sent, r.callee.rtp, r.atB, r.caller.rtp)
		if a != sent || b != sent {
			r.t.Fatalf("%q came as %q and %q", sent, a, b)
		}
		time.Sleep(20 * ms)
	}
}

// A call goes over to T.38 and comes back: one stream, as if there had been a pause, and reports on the voice only.
func TestVoiceToFaxAndBack(t *testing.T) {
	for name, again := range map[string]func(*phone){
		"the same source":         func(*phone) {},
		"its clock went on":       func(p *phone) { p.ts += 8000 * 60 },
		"its numbers went on":     func(p *phone) { p.seq += 3000 },
		"another source":          func(p *phone) { p.ssrc, p.seq, p.ts = p.ssrc+1, 17, 4711 },
		"the source begins again": func(p *phone) { p.seq, p.ts = p.seq+20000, 1 },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{}, func(t *testing.T, r *rig) {
				r.Bridge(r.a, r.b)
				r.talk(300)
				r.fax(true)
				r.caller.heard()
				heard := r.callee.heard()
				reports := len(r.caller.rtcp.queue)
				if reports == 0 {
					t.Error("no reports on the voice")
				}
				r.modems(60 * 50)
				if n := len(r.caller.rtcp.queue); n != reports {
					t.Errorf("%d reports to a fax", n-reports)
				}
				r.fax(false)
				again(r.caller)
				r.talk(300)
				if n := len(r.caller.rtcp.queue); n == reports {
					t.Error("no reports when the voice was back")
				}
				heard = append(heard, r.callee.heard()...)
				if len(heard) != 600 || !heard[300].Marker {
					t.Fatalf("%d heard", len(heard))
				}
				continuous(t, heard, 0)
				s := r.Stats(r.a)
				if s.Received.Packets != 600+3000 || s.Received.Octets != 600*160+3000*10 || s.Sent.Packets != s.Received.Packets {
					t.Errorf("%+v, %+v", s.Received, s.Sent)
				}
				if s.Lost+int64(s.Malformed+s.Dropped+s.Strangers+s.Limited+s.OutOfOrder) != 0 || s.Jitter != 0 || s.OneWay {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func TestFaxIsJudged(t *testing.T) {
	bubble(t, Options{Rate: 50}, func(t *testing.T, r *rig) {
		r.Bridge(r.a, r.b)
		r.fax(true)
		stranger := r.phone(t, "198.51.100.66:4000", 1)
		for _, way := range []struct {
			from *conn
			port uint16
		}{{stranger.rtp, 0}, {r.caller.rtcp, 0}, {r.caller.rtcp, 1}, {r.caller.rtp, 1}} { // there is no RTCP of a fax
			at := netip.AddrPortFrom(r.atA.Addr(), r.atA.Port()+way.port)
			if got := r.pass("\x80\xc9\x00\x01\x00\x00\x00\x01", way.from, at, r.callee.rtp); got != "nothing" {
				t.Errorf("from %v to %v: relayed", way.from.at, at)
			}
		}
		if s := r.Stats(r.a); s.Strangers != 4 || s.Malformed != 0 {
			t.Errorf("%+v", s)
		}
		if got := r.pass(string(make([]byte, datagramSize-1)), r.caller.rtp, r.atA, r.callee.rtp); len(got) != datagramSize-1 {
			t.Errorf("%d octets", len(got))
		}
		if got := r.pass(string(make([]byte, datagramSize)), r.caller.rtp, r.atA, r.callee.rtp); got != "nothing" {
			t.Error("a datagram that may have been cut was relayed")
		}
		if got := r.pass("", r.caller.rtp, r.atA, r.callee.rtp); got != "" {
			t.Errorf("an empty datagram: %q", got)
		}
		for range 60 {
			r.caller.rtp.WriteToUDPAddrPort([]byte("x"), r.atA)
		}
		synctest.Wait()
		if n := len(r.callee.rtp.queue); n != 47 {
			t.Errorf("%d relayed", n)
		}
		if s := r.Stats(r.a); s.Limited != 13 || s.Malformed != 1 || s.Received.Packets != 49 {
			t.Errorf("%+v", s)
		}
	})
}

func TestFaxOnHold(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Bridge(r.a, r.b)
		r.fax(true)
		held := r.caller.remote()
		held.Opaque, held.Receive = true, false
		r.Remote(r.a, held)
		if r.pass("x", r.caller.rtp, r.atA, r.callee.rtp) != "nothing" || r.Stats(r.a).Dropped != 1 {
			t.Error("a side that does not send was relayed")
		}
		held.Receive, held.Send = true, false
		r.Remote(r.a, held)
		if r.pass("x", r.callee.rtp, r.atB, r.caller.rtp) != "nothing" || r.pass("x", r.caller.rtp, r.atA, r.callee.rtp) == "nothing" {
			t.Error("the directions of a hold")
		}
	})
}

// One side has gone over and the other has not: nothing crosses, neither RTP to a modem nor UDPTL to a phone.
func TestFaxOnOneLeg(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		r.Bridge(r.a, r.b)
		r.talk(5)
		r.caller.heard()
		r.callee.heard()
		a := r.caller.remote()
		a.Opaque = true
		r.Remote(r.a, a)
		r.callee.talk(r.atB)
		if r.pass("UDPTL", r.caller.rtp, r.atA, r.callee.rtp) != "nothing" || len(r.caller.rtp.queue) != 0 {
			t.Error("relayed")
		}
		r.fax(true)
		r.modems(5)
	})
}

// T.38 speaks in turns, and pauses: what passes keeps the call up, and one that sends while the other only listens is not one-way audio.
func TestFaxAndTheTimeout(t *testing.T) {
	silent := make(chan Leg, 10)
	bubble(t, Options{Timeout: 10 * time.Second, Silent: func(l Leg) { silent <- l }}, func(t *testing.T, r *rig) {
		silent = make(chan Leg, 10)
		r.Bridge(r.a, r.b)
		r.talk(5)
		time.Sleep(9 * time.Second)
		r.fax(true)
		time.Sleep(9 * time.Second) // modems are slow to begin
		for range 30 {
			if r.pass("page", r.caller.rtp, r.atA, r.callee.rtp) == "nothing" {
				t.Fatal("not relayed")
			}
			time.Sleep(9 * time.Second)
		}
		if len(silent) != 0 {
			t.Fatal("silent while pages were sent")
		}
		if r.Stats(r.b).OneWay {
			t.Error("one-way audio")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if len(silent) != 1 {
			t.Error("not said")
		}
	})
}

func TestNothingIsPlayedToAFax(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		under := r.play(r.a, tone(10))
		time.Sleep(90 * ms)
		r.fax(true)
		if p := once(t, r.play(r.b, tone(10))); p.Complete || p.Packets != 0 || p.Failed == "" {
			t.Errorf("%+v", p)
		}
		time.Sleep(time.Second)
		if p := once(t, under); p.Complete || p.Packets != 5 || p.Failed == "" {
			t.Errorf("%+v", p)
		}
		if n := len(r.caller.heard()); n != 5 {
			t.Errorf("%d heard", n)
		}
	})
}

func TestNothingIsAllocatedPerDatagram(t *testing.T) {
	l, from := bridged(t)
	for _, side := range []*leg{l, l.peer} {
		l.plane.Remote(side.id, Remote{Address: from, Send: true, Receive: true, Opaque: true})
	}
	b := packet(t, rtp.Header{SSRC: 9})
	if n := testing.AllocsPerRun(1000, func() { l.receive(b, from) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if s := l.peer.stats(); s.Sent.Packets != 1001 {
		t.Errorf("%d were relayed", s.Sent.Packets)
	}
}
