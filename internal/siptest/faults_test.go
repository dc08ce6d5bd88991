package siptest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tonegate/internal/simnet"
)

// sentAt writes down when messages that start with prefix leave.
func sentAt(w *world, prefix string, at *[]time.Duration) {
	start := time.Now()
	w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
		if strings.HasPrefix(string(p.Data), prefix) {
			*at = append(*at, p.Sent.Sub(start).Round(time.Millisecond))
		}
		return simnet.Pass
	})
}

func seconds(list ...float64) []time.Duration {
	var d []time.Duration
	for _, s := range list {
		d = append(d, time.Duration(s*float64(time.Second)))
	}
	return d
}

func TestRetransmissionTimes(t *testing.T) {
	deaf := func(w *world) { w.bobOptions.Faults = Faults{NeverAnswer: true} }
	noAck := func(w *world) { w.aliceOptions.Faults.NeverAck = true }
	for name, c := range map[string]struct {
		change func(*world)
		prefix string
		script func(w *world)
		want   []time.Duration
	}{
		"INVITE doubles without limit": {deaf, "INVITE", func(w *world) {
			w.alice.Invite(InviteOptions{To: "0312340001"})
		}, seconds(0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5)},
		"OPTIONS doubles to T2": {deaf, "OPTIONS", func(w *world) {
			w.alice.Request("OPTIONS", InviteOptions{To: "bob"})
		}, seconds(0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)},
		"200 doubles to T2": {noAck, "SIP/2.0 200", func(w *world) {
			w.alice.Invite(InviteOptions{To: "0312340001"})
			w.bob.Accept().Answer()
		}, seconds(0.005, 0.505, 1.505, 3.505, 7.505, 11.505, 15.505, 19.505, 23.505, 27.505, 31.505)},
		"486 doubles to T2": {noAck, "SIP/2.0 486", func(w *world) {
			w.alice.Invite(InviteOptions{To: "0312340001"})
			w.bob.Accept().Respond(486, nil, "")
		}, seconds(0.005, 0.505, 1.505, 3.505, 7.505, 11.505, 15.505, 19.505, 23.505, 27.505, 31.505)},
		"INVITE stops at the 100 after 200 ms": {nil, "INVITE", func(w *world) {
			w.alice.Invite(InviteOptions{To: "0312340001"})
		}, seconds(0)},
		"INVITE goes on without a 100": {func(w *world) { w.bobOptions.Faults.NeverTrying = true }, "INVITE", func(w *world) {
			w.alice.Invite(InviteOptions{To: "0312340001"})
		}, seconds(0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5)},
		"the first is lost": {func(w *world) { w.aliceOptions.Faults.LoseFirst = 1 }, "INVITE", func(w *world) {
			w.alice.Invite(InviteOptions{To: "0312340001"})
		}, seconds(0.5)},
		"nothing is repeated": {func(w *world) {
			deaf(w)
			w.aliceOptions.Faults.NeverRepeat = true
		}, "OPTIONS", func(w *world) {
			w.alice.Request("OPTIONS", InviteOptions{To: "bob"})
		}, seconds(0)},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, clean, c.change, func(t *testing.T, w *world) {
				var at []time.Duration
				sentAt(w, c.prefix, &at)
				c.script(w)
				time.Sleep(100 * time.Second)
				w.network.SetFilter(nil)
				if !slices.Equal(at, c.want) {
					t.Errorf("sent at %v\nwant    %v", at, c.want)
				}
			})
		})
	}
}

func TestRepeatedAnswerIsAcknowledgedAgain(t *testing.T) {
	for _, again := range []bool{true, false} {
		t.Run(fmt.Sprint(again), func(t *testing.T) {
			inWorld(t, clean, func(w *world) { w.aliceOptions.Faults.NeverAckAgain = !again }, func(t *testing.T, w *world) {
				call := w.alice.Invite(InviteOptions{To: "0312340001"})
				ring := w.bob.Accept()
				ring.Answer()
				call.Expect(200)
				lost := 0
				w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
					if strings.HasPrefix(string(p.Data), "ACK") && lost == 0 {
						lost++
						return simnet.Drop
					}
					return simnet.Pass
				})
				call.Ack("")
				if again {
					ring.ExpectRequest("ACK")
				}
				w.bob.Quiet(40 * time.Second)
			})
		})
	}
}

// failure plays a script that has to fail, and gives what it said.
func failure(t *testing.T, script func(tb TB)) (text string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		defer func() {
			text, _ = recover().(string)
		}()
		script(panics{})
	})
	return text
}

