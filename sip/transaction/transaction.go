package transaction

import (
	"errors"
	"time"
)

// Timers are the times that the machines derive theirs from (RFC 3261 s17.1.1.1 and table 4).
type Timers struct {
	T1 time.Duration // round-trip estimate
	T2 time.Duration // longest interval between repetitions, except of an INVITE request
	T4 time.Duration // longest life of a message in the network
	C  time.Duration // longest wait for the final response to an INVITE (s16.6 item 11); 0 waits for ever
}

// Standard are the default times. Timer C must be longer than three minutes.
var Standard = Timers{T1: 500 * time.Millisecond, T2: 4 * time.Second, T4: 5 * time.Second, C: 3*time.Minute + time.Second}

// orStandard replaces the times that would make a machine spin.
func (t Timers) orStandard() Timers {
	if t.T1 <= 0 {
		t.T1 = Standard.T1
	}
	if t.T2 < t.T1 {
		t.T2 = max(Standard.T2, t.T1)
	}
	if t.T4 <= 0 {
		t.T4 = Standard.T4
	}
	return t
}

// giveUp is the 64*T1 of Timers B, F, H, J, L and M.
func (t Timers) giveUp() time.Duration { return 64 * t.T1 }

// State is where a transaction stands, in the words of RFC 3261 figures 5 to 8 and RFC 6026.
type State uint8

// The states. Calling is an INVITE client's first, Trying that of both non-INVITE machines.
const (
	Calling State = iota
	Trying
	Proceeding
	Completed
	Accepted
	Confirmed
	Terminated
)

func (s State) String() string {
	return [...]string{"Calling", "Trying", "Proceeding", "Completed", "Accepted", "Confirmed", "Terminated"}[s]
}

// Event is what the transaction's user is told.
type Event uint8

// The events.
const (
	None       Event = iota
	Deliver          // the response or the ACK that was given goes up to the user
	TimedOut         // Timer B or F: no answer. Timer C, State still Proceeding: the user sends CANCEL
	AckMissing       // Timer H: no ACK for a final response other than 2xx
	Failed           // the transport could not send
)

func (e Event) String() string {
	return [...]string{"None", "Deliver", "TimedOut", "AckMissing", "Failed"}[e]
}

// Output is what to do after an input. The zero Output is: nothing.
type Output struct {
	Send  []byte // to the transport; not to be changed
	Event Event
	Ack   bool // client: build the ACK for this final response and hand it to Ack
	Done  bool // the last output; the machine may be forgotten
}

// ErrCompleted refuses a response that comes after a final one.
var ErrCompleted = errors.New("transaction: final response already sent")

var errStatus = errors.New("transaction: status not 100-699")

// clock holds the deadlines of a machine; a zero time is a timer that does not run.
type clock struct {
	retry    time.Time     // Timer A, E or G
	interval time.Duration // until the retry after that
	end      time.Time     // Timer B, D, F, H, I, J, K, L or M
}

// due is the earlier of the two.
func (c *clock) due() time.Time {
	if c.retry.IsZero() || !c.end.IsZero() && c.end.Before(c.retry) {
		return c.end
	}
	return c.retry
}

// ended tells whether the state's own time is up.
func (c *clock) ended(now time.Time) bool { return !c.end.IsZero() && !now.Before(c.end) }

// repeat tells whether a repetition is due, and sets the next. It is counted from the deadline, not from now, so
// that a loop that runs late does not stretch the schedule; what was missed is not made up for.
func (c *clock) repeat(now time.Time, next time.Duration) bool {
	if c.retry.IsZero() || now.Before(c.retry) {
		return false
	}
	c.interval = next
	if c.retry = c.retry.Add(next); !c.retry.After(now) {
		c.retry = now.Add(next)
	}
	return true
}
