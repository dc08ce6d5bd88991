package sip

import "tonegate/sip/wire"

// informed relays an INFO to the other leg as it is, DTMF most of all
// (RFC 6086): its body and package mean nothing to us and change nothing in
// the call. The other leg's answer is the answer.
func (l *leg) informed(in letter) {
	a, m := l.agent, in.message
	if !a.call.Up() { // there is nobody yet to be informed
		l.refuse(in, 480)
		return
	}
	sh, other := a.shard, a.legs[l.side.Other()]
	reply := sh.serve(in, nil)
	answer := func(status int) {
		if out, err := wire.NewResponse(m, status, "", l.tag).Bytes(); err == nil {
			reply.respond(status, out)
		}
	}
	branch := sh.mint.branch()
	b := other.dialog.Request(wire.INFO, other.flow.through.Network.String(), other.flow.through.sentBy, branch)
	if v := m.Value("Info-Package"); v != "" {
		b.Add("Info-Package", v)
	}
	if v := m.Value("Content-Disposition"); v != "" {
		b.Add("Content-Disposition", v)
	}
	if len(m.Body) > 0 {
		b.Body(m.ContentType, m.Body)
	}
	out, err := b.Bytes()
	if err != nil {
		answer(400)
		return
	}
	tx := sh.request(wire.INFO, branch, out, other.flow, other.trunk, nil, nil)
	if tx.over() {
		answer(503)
		return
	}
	tx.ended = answer
}
