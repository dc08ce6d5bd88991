package sip

import (
	"tonegate/call"
	"tonegate/media/sdp"
	"tonegate/sip/dialog"
	"tonegate/sip/wire"
)

// updateIn is an UPDATE with an offer (RFC 3311) that is not answered yet.
type updateIn struct {
	request *wire.Message
	dialog  *dialog.Dialog
	tx      *serverTx
	offer   *sdp.Session
	session dialog.SessionExpires
}

// updated takes a peer's UPDATE. Without an offer it refreshes the session and
// the remote target, and is nobody else's business; with one it is a change
// that the other leg is asked for, or, before that one is there, one that we
// answer.
func (l *leg) updated(in letter, d *dialog.Dialog) {
	body, session, timer, ok := l.readChange(in)
	if !ok {
		return
	}
	if (session != nil || l.update != nil) && l.owes() {
		l.refuse(in, 500)
		return
	}
	l.takeAllow(in.message)
	u := &updateIn{request: in.message, dialog: d, tx: l.agent.shard.serve(in, nil), offer: session, session: timer}
	if session == nil {
		l.agent.answerUpdate(l, u, nil)
		return
	}
	l.update = u
	if d != &l.dialog && l.first.forks.EarlySDP(d.RemoteTag) == "" { // it has not answered our offer (RFC 3311 s5.2)
		l.agent.refuseUpdate(l, 491)
		return
	}
	l.agent.feed(call.Reinvited{Side: l.side, Offer: body, Update: true})
}

// owes reports whether an offer of the peer's waits for our answer: then it may
// not make another (RFC 3311 s5.2).
func (l *leg) owes() bool {
	if l.update != nil || l.in.offer == nil {
		return l.update != nil
	}
	return l.in.again && !l.in.accepted.Waiting() || !l.in.again && l.told == nil
}

func (a *agent) acceptUpdate(l *leg, body call.Body) {
	u := l.update
	l.update = nil
	l.hear(u.offer)
	text, err := l.describe(body, u.offer)
	if err != nil {
		a.failUpdate(l, u, 500)
		a.feed(call.Released{Why: call.ReasonDescription})
		return
	}
	a.answerUpdate(l, u, text)
}

func (a *agent) answerUpdate(l *leg, u *updateIn, text []byte) {
	if u.dialog == &l.dialog {
		l.retarget(u.request, u.tx.flow)
	} else {
		u.dialog.Refresh(u.request)
	}
	b := wire.NewResponse(u.request, 200, "", l.tag).Add("Contact", u.tx.flow.contact()).Add("Allow", l.trunk.allow())
	if u.dialog == &l.dialog && a.call.Up() { // no session lasts before it has begun
		l.agreeSession(b, u.session, u.request)
		l.rearm()
	}
	if text != nil {
		b.Body(mimeSDP, text)
	}
	if out, err := b.Bytes(); err == nil {
		u.tx.respond(200, out)
	}
}

func (a *agent) refuseUpdate(l *leg, status int) {
	u := l.update
	l.update = nil
	a.failUpdate(l, u, status)
}

func (a *agent) failUpdate(l *leg, u *updateIn, status int) {
	if out, err := wire.NewResponse(u.request, status, "", l.tag).Bytes(); err == nil {
		u.tx.respond(status, out)
	}
}

// takeAllow notes whether the peer takes UPDATE (RFC 3311 s5.1); a message
// that says nothing changes nothing.
func (l *leg) takeAllow(m *wire.Message) {
	values := m.Values("Allow")
	if len(values) == 0 {
		return
	}
	l.updates = hasTag(tokens(values), string(wire.UPDATE))
}

// askByUpdate sends a leg an UPDATE: with text the offer of the other leg's
// UPDATE, without one a refresh that leaves the description alone
// (RFC 4028 s7.4).
func (a *agent) askByUpdate(l *leg, text []byte) {
	f := l.flow
	o := &inviteOut{branch: a.shard.mint.branch(), flow: f, again: true, update: true}
	b := l.dialog.Request(wire.UPDATE, f.through.Network.String(), f.through.sentBy, o.branch).
		Add("Contact", f.contact()).Add("Allow", l.trunk.allow())
	a.send(l, wire.UPDATE, o, b, text)
}