func TestScriptsFailWithReasons(t *testing.T) {
	phones := func(tb TB, script func(n *simnet.Network, alice, bob *Phone)) {
		n := simnet.New(clean)
		defer n.Close()
		a, _ := n.Listen(hostPortOf("10.0.0.1:5060"))
		b, _ := n.Listen(hostPortOf("10.0.0.2:5060"))
		alice := NewPhone(a, Options{Name: "alice", Peer: hostPortOf("10.0.0.2:5060"), TB: tb})
		bob := NewPhone(b, Options{Name: "bob", Peer: hostPortOf("10.0.0.1:5060"), TB: tb})
		defer alice.Close()
		defer bob.Close()
		script(n, alice, bob)
	}
	for want, script := range map[string]func(n *simnet.Network, alice, bob *Phone){
		"INVITE was answered 486 Busy Here, want [200]": func(_ *simnet.Network, alice, bob *Phone) {
			call := alice.Invite(InviteOptions{To: "0312340001"})
			bob.Accept().Respond(486, nil, "")
			call.Expect(200)
		},
		"no response [180] to INVITE within 40s": func(_ *simnet.Network, alice, bob *Phone) {
			alice.Invite(InviteOptions{To: "0312340001"}).Expect(180)
		},
		"no INVITE within 40s": func(_ *simnet.Network, alice, _ *Phone) { alice.Accept() },
		"no BYE within 40s": func(_ *simnet.Network, alice, bob *Phone) {
			alice.Invite(InviteOptions{To: "0312340001"}).ExpectRequest("BYE")
		},
		"there is no 2xx to acknowledge": func(_ *simnet.Network, alice, bob *Phone) {
			alice.Invite(InviteOptions{To: "0312340001"}).Ack("")
		},
		"To without a tag": func(_ *simnet.Network, alice, bob *Phone) {
			call := alice.Invite(InviteOptions{To: "0312340001"})
			ring := bob.Accept()
			ring.Respond(200, []string{"To: " + ring.Invite.Header("To")}, "")
			call.Expect(200)
		},
		"2 From headers": func(_ *simnet.Network, alice, bob *Phone) {
			alice.Invite(InviteOptions{To: "0312340001", Headers: []string{"From: <sip:a@b>;tag=1", "From: <sip:a@b>;tag=1"}})
			bob.Accept()
		},
		"no Max-Forwards": func(_ *simnet.Network, alice, bob *Phone) {
			alice.Invite(InviteOptions{To: "0312340001", Headers: []string{"Max-Forwards:"}})
			bob.Accept()
		},
		"0 Contacts": func(_ *simnet.Network, alice, bob *Phone) {
			call := alice.Invite(InviteOptions{To: "0312340001"})
			bob.Accept().Respond(180, []string{"Contact:"}, "")
			call.Expect(180)
		},
		"CSeq 1 after 101": func(_ *simnet.Network, alice, bob *Phone) {
			call := alice.Invite(InviteOptions{To: "0312340001"})
			ring := bob.Accept()
			ring.Answer()
			call.Expect(200)
			call.Ack("")
			ring.Request("INFO", nil, "").Expect(200)
			ring.Request("INFO", []string{"CSeq: 1 INFO"}, "")
			call.ExpectRequest("INFO")
			call.ExpectRequest("INFO")
		},
		"is not our Contact": func(_ *simnet.Network, alice, bob *Phone) {
			call := alice.Invite(InviteOptions{To: "0312340001"})
			ring := bob.Accept()
			ring.Respond(200, []string{"Contact: <sip:elsewhere@10.0.0.2:5060>"}, "")
			call.Expect(200)
			ring.contact = "sip:bob@10.0.0.2:5060"
			call.Ack("")
			call.Bye()
			ring.ExpectRequest("BYE")
		},
		"unexpected: INFO": func(_ *simnet.Network, alice, bob *Phone) {
			call := alice.Invite(InviteOptions{To: "0312340001"})
			ring := bob.Accept()
			ring.Answer()
			call.Expect(200)
			call.Ack("")
			call.Request("INFO", nil, "").Expect(200)
			ring.Quiet(time.Second)
		},
		"messages arrived, want none for 1s": func(_ *simnet.Network, alice, bob *Phone) {
			alice.Invite(InviteOptions{To: "0312340001"})
			bob.Quiet(time.Second)
		},
	} {
		t.Run(want, func(t *testing.T) {
			got := failure(t, func(tb TB) { phones(tb, script) })
			if !strings.Contains(got, want) {
				t.Errorf("the script said %q", got)
			}
			if !strings.Contains(got, "INVITE sip:") && !strings.HasPrefix(want, "no INVITE") {
				t.Errorf("the latest messages are missing: %q", got)
			}
		})
	}
}
