package sip

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tonegate/call"
	"tonegate/internal/siptest"
)

// simPart is a call as one record has it: the first, or a transfer of it.
type simPart struct {
	call   *simCall
	record *callRecord
	third  int    // to whom it is a transfer; -1: it is the first
	pair   [2]int // the parties who talk
}

// parts are what the records of one call are about: the first, and one for each transfer.
func (c *simCall) parts(records []callRecord, complain func(string, ...any)) []simPart {
	first := simPart{call: c, third: -1, pair: [2]int{0, 1}}
	var parts []simPart
	for i := range records {
		r := &records[i]
		if !r.Transfer {
			if first.record != nil {
				complain("two records that are no transfer's")
			}
			first.record = r
			continue
		}
		third := slices.IndexFunc(c.thirds, func(t simThird) bool { return "+81"+t.number[1:] == r.Called })
		if third < 0 || len(c.transfers) == 0 {
			complain("the record of a transfer to %s", r.Called)
			return nil
		}
		parts = append(parts, simPart{call: c, record: r, third: third, pair: [2]int{1 - c.transferor(), 2 + third}})
	}
	if first.record == nil {
		complain("no record of the call itself")
		return nil
	}
	if first.record.CallID != c.id {
		complain("the record of the call itself is of %s", first.record.CallID)
	}
	if to := first.record.Redirected; len(to) > 0 && !c.circle {
		first.pair[1] = 2 + slices.IndexFunc(c.thirds, func(t simThird) bool { return "+81"+t.number[1:] == to[len(to)-1] })
	}
	return append([]simPart{first}, parts...)
}

// calls reports whether a Request-URI is that of somebody whom the call is to reach.
func (c *simCall) calls(uri string) bool {
	return strings.Contains(uri, c.called) || slices.ContainsFunc(c.thirds, func(t simThird) bool { return strings.Contains(uri, t.number) })
}

// check holds a record to what each is held to.
func (p *simPart) check(complain func(string, ...any)) {
	r, want := p.record, p.call.notices()
	if p.third >= 0 {
		want = 0
		if p.call.thirds[p.third].carrier == 0 {
			want = 2
		}
	}
	if r.Bridged != nil {
		for _, n := range r.Notices {
			if !n.Complete && !strings.HasPrefix(n.Failed, "on hold") {
				complain("bridged after a notice cut short")
			}
		}
		if len(r.Notices) != want && len(r.Redirected) == 0 {
			complain("bridged after %d notices, want %d", len(r.Notices), want)
		}
	}
	if r.Bridged == nil && r.Result == call.Completed && r.Reason != call.ReasonCallerHungUp && r.Reason != call.ReasonCalleeHungUp {
		complain("completed without ever being bridged")
	}
	if r.Result != call.Completed || len(p.call.thirds) == 0 || p.call.hit {
		return
	}
	for side, reason := range []call.Reason{call.ReasonCallerHungUp, call.ReasonCalleeHungUp} {
		if r.Reason == reason && p.end(p.pair[side], func(e *simEnd) bool { return e.up && e.how == "was hung up on" }) != nil {
			complain("party %d did not hang up, the record of %s says so", p.pair[side], r.Called)
		}
	}
}

// end is a user agent of a party, of which something is true.
func (p *simPart) end(party int, is func(*simEnd) bool) *simEnd {
	for _, e := range p.call.ends() {
		if e.party == party && is(e) {
			return e
		}
	}
	return nil
}

// intended reports whether a part ended as it was to; it complains when not even losses can have made that.
func (p *simPart) intended(complain func(string, ...any)) bool {
	c, r := p.call, p.record
	outcomes := c.outcomes()
	if p.third >= 0 {
		outcomes = c.transferOutcomes(p.third)
	}
	if slices.Contains(outcomes, fmt.Sprint(r.Result, " ", r.Reason)) {
		return true
	}
	switch r.Reason {
	case call.ReasonGone: // we asked one that had hung up, and whose BYE was lost
		return slices.ContainsFunc(c.ends(), func(e *simEnd) bool { return strings.HasPrefix(e.how, "hung up") && e.gone.Before(r.Ended) })
	case call.ReasonUnreachable, call.ReasonNoAck, call.ReasonNoPrack, call.ReasonSessionExpired, call.ReasonRangOut:
		return false
	case call.ReasonCallerHungUp, call.ReasonCalleeHungUp: // a user agent gave up, for a request of its own came to nothing
		if slices.ContainsFunc(c.ends(), func(e *simEnd) bool {
			return strings.HasPrefix(e.how, "a request") || strings.HasPrefix(e.how, "the session") || strings.HasPrefix(e.how, "no ACK")
		}) {
			return false
		}
	}
	complain("%s %s was not to be; want one of %q", r.Result, r.Reason, outcomes)
	return false
}

// simInterval is a time in which two parties may hear each other.
type simInterval struct{ from, to time.Time }

// windows are those of two parties.
func windows(parts []simPart, one, other int) []simInterval {
	var all []simInterval
	for i := range parts {
		p := &parts[i]
		r, c := p.record, p.call
		among := slices.Contains(p.pair[:], one) && slices.Contains(p.pair[:], other)
		early := p.third < 0 && c.early || p.third >= 0 && c.thirds[p.third].early
		if len(r.Redirected) > 0 { // it may have heard those before ringing
			among, early = one == 0 || other == 0, true
		}
		from := r.Bridged
		if early && r.Rang != nil {
			from = r.Rang
		}
		if from == nil || !among {
			continue
		}
		at := *from
		if p.third < 0 { // but not while it is transferred
			for _, transfer := range parts[1:] {
				if x := transfer.record; x.Ended.After(x.Invited) {
					all = append(all, simInterval{at, x.Invited})
					at = x.Ended
				}
			}
		}
		all = append(all, simInterval{at, r.Ended})
	}
	return all
}

