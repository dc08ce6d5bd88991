package call

// maxOnward bounds the plans that one call goes on by; beyond it is a loop.
const maxOnward = 5

// onward are the contacts of a redirection that are left to be tried.
type onward struct {
	plans [maxOnward]*Plan
	next  int
	count int
	taken int // plans that the call went on by
}

// redirected goes on to the first contact that may be called. A redirection of
// a contact replaces those that are left (RFC 3261 s8.1.3.4).
func (c *Call) redirected(e Redirected) {
	c.onward.next, c.onward.count = 0, copy(c.onward.plans[:], e.Plans)
	if c.callee != calleeCalling && c.callee != calleeProceeding || c.onward.count == 0 {
		c.rejected(Rejected{Status: e.Status})
		return
	}
	c.callee = calleeDown
	if !c.goOn() { // as if the caller had dialled it
		plan := c.onward.plans[0]
		r, why := Refusal{Status: passedOn(e.Status), Cause: 25}, ReasonLoop // Q.850: exchange routing error
		if plan.Refusal != nil {
			r, why = *plan.Refusal, plan.Why
		}
		c.giveUp(Refused, why, r)
	}
}

// goOn takes up the next contact; false when there is none that may be called.
func (c *Call) goOn() bool {
	for o := &c.onward; o.next < o.count && o.taken < maxOnward; {
		plan := o.plans[o.next]
		o.next++
		if plan.Refusal == nil {
			o.taken++
			c.follow(plan)
			return true
		}
	}
	return false
}

// follow goes on by another plan. Nobody hears again what they have heard.
func (c *Call) follow(plan *Plan) {
	if c.media == mediaEarly {
		c.quiet()
	}
	c.plan, c.slots = plan, plan.Notices
	if plan.Screening.Revision > c.rec.Revision {
		c.rec.Revision = plan.Screening.Revision
	}
	if c.hasHeard(c.slots.BeforeCaller) {
		c.slots.BeforeCaller = ""
	}
	if c.hasHeard(c.slots.AnswerCaller) {
		c.slots.AnswerCaller = ""
	}
	c.callee, c.target, c.held = calleeIdle, 0, Progressed{}
	if c.media == mediaBefore { // its end dials
		if c.slots.Overlap {
			c.dial(0)
		}
		return
	}
	c.begin()
}

// hasHeard reports whether A has heard an asset to its end.
func (c *Call) hasHeard(asset string) bool {
	for _, n := range c.rec.Notices() {
		if n.Leg == A && n.Asset == asset && n.Complete {
			return true
		}
	}
	return false
}
