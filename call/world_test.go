package call

import (
	"fmt"
	"strings"
	"time"
)

// world is what is around a call: a second, independent account of the wire,
// which knows what was sent, what may come back, and what the RFCs allow at
// that moment.
type world struct {
	call Call

	aFinals, aByes    int
	aAnswered, aAcked bool
	aGone             bool // A sent BYE or got one
	bOpen             bool // an INVITE to B without a final response
	bDialled          int
	bProvisional      bool
	bCancels          int
	bForks            [2]fork // by To-tag, f1 and f2
	bGone             bool
	hears             [2]bool
	whole             [2]bool // a notice was heard to its end
	bridged           bool
	openFrom          [2]bool // re-INVITEs of a peer without our final response
	ackOwedBy         [2]bool // our 2xx to a re-INVITE, not acknowledged
	update            [2]bool // what is open from a peer is an UPDATE
	openTo            [3]bool // our re-INVITEs without a final response
	ackOwedTo         [3]bool // 2xx to our re-INVITEs that we have not acknowledged
	stopped           [2]bool // what a leg hears was told to end
	finishes          int
	aWantedToLeave    bool
	reliable          bool  // A acknowledges provisional responses
	prackOwed         int   // by A
	trace             []any // events and actions so far

	refers, redirects bool // what the peers do in this world
	target            *Plan
	there             bool  // a party is parked
	parkedSide        Side  // where it was
	before            ended // leg B before the transfer
	referrals, writes int
	told              bool // the transferor has had the last word
}

// ended is the account of leg B's INVITE.
type ended struct {
	forks   [2]fork
	dialled int
}

type fork struct{ answered, acked, ended bool }

func newWorld(p *Plan) *world { return &world{call: New(p)} }

// clone is a snapshot: the call and its world are plain values.
func (w *world) clone() *world {
	n := *w
	n.trace = n.trace[:len(n.trace):len(n.trace)]
	return &n
}

// tags are the To-tags of the two forks.
var tags = [2]string{"f1", "f2"}

// fork is the fork with a To-tag; a tag that no response had is none.
func (w *world) fork(tag string) *fork {
	for i := range tags {
		if tags[i] == tag {
			return &w.bForks[i]
		}
	}
	return &fork{}
}

// story is what happened, in words.
func (w *world) story() string {
	var lines []string
	for _, step := range w.trace {
		indent := ""
		if _, ok := step.(Action); ok {
			indent = "    "
		}
		lines = append(lines, fmt.Sprintf("%s%T%+v", indent, step, step))
	}
	return strings.Join(lines, "\n")
}

