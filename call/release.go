package call

// cancelled ends a call that A gave up. After our final response a CANCEL
// changes nothing (RFC 3261 s9.2).
func (c *Call) cancelled() {
	if c.caller == callerInviting {
		c.end(CallerEnd, ReasonCallerCancelled, Refusal{Status: 487})
	}
}

// ackMissing ends a call whose 2xx was never acknowledged (RFC 3261 s13.3.1.4).
func (c *Call) ackMissing() {
	switch c.caller {
	case callerEnding:
		c.caller = callerDown
		c.do(Bye{Side: A, Cause: c.rec.Cause})
	case callerAnswering:
		c.caller = callerUp // its dialog may now be ended
		c.end(Failed, ReasonNoAck, Refusal{Cause: 102})
	}
}

// rejected passes B's refusal on, or tries the next target.
func (c *Call) rejected(e Rejected) {
	switch c.callee {
	case calleeCancelPending, calleeCancelling:
		c.callee = calleeDown
	case calleeCalling, calleeProceeding:
		c.callee = calleeDown
		if e.Status == 503 && c.next() || e.Status < 600 && c.goOn() {
			return
		}
		cause := e.Cause
		if cause == 0 {
			cause = CauseOf(e.Status)
		}
		c.giveUp(resultOf(e.Status), ReasonFarEnd, Refusal{Status: passedOn(e.Status), Cause: cause})
		c.retryAfter(e.RetryAfter)
	}
}

// unreachable tries the next target, or gives up.
func (c *Call) unreachable(e Unreachable) {
	switch c.callee {
	case calleeCancelPending, calleeCancelling:
		c.callee = calleeDown
	case calleeCalling, calleeProceeding:
		c.callee = calleeDown
		if !c.next() && !c.goOn() {
			c.giveUp(Failed, ReasonUnreachable, Refusal{Status: passedOn(e.Status), Cause: 38})
		}
	}
}

// next dials the plan's next target, if there is one.
func (c *Call) next() bool {
	if c.target+1 >= len(c.plan.Targets) {
		return false
	}
	if c.media == mediaEarly {
		c.quiet()
	}
	c.dial(c.target + 1)
	return true
}

func (c *Call) rangOut() {
	if c.callee == calleeCalling || c.callee == calleeProceeding {
		c.giveUp(NoAnswer, ReasonRangOut, Refusal{Status: 408, Cause: 19})
	}
}

func (c *Call) hungUp(e HungUp) {
	why := ReasonCallerHungUp
	if e.Side == Parked {
		c.parkedGone(nil)
		return
	}
	if e.Side == A {
		switch c.caller {
		case callerInviting: // BYE on an early dialog (RFC 3261 s15) ends its INVITE too
			c.end(CallerEnd, ReasonCallerHungUp, Refusal{Status: 487, Cause: e.Cause})
			return
		case callerDown:
			return
		}
		c.caller = callerDown
	} else {
		why = ReasonCalleeHungUp
		switch c.callee {
		case calleeAnswered: // its 2xx still wants the ACK
			c.do(Ack{Fork: c.fork})
		case calleeUp:
		default:
			return
		}
		c.callee = calleeDown
	}
	result := Completed
	if c.rec.Answered.IsZero() {
		result = CallerEnd // A heard a notice after our 200, and left before B answered
	} else if c.caller == callerInviting {
		result = NoAnswer // B heard a notice, and left before A was answered
	}
	c.end(result, why, Refusal{Status: StatusOf(e.Cause, 480), Cause: e.Cause})
}

func (c *Call) mediaLost() {
	if c.Up() {
		c.end(Failed, ReasonMediaLost, Refusal{Cause: 31})
	}
}

// suspended ends a call whose number was stopped, where the policy says so.
// A leg that is up sees an ordinary clearing: nothing tells of the list.
func (c *Call) suspended(e Suspended) {
	if c.plan.LiveCalls == EndLiveCalls && !c.plan.Emergency {
		if c.rec.Result == "" {
			c.rec.Revision = e.Revision
		}
		r := c.plan.Suspend
		if c.caller != callerInviting {
			r.Cause = 16
		}
		c.end(Refused, ReasonStopped, r)
	}
}

// end brings down whatever is up. The first reason stays in the record.
func (c *Call) end(result Result, why Reason, r Refusal) {
	if c.rec.Result == "" {
		c.rec.Result, c.rec.Reason, c.rec.Cause = result, why, r.Cause
	}
	c.endChange()
	c.stopNotices()
	c.quiet()
	c.endCaller(r)
	c.endCallee(r.Cause)
	c.endParked(r)
}

func (c *Call) endCaller(r Refusal) {
	switch c.caller {
	case callerInviting:
		c.caller, c.rec.Status = callerDown, r.Status
		c.do(Refuse{Status: r.Status, Cause: r.Cause})
	case callerAnswering:
		c.caller = callerEnding
	case callerUp:
		c.caller = callerDown
		c.do(Bye{Side: A, Cause: r.Cause})
	}
}

func (c *Call) endCallee(cause int) {
	switch c.callee {
	case calleeIdle:
		c.callee = calleeDown
	case calleeCalling: // no CANCEL before a provisional (RFC 3261 s9.1)
		c.callee = calleeCancelPending
	case calleeProceeding:
		c.callee = calleeCancelling
		c.do(Cancel{})
	case calleeAnswered:
		c.callee = calleeDown
		c.do(Ack{Fork: c.fork})
		c.do(Bye{Side: B, Cause: cause})
	case calleeUp:
		c.callee = calleeDown
		c.do(Bye{Side: B, Cause: cause})
	}
}

// retryAfter puts B's Retry-After on the refusal that was just returned.
func (c *Call) retryAfter(seconds int) {
	for i, a := range c.out {
		if r, ok := a.(Refuse); ok {
			r.RetryAfter = seconds
			c.out[i] = r
		}
	}
}

// passedOn is the status that A gets for B's. A redirection that is not
// followed is none to A, a challenge is ours to answer, a session interval is
// between us and B, and a 503 would tell A that we are the one overloaded
// (RFC 3261 s16.7).
func passedOn(status int) int {
	switch {
	case status < 400:
		return 480
	case status == 401 || status == 407:
		return 403
	case status == 503, status == 422: // a session interval is between us and B
		return 500
	case status > 699:
		return 500
	}
	return status
}

func resultOf(status int) Result {
	switch {
	case status == 486 || status == 600:
		return Busy
	case status == 480 || status == 408 || status == 487:
		return NoAnswer
	case status >= 500 && status < 600:
		return Failed
	}
	return Declined
}
