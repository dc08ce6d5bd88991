package sip

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"tonegate/call"
	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
)

const optionsEvery = 30 * time.Second

// watched asks the PBX's two peers by OPTIONS; each answers as its table says.
func watched(s *setup) {
	toneless(s)
	twoTargets(s)
	s.options.Trunks[1].Options = optionsEvery
	s.pbx.Manual = []string{"OPTIONS"}
}

// question waits for the next OPTIONS that the PBX is asked.
func (w *world) question() *siptest.Request {
	w.t.Helper()
	return w.pbx.ExpectRequest("OPTIONS")
}

func (w *world) up(want float64, peer netip.Addr) {
	w.t.Helper()
	if got := w.metric("tonegate_peer_up", "pbx", "udp://"+netip.AddrPortFrom(peer, sipPort).String()); got != want {
		w.t.Errorf("%s: up is %v, want %v", peer, got, want)
	}
}

// dead lets nothing through to the PBX.
func (w *world) dead(dead bool) {
	w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
		if dead && p.To.Addr() == hostPBX {
			return simnet.Drop
		}
		return simnet.Pass
	})
}

func TestOptionsAreAskedAtTheInterval(t *testing.T) {
	inWorld(t, watched, func(w *world) {
		began := time.Now()
		first := w.question()
		if took := time.Since(began); took > optionsEvery+time.Second {
			t.Errorf("the first after %v", took)
		}
		for name, want := range map[string]string{"Contact": "<sip:127.0.0.1:5060>", "Accept": mimeSDP, "To": "<sip:127.0.0.3:5060>", "Max-Forwards": "70"} {
			w.header(first.Message, name, want)
		}
		if first.URI != "sip:127.0.0.3:5060" {
			t.Errorf("to %s", first.URI)
		}
		last := time.Now()
		first.Respond(200, nil, "")
		for range 5 {
			r := w.question()
			w.about("the next", time.Since(last), optionsEvery)
			if r.Header("Call-ID") == first.Header("Call-ID") || r.Header("Via") == first.Header("Via") {
				t.Error("the same again")
			}
			last = time.Now()
			r.Respond(503, nil, "") // any answer will do
		}
		w.up(1, hostPBX)
		w.up(1, hostSpare)
		if n := w.carrier.Received(); n != 0 {
			t.Errorf("%d messages to a trunk that is not watched", n)
		}
		w.question().Respond(200, nil, "")
	})
}

// One answer missing makes a suspect, three make a peer that is down, two
// answers bring it back.
func TestPeerGoesDownAndComesBack(t *testing.T) {
	inWorld(t, watched, func(w *world) {
		state := func(want reach) {
			t.Helper()
			if got := reach(w.server.watches["pbx"][0].reach.Load()); got != want {
				t.Errorf("the peer is %s, want %s", got, want)
			}
		}
		answers := func(states ...reach) {
			t.Helper()
			for _, want := range states {
				w.question().Respond(404, nil, "")
				time.Sleep(time.Second)
				state(want)
			}
		}
		misses := func(states ...reach) {
			t.Helper()
			w.dead(true)
			defer w.dead(false)
			time.Sleep(optionsEvery - time.Second - minWait + minWait/2)
			for _, want := range states {
				time.Sleep(minWait + lifetime)
				state(want)
			}
		}
		answers(reachUp, reachUp)
		misses(reachSuspect)
		// Timer F has gone by, and so has the interval: the next question is near.
		answers(reachSuspect, reachUp)
		misses(reachSuspect, reachSuspect)
		answers(reachSuspect)
		misses(reachSuspect, reachSuspect, reachDown, reachDown)
		w.up(0, hostPBX)
		w.up(1, hostSpare)
		answers(reachDown)
		misses(reachDown)
		answers(reachDown, reachUp)
		w.up(1, hostPBX)
	})
}

// think sets what is thought of the PBX's peers.
func (w *world) think(first, second reach) {
	for i, r := range []reach{first, second} {
		w.server.watches["pbx"][i].reach.Store(int32(r))
	}
}

