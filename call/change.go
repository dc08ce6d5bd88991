package call

// change is a re-INVITE that one leg asked for and the other must agree to
// (RFC 3261 s14), or one of our own. At most one is under way in a call.
type change struct {
	state changeState
	asker Side // of a refresh, the leg that is refreshed
	late  bool // the re-INVITE carried no offer
	noAck bool // it is an UPDATE
	news  bool // a refresh that tells A what B says
}

type changeState uint8

const (
	changeNone     changeState = iota
	changeSent                 // our re-INVITE to the other leg is open
	changeAccepted             // our 2xx to the asker waits for its ACK
	changeRefresh              // a request of our own to a leg is open: nobody asked
)

func (s changeState) String() string { return [...]string{"none", "sent", "accepted", "refresh"}[s] }

func (c *Call) changed(ev Event) {
	switch e := ev.(type) {
	case Reinvited:
		c.reinvited(e)
	case ReinviteCancelled:
		switch {
		case e.Side == Parked:
		case c.waiting[e.Side]:
			c.dropQueued(e.Side, 487)
		case c.change.state == changeSent && c.change.asker == e.Side:
			c.do(CancelReinvite{Side: e.Side.Other()})
		}
	case ReinviteAnswered:
		c.reinviteAnswered(e)
	case ReinviteAcked:
		c.reinviteAcked(e)
	}
}

// refreshDue refreshes a leg's session, or puts it off while something else
// is under way.
func (c *Call) refreshDue(e RefreshDue) {
	c.later = c.later && e.Side != A
	switch {
	case c.stale && e.Side == A && c.settled(): // see freshen
	case c.refreshable(e.Side):
		c.change = change{state: changeRefresh, asker: e.Side}
		c.do(Refresh(e))
	default:
		c.do(RefreshLater(e))
	}
}

// refreshable reports whether a leg may be refreshed: when both talk, and,
// since a session may be shorter than a callee rings, while B is called.
func (c *Call) refreshable(side Side) bool {
	switch {
	case c.change.state != changeNone:
		return false
	case side == Parked:
		return c.parked.state == parkedUp
	case side == A && (c.callee == calleeCalling || c.callee == calleeProceeding):
		return c.caller == callerUp && c.media != mediaBefore
	}
	return c.settled()
}

// refreshed ends a refresh of ours. A failure leaves the session until it
// expires, but a dialog that is gone is gone (RFC 4028 s10).
func (c *Call) refreshed(e ReinviteAnswered) {
	news := c.change.news
	c.change = change{}
	switch {
	case e.Status < 300:
		c.do(AckReinvite{Side: e.Side})
	case e.Side == Parked && (e.Status == 481 || e.Status == 408):
		c.parkedGone(Bye{Side: Parked, Cause: 41})
	case e.Status == 481: // it has hung up, and its BYE got lost
		result := Completed
		if c.rec.Answered.IsZero() {
			result = CallerEnd
		}
		c.end(result, ReasonGone, Refusal{Cause: 41})
	case e.Status == 408:
		c.end(Failed, ReasonGone, Refusal{Cause: 41})
	case news && (e.Status == 491 || e.Status == 500): // it asks for something itself
		c.stale, c.later = true, true
		c.do(RefreshLater{Side: e.Side})
	case e.Status == 491: // anything else would be refused again (RFC 4028 s10)
		c.do(RefreshLater{Side: e.Side})
	}
}

// settled reports whether both legs talk and neither is being changed.
func (c *Call) settled() bool {
	return c.Up() && c.media == mediaBridged && c.change.state == changeNone
}

func (c *Call) reinvited(e Reinvited) {
	switch {
	case e.Side != Parked && c.change.state == changeSent && c.change.asker == e.Side:
		// The dialog has refused a second one before our final response to
		// the first (RFC 3261 s14.2); there is nothing to do here.
	case e.Side == Parked:
		c.do(RefuseReinvite{Side: e.Side, Status: 491})
	case c.settled():
		c.ask(e)
	case c.aloneWith(e):
		c.acceptAlone(e)
	case c.mayWait(e):
		c.queued[e.Side] = e
		c.waiting[e.Side] = true
	default: // the other leg is not there yet, or is being changed itself
		c.do(RefuseReinvite{Side: e.Side, Status: 491})
	}
}

// ask asks the other leg for what this one wants.
func (c *Call) ask(e Reinvited) {
	c.change = change{state: changeSent, asker: e.Side, late: e.Offer.From == Nobody, noAck: e.Update}
	c.do(Reinvite{Side: e.Side.Other(), Offer: e.Offer})
}

