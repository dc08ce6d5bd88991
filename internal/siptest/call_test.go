package siptest

import (
	"strings"
	"testing"
	"time"

	"tonegate/internal/simnet"
)

func TestPlainCallWithMedia(t *testing.T) {
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		call := w.alice.Invite(InviteOptions{To: "0312340001"})
		ring := w.bob.Accept()
		ring.Respond(180, nil, "")
		call.Expect(180)
		ring.Answer()
		call.Expect(200)
		call.Ack("")
		ring.ExpectRequest("ACK")

		said := ramp(50)
		w.aliceVoice.Say(said)
		w.bobVoice.Say(said[:1600])
		w.aliceVoice.Wait()
		time.Sleep(time.Second)
		if got := w.bobVoice.PCM(); len(got) != len(said) || likeness(said, got) != len(said) {
			t.Errorf("Bob heard %d samples of %d, %d alike", len(got), len(said), likeness(said, got))
		}
		r := w.bobVoice.Report()
		if r.Packets != 50 || r.Lost+r.Duplicates+r.Late+r.Jumps+r.Timestamps+r.Strange != 0 || r.SSRCs != 1 || r.Markers != 1 {
			t.Errorf("Bob's report: %v", r)
		}
		if got := r.Last.Sub(r.First).Round(time.Microsecond); got != 980*time.Millisecond {
			t.Errorf("50 frames took %v", got)
		}
		if got := w.aliceVoice.Report().Packets; got != 10 {
			t.Errorf("Alice heard %d packets", got)
		}

		call.Bye().Expect(200)
		ring.ExpectRequest("BYE")
		w.ladder.Golden(t, "siptest-plain-call")
	})
}

func TestCalleeHangsUp(t *testing.T) {
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		call, ring := w.connect()
		ring.Bye("Reason: Q.850;cause=16").Expect(200)
		if got := call.ExpectRequest("BYE").Header("Reason"); got != "Q.850;cause=16" {
			t.Errorf("Reason %q", got)
		}
	})
}

func TestByesCross(t *testing.T) {
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		call, ring := w.connect()
		a, b := call.Bye(), ring.Bye()
		a.Expect(200)
		b.Expect(200)
	})
}

func TestCancel(t *testing.T) {
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		call := w.alice.Invite(InviteOptions{To: "0312340001"})
		cancel := call.Cancel() // waits for the 180
		ring := w.bob.Accept()
		time.Sleep(100 * time.Millisecond)
		ring.Respond(180, nil, "")
		cancel.Expect(200)
		call.Expect(487)
		ring.ExpectRequest("CANCEL")
		ring.ExpectRequest("ACK")
		time.Sleep(35 * time.Second)
		w.ladder.Golden(t, "siptest-cancel")
	})
}

func TestCancelCrossesAnswer(t *testing.T) {
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
			if strings.HasPrefix(string(p.Data), "SIP/2.0 200") && strings.Contains(string(p.Data), "1 INVITE") {
				return simnet.HoldUntil(func(p simnet.Packet) bool { return strings.HasPrefix(string(p.Data), "CANCEL") })
			}
			return simnet.Pass
		})
		call := w.alice.Invite(InviteOptions{To: "0312340001"})
		ring := w.bob.Accept()
		ring.Respond(180, nil, "")
		call.Expect(180)
		ring.Answer()
		time.Sleep(50 * time.Millisecond)
		call.Cancel().Expect(200)
		call.Expect(200) // Bob's answer was first
		call.Ack("")
		call.Bye().Expect(200)
		ring.ExpectRequest("ACK")
		ring.ExpectRequest("BYE")
	})
}

func TestBusy(t *testing.T) {
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		call := w.alice.Invite(InviteOptions{To: "0312340001"})
		ring := w.bob.Accept()
		ring.Respond(486, nil, "")
		call.Expect(486)
		ack := ring.ExpectRequest("ACK")
		if ack.Branch() != call.Invite.Branch() {
			t.Errorf("the ACK of a refusal has branch %q, the INVITE %q", ack.Branch(), call.Invite.Branch())
		}
	})
}

func TestLateOffer(t *testing.T) {
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		call := w.alice.Invite(InviteOptions{To: "0312340001", NoSDP: true})
		ring := w.bob.Accept()
		if ring.Invite.Body != "" {
			t.Errorf("the INVITE has a body: %q", ring.Invite.Body)
		}
		ring.Answer()
		offer := call.Expect(200)
		call.Ack(w.aliceOptions.SDP.Answer(offer.Body))
		if got, err := ParseSDP(ring.ExpectRequest("ACK").Body); err != nil || got.Address != w.aliceVoice.Addr() {
			t.Errorf("answer in ACK: %+v, %v", got, err)
		}
		w.bobVoice.Say(ramp(5))
		w.bobVoice.Wait()
		time.Sleep(time.Second)
		if got := w.aliceVoice.Report().Packets; got != 5 {
			t.Errorf("Alice heard %d packets", got)
		}
	})
}

func TestReinviteFromEachSide(t *testing.T) {
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		call, ring := w.connect()
		for _, side := range []struct{ from, to *Call }{{call, ring}, {ring, call}} {
			hold := w.aliceOptions.SDP
			hold.Direction, hold.Version = "sendonly", 1
			side.from.Reinvite(hold.Offer())
			side.to.ExpectRequest("INVITE")
			side.to.Answer()
			answer, err := ParseSDP(side.from.Expect(200).Body)
			if err != nil || answer.Direction != "recvonly" {
				t.Errorf("answer to hold: %+v, %v", answer, err)
			}
			side.from.Ack("")
			side.to.ExpectRequest("ACK")
		}
		call.Bye().Expect(200)
	})
}

