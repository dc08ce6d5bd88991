package sip

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tonegate/call"
	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
)

// check holds a run that is over to its invariants, and counts how its calls ended.
func (w *simWorld) check() simTally {
	w.checkKept()
	for what, n := range map[string]float64{"ports open": float64(w.counters.Legs.Load()), "faults": w.metric("tonegate_faults_total"), "active calls": w.metric("tonegate_active_calls")} {
		if n != 0 {
			w.t.Errorf("%v %s (%s)", n, what, w.run)
		}
	}
	for _, wrong := range append(w.robots.Broken(), w.journal.wrong...) {
		w.t.Errorf("%s (%s)", wrong, w.run)
	}
	w.checkCancels()
	w.readReferrals()
	records, ids := map[string][]callRecord{}, map[string]string{}
	for _, r := range w.records.all() {
		records[r.ID] = append(records[r.ID], r)
		if strings.HasSuffix(r.CallID, "@sim") {
			ids[r.CallID] = r.ID
		}
	}
	for _, c := range w.calls {
		records[c.id] = records[ids[c.id]]
	}
	tally := simTally{calls: len(w.calls), messages: len(w.journal.sip)}
	for _, c := range w.calls {
		wrong, intended := c.judge(records[c.id])
		for _, e := range c.ends() {
			tally.changes += e.changes
		}
		switch {
		case len(wrong) > 0:
			w.explain(c, records[c.id], wrong)
		case c.hit:
			tally.hit++
		case intended:
			tally.intended++
		default:
			tally.lost++
		}
		if len(wrong) == 0 && (*simOnly == c.index || !c.hit && !intended && testing.Verbose()) {
			w.t.Log(w.story(c, records[c.id]))
		}
	}
	return tally
}

// checkCancels is RFC 3261 s9.1: no CANCEL of ours before a provisional response.
func (w *simWorld) checkCancels() {
	heard := map[string]time.Time{} // the first response by branch
	for _, e := range w.journal.sip {
		m, err := siptest.Parse(e.Data)
		if err != nil {
			continue
		}
		switch at, known := heard[m.Branch()]; {
		case !m.IsRequest() && e.To.Addr() == hostUs && e.Fate == simnet.Delivered && !known:
			heard[m.Branch()] = e.At
		case m.Method == "CANCEL" && e.From.Addr() == hostUs && (!known || at.After(e.Sent)):
			w.t.Errorf("a CANCEL for %s at %v before any response (%s)", m.CallID(), e.Sent.Sub(w.began), w.run)
		}
	}
}

// judge says what is wrong with a call, and whether it ended as it was to.
// What ended otherwise because too many messages in a row were lost is neither.
func (c *simCall) judge(records []callRecord) (wrong []string, intended bool) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if len(records) == 0 {
		if !c.hit && c.world.arrived(c.id, "INVITE", hostUs.String()) {
			complain("no record, though its INVITE arrived")
		}
		return wrong, false
	}
	parts := c.parts(records, complain)
	if len(wrong) > 0 {
		return wrong, false
	}
	r := parts[0].record
	if c.final != 0 && c.final != 408 && c.final != r.Status {
		complain("the caller was told %d, the record says %d", c.final, r.Status)
	}
	for _, e := range c.ends() {
		e.checkEnd(r, complain)
		e.checkTones(records, complain)
		e.checkVoices(parts, complain)
	}
	if c.circle && len(c.b) > 6 {
		complain("its callee was called %d times", len(c.b))
	}
	c.checkReferrals(len(parts)-1, complain)
	intended = true
	for i := range parts {
		p := &parts[i]
		p.check(complain)
		if late := p.record.Ended.Sub(c.hitAt); c.hit && late > 5*time.Minute+c.patience() {
			complain("it ended %v after the restart", late)
		}
		if !c.hit && !p.intended(complain) {
			intended = false
		}
	}
	if !c.hit {
		c.checkTalk(parts, complain)
	}
	return wrong, intended
}

// notices is how many are played before the legs hear each other.
func (c *simCall) notices() int {
	s := simCarriers[c.carrier].other
	if c.forwarded {
		s = simCarriers[c.carrier].rule
	}
	if c.outbound {
		s = call.Slots{}
		if c.carrier == 0 {
			s = simOutward
		}
	}
	n := 0
	for _, asset := range []string{s.BeforeCaller, s.BeforeCallee, s.AnswerCaller, s.AnswerCallee} {
		if asset != "" {
			n++
		}
	}
	return n
}