// possible lists what the world can do next.
func (w *world) possible() []Event {
	var evs []Event
	if w.aFinals == 0 {
		evs = append(evs, Cancelled{})
	}
	if w.prackOwed > 0 && w.aFinals == 0 {
		evs = append(evs, PrackMissing{}, Pracked{Answer: Theirs("a-prack")})
		if w.call.callerSDP.From != Nobody {
			evs = append(evs, Pracked{})
		}
	}
	if w.aAnswered && !w.aAcked && !w.aGone {
		evs = append(evs, AckMissing{})
		if w.call.callerSDP.From == Nobody {
			evs = append(evs, Acked{Answer: Theirs("a-answer")})
		} else {
			evs = append(evs, Acked{})
		}
	}
	if w.aAnswered && !w.aGone {
		evs = append(evs, HungUp{Side: A, Cause: 16})
		if w.aAcked {
			evs = append(evs, RefreshDue{Side: A}, SessionExpired{Side: A})
		}
		if w.aAcked && !w.openFrom[A] {
			evs = append(evs, Reinvited{Side: A, Offer: Theirs("a-new")})
		}
	}
	if w.bOpen {
		if !w.bProvisional {
			evs = append(evs, Progressed{Status: 100}, Unreachable{Status: 408})
		}
		evs = append(evs, Progressed{Status: 180, Fork: "f1"}, Progressed{Status: 183, Fork: "f2", SDP: Theirs("b-early")},
			Rejected{Status: 486}, Rejected{Status: 503}, RangOut{})
		if w.bCancels > 0 {
			evs = append(evs, Unreachable{Status: 408})
		}
	}
	if w.bDialled > 0 {
		for _, f := range []string{"f1", "f2"} {
			if !w.fork(f).answered && (w.bOpen || w.anyFork()) {
				evs = append(evs, Answered{Fork: f, SDP: Theirs("b-answer")})
			}
		}
	}
	if f := w.fork(w.call.fork); f.answered && f.acked && !f.ended && !w.bGone {
		evs = append(evs, HungUp{Side: B, Cause: 16})
		if !w.openFrom[B] {
			evs = append(evs, Reinvited{Side: B}, Reinvited{Side: B, Offer: Theirs("b-update"), Update: true})
		}
	}
	for _, s := range []Side{A, B} {
		if w.hears[s] {
			evs = append(evs, NoticeEnded{Side: s, Proof: Proof{Leg: s, Asset: "tone", Complete: true}},
				NoticeEnded{Side: s, Proof: Proof{Leg: s, Failed: "no media path"}})
		}
		if w.openFrom[s] {
			evs = append(evs, ReinviteCancelled{Side: s})
		}
		if w.ackOwedBy[s] {
			evs = append(evs, ReinviteAcked{Side: s, Answer: Theirs("re-answer")}, ReinviteAcked{Side: s, Missing: true})
		}
	}
	for s, open := range w.openTo {
		if s := Side(s); open {
			evs = append(evs, ReinviteAnswered{Side: s, Status: 200, SDP: Theirs("re-sdp")},
				ReinviteAnswered{Side: s, Status: 491}, ReinviteAnswered{Side: s, Status: 488}, ReinviteAnswered{Side: s, Status: 481})
		}
	}
	evs = append(evs, w.transfers()...)
	if w.redirects && w.bOpen {
		evs = append(evs, Redirected{Status: 302, Plans: []*Plan{{Refusal: &Refusal{Status: 404}, Why: ReasonStopped}, w.target}},
			Redirected{Status: 302, Plans: []*Plan{{Refusal: &Refusal{Status: 404}, Why: ReasonStopped}}})
	}
	if w.aFinals == 0 && !w.openFrom[A] && w.call.replied == Us {
		evs = append(evs, Reinvited{Side: A, Offer: Theirs("a-update"), Update: true})
	}
	return append(evs, Suspended{}, MediaLost{})
}

// transfers are the events of a transfer.
func (w *world) transfers() []Event {
	if !w.refers {
		return nil
	}
	if w.there {
		return []Event{HungUp{Side: Parked, Cause: 16}, Reinvited{Side: Parked}, RefreshDue{Side: Parked}}
	}
	var evs []Event
	if w.aAcked && !w.aGone {
		evs = append(evs, Referred{Side: A, Plan: w.target}, Referred{Side: A, Plan: &Plan{Refusal: &Refusal{Status: 404}, Why: ReasonStopped}})
	}
	if f := w.fork(w.call.fork); f.answered && f.acked && !f.ended && !w.bGone {
		evs = append(evs, Referred{Side: B, Plan: w.target})
	}
	return evs
}

func (w *world) anyFork() bool {
	for _, f := range w.bForks {
		if f.answered {
			return true
		}
	}
	return false
}

// feed gives the call one event, and holds its actions against the world.
func (w *world) feed(ev Event) error {
	w.trace = append(w.trace, ev)
	w.happen(ev)
	for _, a := range w.call.Step(time.Unix(0, 0), ev) {
		w.trace = append(w.trace, a)
		if err := w.check(a); err != nil {
			return fmt.Errorf("%w\n%s", err, w.story())
		}
	}
	if w.bridged && (w.aGone || w.bGone) {
		return fmt.Errorf("bridged to a leg that has gone\n%s", w.story())
	}
	for _, leg := range []Side{A, B} {
		if w.aGone && w.hears[leg] && !w.stopped[leg] {
			return fmt.Errorf("a notice plays on after the end of the call\n%s", w.story())
		}
	}
	return nil
}

