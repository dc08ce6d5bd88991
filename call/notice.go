package call

func (c *Call) play(leg Side, phase Phase, asset string) {
	c.playing[leg] = true
	c.do(Play{Side: leg, Phase: phase, Asset: asset})
}

// noticeEnded keeps the proof, and goes on where the notice stood in the way.
func (c *Call) noticeEnded(e NoticeEnded) {
	if !c.playing[e.Side] {
		return
	}
	c.playing[e.Side] = false
	if n := len(c.rec.notices); n < maxNotices {
		c.rec.notices = append(c.rec.notices[:n:n], e.Proof)
	}
	if c.media == mediaRefusing {
		c.media = mediaQuiet
		c.end(Refused, c.plan.Why, *c.plan.Refusal)
		return
	}
	if c.media != mediaBefore && c.media != mediaHolding && c.media != mediaAnswer {
		return
	}
	if !e.Proof.Complete && c.plan.OnFailure == Release {
		c.giveUp(Failed, ReasonNoticeFailed, Refusal{Status: 500, Cause: 41})
		return
	}
	switch {
	case c.media == mediaBefore:
		c.media = mediaQuiet
		c.afterBefore()
	case c.media == mediaHolding:
		c.media = mediaQuiet
		c.pickUp()
	case c.playing == [2]bool{}:
		c.bridge()
	}
}

// afterBefore goes on once the caller has heard the notice: with dialling, or
// with what the callee has said meanwhile.
func (c *Call) afterBefore() {
	switch c.callee {
	case calleeIdle:
		c.rec.Added = c.now.Sub(c.rec.Invited)
		c.dial(0)
	case calleeProceeding:
		if c.held.Status != 0 {
			c.rec.Added = c.now.Sub(c.rec.Rang)
			c.passOn(c.held)
		}
	case calleeUp:
		since := c.rec.Rang
		if since.IsZero() {
			since = c.rec.Answered
		}
		c.rec.Added = c.now.Sub(since)
		c.arrived()
	}
}

// stopNotices ends what plays; each Stop is followed by its NoticeEnded.
func (c *Call) stopNotices() {
	for _, leg := range []Side{A, B} {
		if c.playing[leg] {
			c.do(Stop{Side: leg})
		}
	}
}