func TestReinviteGlare(t *testing.T) {
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		call, ring := w.connect()
		a, b := call.Reinvite(""), ring.Reinvite("")
		call.ExpectRequest("INVITE").Respond(491, nil, "")
		ring.ExpectRequest("INVITE").Respond(491, nil, "")
		a.Expect(491)
		b.Expect(491)
		call.ExpectRequest("ACK")
		ring.ExpectRequest("ACK")
	})
}

func TestForksHaveDialogsOfTheirOwn(t *testing.T) {
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		call := w.alice.Invite(InviteOptions{To: "0312340001"})
		first := w.bob.Accept()
		second := first.Fork()
		first.Respond(180, nil, "")
		second.Respond(180, nil, "")
		if a, b := call.Expect(180), call.Expect(180); a.ToTag() == b.ToTag() {
			t.Error("two forks share a To-tag")
		}
		first.Answer()
		won := call.Expect(200)
		call.Ack("")
		second.Answer()
		lost := call.Expect(200)
		if won.ToTag() == lost.ToTag() {
			t.Error("two answers share a To-tag")
		}
		loser := call.ForkFrom(lost)
		loser.Ack("")
		loser.Bye().Expect(200)
		second.ExpectRequest("ACK")
		second.ExpectRequest("BYE")
		call.Bye().Expect(200)
		first.ExpectRequest("ACK")
		first.ExpectRequest("BYE")
		w.ladder.Golden(t, "siptest-forks")
	})
}

func TestReliableProvisional(t *testing.T) {
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		call := w.alice.Invite(InviteOptions{To: "0312340001", Headers: []string{"Supported: 100rel"}})
		ring := w.bob.Accept()
		ring.RespondReliably(183, nil, w.bobOptions.SDP.Answer(ring.Invite.Body))
		progress := call.Expect(183)
		time.Sleep(2 * time.Second) // repeated at 0.5 and 1.5 s
		before := w.alice.Received()
		if before != 3 {
			t.Errorf("%d messages before PRACK, want the 183 and two repetitions", before)
		}
		call.Prack(progress, "").Expect(200)
		ring.ExpectRequest("PRACK")
		w.alice.Quiet(40 * time.Second)
		bogus := *progress
		bogus.Fields = append([]Field{{"RSeq", "99"}}, progress.Fields...)
		call.Prack(&bogus, "").Expect(481)
		ring.Answer()
		call.Expect(200)
		call.Ack("")
		ring.ExpectRequest("ACK")
	})
}

func TestRouteSet(t *testing.T) {
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		proxies := []string{"Record-Route: <sip:10.0.0.2:5060;lr;n=2>", "Record-Route: <sip:10.0.0.2:5060;lr;n=1>"}
		call := w.alice.Invite(InviteOptions{To: "0312340001"})
		ring := w.bob.Accept()
		ring.Respond(200, proxies, w.bobOptions.SDP.Answer(ring.Invite.Body))
		call.Expect(200)
		call.Ack("")
		want := "<sip:10.0.0.2:5060;lr;n=1> <sip:10.0.0.2:5060;lr;n=2>"
		if got := strings.Join(ring.ExpectRequest("ACK").Headers("Route"), " "); got != want {
			t.Errorf("the caller's route set is %s, want the reverse of Record-Route", got)
		}
	})
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		call := w.alice.Invite(InviteOptions{To: "0312340001", Headers: []string{"Record-Route: <sip:10.0.0.1:5060;lr;n=2>, <sip:10.0.0.1:5060;lr;n=1>"}})
		ring := w.bob.Accept()
		ring.Answer()
		if got := len(call.Expect(200).Headers("Record-Route")); got != 2 {
			t.Errorf("%d Record-Routes in the answer", got)
		}
		call.Ack("")
		ring.ExpectRequest("ACK")
		ring.Bye().Expect(200)
		want := "<sip:10.0.0.1:5060;lr;n=2> <sip:10.0.0.1:5060;lr;n=1>"
		if got := strings.Join(call.ExpectRequest("BYE").Headers("Route"), " "); got != want {
			t.Errorf("the callee's route set is %s, want the order of Record-Route", got)
		}
	})
}

func TestOutsideDialogs(t *testing.T) {
	inWorld(t, clean, func(w *world) { w.bobOptions.Manual = []string{"REGISTER"} }, func(t *testing.T, w *world) {
		w.alice.Request("OPTIONS", InviteOptions{To: "bob"}).Expect(200)
		w.bob.ExpectRequest("OPTIONS")
		register := w.alice.Request("REGISTER", InviteOptions{To: "bob"})
		w.bob.ExpectRequest("REGISTER").Respond(403, nil, "")
		register.Expect(403)
		stray := w.alice.Request("BYE", InviteOptions{To: "<sip:bob@10.0.0.2>;tag=nobody"})
		stray.Expect(481)
		w.alice.SendRaw([]byte("nonsense\r\n\r\n"))
		if got := string(w.bob.Receive().Raw); !strings.HasPrefix(got, "BYE ") {
			t.Errorf("stray %q", got)
		}
		if got := string(w.bob.Receive().Raw); got != "nonsense\r\n\r\n" {
			t.Errorf("raw %q", got)
		}
	})
}
