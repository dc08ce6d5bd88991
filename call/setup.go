package call

// invited starts the call: turn it away, play the notice before connecting, or dial.
func (c *Call) invited(e Invited) {
	if !c.rec.Invited.IsZero() {
		return
	}
	c.rec.Invited = c.now
	c.callerSDP, c.reliable = e.Offer, e.Reliable
	if c.plan.Refusal != nil {
		c.turnAway(e.Offer.From == Nobody)
		return
	}
	c.begin()
}

// begin plays what comes before connecting, and dials: at the start of a call,
// and again with each plan that it goes on by.
func (c *Call) begin() {
	n := &c.slots
	late := c.callerSDP.From == Nobody
	if n.BeforeCaller == "" && (n.BeforeCallee == "" || !late) {
		c.dial(0)
		return
	}
	c.media = mediaBefore
	switch {
	case c.caller == callerUp:
		c.playBefore()
	case c.caller == callerAnswering: // its ACK goes on
	case c.replied != Nobody: // it has a description already
		if c.unpracked == 0 {
			c.playEarly()
		}
	case n.Mode == AnsweredBefore || late && !(c.reliable && n.BeforeCaller != ""):
		// Without reliable provisionals a late offer is answered in its ACK at
		// the earliest, so that the notice follows our own 200 (RFC 3264 s5,
		// RFC 3261 s13.2.1).
		c.reply(Us)
	default:
		c.speakEarly()
	}
}

// speakEarly opens early media towards A with a description of our own. What
// is to be heard begins when A is known to have it: at its PRACK, if A sends one.
func (c *Call) speakEarly() {
	c.replied = Us
	c.progress(Progress{Status: 183, SDP: Body{From: Us}})
	if c.unpracked == 0 {
		c.playEarly()
	}
}

func (c *Call) playEarly() {
	if c.media == mediaRefusing {
		c.play(A, Before, c.plan.Refusal.Announce)
	} else {
		c.playBefore()
	}
}

// progress sends a provisional response to A.
func (c *Call) progress(p Progress) {
	if c.reliable && p.SDP.From != Nobody {
		c.unpracked++
	}
	c.do(p)
}

// pracked goes on with what waited for A's PRACK.
func (c *Call) pracked(e Pracked) {
	if c.unpracked == 0 || c.caller != callerInviting {
		return
	}
	c.unpracked--
	if c.callerSDP.From == Nobody {
		if e.Answer.From == Nobody {
			c.end(Failed, ReasonDescription, Refusal{Status: 488, Cause: 127})
			return
		}
		c.callerSDP = e.Answer
	}
	switch {
	case c.unpracked > 0:
	case (c.media == mediaBefore || c.media == mediaRefusing) && !c.playing[A] && c.callee == calleeIdle:
		c.playEarly()
	case c.callee == calleeUp && c.media != mediaBefore && c.media != mediaHolding:
		c.pickUp()
	}
}

// playBefore plays the notice before connecting, and dials meanwhile if the
// plan says so: a callee that takes longer to ring than the notice lasts costs
// the caller no delay.
func (c *Call) playBefore() {
	c.play(A, Before, c.slots.BeforeCaller)
	if c.slots.Overlap {
		c.dial(0)
	}
}

// turnAway refuses the call as planned, after the announcement if there is one.
func (c *Call) turnAway(late bool) {
	r := c.plan.Refusal
	if r.Announce == "" || late && !c.reliable {
		c.end(Refused, c.plan.Why, *r)
		return
	}
	c.media = mediaRefusing
	c.speakEarly()
}

// reply answers A's INVITE.
func (c *Call) reply(author Author) {
	body := Body{From: author}
	c.replied = author
	c.caller = callerAnswering
	c.rec.Status = 200
	c.do(Answer{SDP: body})
}

func (c *Call) dial(target int) {
	c.target, c.rec.Target = target, target
	c.callee, c.fork, c.held = calleeCalling, "", Progressed{}
	c.do(Dial{Target: target, Offer: c.callerSDP})
}

// progressed passes B's progress on, or lets a CANCEL go that waited for it.
func (c *Call) progressed(e Progressed) {
	switch c.callee {
	case calleeCancelPending:
		c.callee = calleeCancelling
		c.do(Cancel{})
		return
	case calleeCalling:
		c.callee = calleeProceeding
	case calleeProceeding:
	default:
		return
	}
	if e.Status == 100 {
		return
	}
	if c.rec.Rang.IsZero() {
		c.rec.Rang = c.now
		c.report(e.Status)
	}
	if c.media == mediaBefore {
		c.held = e
		return
	}
	c.passOn(e)
}

// passOn lets A know, and hear, how far B is.
func (c *Call) passOn(e Progressed) {
	if c.callerSDP.From == Nobody {
		e.SDP = Body{} // an offer needs a reliable response (RFC 3262 s5)
	}
	if e.SDP.From == Peer && c.media == mediaQuiet {
		c.media, c.fork = mediaEarly, e.Fork
		c.do(Bridge{})
	}
	if c.caller != callerInviting {
		return
	}
	// A has one dialog with us. Once we have answered its offer, or another
	// fork has, a further description would be a second answer (RFC 3261 s13.2.1).
	body := e.SDP
	if c.replied == Us || c.replied == Peer && e.Fork != c.told {
		body = Body{}
	}
	if body.From == Peer {
		c.replied, c.told = Peer, e.Fork
	}
	c.progress(Progress{Status: e.Status, SDP: body})
}