// happen notes what the event means on the wire.
func (w *world) happen(ev Event) {
	switch e := ev.(type) {
	case Invited:
		w.reliable = e.Reliable
	case Pracked:
		w.prackOwed--
	case Cancelled:
		w.aWantedToLeave = true
	case Acked:
		w.aAcked = true
	case AckMissing:
		w.aAcked = true // 64*T1 is over: BYE is allowed now
	case HungUp:
		switch e.Side {
		case A:
			w.aGone, w.aWantedToLeave = true, true
		case B:
			w.bGone = true
		case Parked:
			w.left()
		}
	case Progressed:
		w.bProvisional = true
	case Answered:
		*w.fork(e.Fork) = fork{answered: true}
		w.bOpen = false
	case Rejected, Unreachable, Redirected:
		w.bOpen = false
	case NoticeEnded:
		w.hears[e.Side] = false
		if e.Proof.Complete {
			w.whole[e.Side] = true
		}
	case Reinvited:
		if e.Side != Parked {
			w.openFrom[e.Side], w.update[e.Side] = true, e.Update
		}
	case ReinviteAnswered:
		w.openTo[e.Side] = false
		w.ackOwedTo[e.Side] = e.Status < 300
	case ReinviteAcked:
		w.ackOwedBy[e.Side] = false
	}
}

// settle lets every timer run out, and demands that the call then be over
// with nothing owed to anybody.
func (w *world) settle() error {
	steps := []Event{Released{Why: ReasonShutdown}}
	for i := 0; i < 12; i++ {
		for _, ev := range steps {
			if err := w.feed(ev); err != nil {
				return err
			}
		}
		steps = steps[:0]
		switch {
		case w.finishes == 1 && !w.openTo[A] && !w.openTo[B]:
			return w.debts()
		case w.hears[A]:
			steps = append(steps, NoticeEnded{Side: A, Proof: Proof{Failed: "stopped"}})
		case w.hears[B]:
			steps = append(steps, NoticeEnded{Side: B, Proof: Proof{Failed: "stopped"}})
		case w.aAnswered && !w.aAcked && !w.aGone:
			steps = append(steps, AckMissing{})
		case w.openTo[A]:
			steps = append(steps, ReinviteAnswered{Side: A, Status: 200, SDP: Theirs("late")})
		case w.openTo[Parked]:
			steps = append(steps, ReinviteAnswered{Side: Parked, Status: 481})
		case w.openTo[B]:
			steps = append(steps, ReinviteAnswered{Side: B, Status: 481})
		case w.bOpen:
			steps = append(steps, Unreachable{Status: 408})
		}
	}
	return fmt.Errorf("the call does not end: %s\n%s", &w.call, w.story())
}

func (w *world) debts() error {
	bad := ""
	for i, f := range w.bForks {
		tag := tags[i]
		if !f.answered {
			continue
		}
		if !f.acked {
			bad += " fork " + tag + " lacks its ACK;"
		}
		if !f.ended && !w.bGone {
			bad += " fork " + tag + " is still up;"
		}
	}
	if w.ackOwedTo != [3]bool{} {
		bad += " a 2xx to a re-INVITE lacks its ACK;"
	}
	if w.openFrom[A] || w.openFrom[B] {
		bad += " a re-INVITE lacks its final response;"
	}
	if w.there {
		bad += " somebody is still parked;"
	}
	if w.aFinals != 1 {
		bad += fmt.Sprintf(" %d final responses to A;", w.aFinals)
	}
	if bad != "" {
		return fmt.Errorf("debts at the end:%s\n%s", bad, w.story())
	}
	return nil
}

func explore(w *world, depth int, count *int) error {
	*count++
	if err := w.clone().settle(); err != nil {
		return err
	}
	if depth == 0 {
		return nil
	}
	for _, ev := range w.possible() {
		next := w.clone()
		if err := next.feed(ev); err != nil {
			return err
		}
		if err := explore(next, depth-1, count); err != nil {
			return err
		}
	}
	return nil
}
