package siptest

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"tonegate/internal/simnet"
)

var (
	hostAlice = netip.MustParseAddr("10.0.0.1")
	hostBob   = netip.MustParseAddr("10.0.0.2")
)

// world is two phones with voices on a simulated network, and the ladder between them.
type world struct {
	network                  *simnet.Network
	ladder                   *Ladder
	alice, bob               *Phone
	aliceVoice, bobVoice     *Voice
	aliceOptions, bobOptions Options
}

// inWorld runs a script in a bubble. The bubble itself fails if a goroutine is left.
func inWorld(t *testing.T, c simnet.Conditions, change func(w *world), script func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{network: simnet.New(c), ladder: NewLadder()}
		w.ladder.Host("alice", hostAlice)
		w.ladder.Host("bob", hostBob)
		w.ladder.Watch(w.network)
		open := func(addr netip.Addr, port uint16) *simnet.Conn {
			conn, err := w.network.Listen(netip.AddrPortFrom(addr, port))
			if err != nil {
				t.Fatal(err)
			}
			return conn
		}
		w.aliceVoice = NewVoice(open(hostAlice, 4000), VoiceOptions{})
		w.bobVoice = NewVoice(open(hostBob, 4000), VoiceOptions{})
		sdp := func(v *Voice) SDP { return SDP{Address: v.Addr(), Codecs: []Codec{PCMU, PCMA, DTMF}, Ptime: 20} }
		w.aliceOptions = Options{Name: "alice", Peer: netip.AddrPortFrom(hostBob, 5060), TB: t, SDP: sdp(w.aliceVoice), Media: w.aliceVoice.SetRemote}
		w.bobOptions = Options{Name: "bob", Peer: netip.AddrPortFrom(hostAlice, 5060), TB: t, SDP: sdp(w.bobVoice), Media: w.bobVoice.SetRemote}
		if change != nil {
			change(w)
		}
		w.alice = NewPhone(open(hostAlice, 5060), w.aliceOptions)
		w.bob = NewPhone(open(hostBob, 5060), w.bobOptions)
		defer func() {
			for _, part := range []interface{ Close() error }{w.alice, w.bob, w.aliceVoice, w.bobVoice, w.network} {
				if err := part.Close(); err != nil {
					t.Error(err)
				}
			}
		}()
		script(t, w)
		for _, p := range []*Phone{w.alice, w.bob} {
			if v := p.Violations(); len(v) > 0 {
				t.Errorf("%s saw violations: %q", p.Name(), v)
			}
		}
	})
}

// connect sets up a call from Alice to Bob.
func (w *world) connect() (call, ring *Call) {
	call = w.alice.Invite(InviteOptions{To: "0312340001"})
	ring = w.bob.Accept()
	ring.Answer()
	call.Expect(200)
	call.Ack("")
	ring.ExpectRequest("ACK")
	return call, ring
}

var clean = simnet.Conditions{Delay: 5 * time.Millisecond}

// ramp is a signal in which every 20 ms frame is another one.
func ramp(frames int) []int16 {
	pcm := make([]int16, frames*160)
	for i := range pcm {
		pcm[i] = int16((i/160*37 + i%160*150) % 20000)
	}
	return pcm
}

// likeness counts the samples of heard that are those of said, as G.711 rounds them.
func likeness(said, heard []int16) int {
	same := 0
	for i := range min(len(said), len(heard)) {
		if d := int(said[i]) - int(heard[i]); d >= -600 && d <= 600 {
			same++
		}
	}
	return same
}
