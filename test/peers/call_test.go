package peers

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tonegate/internal/ear"
)

// A played call has everyone in it.
type played struct {
	gateway        *server
	near, far      transport // of the caller and of the callee
	caller, callee *sipp
	ears           map[string]*handset // by leg
}

// run plays a call whose caller and callee speak over the given transports, and checks what came of it.
func (c call) run(t *testing.T, near, far transport) {
	c.caller.over, c.callee.over, c.second.over = near, far, far
	for _, p := range []*phone{&c.caller, &c.callee} {
		p.talk = max(p.talk, 1600*time.Millisecond) // a notice of a second, whole
		if c.talks {
			p.talk = max(p.talk, 3500*time.Millisecond) // and a voice to be known again
		}
	}
	trunk, there := "carrier", pbx
	if c.caller.at == pbx {
		trunk, there = "pbx", carrier
	}
	answerer := there
	if c.second.scenario != "" {
		answerer = c.second.at
	}
	over := map[netip.AddrPort]transport{c.caller.at: near, there: far}
	p := &played{gateway: serve(t, append(configured(over, c.second.scenario != ""), c.config...)...), near: near, far: far}
	p.ears = map[string]*handset{
		"caller": pickUp(t, "the caller", near.at(c.caller.at).Addr(), callerVoice),
		"callee": pickUp(t, "the callee", far.at(answerer).Addr(), calleeVoice),
	}
	if c.stopped != "" {
		p.gateway.listed(t, "--delta", c.stopped)
		p.gateway.follows(t, 1)
	}
	c.play(t, p, there)
	p.gateway.quiet(t)
	c.checkCounts(t, p.gateway, trunk)
	c.checkNotices(t, p)
	if c.also != nil {
		c.also(t, p)
	}
	c.checkRecords(t, p.gateway.end(t), map[string]netip.Addr{"caller": near.at(c.caller.at).Addr(), "callee": far.at(answerer).Addr()})
}

// play lets the phones do as written. Where no callee is planned, nobody may be called.
func (c call) play(t *testing.T, p *played, there netip.AddrPort) {
	t.Helper()
	if c.callee.scenario == "" {
		untouched := nobodyAt(t, p.far, there)
		p.caller = c.caller.play(t, gate)
		finish(t, p.caller)
		untouched()
		return
	}
	p.callee = c.callee.play(t, gate)
	all := []*sipp{p.callee}
	if c.second.scenario != "" {
		c.second.talk = c.callee.talk
		all = append(all, c.second.play(t, gate))
	}
	p.caller = c.caller.play(t, gate)
	if c.meanwhile != nil {
		c.meanwhile(t, p)
	}
	finish(t, append([]*sipp{p.caller}, all...)...)
}

func (c call) checkCounts(t *testing.T, gateway *server, trunk string) {
	t.Helper()
	labels, want := []string{`direction="in"`}, 0.0
	if !c.unrecorded {
		labels, want = append(labels, `trunk="`+trunk+`"`, `result="`+c.result+`"`), 1
	}
	if got := gateway.metric(t, "tonegate_calls_total", labels...); got != want {
		t.Errorf("tonegate_calls_total counts %v calls with %q, want %v", got, labels, want)
	}
	if c.why == "" {
		return
	}
	if got := gateway.metric(t, "tonegate_refused_total", `reason="`+c.why+`"`); got != 1 {
		t.Errorf("tonegate_refused_total counts %v calls for %q, want 1", got, c.why)
	}
}

// checkNotices compares what was counted as played with what was heard.
func (c call) checkNotices(t *testing.T, p *played) {
	t.Helper()
	for _, h := range p.ears {
		h.hangUp()
	}
	for _, phase := range []string{"before", "answer"} {
		for _, leg := range []string{"caller", "callee"} {
			want := 0.0
			for _, notice := range c.notices {
				if notice == phase+" "+leg {
					want = 1
				}
			}
			got := p.gateway.metric(t, "tonegate_notices_total", `phase="`+phase+`"`, `leg="`+leg+`"`, `result="played"`)
			if got != want {
				t.Errorf("tonegate_notices_total counts %v notices %s to the %s as played, want %v", got, phase, leg, want)
			}
			if want == 0 {
				continue
			}
			voice := nobody
			if c.talks {
				voice = map[string]int{"caller": calleeVoice, "callee": callerVoice}[leg]
			}
			p.ears[leg].heardToneAnd(t, voice)
		}
	}
}

// speaksEarly lets the callee speak as soon as it knows where to, before it answers.
func speaksEarly(t *testing.T, p *played) {
	t.Helper()
	eventually(t, "the callee is called", 5*time.Second, func() bool { return p.callee.noted("offered") != "" })
	var port uint16
	if _, err := fmt.Sscanf(p.callee.noted("offered"), "m=audio %d", &port); err != nil {
		t.Fatalf("the offer says %q: %v", p.callee.noted("offered"), err)
	}
	p.ears["callee"].speakTo(netip.AddrPortFrom(p.far.at(gate).Addr(), port))
}

