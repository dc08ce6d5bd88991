package sip

import (
	"slices"
	"strconv"
	"strings"

	"tonegate/call"
	"tonegate/sip/transaction"
	"tonegate/sip/wire"
)

// referral is a transfer that a peer asked for by REFER, and the subscription
// to its progress that comes with it (RFC 3515 s2.4.4).
type referral struct {
	request *wire.Message
	tx      *serverTx
	event   string // the Event of its NOTIFYs
	silent  bool   // it wants none (RFC 4488)
}

const (
	mimeFragment   = "message/sipfrag;version=2.0"
	maxWays        = 20    // that a call has gone by, beyond which it is not transferred
	referralExpiry = "300" // seconds that a subscription may last; its end comes first
)

// referred takes a REFER within a call that its trunk may transfer.
func (l *leg) referred(in letter) {
	m, a := in.message, l.agent
	target, status := referTo(m)
	if status == 0 && len(a.ways) > maxWays {
		status = 403
	}
	if status != 0 {
		l.refuse(in, status)
		return
	}
	r := &referral{request: m, tx: a.shard.serve(in, nil), event: "refer;id=" + strconv.FormatUint(uint64(m.CSeq), 10),
		silent: strings.EqualFold(strings.TrimSpace(m.Value("Refer-Sub")), "false")}
	if l.referral != nil && l.referral.request != nil { // the one before is not answered yet
		a.answerReferral(l, r, 500)
		return
	}
	if l.referral == nil { // the first of a dialog needs no id (RFC 3515 s2.4.6)
		r.event = "refer"
	}
	l.referral = r
	from := a.way()
	w := a.onward(from, l, target.URI)
	w.transfer = true
	w.identity.referredBy(m)
	if l.side == call.A { // who stays is the one who was called
		w.identity.user, w.identity.display, w.identity.asserted, w.identity.privacy = from.identity.called, "", nil, ""
		w.identity.divert(from.identity.user, l.flow.through.sentBy, "deflection")
	} else {
		w.identity.divert(from.identity.called, l.flow.through.sentBy, "deflection")
	}
	w.only = codecNames(a.legs[l.side.Other()])
	a.feed(call.Referred{Side: l.side, Plan: a.take(w)})
}

// referTo reads whom a call is to be transferred to; or the status to refuse
// the REFER with. A target that replaces another dialog, or wants another
// method, is not for us (RFC 3891: the parties' own phones or PBX do that).
func referTo(m *wire.Message) (wire.Address, int) {
	values := m.Values("Refer-To")
	if len(values) != 1 { // RFC 3515 s2.4.1
		return wire.Address{}, 400
	}
	target, err := wire.ParseAddress(values[0])
	switch {
	case err != nil || target.URI.User == "":
		return wire.Address{}, 400
	case target.URI.Headers != "":
		return wire.Address{}, 603
	}
	if method, ok := target.URI.Param("method"); ok && !strings.EqualFold(method, "INVITE") {
		return wire.Address{}, 603
	}
	return target, 0
}

func (a *agent) acceptReferral(l *leg) { a.answerReferral(l, l.referral, 202) }

func (a *agent) refuseReferral(l *leg, status int) {
	a.ways = a.ways[:len(a.ways)-1] // the one that was not taken
	a.answerReferral(l, l.referral, status)
}

func (a *agent) answerReferral(l *leg, r *referral, status int) {
	b := wire.NewResponse(r.request, status, "", l.tag).Add("Contact", r.tx.flow.contact())
	switch {
	case status == 500: // RFC 3261 s21.5.1: a little later
		b.Add("Retry-After", "5")
	case r.silent:
		b.Add("Refer-Sub", "false")
	}
	if out, err := b.Bytes(); err == nil {
		r.tx.respond(status, out)
	}
	r.request, r.tx = nil, nil
}

// report tells the transferor how far the transfer is; a final status ends its
// subscription.
func (l *leg) report(status int) {
	r := l.referral
	if r == nil || r.silent {
		return
	}
	sh := l.agent.shard
	state := "active;expires=" + referralExpiry
	if status >= 200 {
		state = "terminated;reason=noresource"
	}
	branch := sh.mint.branch()
	b := l.dialog.Request(wire.NOTIFY, l.flow.through.Network.String(), l.flow.through.sentBy, branch).
		Add("Contact", l.flow.contact()).Add("Event", r.event).Add("Subscription-State", state).
		Body(mimeFragment, []byte("SIP/2.0 "+strconv.Itoa(status)+" "+wire.Phrase(status)+"\r\n"))
	if out, err := b.Bytes(); err == nil {
		sh.request(wire.NOTIFY, branch, out, l.flow, l.trunk, nil, nil)
	}
}

// park makes the transferor's leg the parked one; whoever stays is A, and a
// new leg is B.
func (a *agent) park(side call.Side) {
	parked, stays := a.legs[side], a.legs[side.Other()]
	target := &leg{agent: a, liveLeg: new(liveLeg)}
	target.timer.owner = target
	a.legs = [3]*leg{call.A: stays, call.B: target, call.Parked: parked}
	a.parkedFrom = side
	a.seat()
}

// unpark takes the transferor back in the place of the target.
func (a *agent) unpark(side call.Side) {
	target, parked, stays := a.legs[call.B], a.legs[call.Parked], a.legs[call.A]
	a.legs = [3]*leg{}
	a.legs[side], a.legs[side.Other()] = parked, stays
	a.seat()
	a.dismiss(target)
	a.tune()
}

// seat tells every leg where it is.
func (a *agent) seat() {
	for side, l := range a.legs {
		if l != nil {
			l.side = call.Side(side)
		}
	}
}

// dismiss leaves a leg behind: it answers late messages for a while, and is
// no part of the call any more.
func (a *agent) dismiss(l *leg) {
	l.closeSound(a.shard.server.options.Plane)
	l.side = call.Parked
	l.gone = a.shard.now.Add(lingerFactor * transaction.Standard.T1)
	l.end()
}

// write keeps the record of a part of the call that is over.
func (a *agent) write(act call.Write) {
	caller, callee := a.legs[call.A], a.legs[call.B]
	switch act.Over {
	case call.B:
		callee.closeSound(a.shard.server.options.Plane)
	case call.Parked:
		gone := a.legs[call.Parked]
		gone.closeSound(a.shard.server.options.Plane)
		a.legs[call.Parked] = nil
		caller.stats = a.shard.server.options.Plane.Stats(caller.media)
		if callee = gone; a.parkedFrom == call.A {
			caller, callee = gone, caller
		}
		defer a.dismiss(gone)
	}
	a.record(a.wayOf(act.Plan), &act.Record, caller, callee)
}

// codecNames are the codecs that a leg and we have agreed on.
func codecNames(l *leg) []string {
	codecs, _ := l.agreed()
	var names []string
	for _, c := range codecs {
		if c.Audio() && !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}
