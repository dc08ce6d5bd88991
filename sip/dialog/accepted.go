package dialog

import "time"

// Accepted is a 2xx to an INVITE that waits for its ACK. It is repeated on
// every transport, from T1 doubling up to T2, until 64*T1 are over
// (RFC 3261 s13.3.1.4).
type Accepted struct {
	response []byte
	interval time.Duration
	t2       time.Duration
	next     time.Time
	end      time.Time
}

// Accept starts the repetition; the first sending is the caller's.
func Accept(response []byte, t1, t2 time.Duration, now time.Time) Accepted {
	return Accepted{response: response, interval: t1, t2: t2, next: now.Add(t1), end: now.Add(64 * t1)}
}

// Waiting reports whether the ACK is still awaited.
func (a *Accepted) Waiting() bool { return a.response != nil }

// Due is when Expire wants to be called; zero when nothing is awaited.
func (a *Accepted) Due() time.Time {
	switch {
	case !a.Waiting():
		return time.Time{}
	case a.next.After(a.end):
		return a.end
	}
	return a.next
}

// Expire gives the response to send again, or says that the ACK is missing
// for good; then the session ends with a BYE.
func (a *Accepted) Expire(now time.Time) (send []byte, missing bool) {
	switch {
	case !a.Waiting():
		return nil, false
	case !now.Before(a.end):
		*a = Accepted{}
		return nil, true
	case now.Before(a.next):
		return nil, false
	}
	a.interval = min(2*a.interval, a.t2)
	a.next = now.Add(a.interval)
	return a.response, false
}

// Stop ends the repetition: the ACK came, or the dialog ended.
func (a *Accepted) Stop() { *a = Accepted{} }
