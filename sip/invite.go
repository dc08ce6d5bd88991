package sip

import (
	"strconv"
	"time"

	"tonegate/call"
	"tonegate/media/sdp"
	"tonegate/sip/dialog"
	"tonegate/sip/wire"
)

// invite begins a call (RFC 3261 s13.3.1).
func (sh *shard) invite(in letter) {
	m := in.message
	a := &agent{shard: sh, live: new(live)}
	for side := range a.pair {
		l := &a.pair[side]
		l.agent, l.side, l.timer.owner, l.liveLeg = a, call.Side(side), l, &a.sides[side]
		a.legs[side] = l
	}
	a.timer.owner = a
	caller := a.legs[call.A]
	tx := sh.serve(in, caller)
	tx.asked = sh.originalOf(m)
	sh.asked[tx.asked] = struct{}{}
	caller.in = inviteIn{request: m, tx: tx}
	caller.trunk, caller.tag = in.trunk, sh.mint.token()
	a.id = caller.tag
	if sh.overtaken(tx.key) {
		if out, err := wire.NewResponse(m, 487, "", caller.tag).Bytes(); err == nil {
			tx.leg = nil
			tx.respond(487, out)
		}
		return
	}
	if out, err := wire.NewResponse(m, 100, "", "").Bytes(); err == nil {
		tx.respond(100, out)
	}
	sh.current = a
	a.begin(in)
}

// begin reads the INVITE, plans the call and takes the first step.
func (a *agent) begin(in letter) {
	sh, m := a.shard, in.message
	s := sh.server
	s.metrics.active.Set(float64(s.calls.Add(1)))
	sh.agents[a] = struct{}{}

	caller := a.legs[call.A]
	caller.dialog = dialog.NewUAS(m, caller.tag)
	caller.dialog.InviteIn = true // until its ACK: a re-INVITE may overtake that (RFC 3261 s14.2)
	caller.flow = s.within(in.trunk, m, in.flow)
	sh.legs[caller.tag] = caller

	facts := readFacts(m, in.trunk)
	w := &way{plan: s.plan(facts, sh.screen(&facts))}
	a.ways = []*way{w}
	plan := &w.plan
	offer := a.describeOffer(m, caller)
	var status int
	if caller.pracks, status = negotiate(m, in.trunk.Reliable); status != 0 && !plan.Emergency {
		w.turnAway(status, call.ReasonExtension)
	}
	var ok bool
	if caller.in.session, ok = caller.askSession(m); !ok && !plan.Emergency {
		w.turnAway(422, call.ReasonInterval)
	}
	if plan.Refusal == nil && caller.in.offer != nil {
		w.narrowTo(caller.in.offer)
	}
	w.identity = readIdentity(m, plan.Withhold)
	caller.takeAllow(m)
	if expires, ok := dialog.ParseSeconds(m.Value("Expires")); ok && !plan.Emergency { // RFC 3261 s13.3.1
		caller.in.expires = sh.now.Add(expires)
	}
	caller.in.earlyMedia = in.trunk.EarlyMedia && hasTag(tokens(m.Values("P-Early-Media")), "supported")
	a.call = call.New(plan)
	if plan.Refusal == nil || plan.Refusal.Announce != "" {
		if err := caller.openSound(); err != nil {
			w.turnAway(503, call.ReasonPorts)
			plan.Refusal.Announce = ""
		} else if caller.in.offer != nil {
			caller.hear(caller.in.offer)
		}
	}
	a.feed(call.Invited{Offer: offer, Reliable: caller.pracks != nil})
}

// screen asks the stop list about every number of a call, once.
func (sh *shard) screen(f *call.Facts) call.Screening {
	v := sh.server.options.List.Load().FindAll(f.Numbers(nil), sh.now)
	return call.Screening{Revision: uint64(v.Revision), Stopped: v.Stopped >= 0}
}

// describeOffer reads the caller's offer. One that cannot be used turns the
// call away, unless it is turned away already.
func (a *agent) describeOffer(m *wire.Message, caller *leg) call.Body {
	if strange(m) {
		a.ways[0].turnAway(415, call.ReasonDescription)
		return call.Body{}
	}
	if len(m.Body) == 0 || !isSDP(m.ContentType) {
		return call.Body{}
	}
	s, err := sdp.Parse(m.Body)
	if err != nil {
		a.ways[0].turnAway(400, call.ReasonDescription)
		return call.Body{}
	}
	if _, _, ok := s.Audio(); !ok {
		a.ways[0].turnAway(488, call.ReasonDescription)
		return call.Body{}
	}
	if _, unmet := s.UnmetPrecondition(); unmet && !a.ways[0].plan.Emergency { // RFC 3312 s8: preconditions are not for us
		a.ways[0].turnAway(580, call.ReasonDescription)
		return call.Body{}
	}
	caller.in.offer = s
	return call.Theirs(string(m.Body))
}

