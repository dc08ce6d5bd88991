package sip

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"tonegate/announce"
	"tonegate/call"
	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
	"tonegate/media"
	"tonegate/number"
	"tonegate/sip/transaction"
	"tonegate/sip/wire"
)

// The trunks of a simulation: four carriers that differ in how their callers
// hear the notices, a PBX with a spare, and one without.
var simCarriers = []struct {
	name  string
	at    string
	rule  call.Slots // of forwarded calls
	other call.Slots // of those that are not
	trunk Trunk
}{
	{"early", "127.0.1.1", call.Slots{BeforeCaller: "tone", AnswerCallee: "tone"}, call.Slots{AnswerCaller: "tone", AnswerCallee: "tone"}, Trunk{Reliable: ReliableSupported, EarlyMedia: true}},
	{"overlap", "127.0.1.2", call.Slots{BeforeCaller: "tone", Overlap: true}, call.Slots{BeforeCallee: "tone"}, Trunk{Reliable: ReliableSupported}},
	{"picked-up", "127.0.1.3", call.Slots{BeforeCaller: "tone", Mode: call.AnsweredBefore, AnswerCallee: "tone"}, call.Slots{AnswerCallee: "tone"}, Trunk{SessionTimer: 90 * time.Second}},
	{"quiet", "127.0.1.4", call.Slots{}, call.Slots{}, Trunk{SessionTimer: 90 * time.Second}},
}

// The callees' hosts: the PBX, its spare, and the PBX without one.
var simCallees = []string{"127.0.2.1", "127.0.2.2", "127.0.2.3"}

// simWorld is a server among robots, all of whose doings a seed decides.
type simWorld struct {
	world
	run       simRun
	random    *rand.Rand // of the robots, who take turns
	robots    *siptest.Robots
	hosts     []*siptest.Robot // carriers, then callees
	calls     []*simCall
	byCall    map[string]*simCall // by called number
	began     time.Time
	journal   simJournal
	referrals map[string]*simReferrals // by Call-ID
	talks     map[bool]int             // parties that were held to hearing somebody, of calls and of transfers
}

// simJournal is all that crossed the network. It has a lock of its own, for it
// is written under the network's.
type simJournal struct {
	mu       sync.Mutex
	sum      hash.Hash64
	messages int
	sip      []simnet.Event
	ears     map[netip.AddrPort]*simEar
	wrong    []string
}

// simEar is what one end of a call was sent.
type simEar struct {
	call, party int
	tone        map[uint16]struct{} // sequence numbers of what nobody said
	heard       time.Time           // anything, as it arrived
	voices      map[int][]time.Time // what each party said, as it left the server
}

func (j *simJournal) note(e simnet.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var head [10]byte
	binary.BigEndian.PutUint64(head[:], uint64(e.At.UnixNano()))
	signalling := e.From.Port() == sipPort
	if signalling || e.To.Port()%2 == 0 { // RTCP reports are timed by chance, and decide nothing
		j.messages++
		j.sum.Write(head[:])
		fmt.Fprint(j.sum, e.From, e.To, e.Fate)
		j.sum.Write(e.Data)
	}
	if signalling {
		j.sip = append(j.sip, e)
		return
	}
	if ear := j.ears[e.To]; ear != nil && e.From.Addr() == hostUs && len(e.Data) > 12 {
		ear.hear(j, e)
	}
}

const simVoice = "somebody speaks"

func (ear *simEar) hear(j *simJournal, e simnet.Event) {
	if e.Fate == simnet.Delivered || e.Fate == simnet.Overflowed {
		ear.heard = e.At
	}
	said, spoken := strings.CutPrefix(string(e.Data[12:]), simVoice)
	if !spoken {
		ear.tone[binary.BigEndian.Uint16(e.Data[2:])] = struct{}{}
		return
	}
	speaker := int(said[6] - '0')
	if said[:6] != fmt.Sprintf("%06d", ear.call) || speaker == ear.party {
		j.wrong = append(j.wrong, fmt.Sprintf("call %d party %d hears %s", ear.call, ear.party, said[:7]))
	}
	ear.voices[speaker] = append(ear.voices[speaker], e.Sent)
}

func newSimWorld(t *testing.T, run simRun) *simWorld {
	w := &simWorld{world: world{t: t}, run: run, random: rand.New(rand.NewPCG(run.seed, 1)), byCall: map[string]*simCall{}, talks: map[bool]int{}, began: time.Now()}
	w.journal.sum, w.journal.ears = fnv.New64a(), map[netip.AddrPort]*simEar{}
	s := w.defaults()
	o := &s.options
	o.Shards, o.Assets, o.Policy, o.Trunks = run.shards, simTones(), simPolicy(t), simTrunks()
	o.Limits = Limits{Calls: 10_000, InvitesPerSecond: 10_000}
	w.network = simnet.New(run.conditions)
	w.network.Watch(w.journal.note)
	w.stop(simStopped)
	w.plane = media.NewUDP(media.Options{Ports: [2]int{20000, 29999}, Timeout: time.Minute, Counters: &w.counters,
		Listen: func(a netip.AddrPort) (media.PacketConn, error) { return w.network.Listen(a) }, Silent: func(l media.Leg) { w.server.Silent(l) }})
	o.Plane = w.plane
	o.ListenPacket = func(a netip.AddrPort) (PacketSocket, error) { return w.network.Listen(a) }
	var err error
	if w.server, err = New(*o); err != nil {
		t.Fatal(err)
	}
	w.server.Start()
	w.robots = siptest.NewRobots()
	for _, c := range simCarriers {
		i := len(w.hosts)
		w.join(c.name, c.at).Called = func(q *siptest.RobotRequest) { w.called(i, q) }
	}
	for i, at := range simCallees {
		w.join([]string{"pbx", "spare", "firm"}[i], at).Called = func(q *siptest.RobotRequest) { w.called(len(simCarriers)+i, q) }
	}
	w.hosts[1].NoUpdate, w.hosts[5].NoUpdate = true, true
	return w
}

