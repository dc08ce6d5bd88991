package sip

import (
	"strconv"
	"strings"
	"time"

	"tonegate/call"
	"tonegate/media"
	"tonegate/media/sdp"
	"tonegate/sip/dialog"
	"tonegate/sip/wire"
)

// leg is the I/O half of one side of a call: its dialog, the INVITEs under way
// in both directions, its media.
type leg struct {
	agent  *agent
	side   call.Side
	trunk  *Trunk
	flow   flow   // next hop of our requests
	tag    string // ours, in this dialog
	dialog dialog.Dialog

	in    inviteIn
	out   *inviteOut // the latest INVITE of ours
	first *inviteOut // leg B: the one that made the dialog

	timer timer
	sound
}

// inviteIn is an INVITE that the peer sent: the first of leg A, a re-INVITE of either.
type inviteIn struct {
	request  *wire.Message
	tx       *serverTx
	again    bool // a re-INVITE
	offer    *sdp.Session
	accepted dialog.Accepted
	progress []byte    // the last provisional response
	repeat   time.Time // when it is sent again
	status   int       // of it
}

// inviteOut is an INVITE that we sent: the first of leg B, a re-INVITE of either.
type inviteOut struct {
	invite wire.Invite
	branch string
	flow   flow
	again  bool         // a re-INVITE
	offer  *sdp.Session // what the asker of a re-INVITE wants
	forks  dialog.Forks
	ack    []byte    // of the 2xx to a re-INVITE
	guard  time.Time // when a cancelled INVITE without a final response is given up
	over   bool      // a final response came, or none will
}

// repeatProgress keeps a long ringing call alive in the proxies before us (RFC 3261 s13.3.1.1).
const repeatProgress = time.Minute

