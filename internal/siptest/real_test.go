package siptest

import (
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestRealSockets plays the same script over loopback UDP, and over TCP, in real time.
func TestRealSockets(t *testing.T) {
	for _, transport := range []string{"UDP", "TCP"} {
		t.Run(transport, func(t *testing.T) {
			before := runtime.NumGoroutine()
			ladder := NewLadder()
			udp := func() *net.UDPConn {
				conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
				if err != nil {
					t.Fatal(err)
				}
				return conn
			}
			a, b, voiceA, voiceB := udp(), udp(), NewVoice(udp(), VoiceOptions{}), NewVoice(udp(), VoiceOptions{Codec: PCMA})
			sdp := func(v *Voice) SDP { return SDP{Address: v.Addr(), Codecs: []Codec{PCMU, PCMA}} }
			ao := Options{Name: "alice", Peer: b.LocalAddr().(*net.UDPAddr).AddrPort(), TB: t, SDP: sdp(voiceA), Media: voiceA.SetRemote, Ladder: ladder, Timeout: 10 * time.Second}
			bo := Options{Name: "bob", Peer: a.LocalAddr().(*net.UDPAddr).AddrPort(), TB: t, SDP: sdp(voiceB), Media: voiceB.SetRemote, Ladder: ladder, Timeout: 10 * time.Second}
			if transport == "TCP" {
				listener, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				bo.Listener = listener
				if ao.Stream, err = net.Dial("tcp", listener.Addr().String()); err != nil {
					t.Fatal(err)
				}
			}
			alice, bob := NewPhone(a, ao), NewPhone(b, bo)
			call := alice.Invite(InviteOptions{To: "0312340001"})
			ring := bob.Accept()
			ring.Respond(180, nil, "")
			call.Expect(180)
			ring.Answer()
			call.Expect(200)
			call.Ack("")
			ring.ExpectRequest("ACK")
			if got := ring.Invite.Header("Via"); !strings.Contains(got, "/"+transport+" ") {
				t.Errorf("Via %q", got)
			}
			said := ramp(10)
			voiceA.Say(said)
			voiceB.Say(said)
			voiceA.Wait()
			voiceB.Wait()
			ring.Bye().Expect(200)
			call.ExpectRequest("BYE")
			for name, v := range map[string]*Voice{"alice": voiceA, "bob": voiceB} {
				if got := likeness(said, v.PCM()); got < 9*160 {
					t.Errorf("%s heard %d samples: %v", name, got, v.Report())
				}
			}
			for _, part := range []interface{ Close() error }{alice, bob, voiceA, voiceB} {
				if err := part.Close(); err != nil {
					t.Error(err)
				}
			}
			drawn := ladder.String()
			for text, want := range map[string]int{" INVITE -": 1, " 180 Ringing ": 1, " ACK -": 1, " BYE -": 1, " 200 OK ": 2} {
				if got := strings.Count(drawn, text); got != want {
					t.Errorf("%d times %q in the ladder, want %d\n%s", got, text, want, drawn)
				}
			}
			for end := time.Now().Add(5 * time.Second); time.Now().Before(end); runtime.Gosched() {
				if runtime.NumGoroutine() <= before {
					return
				}
			}
			t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		})
	}
}