// checkTones holds what an end was sent against the records: whole tones, and nobody's voice with them.
func (e *simEnd) checkTones(records []callRecord, complain func(string, ...any)) {
	packets := 0
	for _, r := range records {
		for _, n := range r.Notices {
			if n.SentTo != e.voice.String() {
				continue
			}
			packets += n.Packets
			if n.Complete != (n.Packets == simTonePackets) {
				complain("a tone of %d packets, complete %v", n.Packets, n.Complete)
			}
			for speaker, times := range e.ear.voices {
				if n.First != nil && slices.ContainsFunc(times, func(at time.Time) bool { return at.After(*n.First) && at.Before(*n.Last) }) {
					complain("party %d hears party %d during its tone", e.party, speaker)
				}
			}
		}
	}
	if len(e.ear.tone) != packets {
		complain("party %d was sent %d packets of tone, the records say %d", e.party, len(e.ear.tone), packets)
	}
}

// checkVoices holds the voices that an end was sent to the times at which they were bridged.
func (e *simEnd) checkVoices(parts []simPart, complain func(string, ...any)) {
	for speaker, times := range e.ear.voices {
		may := windows(parts, e.party, speaker)
		stray := slices.IndexFunc(times, func(at time.Time) bool {
			return !slices.ContainsFunc(may, func(w simInterval) bool { return !at.Before(w.from) && !at.After(w.to) })
		})
		if stray >= 0 {
			complain("party %d hears party %d at %v, they were bridged %v", e.party, speaker, times[stray], may)
		}
	}
}

// Two who are bridged hear each other, once what they were told before has had
// its time to be told again.
const (
	simSettled = 35 * time.Second
	simHeard   = 30 * time.Second // longer than chance keeps anybody silent
)

// checkTalk holds parties who were bridged for long to having heard each other, to the end.
func (c *simCall) checkTalk(parts []simPart, complain func(string, ...any)) {
	for _, change := range c.changes {
		if strings.HasSuffix(change.kind, "hold") {
			return
		}
	}
	for i := range parts {
		p := &parts[i]
		up := func(e *simEnd) bool { return e.up }
		one, other := p.end(p.pair[0], up), p.end(p.pair[1], up)
		spans := windows(parts, p.pair[0], p.pair[1])
		if p.record.Bridged == nil || one == nil || other == nil || one.held || other.held || len(spans) == 0 {
			continue
		}
		last := spans[len(spans)-1]
		from := last.from.Add(simSettled)
		for _, e := range []*simEnd{one, other} {
			if e.down && e.gone.Before(last.to) {
				last.to = e.gone
			}
		}
		if last.to.Sub(from) < simHeard {
			continue
		}
		for _, e := range []*simEnd{one, other} {
			speaker := p.pair[0] + p.pair[1] - e.party
			if !slices.ContainsFunc(e.ear.voices[speaker], func(at time.Time) bool { return at.After(from) && at.Before(last.to) }) {
				complain("party %d does not hear party %d from %v to %v", e.party, speaker, from, last.to)
			}
			if e.heard != "" && e.heard != "sendrecv" {
				complain("party %d was left %s", e.party, e.heard)
			}
			c.world.talks[p.third >= 0]++
		}
	}
}

// simReferrals is what we said to one who transferred a call.
type simReferrals struct {
	accepted map[string]bool            // REFERs, by CSeq
	finals   map[string]map[string]bool // NOTIFYs with the final status, by Event and CSeq
}

// readReferrals finds the 202s and NOTIFYs of each dialog.
func (w *simWorld) readReferrals() {
	w.referrals = map[string]*simReferrals{}
	for _, e := range w.journal.sip {
		text := string(e.Data)
		notify := strings.HasPrefix(text, "NOTIFY ")
		if e.From.Addr() != hostUs || !notify && !strings.HasPrefix(text, "SIP/2.0 202") {
			continue
		}
		m, err := siptest.Parse(e.Data)
		if err != nil {
			w.t.Errorf("%v in %q", err, text)
			continue
		}
		r := w.referrals[m.CallID()]
		if r == nil {
			r = &simReferrals{map[string]bool{}, map[string]map[string]bool{}}
			w.referrals[m.CallID()] = r
		}
		switch {
		case !notify:
			r.accepted[m.Header("CSeq")] = true
		case strings.HasPrefix(m.Header("Subscription-State"), "terminated"):
			event := m.Header("Event")
			if r.finals[event] == nil {
				r.finals[event] = map[string]bool{}
			}
			r.finals[event][m.Header("CSeq")] = true
		}
	}
}

// checkReferrals: one record for each REFER that was accepted, and one final NOTIFY, unless it had left by then.
func (c *simCall) checkReferrals(transfers int, complain func(string, ...any)) {
	accepted := 0
	for _, e := range c.ends() {
		r := c.world.referrals[e.dialog.CallID]
		if r == nil || e.party != c.transferor() {
			continue
		}
		accepted += len(r.accepted)
		told := 0
		for event, finals := range r.finals {
			if told++; len(finals) != 1 {
				complain("the subscription %s ended %d times", event, len(finals))
			}
		}
		if stayed := !e.down || e.how == "was hung up on"; told > len(r.accepted) || stayed && told < len(r.accepted) {
			complain("the transferor was told the end of %d transfers of %d", told, len(r.accepted))
		}
	}
	if accepted != transfers {
		complain("%d REFERs were accepted, there are the records of %d transfers", accepted, transfers)
	}
}