// rearm sets the leg's timer to the nearest of its deadlines.
func (l *leg) rearm() {
	at := l.in.accepted.Due()
	guard := time.Time{}
	if l.out != nil {
		guard = l.out.guard
	}
	for _, t := range []time.Time{l.in.repeat, guard} {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	l.agent.shard.timers.set(&l.timer, at)
}

func (l *leg) expire(now time.Time) {
	l.agent.shard.current = l.agent
	if o := l.out; o != nil && !o.guard.IsZero() && !now.Before(o.guard) {
		l.close(o)
		l.gaveUp(o, 408)
	}
	if at := l.in.repeat; !at.IsZero() && !now.Before(at) {
		l.in.repeat = now.Add(repeatProgress)
		l.in.tx.respond(l.in.status, l.in.progress)
	}
	send, missing := l.in.accepted.Expire(now)
	if len(send) > 0 {
		l.agent.shard.server.metrics.repeats.WithLabelValues("answer").Inc()
		l.in.tx.flow.send(send, "")
	}
	if missing {
		l.ackMissing()
	}
	l.rearm()
}

// knows reports whether a request belongs to this leg's dialog, or to a fork of it.
func (l *leg) knows(m *wire.Message) bool {
	if l.first != nil {
		if d := l.first.forks.Dialog(m.From.Tag); d != nil {
			return m.CallID == d.CallID
		}
	}
	return m.CallID == l.dialog.CallID && m.From.Tag == l.dialog.RemoteTag
}

// receive takes a request within the dialog.
func (l *leg) receive(in letter) {
	m := in.message
	sh := l.agent.shard
	if m.Method == wire.ACK {
		l.acked(m)
		return
	}
	if l.dialog.RemoteTag != m.From.Tag { // a fork that lost may hang up itself, and nothing else
		status := 481
		if m.Method == wire.BYE {
			status = 200
		}
		sh.respondOnce(in, status, l.tag)
		return
	}
	if status := l.dialog.Receive(m); status != 0 {
		l.refuse(in, status)
		return
	}
	switch m.Method {
	case wire.BYE:
		sh.respondOnce(in, 200, l.tag)
		l.in.accepted.Stop()
		l.rearm()
		l.agent.feed(call.HungUp{Side: l.side, Cause: causeOf(m)})
	case wire.OPTIONS:
		sh.respondOnce(in, 200, l.tag)
	case wire.INVITE:
		l.reinvited(in)
	}
}

// refuse answers a request within the dialog that changes nothing.
func (l *leg) refuse(in letter, status int) {
	b := wire.NewResponse(in.message, status, "", l.tag)
	if status == 500 { // RFC 3261 s14.2
		b.Add("Retry-After", strconv.Itoa(int(l.agent.shard.now.UnixNano()%10)))
	}
	if status == 415 {
		b.Add("Accept", mimeSDP)
	}
	out, err := b.Bytes()
	if err != nil {
		return
	}
	l.agent.shard.serve(in, nil).respond(status, out)
}

// acked takes the ACK of a 2xx.
func (l *leg) acked(m *wire.Message) {
	if !l.in.accepted.Waiting() || l.in.request == nil || m.CSeq != l.in.request.CSeq {
		return // a repeated ACK
	}
	l.in.accepted.Stop()
	l.rearm()
	answer, session := l.agent.read(m)
	if session != nil && l.in.offer == nil {
		l.hear(session)
	}
	again := l.in.again
	l.in = inviteIn{}
	l.dialog.InviteIn = false
	if again {
		l.agent.feed(call.ReinviteAcked{Side: l.side, Answer: answer})
	} else {
		l.agent.feed(call.Acked{Answer: answer})
	}
}

func (l *leg) ackMissing() {
	again := l.in.again
	l.in = inviteIn{}
	l.dialog.InviteIn = false
	if again {
		l.agent.feed(call.ReinviteAcked{Side: l.side, Missing: true})
	} else {
		l.agent.feed(call.AckMissing{})
	}
}

// cancelled takes the CANCEL of an INVITE of this leg.
func (l *leg) cancelled(tx *serverTx) {
	switch {
	case l.in.tx != tx:
	case l.in.again:
		l.agent.feed(call.ReinviteCancelled{Side: l.side})
	default:
		l.agent.feed(call.Cancelled{})
	}
}

// responded takes a response to an INVITE of ours.
func (l *leg) responded(tx *clientTx, m *wire.Message) {
	o := tx.out
	switch {
	case o == nil:
	case o.again:
		l.reinviteResponded(o, m)
	case o != l.first: // a target that was given up
		if m.Status >= 200 && m.Status < 300 {
			l.reject(o, m)
		}
	case m.Status < 200:
		l.progressed(o, m)
	case m.Status < 300:
		l.answered(o, m)
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
	body, session := l.agent.read(m)
	if session != nil {
		o.forks.Early(m.To.Tag, body.SDP)
		l.hear(session)
	}
	l.agent.feed(call.Progressed{Status: m.Status, Fork: m.To.Tag, SDP: body})
}

// answered takes a 2xx: the first of a fork is news, a repetition wants its ACK again.
func (l *leg) answered(o *inviteOut, m *wire.Message) {
	a := l.agent
	d := o.forks.Of(&o.invite, l.tag, m)
	if d == nil { // no To-tag: nothing that could be acknowledged
		a.shard.server.metrics.drop(dropInvalid)
		return
	}
	if ack := o.forks.Ack(m.To.Tag); ack != nil {
		l.way(m.To.Tag).send(ack, o.branch)
		return
	}
	if l.dialog.RemoteTag == m.To.Tag {
		return // repeated while its ACK waits for the caller's
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
		l.dialog = *d
		l.flow = a.shard.server.within(l.trunk, m, l.flow)
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
	case o == nil || o.over || o != l.out:
	case rang && o.again: // a peer that holds a re-INVITE for minutes
		l.agent.feed(call.ReinviteCancelled{Side: l.side.Other()})
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
		l.agent.feed(call.ReinviteAnswered{Side: l.side, Status: status})
		return
	}
	l.agent.feed(call.Unreachable{Status: status})
}

// send starts a request of ours within the dialog whose response changes nothing.
func (l *leg) send(m wire.Method, d *dialog.Dialog, f flow, cause int) {
	sh := l.agent.shard
	branch := sh.mint.branch()
	b := d.Request(m, f.through.Network.String(), f.through.sentBy, branch)
	out, err := addReason(b, cause).Bytes()
	if err != nil {
		sh.server.log.Warn("a request could not be built", "method", m, "error", err)
		return
	}
	sh.request(m, branch, out, f, l.trunk, nil, nil)
}

// way is where the requests within a fork of leg B go: to the winner itself,
// to any other the way that the INVITE took.
func (l *leg) way(tag string) flow {
	if tag == l.dialog.RemoteTag {
		return l.flow
	}
	return l.first.flow
}

// addReason says why in Q.850 terms (RFC 3326).
func addReason(b *wire.Builder, cause int) *wire.Builder {
	if cause > 0 {
		b.Add("Reason", "Q.850;cause="+strconv.Itoa(cause))
	}
	return b
}

// causeOf is the Q.850 cause of a message's Reason, 0 when it names none.
func causeOf(m *wire.Message) int {
	for _, v := range m.Values("Reason") {
		for one := range strings.SplitSeq(v, ",") {
			protocol, params, _ := strings.Cut(one, ";")
			if !strings.EqualFold(strings.TrimSpace(protocol), "Q.850") {
				continue
			}
			for p := range strings.SplitSeq(params, ";") {
				name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
				if cause, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && strings.EqualFold(strings.TrimSpace(name), "cause") && cause > 0 && cause < 128 {
					return cause
				}
			}
		}
	}
	return 0
}

// closeSound gives the leg's ports back.
func (l *leg) closeSound(p media.Plane) {
	if l.media != 0 {
		delete(l.agent.shard.sounds, l.media)
		l.stats = p.Close(l.media)
		l.media = 0
	}
}
