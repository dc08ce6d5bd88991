package config

// Stoplist says what follows from a number that is on the list.
type Stoplist struct {
	Refuse     Refuse
	LiveCalls  LiveCalls
	Unreadable Unreadable
	Approval   Approval
}

// Refuse is the answer to a stopped call.
type Refuse struct {
	Code     int    // SIP status
	Cause    int    // Q.850
	Announce string // asset played as early media first; "" is none
}

// Approval is how many numbers one person may add and lift in a change; beyond, it waits for a second person.
type Approval struct{ Added, Lifted int }

func (s *Stoplist) read(v value) {
	v.object(keys{
		"refuse":     s.Refuse.read,
		"live_calls": into(&s.LiveCalls, oneOf(End, Keep)),
		"unreadable": into(&s.Unreadable, oneOf(Allow, Forbid)),
		"approval":   s.Approval.read,
	}, nil)
}

func (r *Refuse) read(v value) {
	v.object(keys{
		"code":     into(&r.Code, whole(400, 699)),
		"cause":    into(&r.Cause, whole(1, 127)),
		"announce": into(&r.Announce, name),
	}, nil)
}

func (a *Approval) read(v value) {
	v.object(keys{
		"added":  into(&a.Added, whole(0, 100_000_000)),
		"lifted": into(&a.Lifted, whole(0, 100_000_000)),
	}, nil)
}
