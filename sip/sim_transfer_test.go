package sip

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tonegate/call"
	"tonegate/internal/siptest"
)

// simThird is somebody to whom a call is redirected or transferred: a number
// of the telephone network, or one on the stop list.
type simThird struct {
	number  string
	carrier int // of simCarriers; -1: it is on the list
	status  int // its answer; 0: it rings for ever
	ring    time.Duration
	pickUp  time.Duration
	talk    time.Duration // hangs up so long after it was connected; 0: does not
	early   bool
}

// simTransfer is a REFER of the party on the side of a PBX, to the third party
// of the same place in simPlan.thirds. The second follows when the first has failed.
type simTransfer struct {
	at     time.Duration // after it was connected, or after the failure
	hold   bool          // the other side is put on hold first
	leaves string        // "": waits for the end; accepted: hangs up after the 202; ringing: after a NOTIFY of 180
}

// transferor is the party who may transfer: the one at the PBX.
func (p *simPlan) transferor() int {
	if p.outbound {
		return 0
	}
	return 1
}

func (p *simPlan) third(number string) (int, bool) {
	for i, t := range p.thirds {
		if t.number == number {
			return i, true
		}
	}
	return 0, false
}

// drawThird is one of carriers that answers as wanted; 404 stands for a stopped number.
func (p *simPlan) drawThird(r *rand.Rand, i, status int) {
	t := simThird{carrier: r.IntN(len(simCarriers)), status: status, early: r.IntN(4) == 0,
		ring: between(r, 20*time.Millisecond, 2*time.Second), pickUp: between(r, 50*time.Millisecond, 4*time.Second)}
	t.number = fmt.Sprintf("0502%d0%05d", t.carrier, i*10+len(p.thirds))
	if status == 404 {
		t.carrier, t.number = -1, fmt.Sprintf("05029%06d", i*10+len(p.thirds))
	}
	p.thirds = append(p.thirds, t)
}

// transfer draws a call with one transfer, or two.
func (p *simPlan) transfer(r *rand.Rand, i int) {
	p.shape, p.forks, p.twins, p.talk = "transferred", 0, false, [2]time.Duration{}
	if p.outbound = r.IntN(3) == 0; p.outbound {
		p.outwards(i)
	}
	x := simTransfer{at: between(r, time.Millisecond, 6*time.Second), hold: r.IntN(3) == 0, leaves: []string{"", "", "accepted", "ringing"}[r.IntN(4)]}
	status := []int{200, 200, 200, 200, 486, 486, 0, 404}[r.IntN(8)]
	p.drawThird(r, i, status)
	p.transfers = append(p.transfers, x)
	stays := x.at + between(r, 50*time.Millisecond, 40*time.Second)
	switch {
	case status == 0 && r.IntN(2) == 0: // until Timer C ends it
		stays += 4 * time.Minute
	case r.IntN(3) == 0:
		stays += 80 * time.Second
	}
	if status == 0 { // a refresh by re-INVITE from a party would be refused for too long
		p.timer = false
	}
	if (status == 486 || status == 404) && r.IntN(2) == 0 {
		p.drawThird(r, i, []int{200, 486}[r.IntN(2)])
		p.transfers = append(p.transfers, simTransfer{at: between(r, time.Millisecond, 3*time.Second)})
		stays += 20 * time.Second
	}
	if r.IntN(4) == 0 {
		p.thirds[len(p.thirds)-1].talk = between(r, 50*time.Millisecond, 20*time.Second)
	}
	p.talk[1-p.transferor()] = stays
	for range r.IntN(3) { // who stays has its own wishes meanwhile
		p.changes = append(p.changes, simChange{side: 1 - p.transferor(), kind: []string{"late", "withdrawn", "update", "refresh", "info"}[r.IntN(5)],
			at: x.at + between(r, 0, 15*time.Second), hold: between(r, time.Second, 8*time.Second)})
	}
}

// outwards turns the call around: the PBX calls the telephone network.
func (p *simPlan) outwards(i int) {
	p.primary, p.confirmed = 0, false
	p.place(i)
}

