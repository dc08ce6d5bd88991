package sip

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tonegate/call"
	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
	"tonegate/media"
	"tonegate/number"
	"tonegate/sip/transaction"
	"tonegate/sip/wire"
	"tonegate/stoplist"
)

// The hosts of the world.
var (
	hostUs      = netip.MustParseAddr("127.0.0.1")
	hostCarrier = netip.MustParseAddr("127.0.0.2")
	hostPBX     = netip.MustParseAddr("127.0.0.3")
	hostSpare   = netip.MustParseAddr("127.0.0.4") // the second peer of the PBX's trunk
	sipPort     = uint16(5060)
)

// lifetime is how long the last trace of a call may stay: Timers B, F, H, J, L and M are all 64*T1.
const lifetime = lingerFactor * 500 * time.Millisecond

// world is a server between a carrier and a PBX on a simulated network.
type world struct {
	t        *testing.T
	network  *simnet.Network
	ladder   *siptest.Ladder
	registry *prometheus.Registry
	counters media.Counters
	list     stoplist.List
	plane    media.Plane
	server   *Server
	records  memory
	wants    []string

	carrier, pbx, spare                *siptest.Phone
	carrierVoice, pbxVoice, spareVoice *siptest.Voice
	down                               bool
	lossy                              bool // records and violations are the script's business
}

// setup is what a test may change before its world begins.
type setup struct {
	conditions          simnet.Conditions
	options             Options
	media               media.Options
	stopped             []string // numbers on the list
	carrier, pbx, spare siptest.Options
	voice               siptest.VoiceOptions // of every phone
}

// toneless makes every call one without a notice.
func toneless(s *setup) { s.options.Policy.Rules = []call.Rule{{None: "this test has no notices"}} }

// onlyBefore takes the notice at answer away from forwarded calls.
func onlyBefore(s *setup) { s.options.Policy.Rules[1].AnswerCallee = "" }

// twoTargets lets calls to the PBX fail over to the spare.
func twoTargets(s *setup) {
	s.options.Policy.Routes[0].To = []call.Target{{Trunk: "pbx"}, {Trunk: "pbx", Peer: 1}}
}

// noUpdate is the Allow of a phone that does not take UPDATE.
const noUpdate = "INVITE, ACK, CANCEL, BYE, PRACK, INFO, OPTIONS"

func both(changes ...func(*setup)) func(*setup) {
	return func(s *setup) {
		for _, c := range changes {
			c(s)
		}
	}
}

// inWorld runs a script in a bubble and then holds the server to having kept
// nothing: no transaction, leg, agent, timer, port, goroutine, and exactly
// the records that the script asked for.
func inWorld(t *testing.T, change func(*setup), script func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t}
		s := w.defaults()
		if change != nil {
			change(&s)
		}
		w.open(s)
		defer w.close()
		script(w)
		if !w.down {
			w.end()
		}
	})
}

func (w *world) defaults() setup {
	w.registry = prometheus.NewRegistry()
	phone := func(name string) siptest.Options {
		return siptest.Options{Name: name, Peer: netip.AddrPortFrom(hostUs, sipPort), TB: w.t, Timeout: 200 * time.Second, Allow: noUpdate}
	}
	one := func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, 32) }
	peer := func(a netip.Addr) Peer { return Peer{Network: wire.UDP, Address: netip.AddrPortFrom(a, sipPort)} }
	return setup{
		conditions: simnet.Conditions{Delay: 5 * time.Millisecond},
		carrier:    phone("carrier"), pbx: phone("pbx"), spare: phone("spare"),
		media: media.Options{Ports: [2]int{20000, 20399}, Timeout: 10 * time.Minute, Counters: &w.counters},
		options: Options{
			Node:   "tg1",
			Listen: []Listen{{Network: wire.UDP, Address: netip.AddrPortFrom(hostUs, sipPort)}},
			Trunks: []Trunk{
				{Name: "carrier", Peers: []Peer{peer(hostCarrier)}, Accept: []netip.Prefix{one(hostCarrier)}, Media: hostUs, Timers: transaction.Standard},
				{Name: "pbx", Peers: []Peer{peer(hostPBX), peer(hostSpare)}, Accept: []netip.Prefix{one(hostPBX), one(hostSpare)}, Media: hostUs, Timers: transaction.Standard},
			},
			Policy: samplePolicy(w.t), List: &w.list, Ready: func() bool { return true }, Assets: tones(),
			Records: &w.records, Metrics: NewMetrics(w.registry), Log: slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
			Limits: Limits{Calls: 1000, InvitesPerSecond: 1000}, Shards: 2,
		},
	}
}

