package sip

import (
	"hash/maphash"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"time"

	"tonegate/call"
	"tonegate/media"
	"tonegate/sip/transaction"
	"tonegate/sip/wire"
)

// Bounds of a shard.
const (
	mailboxSize  = 4096
	ordersSize   = 16384
	maxEarly     = 1024            // CANCELs remembered that came before their INVITE
	earlyCancel  = 1 * time.Second // how long
	lingerFactor = 64              // times T1: how long a finished call answers for late messages
)

// letter is one thing for a shard to deal with.
type letter struct {
	message *wire.Message
	flow    flow // for a request, where its responses go
	trunk   *Trunk

	agent *agent     // with event: from the media
	event call.Event //
	lost  *stream    // a connection that has ended

	silent   media.Leg // a leg whose bridge carries nothing
	release  bool      // end all calls
	rescreen bool      // hold all calls against the list
}

// shard is an event loop and everything it owns: transactions, dialogs,
// calls. Nobody else touches any of it.
type shard struct {
	server *Server
	mint   mint
	random *rand.Rand  // for what need not be secret: one source, so that a simulation repeats
	mail   chan letter // messages, and what became of what brings them; full means overload
	orders chan letter // from our own media and house
	stop   chan struct{}

	now     time.Time
	current *agent // the call being worked on
	timers  timerQueue
	servers map[transaction.Key]*serverTx
	clients map[transaction.Key]*clientTx
	legs    map[string]*leg // by our tag
	agents  map[*agent]struct{}
	sounds  map[media.Leg]*agent
	asked   map[original]struct{}         // new calls whose INVITE is still remembered
	early   map[transaction.Key]time.Time // CANCELs that came before their INVITE
	watches []*watch                      // peers that it asks whether they are there
	pulses  []*pulse                      // ways over UDP that it keeps open
}

func newShard(s *Server, index int) *shard {
	return &shard{
		server:  s,
		mint:    newMint(index),
		random:  newRandom(),
		mail:    make(chan letter, mailboxSize),
		orders:  make(chan letter, ordersSize),
		stop:    make(chan struct{}),
		servers: map[transaction.Key]*serverTx{},
		clients: map[transaction.Key]*clientTx{},
		legs:    map[string]*leg{},
		agents:  map[*agent]struct{}{},
		sounds:  map[media.Leg]*agent{},
		asked:   map[original]struct{}{},
		early:   map[transaction.Key]time.Time{},
	}
}

// run is the loop: one letter or one timer at a time.
func (sh *shard) run() {
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	sh.tend(time.Now())
	defer sh.untend()
	for {
		if at, ok := sh.timers.next(); ok {
			alarm.Reset(time.Until(at))
		} else {
			alarm.Reset(time.Hour)
		}
		select {
		case in := <-sh.orders:
			sh.now = time.Now()
			sh.guarded(in, sh.obey)
		case in := <-sh.mail:
			sh.now = time.Now()
			sh.guarded(in, sh.open)
		case <-alarm.C:
			sh.now = time.Now()
		case <-sh.stop:
			return
		}
		for t := sh.timers.due(sh.now); t != nil; t = sh.timers.due(sh.now) {
			sh.expire(t)
		}
	}
}

func (sh *shard) guarded(in letter, work func(letter)) {
	defer sh.fence()
	work(in)
}

func (sh *shard) expire(t *timer) {
	defer sh.fence()
	t.owner.expire(sh.now)
}

// order queues work from our own house, never from a shard, which would wait
// for itself. The queue holds more than the calls of a shard can have under
// way, so that it does not fill.
func (sh *shard) order(in letter) {
	select {
	case sh.orders <- in:
	case <-sh.stop:
	}
}

// fence is deferred around every event: a fault of ours ends the call that was
// being worked on, and nothing else.
func (sh *shard) fence() {
	a := sh.current
	sh.current = nil
	fault := recover()
	if fault == nil {
		return
	}
	sh.server.metrics.faults.Inc()
	sh.server.log.Error("a fault ended a call", "fault", fault, "stack", string(debug.Stack()))
	if a != nil {
		a.abandon()
	}
}

func (sh *shard) obey(in letter) {
	switch {
	case in.agent != nil:
		in.agent.feed(in.event)
	case in.silent != 0:
		if a := sh.sounds[in.silent]; a != nil {
			a.feed(call.MediaLost{})
		}
	case in.release:
		sh.each(func(a *agent) { a.feed(call.Released{Why: call.ReasonShutdown}) })
	case in.rescreen:
		sh.each(func(a *agent) { a.rescreen() })
	}
}

func (sh *shard) each(do func(*agent)) {
	for a := range sh.agents {
		func() {
			defer sh.fence()
			do(a)
		}()
	}
}

