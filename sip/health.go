package sip

import (
	"slices"
	"sync/atomic"
	"time"

	"tonegate/call"
	"tonegate/sip/wire"
)

// reach is what is thought of a peer.
type reach int32

const (
	reachUp reach = iota
	reachSuspect
	reachDown
)

func (r reach) String() string { return [...]string{"up", "suspect", "down"}[r] }

// How many answers in a row change what is thought of a peer. The first
// that is missing makes a suspect of it.
const (
	failuresDown = 3
	successesUp  = 2
)

// watch asks one peer by OPTIONS whether it is there (RFC 3261 s11). One shard
// owns it; what it has found out is written by that shard and read by all.
type watch struct {
	shard *shard
	trunk *Trunk
	peer  Peer
	flow  flow
	timer timer
	began time.Time
	tx    *clientTx // the latest question

	failures, successes int // in a row
	reach               atomic.Int32
}

func newWatch(sh *shard, t *Trunk, p Peer, f flow) *watch {
	sh.server.metrics.up.WithLabelValues(t.Name, p.String()).Set(1) // until we know better
	return &watch{shard: sh, trunk: t, peer: p, flow: f}
}

func (w *watch) expire(now time.Time) {
	sh := w.shard
	w.began = now
	branch := sh.mint.branch()
	at := w.peer.Address.String()
	b := wire.NewRequest(wire.OPTIONS, "sip:"+at+transport(w.peer.Network)).
		Via(w.flow.through.Network.String(), w.flow.through.sentBy, branch).
		Add("From", "<sip:"+w.flow.through.sentBy+">;tag="+sh.mint.token()).Add("To", "<sip:"+at+">").
		Add("Call-ID", sh.mint.token()+"@"+sh.server.options.Node).Add("CSeq", "1 OPTIONS").
		Add("Contact", w.flow.contact()).Add("Accept", mimeSDP)
	out, err := b.Bytes()
	if err != nil {
		sh.server.log.Warn("a request could not be built", "method", wire.OPTIONS, "error", err)
		return
	}
	w.tx = sh.request(wire.OPTIONS, branch, out, w.flow, w.trunk, nil, nil)
	if w.tx.over() {
		w.learn()
		return
	}
	w.tx.ended = func(int) { w.learn() }
}

// learn takes the answer, whatever it says, or that there was none.
func (w *watch) learn() {
	there := w.tx.answered
	before := reach(w.reach.Load())
	now := before
	if there {
		w.failures, w.successes = 0, w.successes+1
		if w.successes >= successesUp {
			now = reachUp
		}
	} else {
		w.failures, w.successes = w.failures+1, 0
		switch {
		case w.failures >= failuresDown:
			now = reachDown
		case before == reachUp:
			now = reachSuspect
		}
	}
	if now != before {
		w.turn(now)
	}
	at := w.began.Add(w.trunk.Options)
	if soonest := w.shard.now.Add(minWait); at.Before(soonest) { // the answer took as long
		at = soonest
	}
	w.shard.timers.set(&w.timer, at)
}

// minWait is the least between an answer, or its absence, and the next question.
const minWait = time.Second

func (w *watch) turn(to reach) {
	w.reach.Store(int32(to))
	s, up := w.shard.server, 1.0
	log := s.log.Info
	if to == reachDown {
		up, log = 0, s.log.Warn
	}
	s.metrics.up.WithLabelValues(w.trunk.Name, w.peer.String()).Set(up)
	log("a peer is "+to.String(), "trunk", w.trunk.Name, "peer", w.peer.String())
}

func (w *watch) stop() {
	w.shard.timers.set(&w.timer, time.Time{})
	if tx := w.tx; tx != nil {
		w.shard.timers.set(&tx.timer, time.Time{})
		delete(w.shard.clients, tx.key)
	}
}

// plan is the policy's, without the targets that are known to be out of reach.
func (s *Server) plan(f call.Facts, v call.Screening) call.Plan {
	p := s.options.Policy.Plan(f, v)
	p.Targets = s.reachable(&p)
	return p
}

// reachable is a plan's targets without those whose peer is down, as long as
// any is left. Emergency calls try all, those last.
func (s *Server) reachable(p *call.Plan) []call.Target {
	down := func(t call.Target) bool {
		w := s.watches[t.Trunk][t.Peer]
		return w != nil && reach(w.reach.Load()) == reachDown
	}
	if !slices.ContainsFunc(p.Targets, down) {
		return p.Targets
	}
	up := slices.DeleteFunc(slices.Clone(p.Targets), down)
	switch {
	case len(up) == 0:
		return p.Targets
	case p.Emergency:
		return append(up, slices.DeleteFunc(slices.Clone(p.Targets), func(t call.Target) bool { return !down(t) })...)
	}
	return up
}
