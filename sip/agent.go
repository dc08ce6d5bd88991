package sip

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"tonegate/call"
	"tonegate/sip/dialog"
	"tonegate/sip/transaction"
	"tonegate/sip/wire"
)

var errNoAudio = errors.New("no audio that can be used")

// agent is the I/O half of one call: it turns messages and timers into events
// of its call.Call, and carries out what that decides.
type agent struct {
	shard  *shard
	id     string
	plan   call.Plan
	call   call.Call
	legs   [2]leg
	only   string // the codec that we answered the caller with
	narrow bool   // the call's codecs are kept to those of its notices
	from   identity

	queue   []call.Event
	running bool
	timer   timer // after the end: when late messages are no longer answered for
	closed  bool
}

// feed tells the call what happened, and does what it says. Events that come
// up while doing it wait their turn.
func (a *agent) feed(ev call.Event) {
	a.shard.current = a
	a.queue = append(a.queue, ev)
	if a.running {
		return
	}
	a.running = true
	for len(a.queue) > 0 {
		next := a.queue[0]
		a.queue = a.queue[1:]
		trace := a.shard.server.log.Enabled(context.Background(), levelTrace)
		if trace {
			a.shard.server.log.Debug("event", "call", a.id, "event", fmt.Sprintf("%T%v", next, next))
		}
		for _, act := range a.call.Step(a.shard.now, next) {
			if trace {
				a.shard.server.log.Debug("action", "call", a.id, "action", fmt.Sprintf("%T%v", act, act))
			}
			a.do(act)
		}
	}
	a.queue, a.running = nil, false
}

func (a *agent) do(act call.Action) {
	caller, callee := &a.legs[call.A], &a.legs[call.B]
	switch act := act.(type) {
	case call.Progress:
		a.progress(caller, act)
	case call.Refuse:
		a.refuse(caller, act)
	case call.Answer:
		a.accept(caller, act.SDP)
	case call.Dial:
		a.dial(callee, act)
	case call.Cancel:
		a.cancel(callee)
	case call.Ack:
		a.ack(callee, act.Fork, act.Answer)
	case call.Drop:
		if d := callee.first.forks.Dialog(act.Fork); d != nil {
			callee.send(wire.BYE, d, callee.way(act.Fork), 0)
		}
	case call.Bye:
		l := &a.legs[act.Side]
		l.in.accepted.Stop()
		l.rearm()
		l.send(wire.BYE, &l.dialog, l.flow, act.Cause)
	case call.Reinvite:
		a.reinvite(&a.legs[act.Side], act.Offer)
	case call.CancelReinvite:
		a.cancel(&a.legs[act.Side])
	case call.AcceptReinvite:
		a.acceptChange(&a.legs[act.Side], act.SDP)
	case call.RefuseReinvite:
		a.refuseChange(&a.legs[act.Side], act.Status)
	case call.Refresh:
		a.refresh(&a.legs[act.Side])
	case call.RefreshLater:
		a.legs[act.Side].refreshLater()
	case call.AckReinvite:
		a.ackReinvite(&a.legs[act.Side], act.Answer)
	case call.Play:
		a.play(act)
	case call.Stop:
		a.shard.server.options.Plane.Stop(a.legs[act.Side].media)
	case call.Bridge:
		a.shard.server.options.Plane.Bridge(caller.media, callee.media)
	case call.Silence:
		a.shard.server.options.Plane.Unbridge(caller.media)
	case call.Finish:
		a.finish(act.Record)
	}
}

// respond sends a response to a leg's open INVITE.
func (a *agent) respond(l *leg, status int, b *wire.Builder) []byte {
	out, err := b.Bytes()
	if err != nil {
		a.shard.server.log.Warn("a response could not be built", "call", a.id, "error", err)
		return nil
	}
	l.in.tx.respond(status, out)
	return out
}

func (a *agent) progress(l *leg, p call.Progress) {
	reliable := l.in.pracks.on && (l.in.pracks.all || p.SDP.From != call.Nobody)
	if reliable && a.hold(&l.in.pracks, p) {
		return
	}
	text, err := l.describe(p.SDP)
	switch {
	case err != nil && p.SDP.From == call.Us:
		// No codec that a notice can be played in: Play, which follows, will say so.
		a.feed(call.Pracked{})
		return
	case err != nil:
		a.feed(call.Released{Why: call.ReasonDescription})
		return
	}
	b := wire.NewResponse(l.in.request, p.Status, "", l.tag).RecordRoute().Add("Contact", l.in.tx.flow.contact()).Add("Allow", allow)
	if text != nil {
		b.Body(mimeSDP, text)
	}
	if reliable {
		a.sendReliably(l, p, b)
		return
	}
	l.in.status, l.in.progress = p.Status, a.respond(l, p.Status, b)
	l.in.repeat = a.shard.now.Add(repeatProgress)
	l.rearm()
}

func (a *agent) refuse(l *leg, r call.Refuse) {
	l.in.repeat = time.Time{}
	l.in.pracks.waiting.Stop()
	l.rearm()
	b := addReason(wire.NewResponse(l.in.request, r.Status, "", l.tag), r.Cause)
	if r.RetryAfter > 0 {
		b.Add("Retry-After", strconv.Itoa(r.RetryAfter))
	}
	switch r.Status {
	case 415:
		b.Add("Accept", mimeSDP)
	case 421:
		b.Add("Require", tag100rel)
	case 422:
		b.Add("Min-SE", seconds(dialog.MinSE))
	}
	a.respond(l, r.Status, b)
}