// place gives the two their numbers.
func (p *simPlan) place(i int) {
	p.caller, p.called = fmt.Sprintf("0501234%04d", i), fmt.Sprintf("031234%d%03d", map[bool]int{true: 5}[p.firm], i)
	if p.outbound {
		p.caller, p.called = p.called, fmt.Sprintf("0502%d0%05d", p.carrier, i*10+9)
	}
}

// redirected draws a call whose callee sends it on.
func (p *simPlan) redirected(r *rand.Rand, i int) {
	p.shape, p.forks, p.status = "redirected", 0, 302
	switch r.IntN(6) {
	case 0:
		p.drawThird(r, i, 486)
		p.drawThird(r, i, 404)
		p.drawThird(r, i, 200)
	case 1:
		p.drawThird(r, i, 404)
	case 2:
		p.circle = true
	case 3:
		p.drawThird(r, i, 486)
		p.drawThird(r, i, 200)
	default:
		p.drawThird(r, i, 200)
	}
	if p.talk[1] > 0 && len(p.thirds) > 0 {
		p.thirds[len(p.thirds)-1].talk = p.talk[1]
	}
}

// contacts are those of the redirection, out of order.
func (p *simPlan) contacts() []string {
	if p.circle {
		return []string{"Contact: <sip:" + p.called + "@192.0.2.1>"}
	}
	var all []string
	if p.status == 302 {
		for i := len(p.thirds) - 1; i >= 0; i-- {
			all = append(all, fmt.Sprintf("Contact: <sip:%s@192.0.2.1>;q=0.%d", p.thirds[i].number, 9-i))
		}
	}
	return all
}

func (c *simCall) callerHost() int {
	switch {
	case !c.outbound:
		return c.carrier
	case c.firm:
		return len(simCarriers) + 2
	}
	return len(simCarriers)
}

// patience is how long a party speaks on to somebody who says nothing.
func (c *simCall) patience() time.Duration {
	if len(c.transfers) > 0 {
		return 4 * time.Minute
	}
	return 20 * time.Second
}

// refer asks for the next transfer, once nothing else is under way.
func (e *simEnd) refer() {
	x := &e.call.transfers[e.next]
	switch {
	case e.down:
		return
	case e.asking || e.answers:
		e.robot.Later(e.random(300*time.Millisecond, time.Second), e.refer)
		return
	case x.hold && !e.held:
		e.begin(simChange{kind: "park"}, 0)
		return
	}
	to := []string{"Refer-To: <sip:" + e.call.thirds[e.next].number + "@127.0.0.1>"}
	e.dialog.Request("REFER", to, "", func(m *siptest.Message) {
		switch {
		case e.down:
		case m == nil || m.Code == 408 || m.Code == 481:
			e.hangUp("a request in the call came to nothing")
		case m.Code != 202: // not now
			e.robot.Later(e.random(time.Second, 6*time.Second), e.refer)
		case x.leaves == "accepted":
			e.hangUp("hung up")
		}
	})
}

// notified takes what a transferor is told (RFC 3515 s2.4.4).
func (e *simEnd) notified(q *siptest.RobotRequest) {
	w, status := e.call.world, 0
	q.Respond(e.dialog, 200, nil, "")
	event, state := q.Header("Event"), q.Header("Subscription-State")
	if _, err := fmt.Sscanf(q.Body, "SIP/2.0 %d", &status); err != nil || strings.HasPrefix(state, "terminated") != (status >= 200) || q.Header("Content-Type") != "message/sipfrag;version=2.0" {
		w.t.Errorf("call %d: NOTIFY of %s says %s and %q", e.call.index, event, state, q.Body)
	}
	told := e.notices[event]
	if n := len(told); n > 0 && (told[n-1] >= 200 || told[n-1] > status) {
		w.t.Errorf("call %d: NOTIFY of %s says %d after %d", e.call.index, event, status, told)
	}
	e.notices[event] = append(told, status)
	if e.down {
		return
	}
	switch {
	case status == 180 && e.call.transfers[e.next].leaves == "ringing":
		e.hangUp("hung up")
	case status < 300:
	case e.next+1 < len(e.call.transfers):
		e.next++
		e.robot.Later(e.call.transfers[e.next].at, e.refer)
	case e.held:
		e.begin(simChange{kind: "resume"}, 0)
	}
}