// answered connects B to A, unless B came too late.
func (c *Call) answered(e Answered) {
	switch c.callee {
	case calleeCalling, calleeProceeding:
	case calleeIdle:
		return
	default:
		// A CANCEL that B did not see in time, or another fork's 2xx: it must
		// be acknowledged and ended (RFC 3261 s9.1, s13.2.2.4).
		c.do(Ack{Fork: e.Fork})
		c.do(Drop{Fork: e.Fork})
		if c.callee == calleeCancelPending || c.callee == calleeCancelling {
			c.callee = calleeDown
		}
		return
	}
	c.fork, c.rec.Answered = e.Fork, c.now
	if e.Unusable != "" || e.SDP.From == Nobody {
		c.do(Ack{Fork: e.Fork})
		c.do(Drop{Fork: e.Fork})
		c.callee = calleeDown
		c.giveUp(Failed, ReasonDescription, Refusal{Status: 502, Cause: 127})
		return
	}
	if c.callerSDP.From == Nobody { // late offer: B's description is the offer
		c.callee, c.calleeSDP = calleeAnswered, e.SDP
		c.replied, c.caller, c.rec.Status = Peer, callerAnswering, 200
		c.do(Answer{SDP: e.SDP})
		return
	}
	c.callee, c.calleeSDP = calleeUp, e.SDP
	c.transferred()
	if c.free() { // before the ACK, so that not even B's first word is lost
		c.bridge()
	}
	c.do(Ack{Fork: e.Fork})
	if c.media != mediaBefore { // else B hears silence until A has heard the whole notice
		c.arrived()
	}
}

// free reports whether nothing more is to be played, or to be waited for,
// before the legs may hear each other.
func (c *Call) free() bool {
	n := &c.slots
	return (c.media == mediaQuiet || c.media == mediaEarly) && c.unpracked == 0 &&
		n.BeforeCallee == "" && n.AnswerCaller == "" && n.AnswerCallee == ""
}

// arrived goes on with a callee that has answered.
func (c *Call) arrived() {
	if n := c.slots.BeforeCallee; n != "" {
		c.quiet()
		c.media = mediaHolding
		c.play(B, Before, n)
		return
	}
	c.pickUp()
}

// pickUp answers A, if we have not before, now that B is there.
func (c *Call) pickUp() {
	if c.caller == callerInviting {
		if c.unpracked > 0 { // the 2xx waits for the PRACK (RFC 3262 s3)
			return
		}
		c.caller, c.rec.Status = callerAnswering, 200
		switch {
		case c.replied != Nobody && c.reliable: // offer and answer are done (RFC 3261 s13.2.1)
			c.stale = c.replied == Peer && c.told != c.fork
			c.do(Answer{})
		case c.replied == Us:
			c.do(Answer{SDP: Body{From: Us}})
		default:
			c.replied = Peer
			c.do(Answer{SDP: c.calleeSDP})
		}
	}
	c.connect()
}

// acked brings leg A up.
func (c *Call) acked(e Acked) {
	switch c.caller {
	case callerEnding:
		c.caller = callerDown
		c.do(Bye{Side: A, Cause: c.rec.Cause})
		return
	case callerAnswering:
	default:
		return
	}
	c.caller = callerUp
	late := c.callerSDP.From == Nobody
	if late {
		c.callerSDP = e.Answer
	}
	if late && e.Answer.From == Nobody {
		c.end(Failed, ReasonDescription, Refusal{Status: 488, Cause: 127})
		return
	}
	switch c.callee {
	case calleeIdle:
		if c.slots.BeforeCaller != "" {
			c.playBefore()
		} else {
			c.media = mediaQuiet
			c.dial(0)
		}
	case calleeAnswered:
		c.callee = calleeUp
		c.do(Ack{Fork: c.fork, Answer: e.Answer})
		c.connect()
	case calleeUp:
		c.connect()
	}
}

// connect bridges the legs once the notices at answer have played; those wait
// for A's ACK, from which moment both legs are up.
func (c *Call) connect() {
	n := &c.slots
	if n.AnswerCaller == "" && n.AnswerCallee == "" {
		c.bridge()
		return
	}
	c.quiet()
	if !c.Up() {
		return
	}
	c.media = mediaAnswer
	if n.AnswerCaller != "" {
		c.play(A, AtAnswer, n.AnswerCaller)
	}
	if n.AnswerCallee != "" {
		c.play(B, AtAnswer, n.AnswerCallee)
	}
}

// quiet ends what the legs hear of each other.
func (c *Call) quiet() {
	if c.media == mediaEarly || c.media == mediaBridged {
		c.do(Silence{})
	}
	c.media = mediaQuiet
}

func (c *Call) bridge() {
	if c.rec.Bridged.IsZero() {
		c.rec.Bridged = c.now
	}
	if c.media != mediaBridged {
		c.media = mediaBridged
		c.do(Bridge{})
	}
}
