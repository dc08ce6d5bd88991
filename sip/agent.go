package sip

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tonegate/call"
	"tonegate/sip/transaction"
	"tonegate/sip/wire"
)

var errNoAudio = errors.New("no audio that can be used")

// agent is the I/O half of one call: it turns messages and timers into events
// of its call.Call, and carries out what that decides.
type agent struct {
	shard  *shard
	id     string
	legs   [3]*leg // by call.Side; nobody is parked but in a transfer
	pair   [2]leg  // where the first two of them live
	timer  timer   // after the end: when late messages are no longer answered for
	closed bool

	cancels string // the Reason of the caller's CANCEL, passed on
	*live          // nil after the end
}

// live is what late messages have no need of.
type live struct {
	call       call.Call
	ways       []*way     // what it has gone by: the first one, redirections, transfers
	parkedFrom call.Side  // where the parked leg was
	dialled    call.Dial  // how leg B was
	sides      [2]liveLeg // of the first two legs
	queue      []call.Event
	running    bool
}

// ended reports whether there is nothing left but to answer late messages.
func (a *agent) ended() bool { return a.live == nil }

// feed tells the call what happened, and does what it says. Events that come
// up while doing it wait their turn.
func (a *agent) feed(ev call.Event) {
	a.shard.current = a
	if a.ended() {
		return
	}
	a.queue = append(a.queue, ev)
	if a.running {
		return
	}
	a.running = true
	for len(a.queue) > 0 && !a.closed {
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
	if a.closed {
		a.live = nil
	}
}

func (a *agent) do(act call.Action) {
	caller, callee := a.legs[call.A], a.legs[call.B]
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
		l := a.legs[act.Side]
		l.in.accepted.Stop()
		l.rearm()
		l.send(wire.BYE, &l.dialog, l.flow, act.Cause)
	case call.AcceptReferral:
		a.acceptReferral(a.legs[act.Side])
	case call.RefuseReferral:
		a.refuseReferral(a.legs[act.Side], act.Status)
	case call.Report:
		a.legs[act.Side].report(act.Status)
	case call.Park:
		a.park(act.Side)
	case call.Unpark:
		a.unpark(act.Side)
	case call.Write:
		a.write(act)
	case call.Reinvite:
		a.reinvite(a.legs[act.Side], act.Offer)
	case call.CancelReinvite:
		a.cancel(a.legs[act.Side])
	case call.AcceptReinvite:
		a.acceptChange(a.legs[act.Side], act.SDP)
	case call.RefuseReinvite:
		a.refuseChange(a.legs[act.Side], act.Status)
	case call.Refresh:
		a.refresh(a.legs[act.Side])
	case call.RefreshLater:
		a.legs[act.Side].refreshLater()
	case call.AckReinvite:
		a.ackReinvite(a.legs[act.Side], act.Answer)
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

// finish writes the record and lets go of everything but what late messages need.
func (a *agent) finish(r call.Record) {
	a.closeMedia()
	a.record(a.wayOf(a.call.Plan()), &r, a.legs[call.A], a.legs[call.B])
	a.leave()
	a.shard.timers.set(&a.timer, a.shard.now.Add(lingerFactor*transaction.Standard.T1))
}

func (a *agent) closeMedia() {
	for _, l := range a.legs {
		if l != nil {
			l.closeSound(a.shard.server.options.Plane)
		}
	}
}

// leave takes the call out of the count, once, and ends its legs.
func (a *agent) leave() {
	if a.closed {
		return
	}
	a.closed = true
	delete(a.shard.agents, a)
	s := a.shard.server
	s.metrics.active.Set(float64(s.calls.Add(-1)))
	for _, l := range a.legs {
		if l != nil {
			l.end()
		}
	}
}

// expire forgets a finished call.
func (a *agent) expire(time.Time) {
	for _, l := range a.legs {
		if l != nil {
			l.forget()
		}
	}
}

// abandon ends a call that a fault of ours broke.
func (a *agent) abandon() {
	if a.ended() {
		return
	}
	a.queue, a.running = nil, false
	func() {
		defer func() { recover() }() // the second fault: nothing more to be done properly
		a.feed(call.Released{Why: call.ReasonFault})
	}()
	if !a.ended() && !a.call.Finished() {
		a.closeMedia()
		a.leave()
		a.expire(a.shard.now)
	}
}

// rescreen holds the call against the list now in force.
func (a *agent) rescreen() {
	if s := a.shard.screen(&a.call.Plan().Facts); s.Stopped {
		a.feed(call.Suspended{Revision: s.Revision})
	}
}