// calledOn is the part of somebody to whom a call was redirected or transferred.
func (c *simCall) calledOn(host, third int, q *siptest.RobotRequest) {
	t := &c.thirds[third]
	if host != t.carrier {
		c.world.t.Errorf("call %d: %s is called at %s", c.index, t.number, c.world.hosts[host].Name)
	}
	for i := range third { // in the order of their q values, and of the transfers
		if asked := c.thirds[i].status != 404; asked && !slices.ContainsFunc(c.more, func(e *simEnd) bool { return e.party == 2+i && e.down }) && !c.hit {
			c.world.t.Errorf("call %d: %s is called before %s", c.index, t.number, c.thirds[i].number)
		}
	}
	e := c.end(1, 2+third, host)
	e.talk, e.dialog = t.talk, q.Call
	c.more = append(c.more, e)
	q.Call.Asked, q.Call.Unacked = e.asked, func() { e.hangUp("no ACK") }
	q.Call.Acked = func(m *siptest.Message) {
		e.hear(m)
		e.connected()
	}
	q.Call.Cancelled = func() { e.over("was cancelled") }
	e.hear(q.Message)
	e.robot.Later(t.ring, func() {
		switch {
		case q.Code >= 200:
		case t.early && q.Body != "":
			q.Respond(e.dialog, 183, nil, e.describe(q.Body, ""))
		default:
			q.Respond(e.dialog, 180, nil, "")
		}
	})
	if t.status == 0 {
		return
	}
	e.robot.Later(t.ring+t.pickUp, func() {
		switch {
		case e.down || q.Code >= 200:
		case t.status == 200:
			e.how = fmt.Sprint("answered ", q.Seq)
			e.agree(q.Message, false)
			q.Respond(e.dialog, 200, e.sessionAnswer(q.Message), e.describe(q.Body, ""))
		default:
			e.over("refused")
			q.Respond(e.dialog, t.status, nil, "")
		}
	})
}

// updateEarly offers something before the call is answered (RFC 3311 s5.1).
func (e *simEnd) updateEarly() {
	if e.asking || e.down {
		return
	}
	e.asking = true
	e.dialog.Request("UPDATE", nil, e.describe("", ""), func(m *siptest.Message) {
		if e.asking = false; m != nil && m.Code == 200 {
			e.hear(m)
			e.changes++
		}
	})
}

// transferOutcomes are the ways in which a transfer may end.
func (c *simCall) transferOutcomes(third int) []string {
	var all []string
	t := &c.thirds[third]
	if t.status != 404 { // whoever stays is A
		all = append(all, "cancelled caller_hung_up")
	}
	switch t.status {
	case 200:
		all = append(all, "completed caller_hung_up")
		if t.talk > 0 {
			all = append(all, "completed callee_hung_up")
		}
	case 486:
		all = append(all, "busy far_end_refused")
	case 0:
		all = append(all, "no_answer nobody_answered")
	case 404:
		all = append(all, "refused stop_list")
	}
	if c.asked {
		all = append(all, "refused stop_list")
	}
	return all
}

// redirectOutcomes are those of a call that is redirected.
func (c *simCall) redirectOutcomes() []string {
	if c.circle {
		return []string{"refused redirected_too_often"}
	}
	last := c.thirds[len(c.thirds)-1]
	switch last.status {
	case 404:
		return []string{fmt.Sprint(call.Refused, " ", call.ReasonStopped)}
	case 200:
		if last.talk > 0 && last.talk < 40*time.Second {
			return []string{"completed callee_hung_up", "no_answer callee_hung_up"}
		}
		return []string{"completed callee_hung_up"}
	}
	return nil
}
