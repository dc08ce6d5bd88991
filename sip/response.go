package sip

import (
	"strconv"
	"time"

	"tonegate/call"
	"tonegate/sip/wire"
)

// responded takes a response to an INVITE of ours.
func (l *leg) responded(tx *clientTx, m *wire.Message) {
	o := tx.out
	switch {
	case o == nil:
	case o.again:
		l.reinviteResponded(o, m)
	case o != l.first || l.side != call.B: // a target that was given up, or a call that was transferred since
		if m.Status >= 200 && m.Status < 300 {
			l.reject(o, m)
		}
	case m.Status < 200:
		l.progressed(o, m)
	case m.Status < 300:
		l.answered(o, m)
	case l.ended():
		l.close(o)
	case m.Status == 422 && l.tooBrief(o, m):
	case m.Status < 400 && l.trunk.Redirect && len(m.Contact) > 0:
		l.close(o)
		l.agent.redirected(l, m)
	default:
		l.close(o)
		retry, _ := strconv.Atoi(m.Value("Retry-After"))
		l.agent.feed(call.Rejected{Status: m.Status, Cause: causeOf(m), RetryAfter: min(max(0, retry), 3600)})
	}
}

// close ends the wait for a final response.
func (l *leg) close(o *inviteOut) {
	o.over, o.guard = true, time.Time{}
	l.rearm()
}

func (l *leg) progressed(o *inviteOut, m *wire.Message) {
	if m.Status == 100 {
		l.agent.feed(call.Progressed{Status: 100})
		return
	}
	o.forks.Of(&o.invite, l.tag, m)
	if !l.acknowledge(o, m) {
		return
	}
	if l.ended() {
		return
	}
	body, session := l.agent.read(m)
	if session != nil {
		o.forks.Early(m.To.Tag, body.SDP)
		l.hear(session)
	}
	if l.trunk.EarlyMedia {
		if o.early = direction(m); o.early == "inactive" { // not to be heard (RFC 5009 s8)
			body = call.Body{}
		}
	}
	l.agent.feed(call.Progressed{Status: m.Status, Fork: m.To.Tag, SDP: body})
}

// answered takes a 2xx: the first of a fork is news, a repetition wants its ACK again.
func (l *leg) answered(o *inviteOut, m *wire.Message) {
	a := l.agent
	d := o.forks.Of(&o.invite, l.tag, m)
	if d == nil { // no To-tag: nothing that could be acknowledged, or ended
		a.shard.server.metrics.drop(dropInvalid)
		if !o.over {
			l.close(o)
			a.feed(call.Rejected{Status: 502})
		}
		return
	}
	if ack := o.forks.Ack(m.To.Tag); ack != nil {
		a.shard.server.sendAck(l.way(m.To.Tag), l.trunk, ack, o.branch)
		return
	}
	if l.dialog.RemoteTag == m.To.Tag {
		return // repeated while its ACK waits for the caller's
	}
	if l.ended() {
		l.reject(o, m)
		return
	}
	l.close(o)
	body, session := a.read(m)
	unusable := ""
	if len(m.Body) > 0 && session == nil {
		unusable = "the answer's description cannot be read"
	}
	if session != nil && l.told != nil && !l.shares(session) { // RFC 3264 s6.1
		unusable = "the answer takes none of the codecs offered"
	}
	if early := o.forks.EarlySDP(m.To.Tag); body.From == call.Nobody && early != "" {
		body = call.Theirs(early) // the reliable place is the 2xx, but the early one was the same
		session = a.parse(early)
	}
	if l.dialog.RemoteTag == "" {
		if session != nil && a.legs[call.A].peer == nil { // a late offer: these are the codecs to choose from
			w := a.way()
			w.narrow = w.plan.Exempt == "" && speaksNotices(session)
		}
		l.dialog = *d
		l.flow = a.shard.server.within(l.trunk, m, l.flow)
		l.takeAllow(m)
		l.takeSession(o, m)
		if session != nil {
			l.hear(session)
		}
	}
	a.feed(call.Answered{Fork: m.To.Tag, SDP: body, Unusable: unusable})
}

// reject ends the dialog of a 2xx that came from a target already given up.
func (l *leg) reject(o *inviteOut, m *wire.Message) {
	d := o.forks.Of(&o.invite, l.tag, m)
	if d == nil {
		return
	}
	if ack := o.forks.Ack(m.To.Tag); ack != nil {
		o.flow.send(ack, o.branch)
		return
	}
	branch := l.agent.shard.mint.branch()
	ack, err := d.Ack(o.invite.CSeq, o.flow.through.Network.String(), o.flow.through.sentBy, branch).Bytes()
	if err != nil {
		return
	}
	o.forks.Acked(m.To.Tag, ack)
	o.flow.send(ack, branch)
	l.send(wire.BYE, d, o.flow, 0)
}

// unanswered takes the end of an INVITE of ours without a final response.
// Rang says that Timer C ended it, so that it must be cancelled.
func (l *leg) unanswered(tx *clientTx, status int, rang bool) {
	o := tx.out
	switch {
	case o == nil || o.over || o != l.out || !l.gone.IsZero():
	case rang && o.again: // a peer that holds a re-INVITE for minutes
		l.agent.cancel(l)
	case rang:
		l.agent.feed(call.RangOut{})
	default:
		l.close(o)
		l.gaveUp(o, status)
	}
}

// gaveUp tells the call that an INVITE of ours will have no final response.
func (l *leg) gaveUp(o *inviteOut, status int) {
	if o.again {
		l.dialog.InviteOut = false
		if !l.ended() {
			l.unsay()
		}
		l.agent.feed(call.ReinviteAnswered{Side: l.side, Status: status})
		return
	}
	l.agent.feed(call.Unreachable{Status: status})
}