// accept answers a leg's INVITE with 200, and repeats it until the ACK.
func (a *agent) accept(l *leg, body call.Body) {
	text, err := l.describe(body)
	if err != nil {
		a.unanswerable(l)
		return
	}
	b := wire.NewResponse(l.in.request, 200, "", l.tag).RecordRoute().Add("Contact", l.in.tx.flow.contact()).Add("Allow", allow)
	if text != nil {
		b.Body(mimeSDP, text)
	}
	l.agreeSession(b, l.in.session)
	l.in.repeat = time.Time{}
	l.in.pracks.waiting.Stop() // one without a description needs no PRACK any more
	if out := a.respond(l, 200, b); out != nil {
		t := l.trunk.Timers
		l.in.accepted = dialog.Accept(out, t.T1, t.T2, a.shard.now)
	}
	l.rearm()
}

// unanswerable ends a call whose 2xx to a leg could not be written: no ACK is
// to be waited for, and on leg A there is no dialog that a BYE could end.
func (a *agent) unanswerable(l *leg) {
	again := l.in.again
	a.refuse(l, call.Refuse{Status: 500})
	a.feed(call.Released{Why: call.ReasonDescription})
	if !again {
		a.feed(call.HungUp{Side: l.side})
	}
}

// cancel cancels our INVITE to a leg, and gives it up if nothing comes of it.
func (a *agent) cancel(l *leg) {
	o := l.out
	if o == nil || o.over {
		return
	}
	a.shard.request(wire.CANCEL, o.branch, o.invite.Cancel(), o.flow, l.trunk, nil, nil)
	o.guard = a.shard.now.Add(lingerFactor * l.trunk.Timers.T1)
	l.rearm()
}

// ack acknowledges a 2xx of a fork, and keeps the ACK for its repetitions.
func (a *agent) ack(l *leg, tag string, answer call.Body) {
	d := l.first.forks.Dialog(tag)
	if d == nil {
		return
	}
	l.first.forks.Acked(tag, a.sendAck(l, d, l.first.invite.CSeq, l.way(tag), answer))
}

// sendAck builds and sends the ACK of a 2xx (RFC 3261 s13.2.2.4).
func (a *agent) sendAck(l *leg, d *dialog.Dialog, seq uint32, f flow, answer call.Body) []byte {
	text, err := l.describe(answer)
	if err != nil {
		text = nil
		a.feed(call.Released{Why: call.ReasonDescription})
	}
	branch := a.shard.mint.branch()
	b := d.Ack(seq, f.through.Network.String(), f.through.sentBy, branch)
	if text != nil {
		b.Body(mimeSDP, text)
	}
	out, err := b.Bytes()
	if err != nil {
		a.shard.server.log.Warn("an ACK could not be built", "call", a.id, "error", err)
		return nil
	}
	f.send(out, branch)
	return out
}

// finish writes the record and lets go of everything but what late messages need.
func (a *agent) finish(r call.Record) {
	s := a.shard.server
	a.closeMedia()
	s.metrics.ended(&a.plan, &r)
	a.record(&r)
	a.leave()
	for i := range a.legs {
		l := &a.legs[i]
		l.in, l.sound, l.update = inviteIn{}, sound{}, nil
		l.session.Stop()
		l.rearm()
	}
	a.from = identity{}
	a.shard.timers.set(&a.timer, a.shard.now.Add(lingerFactor*transaction.Standard.T1))
}

func (a *agent) closeMedia() {
	for i := range a.legs {
		a.legs[i].closeSound(a.shard.server.options.Plane)
	}
}

// leave takes the call out of the count, once.
func (a *agent) leave() {
	if a.closed {
		return
	}
	a.closed = true
	delete(a.shard.agents, a)
	s := a.shard.server
	s.metrics.active.Set(float64(s.calls.Add(-1)))
}

// expire forgets a finished call.
func (a *agent) expire(time.Time) {
	for i := range a.legs {
		a.legs[i].in.accepted.Stop()
		a.shard.timers.set(&a.legs[i].timer, time.Time{})
		delete(a.shard.legs, a.legs[i].tag)
		a.shard.forget(a.legs[i].out)
		a.shard.forget(a.legs[i].first)
	}
}

// abandon ends a call that a fault of ours broke.
func (a *agent) abandon() {
	a.queue, a.running = nil, false
	func() {
		defer func() { recover() }() // the second fault: nothing more to be done properly
		a.feed(call.Released{Why: call.ReasonFault})
	}()
	if !a.call.Finished() {
		a.closeMedia()
		a.leave()
		a.expire(a.shard.now)
	}
}

// rescreen holds the call against the list now in force.
func (a *agent) rescreen() {
	list := a.shard.server.options.List.Load()
	if v := list.FindAll(a.plan.Facts.Numbers(nil), a.shard.now); v.Stopped >= 0 {
		a.feed(call.Suspended{Revision: uint64(v.Revision)})
	}
}