func (w *simWorld) join(name, at string) *siptest.Robot {
	r := w.robots.Join(name, w.listen(netip.MustParseAddr(at), sipPort), netip.AddrPortFrom(hostUs, sipPort))
	w.hosts = append(w.hosts, r)
	return r
}

func (w *simWorld) shut() {
	w.shutdown()
	w.plane.Shutdown()
	w.network.Close()
	w.robots.Close()
}

// simTones is a library with a short tone: what it is about is that all of it arrives.
var simTones = sync.OnceValue(func() *announce.Library {
	lib, err := announce.NewLibrary(map[string]announce.Spec{"tone": {Synth: "600+1000/100,0/50,600+1000/100,0/50"}}, time.Unix(0, 0))
	if err != nil {
		panic(err)
	}
	return lib
})

const simTonePackets = 15

// simOutward are the notices of calls from inside to the first carrier: new ones, transfers, redirections.
var simOutward = call.Slots{BeforeCaller: "tone", AnswerCallee: "tone"}

// simStopped is on the list from the beginning.
const simStopped = "+815029000000-+815029999999"

func simPolicy(t testing.TB) call.Policy {
	p := samplePolicy(t)
	yes := true
	set := func(numbers string) *number.Set {
		s, err := number.ParseSet([]string{numbers})
		if err != nil {
			t.Fatal(err)
		}
		return &s
	}
	spared, firm := set("+81312340000-+81312344999"), set("+81312345000-+81312345999")
	p.Routes, p.Rules = nil, nil
	p.Trunks = map[string]call.Trunk{"pbx": {Far: call.Internet, Unchecked: true}, "firm": {Far: call.Internet, Unchecked: true}}
	for i, c := range simCarriers {
		outside := set(fmt.Sprintf("+81502%d000000-+81502%d099999", i, i))
		for _, inside := range []string{"pbx", "firm"} {
			p.Routes = append(p.Routes, call.Route{From: inside, To: []call.Target{{Trunk: c.name}}, Called: outside})
			p.Rules = append(p.Rules, call.Rule{When: call.Condition{FromTrunk: []string{inside}, ToTrunk: []string{"early"}}, Slots: simOutward})
		}
		p.Trunks[c.name] = call.Trunk{Far: call.PSTN, Unchecked: true}
		p.Routes = append(p.Routes, call.Route{From: c.name, To: []call.Target{{Trunk: "pbx"}, {Trunk: "pbx", Peer: 1}}, Called: spared},
			call.Route{From: c.name, To: []call.Target{{Trunk: "firm"}}})
		p.Rules = append(p.Rules, call.Rule{When: call.Condition{FromTrunk: []string{c.name}, Forwarded: &yes}, Slots: c.rule},
			call.Rule{When: call.Condition{FromTrunk: []string{c.name}}, Slots: c.other})
	}
	p.Routes = append(p.Routes, call.Route{From: "pbx", To: []call.Target{{Trunk: "pbx"}, {Trunk: "pbx", Peer: 1}}, Called: spared}, call.Route{From: "firm", To: []call.Target{{Trunk: "firm"}}, Called: firm})
	return p
}

func simTrunks() []Trunk {
	peer := func(at string) Peer {
		return Peer{Network: wire.UDP, Address: netip.AddrPortFrom(netip.MustParseAddr(at), sipPort)}
	}
	one := func(at string) netip.Prefix { return netip.PrefixFrom(netip.MustParseAddr(at), 32) }
	trunks := []Trunk{
		{Name: "pbx", Refer: true, Redirect: true, Reliable: ReliableSupported, Peers: []Peer{peer(simCallees[0]), peer(simCallees[1])}, Accept: []netip.Prefix{one(simCallees[0]), one(simCallees[1])}},
		{Name: "firm", Refer: true, Redirect: true, SessionTimer: 90 * time.Second, Peers: []Peer{peer(simCallees[2])}, Accept: []netip.Prefix{one(simCallees[2])}},
	}
	for _, c := range simCarriers {
		t := c.trunk
		t.Name, t.Peers, t.Accept = c.name, []Peer{peer(c.at)}, []netip.Prefix{one(c.at)}
		trunks = append(trunks, t)
	}
	for i := range trunks {
		trunks[i].Media, trunks[i].Timers = hostUs, transaction.Standard
	}
	return trunks
}