// mayWait reports whether an INVITE is kept until a notice has been heard
// whole, or a refresh of ours is over: a moment, and its sender need not know.
// An UPDATE must be answered at once (RFC 3311 s5.2).
func (c *Call) mayWait(e Reinvited) bool {
	if e.Update || c.waiting[e.Side.Other()] {
		return false
	}
	return c.Up() && (c.media == mediaAnswer && c.change.state == changeNone || c.change.state == changeRefresh)
}

// takeQueued takes up an INVITE that waited.
func (c *Call) takeQueued() {
	for _, side := range []Side{A, B} {
		if c.waiting[side] && c.settled() {
			c.waiting[side] = false
			c.ask(c.queued[side])
		}
	}
}

// freshen offers A what B says, where A has been told something else: by the
// party that has transferred it, who had put it on hold, or by another fork.
func (c *Call) freshen() {
	if c.stale && !c.later && c.settled() {
		c.stale = false
		c.change = change{state: changeRefresh, asker: A, news: true}
		c.do(Reinvite{Side: A, Offer: c.calleeSDP})
	}
}

// dropQueued refuses an INVITE that waited.
func (c *Call) dropQueued(side Side, status int) {
	if c.waiting[side] {
		c.waiting[side] = false
		c.do(RefuseReinvite{Side: side, Status: status})
	}
}

// aloneWith reports whether an UPDATE is for us to answer, because it is us
// that the leg has agreed with so far: A hears our notice, or B its ringing.
func (c *Call) aloneWith(e Reinvited) bool {
	if !e.Update || e.Offer.From == Nobody || c.change.state != changeNone {
		return false
	}
	if e.Side == A {
		return c.caller != callerDown && c.callee != calleeUp && c.replied == Us && c.unpracked == 0 && c.callerSDP.From != Nobody
	}
	return c.callee == calleeProceeding && c.callerSDP.From != Nobody
}

func (c *Call) acceptAlone(e Reinvited) {
	if e.Side == A {
		c.callerSDP = e.Offer
		c.do(AcceptReinvite{Side: A, SDP: Body{From: Us}})
		return
	}
	c.do(AcceptReinvite{Side: B, SDP: c.callerSDP})
}

func (c *Call) reinviteAnswered(e ReinviteAnswered) {
	ok := e.Status < 300
	if c.change.state == changeRefresh && c.change.asker == e.Side {
		c.refreshed(e)
		return
	}
	if c.change.state != changeSent || c.change.asker == e.Side {
		if ok { // the call ended meanwhile; the 2xx still wants its ACK
			c.do(AckReinvite{Side: e.Side})
		}
		return
	}
	asker := c.change.asker
	switch {
	case ok:
		c.change.state = changeAccepted
		if !c.change.late {
			c.do(AckReinvite{Side: e.Side})
		}
		c.do(AcceptReinvite{Side: asker, SDP: e.SDP})
		if c.change.noAck {
			c.change.state = changeNone
		}
	case e.Status == 481 || e.Status == 408: // its dialog is gone (RFC 3261 s12.2.1.2)
		c.change.state = changeNone
		c.do(RefuseReinvite{Side: asker, Status: e.Status})
		c.end(Completed, ReasonGone, Refusal{Cause: 41})
	default:
		c.change.state = changeNone
		c.do(RefuseReinvite{Side: asker, Status: passedOn(e.Status)})
	}
}

func (c *Call) reinviteAcked(e ReinviteAcked) {
	if c.change.state != changeAccepted || c.change.asker != e.Side {
		return
	}
	if e.Missing {
		c.end(Failed, ReasonNoAck, Refusal{Cause: 102})
		return
	}
	if c.change.late {
		c.do(AckReinvite{Side: e.Side.Other(), Answer: e.Answer})
	}
	c.change.state = changeNone
}

// endChange gives an open re-INVITE its final response, an unacknowledged 2xx
// its ACK (RFC 3261 s15.1.2).
func (c *Call) endChange() {
	c.dropQueued(A, 487)
	c.dropQueued(B, 487)
	switch {
	case c.change.state == changeSent:
		c.do(RefuseReinvite{Side: c.change.asker, Status: 487})
	case c.change.state == changeAccepted && c.change.late:
		c.do(AckReinvite{Side: c.change.asker.Other()})
	}
	c.change.state = changeNone
}