// faxBothWays sends a datagram of each fax machine, which must reach the other one as it is.
func faxBothWays(t *testing.T, p *played) {
	t.Helper()
	sides := []struct {
		phone *sipp
		conn  *net.UDPConn
		gate  netip.AddrPort // where tonegate wants it
	}{{phone: p.caller}, {phone: p.callee}}
	for i, at := range []netip.AddrPort{p.near.at(carrier), p.far.at(pbx)} {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at.Addr(), faxPort)))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		sides[i].conn = conn
	}
	for i, over := range []transport{p.near, p.far} {
		s, port := &sides[i], uint16(0)
		eventually(t, s.phone.name+" may send its fax", 10*time.Second, func() bool { return s.phone.ended() || s.phone.noted("faxing") != "" })
		if _, err := fmt.Sscanf(s.phone.noted("faxing"), "m=image %d", &port); err != nil {
			t.Fatalf("%s: the description says %q: %v", s.phone.name, s.phone.noted("faxing"), err)
		}
		s.gate = netip.AddrPortFrom(over.at(gate).Addr(), port)
	}
	for i, s := range sides {
		page := fmt.Sprintf("\x00\x01\x04page of %s", s.phone.name) // UDPTL begins with a sequence number, not with RTP's version 2
		if _, err := s.conn.WriteToUDPAddrPort([]byte(page), s.gate); err != nil {
			t.Fatal(err)
		}
		buf, other := make([]byte, 2048), sides[1-i]
		other.conn.SetReadDeadline(time.Now().Add(time.Second))
		if n, from, err := other.conn.ReadFromUDPAddrPort(buf); err != nil || string(buf[:n]) != page || from != other.gate {
			t.Errorf("%s sent %q, and the other one got %q from %v: %v", s.phone.name, page, buf[:n], from, err)
		}
	}
}

// heardEarly checks that the caller knew the callee's voice before the notice at the answer.
func heardEarly(t *testing.T, p *played) {
	t.Helper()
	heard := p.ears["caller"].heard
	tone, err := ear.FindTone(heard, rate, testTone)
	if err != nil {
		t.Fatalf("the caller heard no notice: %v", err)
	}
	if tone.Start < time.Second {
		t.Errorf("the notice at the answer came %v after the first early media, want more than a second", tone.Start)
	}
	recognise(t, "before the answer the caller", heard[:int(tone.Start.Seconds()*rate)], calleeVoice)
}

// tonedAtThePrack checks that the caller heard nothing while its PRACK was held back, for 400 ms.
func tonedAtThePrack(t *testing.T, p *played) {
	t.Helper()
	if wait := p.ears["caller"].first.Sub(p.caller.notedAt(t, "progress")); wait < 200*time.Millisecond {
		t.Errorf("the notice began %v after the 183, before the PRACK", wait)
	}
}

// dialledMeanwhile checks that the callee was called in the first half of the notice.
func dialledMeanwhile(t *testing.T, p *played) {
	t.Helper()
	if wait := p.callee.notedAt(t, "offered").Sub(p.ears["caller"].first); wait > 500*time.Millisecond {
		t.Errorf("the callee was called %v after the notice began, want at once", wait)
	}
}

// changedAfterTheTone checks that a change of the call was made only when the notice at the answer was over.
func changedAfterTheTone(t *testing.T, p *played) {
	t.Helper()
	if wait := p.caller.notedAt(t, "changed").Sub(p.ears["caller"].first); wait < 950*time.Millisecond {
		t.Errorf("the call was changed %v after its notice of a second began", wait)
	}
}

// keptOpen checks that both connections were asked for a sign of life, and kept though sipp, like many peers, gives none.
func keptOpen(t *testing.T, p *played) {
	t.Helper()
	for _, trunk := range []string{"carrier", "pbx"} {
		if got := p.gateway.metric(t, "tonegate_sip_keepalives_total", `trunk="`+trunk+`"`, `result="missing"`); got != 1 {
			t.Errorf("tonegate_sip_keepalives_total counts %v keepalives without an answer to %s, want 1", got, trunk)
		}
	}
}

// notedAt is when the scenario wrote the file.
func (s *sipp) notedAt(t *testing.T, file string) time.Time {
	t.Helper()
	info, err := os.Stat(filepath.Join(s.dir, file))
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	return info.ModTime()
}

// nobodyAt listens where the callee would be and returns the check that nothing came, which also stops listening.
func nobodyAt(t *testing.T, over transport, there netip.AddrPort) (untouched func()) {
	t.Helper()
	if over.network() == "tcp" {
		listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(over.at(there)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { listener.Close() })
		return func() {
			t.Helper()
			listener.SetDeadline(time.Now().Add(50 * time.Millisecond))
			if _, err := listener.Accept(); err == nil {
				t.Error("somebody connected to the callee, who must not be called")
			}
			listener.Close()
		}
	}
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(over.at(there)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return func() {
		t.Helper()
		buf := make([]byte, 2048)
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := conn.Read(buf); err == nil {
			t.Errorf("the callee was called, though it must not be:\n%s", buf[:n])
		}
		conn.Close()
	}
}
