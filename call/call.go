package call

import (
	"fmt"
	"time"
)

// Call is one call: two legs, what their ears are connected to, and a record
// in the making. It is a plain value: a copy is a snapshot.
type Call struct {
	plan    *Plan
	slots   Slots // of the plan, without what a leg has heard already
	onward  onward
	parked  parked
	caller  callerState
	callee  calleeState
	media   mediaState
	change  change
	queued  [2]Reinvited // INVITEs that wait for a notice, or for a refresh of ours
	waiting [2]bool      // whether there is one

	target    int        // of plan.Targets, the one being dialled
	fork      string     // B's To-tag: the fork whose early description A got, then the winner
	callerSDP Body       // A's latest description
	calleeSDP Body       // B's answer
	held      Progressed // B's latest progress, kept back while a notice plays; Status 0 is none
	replied   Author     // who wrote the description that answered A's offer, or our offer
	told      string     // the fork whose description A has
	stale     bool       // A has another description than B's: it wants a re-INVITE
	later     bool       // but has refused it for now
	playing   [2]bool
	reliable  bool // A acknowledges provisional responses that carry a description
	unpracked int  // of those, how many it has not acknowledged yet
	finished  bool

	rec Record
	now time.Time
	out []Action
}

// New is a call about to begin by plan. Its first event is Invited.
func New(plan *Plan) Call {
	return Call{plan: plan, slots: plan.Notices, rec: Record{Target: -1, Revision: plan.Screening.Revision}}
}

// Plan is what was decided before the first step, or when the call was
// redirected or transferred last.
func (c *Call) Plan() *Plan { return c.plan }

// Finished reports whether Finish was returned. A finished call still answers
// for late 2xx responses of leg B.
func (c *Call) Finished() bool { return c.finished }

// Ringing reports whether the callee has rung, or said so much.
func (c *Call) Ringing() bool { return !c.rec.Rang.IsZero() }

// Up reports whether both legs are established.
func (c *Call) Up() bool { return c.caller == callerUp && c.callee == calleeUp }

func (c *Call) String() string {
	return fmt.Sprintf("A %s, B %s, parked %s, media %s, change %s", c.caller, c.callee, c.parked.state, c.media, c.change.state)
}

// Step tells the call what happened at now, and returns what to do, in order.
// An event that has no meaning any more is ignored: it lost a race.
func (c *Call) Step(now time.Time, ev Event) []Action {
	c.now, c.out = now, nil
	switch e := ev.(type) {
	case Invited:
		c.invited(e)
	case Pracked:
		c.pracked(e)
	case PrackMissing:
		if c.caller == callerInviting {
			c.end(Failed, ReasonNoPrack, Refusal{Status: 504, Cause: 102})
		}
	case Expired:
		if c.caller == callerInviting {
			c.end(NoAnswer, ReasonExpired, Refusal{Status: 487})
		}
	case Cancelled:
		c.cancelled()
	case Acked:
		c.acked(e)
	case AckMissing:
		c.ackMissing()
	case Progressed:
		c.progressed(e)
	case Answered:
		c.answered(e)
	case Rejected:
		c.rejected(e)
	case Redirected:
		c.redirected(e)
	case Referred:
		c.referred(e)
	case Unreachable:
		c.unreachable(e)
	case RangOut:
		c.rangOut()
	case HungUp:
		c.hungUp(e)
	case RefreshDue:
		c.refreshDue(e)
	case SessionExpired:
		if e.Side == Parked {
			c.parkedGone(Bye{Side: Parked, Cause: 102})
		} else if c.caller != callerInviting {
			c.end(Failed, ReasonSessionExpired, Refusal{Status: 480, Cause: 102})
		}
	case Reinvited, ReinviteCancelled, ReinviteAnswered, ReinviteAcked:
		c.changed(ev)
	case NoticeEnded:
		c.noticeEnded(e)
	case MediaLost:
		c.mediaLost()
	case Suspended:
		c.suspended(e)
	case Released:
		c.end(Failed, e.Why, Refusal{Status: 503, Cause: 41})
	}
	c.comeBack()
	c.takeQueued()
	c.freshen()
	c.finish()
	out := c.out
	c.out = nil
	return out
}

func (c *Call) do(a Action) { c.out = append(c.out, a) }

// finish ends the call once both legs are down and every notice has reported.
func (c *Call) finish() {
	if c.finished || c.caller != callerDown || c.callee != calleeDown || c.parked.state != parkedNone || c.playing != [2]bool{} {
		return
	}
	c.finished = true
	c.rec.Ended = c.now
	c.do(Finish{Record: c.rec})
}
