package sip

import (
	"tonegate/call"
	"tonegate/media/sdp"
	"tonegate/sip/dialog"
	"tonegate/sip/wire"
)

// reinvited takes a peer's re-INVITE that its dialog has let pass.
func (l *leg) reinvited(in letter) {
	m := in.message
	body, session, timer, ok := l.readChange(in)
	if !ok {
		return
	}
	if l.update != nil { // its offer is not answered yet (RFC 3264 s4)
		l.refuse(in, 500)
		return
	}
	l.dialog.InviteIn = true
	l.takeAllow(m)
	l.in = inviteIn{request: m, tx: l.agent.shard.serve(in, l), again: true, offer: session, session: timer}
	if out, err := wire.NewResponse(m, 100, "", "").Bytes(); err == nil {
		l.in.tx.respond(100, out)
	}
	l.agent.feed(call.Reinvited{Side: l.side, Offer: body})
}

// readChange reads a re-INVITE or UPDATE; false when it was refused.
func (l *leg) readChange(in letter) (call.Body, *sdp.Session, dialog.SessionExpires, bool) {
	m := in.message
	body, session := l.agent.read(m)
	timer, long := l.askSession(m)
	status, unmet := 0, false
	if session != nil {
		_, unmet = session.UnmetPrecondition()
	}
	switch {
	case strange(m):
		status = 415
	case len(m.Body) > 0 && isSDP(m.ContentType) && session == nil:
		status = 488
	case unmet:
		status = 580
	case !long:
		status = 422
	default:
		return body, session, timer, true
	}
	l.refuse(in, status)
	return body, session, timer, false
}

// reinvite asks a leg for what the other wants, in the way that the other did
// if it can.
func (a *agent) reinvite(l *leg, offer call.Body) {
	before := l.words
	text, err := l.describe(offer, nil)
	l.unsaid = before
	if err != nil {
		l.words = before
		a.feed(call.ReinviteAnswered{Side: l.side, Status: 488})
		return
	}
	if a.legs[l.side.Other()].update != nil && l.updates {
		a.askByUpdate(l, text)
		return
	}
	o := a.again(l)
	o.offer = a.legs[l.side.Other()].in.offer
	a.ask(l, o, text)
}

// again is a new INVITE within a leg's dialog.
func (a *agent) again(l *leg) *inviteOut {
	f := l.flow
	o := &inviteOut{branch: a.shard.mint.branch(), flow: f, again: true}
	o.invite = l.dialog.Invite(f.through.Network.String(), f.through.sentBy, o.branch)
	return o
}

// ask sends it.
func (a *agent) ask(l *leg, o *inviteOut, text []byte) {
	b := o.invite.Request().Add("Contact", o.flow.contact()).Add("Allow", l.trunk.allow()).Add("Supported", tagTimer)
	a.send(l, wire.INVITE, o, b, text)
}

// send sends a re-INVITE or an UPDATE.
func (a *agent) send(l *leg, method wire.Method, o *inviteOut, b *wire.Builder, text []byte) {
	l.offerSession(b, o)
	if text != nil {
		b.Body(mimeSDP, text)
	}
	out, err := b.Bytes()
	if err != nil {
		a.shard.server.log.Warn("a request within a call could not be built", "call", a.id, "method", method, "error", err)
		a.feed(call.ReinviteAnswered{Side: l.side, Status: 500})
		return
	}
	l.out = o
	l.dialog.InviteOut = true
	a.shard.request(method, o.branch, out, o.flow, l.trunk, l, o)
}

// reinviteResponded takes a response to our re-INVITE.
func (l *leg) reinviteResponded(o *inviteOut, m *wire.Message) {
	switch {
	case m.Status < 200:
		if o.heard = true; o.cancel {
			o.cancel = false
			l.agent.cancel(l)
		}
		return
	case o.ack != nil: // the 2xx again: its ACK was lost
		l.agent.shard.server.sendAck(l.flow, l.trunk, o.ack, o.branch)
		return
	case o.over:
		return
	}
	l.close(o)
	l.dialog.InviteOut = false
	if l.ended() { // or a transfer has left it behind: the 2xx still wants its ACK
		if m.Status < 300 {
			l.agent.ackReinvite(l, call.Body{})
		}
		return
	}
	body, session := l.agent.read(m)
	switch {
	case m.Status < 300:
		l.dialog.Refresh(m)
		l.takeAllow(m)
		l.takeSession(o, m)
		if o.offer != nil {
			l.agent.legs[l.side.Other()].hear(o.offer)
		}
		if session != nil {
			l.hear(session)
		}
	case m.Status == 422 && l.tooBriefAgain(o, m):
		return
	case o.update && (m.Status == 405 || m.Status == 501): // its Allow was not true
		l.updates = false
		l.agent.ask(l, l.agent.again(l), l.said)
		return
	default:
		l.unsay()
	}
	l.agent.feed(call.ReinviteAnswered{Side: l.side, Status: m.Status, SDP: body})
}

// ackReinvite acknowledges a leg's 2xx to our re-INVITE.
func (a *agent) ackReinvite(l *leg, answer call.Body) {
	if l.out.update {
		return
	}
	l.out.ack = a.sendAck(l, &l.dialog, l.out.invite.CSeq, l.flow, answer)
}

// acceptChange answers what a leg asked for with 200.
func (a *agent) acceptChange(l *leg, body call.Body) {
	if l.update != nil {
		a.acceptUpdate(l, body)
	} else {
		a.accept(l, body)
	}
}

// refuseChange answers it with a failure. The session stays as it was
// (RFC 3261 s14.1, RFC 3311 s5.2).
func (a *agent) refuseChange(l *leg, status int) {
	if l.update != nil {
		a.refuseUpdate(l, status)
		return
	}
	if l.in.request == nil {
		return
	}
	a.respond(l, status, wire.NewResponse(l.in.request, status, "", l.tag))
	l.closeIn()
}
