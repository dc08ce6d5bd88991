package call

// parked is the leg of the party that transfers the call, and what it would
// come back to.
type parked struct {
	state     parkedState
	side      Side // where it was
	plan      *Plan
	slots     Slots
	rec       Record
	fork      string
	callerSDP Body
	calleeSDP Body
	replied   Author
}

type parkedState uint8

const (
	parkedNone   parkedState = iota
	parkedUp                 // the transfer is under way
	parkedCalled             // it has failed; the call comes back once its target and its notices are done
)

func (s parkedState) String() string { return [...]string{"none", "up", "called back"}[s] }

// referred begins a transfer (RFC 3515, RFC 5589 s6): whoever stays becomes A,
// which has been answered, and the target is called as a new B. The transferor
// waits, to get the call back if nothing comes of it.
func (c *Call) referred(e Referred) {
	switch {
	case !c.settled():
		c.do(RefuseReferral{Side: e.Side, Status: 500}) // it may ask again (RFC 3261 s21.5.1)
		return
	case e.Plan.Refusal != nil: // no word of why, and the same words as for a target that is not there
		r := e.Plan.Refusal
		c.do(AcceptReferral{Side: e.Side})
		c.do(Report{Side: e.Side, Status: r.Status})
		c.do(Write{Plan: e.Plan, Record: Record{Result: Refused, Reason: e.Plan.Why, Status: r.Status, Cause: r.Cause,
			Revision: e.Plan.Screening.Revision, Target: -1, Invited: c.now, Ended: c.now}})
		return
	}
	c.do(AcceptReferral{Side: e.Side})
	c.do(Report{Side: e.Side, Status: 100})
	c.quiet()
	c.do(Park{Side: e.Side})
	c.parked = parked{state: parkedUp, side: e.Side, plan: c.plan, slots: c.slots, rec: c.rec, fork: c.fork,
		callerSDP: c.callerSDP, calleeSDP: c.calleeSDP, replied: c.replied}
	if e.Side == A {
		c.callerSDP = c.calleeSDP
	}
	c.plan, c.slots = e.Plan, e.Plan.Notices
	c.rec = Record{Status: 200, Target: -1, Revision: e.Plan.Screening.Revision, Invited: c.now}
	c.callee, c.target, c.fork, c.held, c.onward = calleeIdle, 0, "", Progressed{}, onward{}
	c.reliable, c.unpracked, c.replied = false, 0, Us
	c.stale, c.later = true, false // it may have been put on hold
	c.begin()
}

// report tells the transferor how far the transfer is.
func (c *Call) report(status int) {
	if c.parked.state == parkedUp {
		c.do(Report{Side: Parked, Status: status})
	}
}

// transferred lets the transferor go: the target has answered.
func (c *Call) transferred() {
	if c.parked.state == parkedUp {
		c.report(200)
		c.parkedGone(Bye{Side: Parked, Cause: 16})
	}
}

// parkedGone ends the transferor's part of the call. A transfer that is under
// way goes on: from now on there is nobody to come back to.
func (c *Call) parkedGone(bye Action) {
	if c.parked.state == parkedNone {
		return
	}
	failed := c.parked.state == parkedCalled
	c.forgetRefresh()
	if bye != nil {
		c.do(bye)
	}
	c.writeParked(Completed, ReasonTransferred, 16)
	if failed {
		c.end(c.rec.Result, c.rec.Reason, Refusal{Cause: c.rec.Cause})
	}
}

// forgetRefresh lets go of a refresh of the parked leg, which is about to end.
func (c *Call) forgetRefresh() {
	if c.change.state == changeRefresh && c.change.asker == Parked {
		c.change = change{}
	}
}

// writeParked keeps the record of the call before the transfer.
func (c *Call) writeParked(result Result, why Reason, cause int) {
	r := c.parked.rec
	r.Result, r.Reason, r.Cause, r.Ended = result, why, cause, c.now
	c.do(Write{Plan: c.parked.plan, Record: r, Over: Parked})
	c.parked = parked{}
}

// endParked ends the transferor's leg with the rest of the call.
func (c *Call) endParked(r Refusal) {
	if c.parked.state == parkedNone {
		return
	}
	c.forgetRefresh()
	c.report(max(r.Status, 480))
	c.do(Bye{Side: Parked, Cause: r.Cause})
	result := c.rec.Result
	if result != Failed && result != Refused { // the two had talked
		result = Completed
	}
	why := c.rec.Reason
	if c.parked.side == A { // who stays as A was the callee of that call
		switch why {
		case ReasonCallerHungUp:
			why = ReasonCalleeHungUp
		case ReasonCalleeHungUp:
			why = ReasonCallerHungUp
		}
	}
	c.writeParked(result, why, r.Cause)
}

// giveUp ends an attempt to reach B: the call, or, while a transfer is tried,
// the transfer. Then the two who talked before talk on.
func (c *Call) giveUp(result Result, why Reason, r Refusal) {
	if c.parked.state != parkedUp {
		c.end(result, why, r)
		return
	}
	c.report(r.Status)
	c.rec.Result, c.rec.Reason, c.rec.Status, c.rec.Cause, c.rec.Ended = result, why, r.Status, r.Cause, c.now
	c.stopNotices()
	c.quiet()
	c.endCallee(r.Cause)
	c.parked.state = parkedCalled
}

// comeBack gives the call back to the transferor, once nothing is left of the
// transfer that failed.
func (c *Call) comeBack() {
	if c.parked.state != parkedCalled || c.callee != calleeDown || c.playing != [2]bool{} {
		return
	}
	c.do(Write{Plan: c.plan, Record: c.rec, Over: B})
	p := c.parked
	c.do(Unpark{Side: p.side})
	switch { // a refresh goes on
	case c.change.state != changeRefresh:
	case c.change.asker == Parked:
		c.change.asker = p.side
	default:
		c.change.asker = p.side.Other()
	}
	c.parked = parked{}
	c.plan, c.slots, c.rec, c.fork, c.callerSDP, c.calleeSDP, c.replied = p.plan, p.slots, p.rec, p.fork, p.callerSDP, p.calleeSDP, p.replied
	c.callee, c.held, c.stale, c.later = calleeUp, Progressed{}, false, false
	c.bridge()
}