// outcomes are the ways in which a call may end when nothing is lost for good.
func (c *simCall) outcomes() []string {
	var all []string
	early := c.forwarded && c.carrier < 2 && c.reliable
	before := c.forwarded && c.carrier < 3 || c.carrier == 1
	if c.outbound { // the one at the PBX is the caller
		early, before = c.carrier == 0 && c.reliable, c.carrier == 0
	}
	pickedUp := before && (c.late && !early || c.forwarded && c.carrier == 2 && !c.outbound) // the caller is answered before the callee is called
	if c.talk[0] > 0 || c.cancel > 0 {
		all = append(all, "completed caller_hung_up")
	}
	if pickedUp && (c.talk[0] > 0 || c.cancel > 0) {
		all = append(all, "cancelled caller_hung_up")
	}
	if c.earlyBye {
		all = append(all, "cancelled caller_hung_up")
	}
	if c.talk[1] > 0 {
		all = append(all, "completed callee_hung_up")
		if c.talk[1] < 40*time.Second { // it left before the caller was answered
			all = append(all, "no_answer callee_hung_up")
		}
	}
	if c.asked {
		all = append(all, "refused stop_list")
	}
	if len(c.transfers) > 0 {
		all = append(all, "completed transferred")
		if c.transfers[0].leaves != "" { // the transfer had failed by then
			all = append(all, []string{"completed caller_hung_up", "completed callee_hung_up"}[c.transferor()])
		}
	}
	if c.status == 302 && len(c.contacts()) > 0 {
		if c.talk[0] > 0 { // it may be answered for a notice before anybody answers
			all = append(all, "cancelled caller_hung_up")
		}
		return append(all, c.redirectOutcomes()...)
	}
	switch {
	case c.cancel > 0:
		all = append(all, "cancelled caller_cancelled")
	case c.neverAck && c.late: // or the callee, whose ACK waits for the caller's, loses patience first
		return append(all, "failed no_ack", "completed callee_hung_up")
	case c.neverAck:
		return append(all, "failed no_ack")
	}
	switch {
	case c.status == 1:
		return append(all, "failed far_end_unreachable")
	case c.status >= 300:
		return append(all, fmt.Sprint(map[int]call.Result{486: call.Busy, 600: call.Busy, 302: call.Declined, 401: call.Declined, 404: call.Declined, 603: call.Declined, 480: call.NoAnswer, 500: call.Failed}[c.status], " far_end_refused"))
	}
	return all
}

// checkEnd holds a user agent's view of the end against the record's.
func (e *simEnd) checkEnd(r *callRecord, complain func(string, ...any)) {
	w := e.call.world
	answered := e.up || strings.HasPrefix(e.how, "answered") || e.side == 0 && e.call.final/100 == 2
	switch {
	case !e.down && answered && w.arrived(e.dialog.CallID, "BYE", e.dialog.LocalTag):
		complain("side %d had its BYE and is up", e.side)
	case !e.down && answered && !w.sent(e.dialog.CallID, "BYE", e.dialog.LocalTag):
		complain("side %d was answered, and is never sent a BYE", e.side)
	case !e.down && e.side == 0 && !answered:
		complain("the caller waits for ever")
	}
	if e.putOff > 12+int(100*w.run.conditions.Loss) && !e.call.hit && !slices.ContainsFunc(e.call.thirds, func(t simThird) bool { return t.status == 0 }) {
		complain("side %d was refused a change %d times", e.side, e.putOff)
	}
	if e.call.hit || r.Result != call.Completed || e.party > 1 {
		return
	}
	left := r.Reason == call.ReasonCallerHungUp && e.side == 0 || r.Reason == call.ReasonCalleeHungUp && e.side == 1 && e.up && len(e.call.b) == 1
	if left && e.how == "was hung up on" {
		complain("side %d did not hang up, the record says so", e.side)
	}
}

// sent reports whether we sent a request of a dialog, named by Call-ID and a word of the message.
func (w *simWorld) sent(callID, method, word string) bool {
	return w.crossed(callID, method, word, false)
}

// arrived reports whether it came through.
func (w *simWorld) arrived(callID, method, word string) bool {
	return w.crossed(callID, method, word, true)
}

func (w *simWorld) crossed(callID, method, word string, whole bool) bool {
	return slices.ContainsFunc(w.journal.sip, func(e simnet.Event) bool {
		text := string(e.Data)
		return strings.HasPrefix(text, method+" ") && strings.Contains(text, callID) && strings.Contains(text, word) && (!whole || e.Fate == simnet.Delivered)
	})
}

// explain fails the test for one call, with all that there is to say of it.
func (w *simWorld) explain(c *simCall, records []callRecord, wrong []string) {
	w.t.Errorf("call %d of seed %d: %s\n%s\nrepeat it: cd sip && go test -run 'TestSimulation$' -v %s -sim.call=%d",
		c.index, w.run.seed, strings.Join(wrong, "; "), w.story(c, records), w.run, c.index)
}

func (w *simWorld) story(c *simCall, records []callRecord) string {
	var b strings.Builder
	fmt.Fprintf(&b, "plan: %v\nhit by a restart: %v, the caller was told %d\n", c.simPlan, c.hit, c.final)
	for _, e := range c.ends() {
		fmt.Fprintf(&b, "party %d at %s (%s): up %v, down %v: %s; %d packets of tone, %d voices\n", e.party, e.robot.Name, e.dialog.LocalTag, e.up, e.down, e.how, len(e.ear.tone), len(e.ear.voices))
	}
	for _, r := range records {
		line, _ := json.Marshal(r)
		fmt.Fprintf(&b, "record: %s\n", line)
	}
	ids := []string{c.id}
	for _, e := range w.journal.sip {
		if m, err := siptest.Parse(e.Data); err == nil && m.Method == "INVITE" && c.calls(m.URI) && !slices.Contains(ids, m.CallID()) {
			ids = append(ids, m.CallID())
		}
	}
	l := siptest.NewLadder()
	l.Host(w.hosts[c.callerHost()].Name, w.hosts[c.callerHost()].Addr())
	l.Host("tonegate", hostUs)
	for i := range w.hosts {
		if c.uses(i) && i != c.callerHost() {
			l.Host(w.hosts[i].Name, w.hosts[i].Addr())
		}
	}
	for _, e := range w.journal.sip {
		if m, err := siptest.Parse(e.Data); err == nil && slices.Contains(ids, m.CallID()) {
			l.Add(e)
		}
	}
	return b.String() + l.String()
}