// open deals with one message.
func (sh *shard) open(in letter) {
	if in.lost != nil {
		sh.lost(in.lost)
		return
	}
	m := in.message
	if !m.IsRequest() {
		tx := sh.clients[transaction.ClientKey(m)]
		if tx == nil {
			sh.server.metrics.drop(dropUnmatched)
			return
		}
		tx.receive(in)
		return
	}
	if tx := sh.servers[transaction.ServerKey(m)]; tx != nil && m.Method != wire.CANCEL {
		tx.request(in)
		return
	}
	if m.To.Tag != "" {
		sh.inDialog(in)
		return
	}
	switch m.Method {
	case wire.INVITE:
		if _, merged := sh.asked[sh.originalOf(m)]; merged { // it came another way too (RFC 3261 s8.2.2.2)
			sh.server.metrics.drop(dropMerged)
			sh.respondOnce(in, 482, sh.mint.token())
		} else if sh.server.admit(in) {
			sh.invite(in)
		}
	case wire.CANCEL:
		sh.cancel(in)
	case wire.OPTIONS:
		sh.reply(in, 200)
	case wire.BYE, wire.PRACK, wire.UPDATE, wire.INFO, wire.REFER:
		sh.reply(in, 481)
	case wire.ACK: // of nothing that we know: nobody expects an answer
		sh.server.metrics.drop(dropUnmatched)
	}
}

// original is the digest of what copies of one request have in common,
// whichever way they came: nobody outside can make two alike.
type original uint64

func (sh *shard) originalOf(m *wire.Message) original {
	type names struct {
		callID, fromTag string
		cseq            uint32
	}
	return original(maphash.Comparable(sh.server.seed, names{m.CallID, m.From.Tag, m.CSeq}))
}

// inDialog finds the leg that a request within a dialog belongs to. Only its
// trunk may speak in it.
func (sh *shard) inDialog(in letter) {
	m := in.message
	l := sh.legs[m.To.Tag]
	switch {
	case m.Method == wire.CANCEL:
		sh.cancel(in)
	case l == nil || l.trunk != in.trunk || !l.knows(m):
		if m.Method == wire.ACK {
			sh.server.metrics.drop(dropUnmatched)
			return
		}
		sh.reply(in, 481)
	default:
		sh.current = l.agent
		l.receive(in)
	}
}

// cancel answers a CANCEL, and gives it to the call whose INVITE it names
// (RFC 3261 s9.2).
func (sh *shard) cancel(in letter) {
	m := in.message
	key := transaction.ServerKey(m)
	if old := sh.servers[key]; old != nil {
		old.request(in)
		return
	}
	tx := sh.servers[key.Invite()]
	if tx == nil && sh.other(key) || tx != nil && tx.leg == nil {
		// Too late for a final response, or no INVITE: there is nothing to
		// cancel, and that is a 200 (RFC 3261 s9.2).
		sh.reply(in, 200)
		return
	}
	if tx == nil || tx.leg == nil || tx.leg.trunk != in.trunk {
		if len(sh.early) < maxEarly {
			sh.early[key.Invite()] = sh.now.Add(earlyCancel)
		}
		sh.reply(in, 481)
		return
	}
	// The 200 carries the To-tag of the responses to the INVITE (RFC 3261 s9.2).
	sh.respondOnce(in, 200, tx.leg.tag)
	tx.leg.cancelled(tx, m)
}

// other reports whether a CANCEL names a transaction that is no INVITE.
func (sh *shard) other(key transaction.Key) bool {
	for _, method := range []wire.Method{wire.OPTIONS, wire.BYE, wire.INFO, wire.UPDATE, wire.PRACK, wire.REFER} {
		key.Method = method
		if sh.servers[key] != nil {
			return true
		}
	}
	return false
}

// overtaken reports whether an INVITE was cancelled before it came.
func (sh *shard) overtaken(key transaction.Key) bool {
	until, ok := sh.early[key]
	if len(sh.early) > 0 {
		for k, end := range sh.early {
			if end.Before(sh.now) {
				delete(sh.early, k)
			}
		}
	}
	return ok && !until.Before(sh.now)
}

// reply answers a request outside of any call.
func (sh *shard) reply(in letter, status int) { sh.respondOnce(in, status, sh.mint.token()) }

// respondOnce answers a non-INVITE request through a transaction, which
// repeats the answer when the request is repeated.
func (sh *shard) respondOnce(in letter, status int, tag string) {
	b := wire.NewResponse(in.message, status, "", tag)
	if in.message.Method == wire.OPTIONS { // RFC 3261 s11.2
		b.Add("Allow", in.trunk.allow()).Add("Accept", mimeSDP).Add("Contact", in.flow.contact())
	}
	out, err := b.Bytes()
	if err != nil {
		sh.server.log.Warn("a response could not be built", "error", err)
		return
	}
	sh.serve(in, nil).respond(status, out)
}

const mimeSDP = "application/sdp"

// isSDP reports whether a Content-Type is a session description, parameters aside.
func isSDP(contentType string) bool {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(kind), mimeSDP)
}
