package sip

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
)

// kept is what a server holds while its loops rest.
func (w *world) kept() string {
	synctest.Wait()
	var n [6]int
	for _, sh := range w.server.shards {
		for i, have := range [...]int{len(sh.servers), len(sh.clients), len(sh.legs), len(sh.agents), len(sh.sounds), len(sh.timers)} {
			n[i] += have
		}
		if len(sh.early) > maxEarly {
			w.t.Errorf("%d early CANCELs", len(sh.early))
		}
	}
	stacks := make([]byte, 1<<20)
	goroutines := strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "synctest bubble") // the runtime's own come and go
	return fmt.Sprintf("%d server and %d client transactions, %d legs, %d agents, %d sounds, %d timers, %d ports, %d calls, %d goroutines",
		n[0], n[1], n[2], n[3], n[4], n[5], w.counters.Legs.Load(), w.server.Calls(), goroutines)
}

// seeds are the messages of a whole call as the server received them, the
// torture set, and INVITEs with the descriptions of testdata/sdp.
func (w *world) seeds() (all [][]byte) {
	w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
		if p.To == netip.AddrPortFrom(hostUs, sipPort) {
			all = append(all, p.Data)
		}
		return simnet.Pass
	})
	a, b := w.connect(plain)
	a.Reinvite(described(w.carrierVoice, "sendonly", 1))
	b.ExpectRequest("INVITE")
	b.Answer()
	a.Expect(200)
	a.Ack("")
	b.ExpectRequest("ACK")
	a.Request("OPTIONS", nil, "").Expect(200)
	hangUp(a, b)
	c := w.carrier.Invite(plain)
	d := w.pbx.Accept()
	d.Respond(180, nil, "")
	c.Expect(180)
	c.Cancel().Expect(200)
	c.Expect(487)
	d.ExpectRequest("CANCEL")
	w.network.SetFilter(nil)

	for _, pattern := range []string{"../testdata/torture/*.dat", "../testdata/sdp/*.sdp"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			w.t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, name := range files {
			raw, err := os.ReadFile(name)
			if err != nil {
				w.t.Fatal(err)
			}
			if strings.HasSuffix(name, ".sdp") {
				raw = request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", "Max-Forwards: 70\n", string(raw))
			}
			all = append(all, raw)
		}
	}
	return all
}

// spoil changes a message in one to four places. Most stay close enough to be read far.
func spoil(random *rand.Rand, raw []byte) []byte {
	m := append([]byte(nil), raw...)
	for range 1 + random.IntN(4) {
		if len(m) < 2 {
			return m
		}
		i := random.IntN(len(m))
		j := min(len(m), i+1+random.IntN(20))
		lines := strings.SplitAfter(string(m), "\r\n")
		line := random.IntN(len(lines))
		switch random.IntN(9) {
		case 0:
			m[i] = byte(random.IntN(256))
		case 1:
			m = append(m[:i], m[j:]...)
		case 2:
			m = append(m[:i:i], append([]byte(strings.Repeat(string(m[i:j]), 1+random.IntN(200))), m[j:]...)...)
		case 3: // a line twice
			lines[line] += lines[line]
			m = []byte(strings.Join(lines, ""))
		case 4: // a line less
			lines[line] = ""
			m = []byte(strings.Join(lines, ""))
		case 5:
			m = m[:i]
		case 6: // numbers without measure
			m = []byte(strings.Replace(string(m), []string{"1", "70", "5060", "4000", "2"}[random.IntN(5)], "99999999999999999999", 1))
		case 7:
			m = append(m[:i:i], append([]byte([]string{"\x00", "\r\n", "\n", ";", "\"", "<", ",", "%", "\xff\xfe", " ", "?", "@"}[random.IntN(12)]), m[i:]...)...)
		case 8: // a description that does not end
			m = append(m, strings.Repeat("a=rtpmap:0 PCMU/8000\r\n", random.IntN(3000))...)
		}
	}
	return m[:min(len(m), 60000)]
}

// measured gives a message the Content-Length of its body, so that the body is read.
func measured(m []byte) []byte {
	head, body, ok := strings.Cut(string(m), "\r\n\r\n")
	if !ok {
		return m
	}
	var lines []string
	for l := range strings.SplitSeq(head, "\r\n") {
		if !strings.HasPrefix(strings.ToLower(l), "content-length") {
			lines = append(lines, l)
		}
	}
	return []byte(strings.Join(lines, "\r\n") + fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n", len(body)) + body)
}

func TestHostileMessages(t *testing.T) {
	for _, shards := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) {
			inWorld(t, both(toneless, func(s *setup) {
				s.options.Shards, s.media.Timeout = shards, -1
				s.carrier.Lenient, s.pbx.Lenient = true, true
			}), func(w *world) {
				w.lossy = true // whoever is called by a spoilt message is nobody's business
				seeds := w.seeds()
				time.Sleep(2 * lifetime)
				a, b := w.connect(plain)
				time.Sleep(2 * lifetime)
				before := w.kept()

				random := rand.New(rand.NewPCG(7, uint64(shards)))
				for i := range 2000 {
					m := spoil(random, seeds[random.IntN(len(seeds))])
					if i%2 == 0 {
						m = measured(m)
					}
					if from := w.carrier; i%3 == 0 {
						w.pbx.SendRaw(m)
					} else {
						from.SendRaw(m)
					}
					time.Sleep(10 * time.Millisecond)
				}
				time.Sleep(10 * time.Minute) // Timer C, and everything after it
				if after := w.kept(); after != before {
					t.Errorf("before %s\nafter  %s", before, after)
				}
				if n := w.metric("tonegate_sip_dropped_total"); n < 500 {
					t.Errorf("only %v were found to be bad", n)
				}
				// The call is still up, and the next one works.
				a.Reinvite(described(w.carrierVoice, "sendonly", 1))
				b.ExpectRequest("INVITE")
				b.Answer()
				a.Expect(200)
				a.Ack("")
				b.ExpectRequest("ACK")
				hangUp(a, b)
				w.carrier.Invite(siptest.InviteOptions{To: "0312340009", From: "05012340009"})
				for {
					if next := w.pbx.Accept(); strings.Contains(next.Invite.URI, "0312340009") {
						next.Respond(486, nil, "")
						break
					}
				}
			})
		})
	}
}
