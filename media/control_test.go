package media

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
)

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

// RFC 3550 s6.4: who has sent nothing since the report before the last sends receiver reports.
func TestSenderFallsSilent(t *testing.T) {
	bubble(t, Options{Timeout: -1}, func(t *testing.T, r *rig) {
		r.play(r.a, tone(50))
		time.Sleep(30 * time.Second)
		reports := r.caller.control()
		if _, ok := reports[0][0].(*rtcp.SenderReport); !ok {
			t.Errorf("%T while it sends", reports[0][0])
		}
		if _, ok := reports[len(reports)-1][0].(*rtcp.ReceiverReport); !ok {
			t.Errorf("%T long after", reports[len(reports)-1][0])
		}
	})
}

func TestControlRateIsLimited(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, r *rig) {
		b, err := compound(&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: r.Plane.(*plane).legs[r.a].ssrc}}}, 1, "x", false)
		if err != nil {
			t.Fatal(err)
		}
		for range 200 {
			r.caller.rtcp.WriteToUDPAddrPort(b, netip.AddrPortFrom(ours, r.atA.Port()+1))
		}
		synctest.Wait()
		if s := r.Stats(r.a); s.Far.Reports != controlRate || s.Limited != 200-controlRate {
			t.Errorf("%+v", s)
		}
	})
}
