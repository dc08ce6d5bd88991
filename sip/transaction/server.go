package transaction

import (
	"time"

	"tonegate/sip/wire"
)

// Server is one server transaction, INVITE or not. It is a value without references into others.
type Server struct {
	invite   bool
	reliable bool
	state    State
	timers   Timers
	clock    clock
	response []byte // the last one sent, while it may have to be sent again
}

// NewServer starts a transaction for a request, anything but ACK. The user answers an INVITE with 100 at once unless
// something better follows within 200 ms (RFC 3261 s17.2.1).
func NewServer(m wire.Method, reliable bool, t Timers, now time.Time) Server {
	s := Server{invite: m == wire.INVITE, reliable: reliable, state: Trying, timers: t.orStandard()}
	if s.invite {
		s.state = Proceeding
	}
	return s
}

// State is where the transaction stands.
func (s *Server) State() State { return s.state }

// Due is when Expire wants to be called next; zero when never.
func (s *Server) Due() time.Time { return s.clock.due() }

// Request takes a request that matched: a repetition, or the ACK. The ACK for a 2xx goes up to the user, should it
// match at all (RFC 6026 s7.1); that for another response does not.
func (s *Server) Request(m wire.Method, now time.Time) Output {
	switch {
	case m == wire.ACK:
		return s.ack(now)
	case s.invite != (m == wire.INVITE):
		return Output{} // another transaction's
	}
	switch s.state {
	case Proceeding, Completed:
		return Output{Send: s.response}
	}
	return Output{} // Trying, Accepted, Confirmed absorb
}

func (s *Server) ack(now time.Time) Output {
	switch {
	case !s.invite:
		return Output{}
	case s.state == Accepted:
		return Output{Event: Deliver}
	case s.state != Completed:
		return Output{}
	case s.reliable: // Timer I is 0
		s.terminate()
		return Output{Done: true}
	}
	s.state, s.response = Confirmed, nil
	s.clock = clock{end: now.Add(s.timers.T4)} // Timer I
	return Output{}
}

// Respond sends a response of the user. After a final one it is ErrCompleted and the repeated final stays what it
// was; only a 2xx to an INVITE is repeated by the user and passes again (RFC 3261 s13.3.1.4, RFC 6026 s7.1).
func (s *Server) Respond(status int, response []byte, now time.Time) (Output, error) {
	switch {
	case status < 100 || status > 699:
		return Output{}, errStatus
	case s.state == Accepted && status/100 == 2:
		return Output{Send: response}, nil
	case s.state != Trying && s.state != Proceeding:
		return Output{}, ErrCompleted
	case status < 200:
		s.state, s.response = Proceeding, response
		return Output{Send: response}, nil
	case s.invite:
		s.inviteFinal(status, response, now)
		return Output{Send: response}, nil
	case s.reliable: // Timer J is 0
		s.terminate()
		return Output{Send: response, Done: true}, nil
	}
	s.state, s.response = Completed, response
	s.clock = clock{end: now.Add(s.timers.giveUp())} // Timer J
	return Output{Send: response}, nil
}

func (s *Server) inviteFinal(status int, response []byte, now time.Time) {
	s.clock = clock{end: now.Add(s.timers.giveUp())} // Timer H, L
	if status < 300 {
		s.state, s.response = Accepted, nil
		return
	}
	s.state, s.response = Completed, response
	if !s.reliable {
		s.clock.interval = s.timers.T1
		s.clock.retry = now.Add(s.timers.T1) // Timer G
	}
}

// Expire does what is due at now, one thing at a time: call it until Due is later.
func (s *Server) Expire(now time.Time) Output {
	switch {
	case s.clock.ended(now):
		event := None
		if s.invite && s.state == Completed {
			event = AckMissing // Timer H
		}
		s.terminate()
		return Output{Event: event, Done: true}
	case s.clock.repeat(now, min(2*s.clock.interval, s.timers.T2)):
		return Output{Send: s.response}
	}
	return Output{}
}

func (s *Server) terminate() { s.state, s.clock, s.response = Terminated, clock{}, nil }
