package sip

import (
	"strconv"

	"tonegate/call"
	"tonegate/sip/dialog"
	"tonegate/sip/wire"
)

// receive takes a request within the dialog.
func (l *leg) receive(in letter) {
	m := in.message
	sh := l.agent.shard
	if m.Method == wire.ACK {
		l.acked(m)
		return
	}
	if !l.gone.IsZero() { // a transfer has left it behind
		status := 481
		if m.Method == wire.BYE {
			status = 200
		}
		sh.respondOnce(in, status, l.tag)
		return
	}
	switch m.Method {
	case wire.UPDATE, wire.INFO, wire.REFER, wire.INVITE:
		if l.ended() {
			l.refuse(in, 481)
			return
		}
	}
	if d := l.early(m); d != nil && m.Method == wire.UPDATE {
		if status := d.Receive(m); status != 0 {
			l.refuse(in, status)
		} else {
			l.updated(in, d)
		}
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
		if !l.ended() {
			l.in.accepted.Stop()
			l.rearm()
		}
		l.agent.feed(call.HungUp{Side: l.side, Cause: causeOf(m)})
	case wire.OPTIONS:
		sh.respondOnce(in, 200, l.tag)
	case wire.PRACK:
		l.pracked(in)
	case wire.UPDATE:
		l.updated(in, &l.dialog)
	case wire.INFO:
		l.informed(in)
	case wire.REFER:
		l.referred(in)
	case wire.INVITE:
		l.reinvited(in)
	}
}

// retarget follows a peer whose target refresh request comes with another
// Contact, once it is accepted (RFC 3261 s12.2.2). A route set stays what it
// was (s12.2).
func (l *leg) retarget(m *wire.Message, f flow) {
	l.dialog.Refresh(m)
	if len(l.dialog.RouteSet) == 0 {
		l.flow = l.agent.shard.server.within(l.trunk, m, f)
	}
}

// early is the early dialog of leg B that a request belongs to, nil when it is none.
func (l *leg) early(m *wire.Message) *dialog.Dialog {
	if l.first == nil || l.first.over || l.dialog.RemoteTag != "" {
		return nil
	}
	return l.first.forks.Dialog(m.From.Tag)
}

// refuse answers a request within the dialog that changes nothing.
func (l *leg) refuse(in letter, status int) {
	b := wire.NewResponse(in.message, status, "", l.tag)
	if status == 500 { // RFC 3261 s14.2
		b.Add("Retry-After", strconv.Itoa(l.agent.shard.random.IntN(11)))
	}
	switch status {
	case 415:
		b.Add("Accept", mimeSDP).Add("Accept-Encoding", "identity") // RFC 3261 s8.2.3
	case 422:
		b.Add("Min-SE", seconds(dialog.MinSE))
	}
	out, err := b.Bytes()
	if err != nil {
		return
	}
	l.agent.shard.serve(in, nil).respond(status, out)
}

// acked takes the ACK of a 2xx.
func (l *leg) acked(m *wire.Message) {
	if l.ended() || !l.in.accepted.Waiting() || l.in.request == nil || m.CSeq != l.in.request.CSeq {
		return // a repeated ACK
	}
	l.in.accepted.Stop()
	l.rearm()
	answer, session := l.agent.read(m)
	if session != nil && l.in.offer == nil {
		l.hear(session)
	}
	again := l.in.again
	l.closeIn()
	if again {
		l.agent.feed(call.ReinviteAcked{Side: l.side, Answer: answer})
	} else {
		l.agent.feed(call.Acked{Answer: answer})
	}
}

func (l *leg) ackMissing() {
	again := l.in.again
	l.closeIn()
	if again {
		l.agent.feed(call.ReinviteAcked{Side: l.side, Missing: true})
	} else {
		l.agent.feed(call.AckMissing{})
	}
}

// cancelled takes the CANCEL of an INVITE of this leg.
func (l *leg) cancelled(tx *serverTx, m *wire.Message) {
	switch {
	case l.ended() || l.in.tx != tx:
	case l.in.again:
		l.agent.feed(call.ReinviteCancelled{Side: l.side})
	default:
		l.agent.cancels = reasonOf(m)
		l.agent.feed(call.Cancelled{})
	}
}