// speaksNotices reports whether a notice can be played to this peer.
func speaksNotices(s *sdp.Session) bool {
	_, m, ok := s.Audio()
	if !ok {
		return false
	}
	_, _, ok = sdp.Choose(m, noticeCodecs...)
	return ok
}

// dial sends the INVITE of leg B to one target of the plan.
func (a *agent) dial(l *leg, act call.Dial) { a.dialWith(l, act, 0) }

// dialWith is dial to a peer that finds session intervals under minSE too brief.
func (a *agent) dialWith(l *leg, act call.Dial, minSE time.Duration) {
	sh := a.shard
	w := a.way()
	target := w.plan.Targets[act.Target]
	trunk := sh.server.trunks[target.Trunk]
	peer := trunk.Peers[target.Peer]
	f, ok := sh.server.route(peer)
	if l.trunk != nil && l.trunk.Media != trunk.Media {
		l.closeSound(sh.server.options.Plane)
	}
	delete(sh.legs, l.tag)
	l.trunk, l.flow, l.tag, l.dialog = trunk, f, sh.mint.token(), dialog.Dialog{}
	l.peer, l.told, l.updates, l.minSE = nil, nil, false, minSE
	sh.legs[l.tag] = l
	o := &inviteOut{branch: sh.mint.branch(), flow: f}
	l.out, l.first, a.dialled = o, o, act
	if !ok {
		l.close(o)
		a.feed(call.Unreachable{Status: 503})
		return
	}
	if err := l.openSound(); err != nil {
		a.undialled(o, call.ReasonPorts)
		return
	}
	l.newDescriptions() // whoever was called before has seen others
	text, err := l.describe(act.Offer, nil)
	if err != nil {
		a.undialled(o, call.ReasonDescription)
		return
	}
	out, err := a.buildInvite(l, o, &w.identity, peer, text)
	if err != nil {
		sh.server.log.Warn("an INVITE could not be built", "call", a.id, "error", err)
		a.undialled(o, call.ReasonFault)
		return
	}
	sh.request(wire.INVITE, o.branch, out, f, l.trunk, l, o)
}

// undialled ends a call whose leg B could not be dialled for a reason of ours:
// nothing was sent, so that nothing is to be waited for.
func (a *agent) undialled(o *inviteOut, why call.Reason) {
	a.legs[call.B].close(o)
	a.feed(call.Released{Why: why})
	a.feed(call.Unreachable{Status: 503})
}

// buildInvite writes leg B's INVITE.
func (a *agent) buildInvite(l *leg, o *inviteOut, id *identity, peer Peer, text []byte) ([]byte, error) {
	f := o.flow
	at := peer.Address.String()
	uri := id.uri(at)
	to := "<" + uri + ">"
	uri += transport(peer.Network)
	o.invite = wire.NewInvite(uri, f.through.Network.String(), f.through.sentBy, o.branch)
	o.invite.From = id.from(f.through.sentBy) + ";tag=" + l.tag
	o.invite.To = to
	o.invite.CallID = a.shard.mint.token() + "@" + a.shard.server.options.Node
	o.invite.CSeq = 1
	b := o.invite.Request().Add("Contact", f.contact()).Add("Allow", l.trunk.allow())
	if hops := id.hops; hops > 0 { // one hop further, as a proxy would count
		b.Add("Max-Forwards", strconv.Itoa(hops-1))
	}
	id.add(b)
	if l.trunk.EarlyMedia { // RFC 5009 s8.1
		b.Add("P-Early-Media", "supported")
	}
	l.offerSession(b, o)
	supported := tagTimer
	if text != nil { // a reliable response to a late offer would want the caller's answer in its PRACK
		if l.trunk.Reliable != ReliableOff {
			supported += ", " + tag100rel
		}
		if l.trunk.Reliable == ReliableRequired {
			b.Add("Require", tag100rel)
		}
		b.Body(mimeSDP, text)
	}
	b.Add("Supported", supported)
	return b.Bytes()
}
