package sip

import (
	"tonegate/call"
	"tonegate/media/sdp"
	"tonegate/sip/dialog"
	"tonegate/sip/wire"
)

// updateIn is an UPDATE with an offer (RFC 3311) that waits for the other leg.
type updateIn struct {
	request *wire.Message
	tx      *serverTx
	offer   *sdp.Session
	session dialog.SessionExpires
}

// updated takes a peer's UPDATE. Without an offer it refreshes the session and
// the remote target, and is nobody else's business; with one it is a change
// that the other leg is asked for, by re-INVITE.
func (l *leg) updated(in letter) {
	body, session, timer, ok := l.readChange(in)
	switch {
	case !ok:
	case l.update != nil: // the one before is not answered yet (RFC 3311 s5.2)
		l.refuse(in, 500)
	case session == nil:
		u := &updateIn{request: in.message, tx: l.agent.shard.serve(in, nil), session: timer}
		l.agent.answerUpdate(l, u, nil)
	default:
		l.update = &updateIn{request: in.message, tx: l.agent.shard.serve(in, nil), offer: session, session: timer}
		l.agent.feed(call.Reinvited{Side: l.side, Offer: body, Update: true})
	}
}

func (a *agent) acceptUpdate(l *leg, body call.Body) {
	u := l.update
	l.update = nil
	text, err := l.describe(body)
	if err != nil {
		a.failUpdate(l, u, 500)
		a.feed(call.Released{Why: call.ReasonDescription})
		return
	}
	a.answerUpdate(l, u, text)
}

func (a *agent) answerUpdate(l *leg, u *updateIn, text []byte) {
	l.dialog.Refresh(u.request)
	b := wire.NewResponse(u.request, 200, "", l.tag).Add("Contact", u.tx.flow.contact()).Add("Allow", allow)
	l.agreeSession(b, u.session)
	l.rearm()
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