func TestPeersThatAreDownAreNotDialled(t *testing.T) {
	inWorld(t, watched, func(w *world) {
		w.pbx.ExpectRequest("OPTIONS").Respond(200, nil, "")
		for _, c := range []struct {
			first, second reach
			to, then      *siptest.Phone
		}{
			{reachUp, reachUp, w.pbx, w.spare},
			{reachSuspect, reachUp, w.pbx, w.spare},
			{reachDown, reachUp, w.spare, nil},
			{reachDown, reachSuspect, w.spare, nil},
			{reachUp, reachDown, w.pbx, nil},
			{reachDown, reachDown, w.pbx, w.spare}, // never the last one
		} {
			w.think(c.first, c.second)
			a := w.carrier.Invite(plain)
			c.to.Accept().Respond(503, nil, "")
			if c.then != nil {
				c.then.Accept().Respond(486, nil, "")
				a.Expect(486)
				w.want("busy far_end_refused 486")
			} else {
				a.Expect(500)
				w.want("failed far_end_refused 500")
			}
		}
		w.think(reachUp, reachUp)
	})
}

func TestEmergencyCallsTryPeersThatAreDown(t *testing.T) {
	inWorld(t, both(watched, func(s *setup) { s.options.Policy.Routes[0].Called = nil }), func(w *world) {
		w.pbx.ExpectRequest("OPTIONS").Respond(200, nil, "")
		w.think(reachDown, reachUp)
		o := plain
		o.To = "119"
		a := w.carrier.Invite(o)
		w.spare.Accept().Respond(503, nil, "")
		w.pbx.Accept().Respond(486, nil, "")
		a.Expect(486)
		w.want("busy far_end_refused 486")
		w.think(reachUp, reachUp)
	})
}

// The order of the plan is the trunk's business: the policy's own list stays.
func TestReachableLeavesThePolicyAlone(t *testing.T) {
	s := &Server{watches: map[string][]*watch{"a": {{}, nil}, "b": {{}}}}
	s.watches["a"][0].reach.Store(int32(reachDown))
	targets := []call.Target{{Trunk: "a"}, {Trunk: "a", Peer: 1}, {Trunk: "b"}}
	p := call.Plan{Targets: targets}
	if got := s.reachable(&p); len(got) != 2 || got[0] != targets[1] || got[1] != targets[2] {
		t.Errorf("%v", got)
	}
	p.Emergency = true
	if got := s.reachable(&p); len(got) != 3 || got[0] != targets[1] || got[2] != targets[0] {
		t.Errorf("%v", got)
	}
	if targets[0] != (call.Target{Trunk: "a"}) || targets[1].Peer != 1 || targets[2].Trunk != "b" {
		t.Errorf("%v", targets)
	}
}

func TestOptionsOverTCPToAPeerThatIsGone(t *testing.T) {
	pbx := listening(t, hostPBX)
	o := own(t, nil, overTCP(pbx))
	f, _ := o.server.route(overTCP(pbx))
	trunk := &o.server.options.Trunks[1]
	trunk.Options = optionsEvery
	w := newWatch(o.sh, trunk, overTCP(pbx), f)
	w.timer.owner = w
	o.sh.now = time.Now()
	w.expire(o.sh.now)
	conn, r := accept(t, pbx)
	question := message(t, conn, r)
	if want := "OPTIONS sip:" + pbx.Addr().String() + ";transport=tcp SIP/2.0\r\n"; !strings.HasPrefix(question, want) {
		t.Errorf("%.100s", question)
	}
	conn.Write([]byte(answerTo(question, 486)))
	o.work(func() bool { return w.successes == 1 })
	conn.Close()
	pbx.Close()
	o.forgets(tcpAddr(pbx.Addr()))
	for i := range failuresDown {
		w.expire(time.Now())
		o.work(func() bool { return w.failures == i+1 })
	}
	if got := reach(w.reach.Load()); got != reachDown {
		t.Errorf("it is %s", got)
	}
	if n := o.metric("tonegate_peer_up", "pbx", "tcp://"+pbx.Addr().String()); n != 0 {
		t.Errorf("up is %v", n)
	}
	w.stop()
}
