package sip

import (
	"strconv"
	"time"

	"tonegate/call"
	"tonegate/sip/dialog"
	"tonegate/sip/wire"
)

// respond sends a response to a leg's open INVITE.
func (a *agent) respond(l *leg, status int, b *wire.Builder) []byte {
	out, err := b.Bytes()
	if err != nil {
		a.shard.server.log.Warn("a response could not be built", "call", a.id, "error", err)
		return nil
	}
	l.in.tx.respond(status, out)
	return out
}

func (a *agent) progress(l *leg, p call.Progress) {
	reliable := l.pracks != nil && (l.pracks.all || p.SDP.From != call.Nobody)
	if reliable && a.hold(l.pracks, p) {
		return
	}
	text, err := l.describe(p.SDP, l.in.offer)
	switch {
	case err != nil && p.SDP.From == call.Us:
		// No codec that a notice can be played in: Play, which follows, will say so.
		a.feed(call.Pracked{})
		return
	case err != nil:
		a.feed(call.Released{Why: call.ReasonDescription})
		return
	}
	b := wire.NewResponse(l.in.request, p.Status, "", l.tag).RecordRoute().Add("Contact", l.in.tx.flow.contact()).Add("Allow", l.trunk.allow())
	if text != nil {
		b.Body(mimeSDP, text)
	}
	if l.in.earlyMedia && text != nil {
		b.Add("P-Early-Media", a.authorize(p.SDP))
	}
	if reliable {
		a.sendReliably(l, p, b)
		return
	}
	l.in.status, l.in.progress = p.Status, a.respond(l, p.Status, b)
	l.in.repeat = a.shard.now.Add(repeatProgress)
	l.rearm()
}

func (a *agent) refuse(l *leg, r call.Refuse) {
	l.stopProgress()
	l.rearm()
	b := addReason(wire.NewResponse(l.in.request, r.Status, "", l.tag), r.Cause)
	if r.RetryAfter > 0 {
		b.Add("Retry-After", strconv.Itoa(r.RetryAfter))
	}
	switch r.Status {
	case 415:
		b.Add("Accept", mimeSDP).Add("Accept-Encoding", "identity") // RFC 3261 s8.2.3
	case 421:
		b.Add("Require", tag100rel)
	case 422:
		b.Add("Min-SE", seconds(dialog.MinSE))
	}
	a.respond(l, r.Status, b)
}

// stopProgress ends what is repeated, or waited for, before a final response.
func (l *leg) stopProgress() {
	l.in.repeat, l.in.expires = time.Time{}, time.Time{}
	if l.pracks != nil {
		l.pracks.stop()
	}
}

// accept answers a leg's INVITE with 200, and repeats it until the ACK.
func (a *agent) accept(l *leg, body call.Body) {
	text, err := l.describe(body, l.in.offer)
	if err != nil {
		a.unanswerable(l)
		return
	}
	b := wire.NewResponse(l.in.request, 200, "", l.tag).RecordRoute().Add("Contact", l.in.tx.flow.contact()).Add("Allow", l.trunk.allow())
	if text != nil {
		b.Body(mimeSDP, text)
	}
	if l.in.again {
		l.retarget(l.in.request, l.in.tx.flow)
	}
	l.agreeSession(b, l.in.session, l.in.request)
	l.stopProgress() // one without a description needs no PRACK any more
	if out := a.respond(l, 200, b); out != nil {
		t := l.trunk.Timers
		l.in.accepted = dialog.Accept(out, t.T1, t.T2, a.shard.now)
	}
	l.rearm()
}

// unanswerable ends a call whose 2xx to a leg could not be written: no ACK is
// to be waited for, and on leg A there is no dialog that a BYE could end.
func (a *agent) unanswerable(l *leg) {
	again := l.in.again
	a.refuse(l, call.Refuse{Status: 500})
	a.feed(call.Released{Why: call.ReasonDescription})
	if !again {
		a.feed(call.HungUp{Side: l.side})
	}
}

// cancel cancels our INVITE to a leg, and gives it up if nothing comes of it.
func (a *agent) cancel(l *leg) {
	o := l.out
	if o == nil || o.over || o.update {
		return
	}
	if o.again && !o.heard {
		o.cancel = true
		return
	}
	a.shard.request(wire.CANCEL, o.branch, o.invite.Cancel(a.cancels), o.flow, l.trunk, nil, nil)
	o.guard = a.shard.now.Add(lingerFactor * l.trunk.Timers.T1)
	l.rearm()
}

// ack acknowledges a 2xx of a fork, and keeps the ACK for its repetitions.
func (a *agent) ack(l *leg, tag string, answer call.Body) {
	d := l.first.forks.Dialog(tag)
	if d == nil {
		return
	}
	l.first.forks.Acked(tag, a.sendAck(l, d, l.first.invite.CSeq, l.way(tag), answer))
}

// sendAck builds and sends the ACK of a 2xx (RFC 3261 s13.2.2.4).
func (a *agent) sendAck(l *leg, d *dialog.Dialog, seq uint32, f flow, answer call.Body) []byte {
	var text []byte
	if !l.ended() { // else there is nothing to be said
		var err error
		if text, err = l.describe(answer, l.peer); err != nil {
			text = nil
			a.feed(call.Released{Why: call.ReasonDescription})
		}
	}
	branch := a.shard.mint.branch()
	b := d.Ack(seq, f.through.Network.String(), f.through.sentBy, branch)
	if text != nil {
		b.Body(mimeSDP, text)
	}
	out, err := b.Bytes()
	if err != nil {
		a.shard.server.log.Warn("an ACK could not be built", "call", a.id, "error", err)
		return nil
	}
	a.shard.server.sendAck(f, l.trunk, out, branch)
	return out
}
