package transaction

import (
	"time"

	"tonegate/sip/wire"
)

// Client is one client transaction, INVITE or not. It is a value without references into others.
type Client struct {
	invite   bool
	reliable bool
	state    State
	timers   Timers
	clock    clock
	timerC   time.Time
	bytes    []byte // what to repeat: the request, then the ACK
}

// minTimerD is the least that RFC 3261 s17.1.1.2 allows over an unreliable transport.
const minTimerD = 32 * time.Second

// NewClient starts a transaction; its Output sends the request. m is anything but ACK, which makes no transaction:
// the ACK for a 2xx is sent by the user, the one for other responses is given to Ack.
func NewClient(m wire.Method, reliable bool, request []byte, t Timers, now time.Time) (Client, Output) {
	t = t.orStandard()
	c := Client{invite: m == wire.INVITE, reliable: reliable, state: Trying, timers: t, bytes: request}
	if c.invite {
		c.state = Calling
		if t.C > 0 {
			c.timerC = now.Add(t.C) // RFC 3261 s16.6 item 11
		}
	}
	c.clock.end = now.Add(t.giveUp()) // Timer B, F
	if !reliable {
		c.clock.interval = t.T1
		c.clock.retry = now.Add(t.T1) // Timer A, E
	}
	return c, Output{Send: request}
}

// State is where the transaction stands.
func (c *Client) State() State { return c.state }

// Due is when Expire wants to be called next; zero when never.
func (c *Client) Due() time.Time {
	due := c.clock.due()
	if c.state == Proceeding && !c.timerC.IsZero() && (due.IsZero() || c.timerC.Before(due)) {
		return c.timerC
	}
	return due
}

// Response takes the status of a response that matched.
func (c *Client) Response(status int, now time.Time) Output {
	switch {
	case status < 100 || status > 699 || c.state == Terminated:
		return Output{}
	case c.invite:
		return c.inviteResponse(status, now)
	}
	return c.otherResponse(status, now)
}

func (c *Client) inviteResponse(status int, now time.Time) Output {
	switch c.state {
	case Calling, Proceeding:
		return c.inviteAnswer(status, now)
	case Accepted:
		if status/100 == 2 { // RFC 6026 s8.4: every 2xx goes up, repeated or of another fork
			return Output{Event: Deliver}
		}
	case Completed:
		if status >= 300 { // RFC 3261 s17.1.1.2: the ACK again, and the user is left alone
			return Output{Send: c.bytes}
		}
	}
	return Output{}
}

func (c *Client) inviteAnswer(status int, now time.Time) Output {
	switch {
	case status < 200:
		c.state, c.clock, c.bytes = Proceeding, clock{}, nil
		if status > 100 && !c.timerC.IsZero() { // RFC 3261 s16.7 item 2
			c.timerC = now.Add(c.timers.C)
		}
		return Output{Event: Deliver}
	case status < 300:
		c.state, c.bytes = Accepted, nil
		c.clock = clock{end: now.Add(c.timers.giveUp())} // Timer M, RFC 6026 s8.4
		return Output{Event: Deliver}
	}
	c.state, c.bytes = Completed, nil
	c.clock = clock{end: now} // Timer D
	if !c.reliable {
		c.clock.end = now.Add(max(minTimerD, c.timers.giveUp()))
	}
	return Output{Event: Deliver, Ack: true}
}

func (c *Client) otherResponse(status int, now time.Time) Output {
	switch {
	case c.state == Completed:
		return Output{} // RFC 3261 s17.1.2.2: repetitions are absorbed
	case status < 200:
		c.state = Proceeding
		return Output{Event: Deliver}
	case c.reliable: // Timer K is 0
		c.terminate()
		return Output{Event: Deliver, Done: true}
	}
	c.state, c.bytes = Completed, nil
	c.clock = clock{end: now.Add(c.timers.T4)} // Timer K
	return Output{Event: Deliver}
}

// Ack takes the ACK that an Output asked for; it is sent now, and again for each repetition of the response.
func (c *Client) Ack(ack []byte) Output {
	if !c.invite || c.state != Completed || c.bytes != nil {
		return Output{}
	}
	if c.reliable { // Timer D is 0
		c.terminate()
		return Output{Send: ack, Done: true}
	}
	c.bytes = ack
	return Output{Send: ack}
}

// Expire does what is due at now, one thing at a time: call it until Due is later.
func (c *Client) Expire(now time.Time) Output {
	switch {
	case c.clock.ended(now):
		event := None
		if c.state == Calling || c.state == Trying || c.state == Proceeding {
			event = TimedOut // Timer B, F
		}
		c.terminate()
		return Output{Event: event, Done: true}
	case c.state == Proceeding && !c.timerC.IsZero() && !now.Before(c.timerC):
		c.timerC = time.Time{}
		return Output{Event: TimedOut} // RFC 3261 s16.8
	case c.clock.repeat(now, c.nextInterval()):
		return Output{Send: c.bytes}
	}
	return Output{}
}

// nextInterval doubles without bound for an INVITE (s17.1.1.2), up to T2 for others, and is T2 once a provisional
// response has come (s17.1.2.2).
func (c *Client) nextInterval() time.Duration {
	switch {
	case c.invite:
		return 2 * c.clock.interval
	case c.state == Proceeding:
		return c.timers.T2
	}
	return min(2*c.clock.interval, c.timers.T2)
}

// Fail says that the transport could not send (RFC 3261 s17.1.4). In a state that sends nothing it changes nothing.
func (c *Client) Fail(now time.Time) Output {
	sends := c.state == Calling || c.state == Trying || c.state == Completed && c.invite || c.state == Proceeding && !c.invite
	if !sends {
		return Output{}
	}
	c.terminate()
	return Output{Event: Failed, Done: true}
}

func (c *Client) terminate() {
	c.state, c.clock, c.timerC, c.bytes = Terminated, clock{}, time.Time{}, nil
}
