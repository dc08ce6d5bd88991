package sip

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// simPlan is what one call of a simulation is going to do. All of it is drawn
// from the seed before the call begins.
type simPlan struct {
	shape          string // in one word, for the table
	start          time.Duration
	carrier        int // of simCarriers
	caller, called string

	// The caller.
	forwarded, late, reliable, timer bool
	cancel                           time.Duration // gives up so long after its INVITE; 0: never
	earlyBye                         bool          // by BYE, where that can be
	neverAck                         bool

	// The callee.
	firm      bool // lives behind the trunk without a spare and without 100rel
	primary   int  // what the first target does instead: 0 nothing else, 503, or 1 silence
	status    int  // its final answer; 0 none ever, 1 it is silent from the beginning
	ring      time.Duration
	pickUp    time.Duration // after the ringing
	early     bool          // it rings with a description
	confirmed bool          // and wants PRACKs
	forks     int           // so many more telephones ring
	twins     bool          // and two of them answer

	// Others.
	outbound  bool // the PBX calls the carrier
	thirds    []simThird
	transfers []simTransfer
	circle    bool // it is redirected to the callee again

	// Both.
	updates bool             // sends an UPDATE with an offer in its early dialog, after a PRACK
	talk    [2]time.Duration // who hangs up when; 0: not this side
	changes []simChange
	stopped time.Duration // the caller's number gets on the list so long after the INVITE; 0: never
}

// simChange is something that one side does in a call that is up.
type simChange struct {
	side int
	kind string // hold, late (a re-INVITE without offer), withdrawn (one with a CANCEL), update, update hold, fax, refresh, info
	at   time.Duration
	hold time.Duration
}

func (p simPlan) String() string {
	text := fmt.Sprintf("%s from %s to %s at %v by %s: ring %v answer %d after %v talk %v",
		p.shape, p.caller, p.called, p.start, simCarriers[p.carrier].name, p.ring, p.status, p.pickUp, p.talk)
	for _, flag := range []struct {
		name string
		on   bool
	}{{"forwarded", p.forwarded}, {"late offer", p.late}, {"100rel", p.reliable}, {"timer", p.timer}, {"early BYE", p.earlyBye}, {"never acks", p.neverAck}, {"no spare", p.firm},
		{"early media", p.early}, {"rings reliably", p.confirmed}, {"two answers", p.twins},
		{"early UPDATE", p.updates}, {"from the PBX", p.outbound}, {"circle", p.circle}} {
		if flag.on {
			text += ", " + flag.name
		}
	}
	for i, t := range p.thirds {
		text += fmt.Sprintf(", third %+v", t)
		if i < len(p.transfers) {
			text += fmt.Sprintf(" by %+v", p.transfers[i])
		}
	}
	return fmt.Sprintf("%s, cancel %v, primary %d, %d forks, stopped %v, changes %v", text, p.cancel, p.primary, p.forks, p.stopped, p.changes)
}

// drawPlan is one call of the mix.
func drawPlan(r *rand.Rand, i int, window time.Duration) simPlan {
	between := func(from, to time.Duration) time.Duration { return between(r, from, to) }
	one := func(n int) bool { return r.IntN(n) == 0 }
	firm := one(3)
	p := simPlan{shape: "answered", start: between(0, window), carrier: r.IntN(len(simCarriers)), firm: firm,
		caller: fmt.Sprintf("0501234%04d", i), called: fmt.Sprintf("031234%d%03d", map[bool]int{true: 5}[firm], i),
		forwarded: one(2), late: one(8), reliable: one(2), timer: one(3), status: 200,
		ring: between(20*time.Millisecond, 800*time.Millisecond), pickUp: between(50*time.Millisecond, 4*time.Second),
		early: one(4), confirmed: one(4)}
	if one(6) {
		p.forks, p.twins = 1+r.IntN(3), one(2)
	}
	switch side, talk := r.IntN(5), between(50*time.Millisecond, 30*time.Second); side {
	case 0:
		p.talk = [2]time.Duration{talk, talk + between(-60*time.Millisecond, 60*time.Millisecond)/2}
		p.talk[1] = max(p.talk[1], 1)
	case 1, 2:
		p.talk[0] = talk
	default:
		p.talk[1] = talk
	}
	p.updates = one(4)
	p.shapeUp(r, i)
	if one(25) {
		p.stopped = between(time.Second, 20*time.Second)
	}
	return p
}

// between draws a time.
func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)))
}

// shapeUp draws what is special about a call: of half of them, nothing.
func (p *simPlan) shapeUp(r *rand.Rand, i int) {
	between := func(from, to time.Duration) time.Duration { return between(r, from, to) }
	switch n := r.IntN(48); {
	case n < 3:
		p.shape, p.cancel, p.earlyBye = "cancelled", between(time.Millisecond, 6*time.Second), r.IntN(3) == 0
	case n < 5:
		p.shape, p.status = "busy", []int{486, 600}[r.IntN(2)]
	case n == 5:
		p.shape, p.status = "declined", []int{302, 401, 404, 480, 500, 603}[r.IntN(6)]
	case n == 6:
		p.shape, p.status, p.cancel = "no answer", 0, between(5*time.Second, 40*time.Second)
	case n == 7:
		p.shape, p.status, p.firm, p.called = "silent callee", 1, true, fmt.Sprintf("0312345%03d", i)
	case n < 10 && !p.firm:
		p.shape, p.primary = "spare", []int{503, 1}[r.IntN(2)]
	case n == 10:
		p.shape, p.neverAck, p.talk = "never acks", true, [2]time.Duration{}
	case n < 13:
		p.shape, p.stopped = "stopped", between(time.Second, 20*time.Second)
	case n < 17 || n >= 40 && n < 45:
		p.transfer(r, i)
	case n < 18 || n == 45:
		p.redirected(r, i)
	case n < 26:
		p.shape = "changed"
		soon := r.IntN(3) == 0 // during the tone at answer
		for range 1 + r.IntN(4) {
			p.changes = append(p.changes, simChange{side: r.IntN(2), kind: []string{"hold", "update hold", "late", "withdrawn", "update", "refresh", "info", "fax"}[r.IntN(8)],
				at: between(0, map[bool]time.Duration{true: 400 * time.Millisecond, false: 15 * time.Second}[soon]), hold: between(time.Second, 8*time.Second)})
		}
		for side := range p.talk {
			if p.talk[side] > 0 {
				p.talk[side] += 20 * time.Second
			}
		}
	case n < 28:
		p.shape = "long"
		for side := range p.talk {
			if p.talk[side] > 0 {
				p.talk[side] += 90 * time.Second // two refreshes of 90 s
			}
		}
	}
}
