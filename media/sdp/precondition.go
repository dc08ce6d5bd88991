package sdp

import "strings"

// UnmetPrecondition is the first precondition of the line that we carry (Active) that is mandatory and that the description
// does not call met itself, as its a=des line says it: "qos mandatory e2e sendrecv". Each status type is looked at by itself, end to
// end ("e2e") or by segment ("local", "remote"), as RFC 3312 s5 does. A mandatory one that cannot be read is not met.
func (s *Session) UnmetPrecondition() (desired string, unmet bool) {
	at, _, ok := s.Active()
	if !ok {
		return "", false
	}
	var list conditions
	for l, rest := (line{}), s.sections[at].below; rest != ""; {
		l, rest = cut(rest)
		if name, value := l.attribute(); name == "curr" {
			list.reach(value)
		}
	}
	for l, rest := (line{}), s.sections[at].below; rest != ""; {
		l, rest = cut(rest)
		if name, value := l.attribute(); name == "des" && !list.meets(value) {
			return value, true
		}
	}
	return "", false
}

// condition is what a=curr lines say of one precondition and status type.
type condition struct {
	kind, segment string // "qos", "e2e"
	dir           Direction
}

// conditions are those of a media line; there is one type that is registered for voice, and three status types.
type conditions struct {
	list [8]condition
	n    int
}

func (c *conditions) find(kind, segment string) *condition {
	for i := range c.list[:c.n] {
		if e := &c.list[i]; strings.EqualFold(e.kind, kind) && strings.EqualFold(e.segment, segment) {
			return e
		}
	}
	return nil
}

// reach takes in the value of an a=curr line. What cannot be read, and what is more than the list holds, is not reached.
func (c *conditions) reach(value string) {
	kind, rest := field(value)
	segment, rest := field(rest)
	tag, _ := field(rest)
	dir, ok := conditionTag(tag)
	if !ok {
		return
	}
	if e := c.find(kind, segment); e != nil {
		e.dir = direction(e.dir.Sends() || dir.Sends(), e.dir.Receives() || dir.Receives())
		return
	}
	if c.n < len(c.list) {
		c.list[c.n] = condition{kind, segment, dir}
		c.n++
	}
}

// meets reports whether the value of an a=des line demands nothing, or nothing that is not reached.
func (c *conditions) meets(value string) bool {
	kind, rest := field(value)
	strength, rest := field(rest)
	segment, rest := field(rest)
	tag, _ := field(rest)
	if !strings.EqualFold(strength, "mandatory") {
		return true
	}
	want, ok := conditionTag(tag)
	if !ok {
		return false
	}
	reached := Inactive
	if e := c.find(kind, segment); e != nil {
		reached = e.dir
	}
	return (reached.Sends() || !want.Sends()) && (reached.Receives() || !want.Receives())
}

// conditionTag reads a direction-tag (RFC 3312 s4).
func conditionTag(tag string) (Direction, bool) {
	for d, name := range [...]string{SendRecv: "sendrecv", SendOnly: "send", RecvOnly: "recv", Inactive: "none"} {
		if strings.EqualFold(tag, name) {
			return Direction(d), true
		}
	}
	return Inactive, false
}
