package siptest

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tonegate/internal/simnet"
)

// TestCallsSurviveTheNetwork plays whole calls over bad links: all that a phone repeats must be repeated, and all
// that arrives twice or late must be absorbed. (Loss can beat any number of repetitions: a seed repeats its run.)
func TestCallsSurviveTheNetwork(t *testing.T) {
	bad := map[string]simnet.Conditions{
		"loss of 20 percent": {Delay: 10 * time.Millisecond, Loss: 0.2},
		"duplicates":         {Delay: 10 * time.Millisecond, Jitter: 10 * time.Millisecond, Duplicate: 0.5},
		"reordering":         {Delay: 10 * time.Millisecond, Reorder: 0.3},
		"everything":         {Delay: 10 * time.Millisecond, Jitter: 30 * time.Millisecond, Loss: 0.1, Duplicate: 0.2, Reorder: 0.2},
	}
	for name, conditions := range bad {
		for seed := range uint64(25) {
			conditions.Seed = seed
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				inWorld(t, conditions, nil, badNetworkCall)
			})
		}
	}
}

func badNetworkCall(t *testing.T, w *world) {
	call, ring := w.connect()
	const frames = 500
	said := ramp(frames)
	w.aliceVoice.Say(said)
	w.bobVoice.Say(said)
	call.Request("INFO", nil, "").Expect(200)
	ring.Reinvite(w.bobOptions.SDP.Offer())
	call.ExpectRequest("INVITE")
	call.Answer()
	ring.Expect(200)
	ring.Ack("")
	call.ExpectRequest("ACK")
	w.aliceVoice.Wait()
	w.bobVoice.Wait()
	time.Sleep(time.Second)
	r := w.bobVoice.Report()
	if r.SSRCs != 1 || r.Jumps != 0 || r.Timestamps != 0 || r.Strange != 0 {
		t.Errorf("report %v", r)
	}
	if unique := r.Packets - r.Duplicates; unique+r.Lost > frames || unique+r.Lost < frames-20 {
		t.Errorf("%d packets and %d lost, %d said", unique, r.Lost, frames)
	}
	ring.Bye().Expect(200)
	call.ExpectRequest("BYE")
	cancelled := w.alice.Invite(InviteOptions{To: "0312340002"})
	second := w.bob.Accept()
	second.Respond(180, nil, "")
	cancelled.Cancel()
	cancelled.Expect(487)
	second.ExpectRequest("ACK")
}

func TestReportCountsWhatTheNetworkDid(t *testing.T) {
	inWorld(t, simnet.Conditions{Delay: time.Millisecond, Loss: 0.1, Duplicate: 0.1, Reorder: 0.1, Seed: 3}, nil, func(t *testing.T, w *world) {
		lost, delivered := 0, 0
		w.network.Watch(func(e simnet.Event) {
			switch {
			case e.To != w.bobVoice.Addr():
			case e.Fate == simnet.Delivered:
				delivered++
			default:
				lost++
			}
		})
		w.aliceVoice.SetRemote(w.bobVoice.Addr())
		said := ramp(1000)
		w.aliceVoice.Say(said)
		w.aliceVoice.Wait()
		time.Sleep(time.Second)
		r := w.bobVoice.Report()
		w.network.SetFilter(nil) // orders what Watch wrote before this line
		if r.Packets != delivered || r.Duplicates != delivered+lost-1000 || r.Late < 50 || r.Timestamps != 0 {
			t.Errorf("report %v; the network delivered %d and lost %d of 1000", r, delivered, lost)
		}
		if d := lost - r.Lost; d < 0 || d > 3 { // those lost at the ends cannot be seen
			t.Errorf("report %v; %d lost", r, lost)
		}
		heard := w.bobVoice.PCM()
		if got, want := likeness(said, heard), (1000-lost)*160; got < want-2000 || len(heard) > len(said) {
			t.Errorf("%d of %d samples are right", got, want)
		}
	})
}

func TestVoiceGoesOnWithItsClock(t *testing.T) {
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		w.aliceVoice.SetRemote(w.bobVoice.Addr())
		w.aliceVoice.Say(ramp(10))
		w.aliceVoice.Wait()
		time.Sleep(800 * time.Millisecond)
		w.aliceVoice.Say(ramp(10))
		w.aliceVoice.Wait()
		time.Sleep(time.Second)
		r := w.bobVoice.Report()
		if r.Packets != 20 || r.Markers != 2 || r.Timestamps != 0 || r.LongestGap.Round(time.Microsecond) != 820*time.Millisecond {
			t.Errorf("report %v", r)
		}
		heard := w.bobVoice.PCM()
		if len(heard) != 60*160 {
			t.Fatalf("%d samples", len(heard))
		}
		for i, s := range heard[1600:8000] {
			if s != 0 {
				t.Fatalf("sample %d of the pause is %d", i, s)
			}
		}
		if got := likeness(ramp(10), heard[8000:]); got != 1600 {
			t.Errorf("after the pause %d samples are right", got)
		}
	})
}

func TestLoopUntilStop(t *testing.T) {
	inWorld(t, clean, nil, func(t *testing.T, w *world) {
		w.aliceVoice.SetRemote(w.bobVoice.Addr())
		w.aliceVoice.Loop(ramp(3))
		time.Sleep(990 * time.Millisecond)
		w.aliceVoice.Stop()
		w.aliceVoice.Wait()
		time.Sleep(time.Second)
		if got := w.bobVoice.Report().Packets; got < 50 || got > 53 {
			t.Errorf("%d packets in a second", got)
		}
	})
}

// TestResponseGoesToSentByWithoutRport is RFC 3261 s18.2.2, and RFC 3581 s4 where the client asks for it.
func TestResponseGoesToSentByWithoutRport(t *testing.T) {
	for via, want := range map[string]string{
		"10.0.0.1:5070;branch=z9hG4bKx":            "10.0.0.1:5070",
		"10.0.0.1;branch=z9hG4bKx":                 "10.0.0.1:5060",
		"192.0.2.1:5070;branch=z9hG4bKx":           "10.0.0.1:5070",
		"192.0.2.1:5070;branch=z9hG4bKx; rport":    "10.0.0.1:4444",
		"host.example:5070;rport;branch=z9hG4bKx":  "10.0.0.1:4444",
		"10.0.0.1:5070;branch=z9hG4bKx;rport=4444": "10.0.0.1:4444",
	} {
		inWorld(t, clean, nil, func(t *testing.T, w *world) {
			conn, err := w.network.Listen(netip.AddrPortFrom(hostAlice, 4444))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
				if strings.HasPrefix(string(p.Data), "SIP/2.0 200") {
					got = p.To.String()
				}
				return simnet.Pass
			})
			conn.WriteToUDPAddrPort([]byte("OPTIONS sip:bob@10.0.0.2:5060 SIP/2.0\r\nVia: SIP/2.0/UDP "+via+"\r\nMax-Forwards: 1\r\n"+
				"From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n"), w.bob.Addr())
			w.bob.ExpectRequest("OPTIONS")
			w.network.SetFilter(nil)
			if got != want {
				t.Errorf("Via %s: the response went to %q, want %q", via, got, want)
			}
			time.Sleep(time.Second)
		})
	}
}