func (w *world) open(s setup) {
	w.network, w.ladder = simnet.New(s.conditions), siptest.NewLadder()
	w.ladder.Host("carrier", hostCarrier)
	w.ladder.Host("tonegate", hostUs)
	w.ladder.Host("pbx", hostPBX)
	w.ladder.Watch(w.network)
	w.stop(s.stopped...)

	s.media.Listen = func(a netip.AddrPort) (media.PacketConn, error) { return w.network.Listen(a) }
	s.media.Silent = func(l media.Leg) { w.server.Silent(l) }
	w.plane = media.NewUDP(s.media)
	s.options.Plane = w.plane
	s.options.ListenPacket = func(a netip.AddrPort) (PacketSocket, error) { return w.network.Listen(a) }
	var err error
	if w.server, err = New(s.options); err != nil {
		w.t.Fatal(err)
	}
	w.server.Start()
	w.carrier, w.carrierVoice = w.phone(hostCarrier, s.carrier, s.voice)
	w.pbx, w.pbxVoice = w.phone(hostPBX, s.pbx, s.voice)
	w.spare, w.spareVoice = w.phone(hostSpare, s.spare, s.voice)
}

func (w *world) phone(at netip.Addr, o siptest.Options, v siptest.VoiceOptions) (*siptest.Phone, *siptest.Voice) {
	voice := siptest.NewVoice(w.listen(at, 4000), v)
	o.SDP = siptest.SDP{Address: voice.Addr(), Codecs: []siptest.Codec{siptest.PCMU, siptest.PCMA, siptest.DTMF}, Ptime: 20}
	o.Media = voice.SetRemote
	return siptest.NewPhone(w.listen(at, sipPort), o), voice
}

func (w *world) listen(at netip.Addr, port uint16) *simnet.Conn {
	conn, err := w.network.Listen(netip.AddrPortFrom(at, port))
	if err != nil {
		w.t.Fatal(err)
	}
	return conn
}

// stop puts numbers on the list; without any the list is empty and in force.
func (w *world) stop(numbers ...string) {
	w.t.Helper()
	order := stoplist.Order{Reason: "fraud", Source: "carrier"}.Identified()
	cs := stoplist.ChangeSet{Revision: w.list.Load().Revision() + 1, Orders: []stoplist.Order{order}}
	for _, n := range numbers {
		r, err := number.ParseRange(n)
		if err != nil {
			w.t.Fatal(err)
		}
		cs.Changes = append(cs.Changes, stoplist.Change{Op: stoplist.Add, Numbers: r, Order: order.ID})
	}
	table, err := w.list.Load().Apply(cs)
	if err != nil {
		w.t.Fatal(err)
	}
	w.list.Publish(table)
}

// want says that one more call will have ended so; see line.
func (w *world) want(line string) { w.wants = append(w.wants, line) }

func (w *world) shutdown() {
	if w.down {
		return
	}
	w.down = true
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	w.server.Shutdown(ctx)
}

func (w *world) close() {
	w.shutdown()
	w.plane.Shutdown()
	for _, part := range []interface{ Close() error }{w.carrier, w.pbx, w.spare, w.carrierVoice, w.pbxVoice, w.spareVoice, w.network} {
		part.Close()
	}
}

// The calls of the scripts.
var (
	plain     = siptest.InviteOptions{To: "0312340001", From: "05012340001"}
	forwarded = siptest.InviteOptions{To: "0312340001", From: "05012340001",
		Headers: []string{"Diversion: <sip:0399990001@127.0.0.2>;reason=unconditional"}}
)

// answered lets b answer a.
func answered(a, b *siptest.Call) {
	b.Answer()
	a.Expect(200)
	a.Ack("")
	b.ExpectRequest("ACK")
}

// connect sets up a call from the carrier to the PBX.
func (w *world) connect(o siptest.InviteOptions) (a, b *siptest.Call) {
	w.t.Helper()
	a = w.carrier.Invite(o)
	b = w.pbx.Accept()
	b.Respond(180, nil, "")
	answered(a, b)
	return a, b
}

// hangUp ends a call from the caller's side.
func hangUp(a, b *siptest.Call) {
	bye := a.Bye()
	b.ExpectRequest("BYE")
	bye.Expect(200)
}
