package sip

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"tonegate/call"
	"tonegate/sip/dialog"
	"tonegate/sip/wire"
)

// Reliability says whether a trunk and we acknowledge provisional responses
// (RFC 3262).
type Reliability uint8

// Reliabilities of a trunk.
const (
	ReliableOff       Reliability = iota
	ReliableSupported             // where the peer supports it too
	ReliableRequired              // a peer without it is refused
)

const tag100rel = "100rel"

// maxHeldProgress bounds the provisional responses that wait for the PRACK of
// one before them.
const maxHeldProgress = 8

// pracks is what leg A, which sends PRACK, keeps of reliable provisional responses.
type pracks struct {
	all      bool // A wants every provisional response reliable
	waiting  dialog.Provisional
	answered bool            // the one that waits carries our answer, not our offer
	held     []call.Progress // behind it
}

// negotiate reads what the caller and its trunk agree on. The result is 0, or
// the status to refuse the INVITE with; nil when there is to be no PRACK.
func negotiate(m *wire.Message, r Reliability) (*pracks, int) {
	all := hasTag(m.Require, tag100rel)
	switch {
	case r != ReliableOff && (all || hasTag(m.Supported, tag100rel)):
		return &pracks{all: all}, 0
	case r == ReliableRequired:
		return nil, 421 // RFC 3261 s21.4.16
	}
	return nil, 0
}

func hasTag(tags []string, tag string) bool {
	return slices.ContainsFunc(tags, func(t string) bool { return strings.EqualFold(t, tag) })
}

// sendReliably sends a provisional response that wants a PRACK, or keeps it
// until the one before has its own.
func (a *agent) sendReliably(l *leg, p call.Progress, b *wire.Builder) {
	r, m := l.pracks, l.in.request
	rseq := r.waiting.NextRSeq(m.CSeq, a.shard.random.Uint32())
	b.Add("Require", tag100rel).Add("RSeq", strconv.FormatUint(uint64(rseq), 10))
	if out := a.respond(l, p.Status, b); out != nil {
		r.waiting.Send(rseq, m.CSeq, out, p.SDP.From != call.Nobody, l.trunk.Timers.T1, a.shard.now)
		r.answered = l.in.offer != nil
	}
	l.rearm()
}

// hold keeps a provisional response back behind one that lacks its PRACK;
// false when there is none. Beyond the bound a response is left out, and the
// call told not to wait for its PRACK.
func (a *agent) hold(p *pracks, response call.Progress) bool {
	switch {
	case !p.waiting.Waiting():
		return false
	case len(p.held) < maxHeldProgress:
		p.held = append(p.held, response)
	case response.SDP.From != call.Nobody:
		a.feed(call.Pracked{})
	}
	return true
}

// stop ends it with the final response: what was held back is too late.
func (p *pracks) stop() {
	p.waiting.Stop()
	p.held = nil
}

// pracked takes A's PRACK (RFC 3262 s3).
func (l *leg) pracked(in letter) {
	m, r := in.message, l.pracks
	rack, ok := dialog.ParseRAck(m.Value("RAck"))
	described := r != nil && r.waiting.Holds2xx()
	if !ok || r == nil || !r.waiting.Acknowledge(rack) {
		l.refuse(in, 481)
		return
	}
	l.rearm()
	body, session := l.agent.read(m)
	b := wire.NewResponse(m, 200, "", l.tag)
	if session != nil && r.answered && !l.ended() { // a second offer, in a dialog that we answer ourselves
		l.hear(session)
		if text, err := l.describe(call.Body{From: call.Us}, session); err == nil {
			b.Body(mimeSDP, text)
		}
	}
	if out, err := b.Bytes(); err == nil {
		l.agent.shard.serve(in, nil).respond(200, out)
	}
	if described {
		if session != nil && !r.answered {
			l.hear(session)
		} else {
			body = call.Body{}
		}
		l.agent.feed(call.Pracked{Answer: body})
	}
	if len(r.held) > 0 && !l.ended() && l.in.request != nil && !r.waiting.Waiting() {
		next := r.held[0]
		r.held = r.held[1:]
		l.agent.progress(l, next)
	}
}

// expireProgress repeats what waits for its PRACK, or gives it up.
func (l *leg) expireProgress(now time.Time) {
	if l.pracks == nil {
		return
	}
	send, missing := l.pracks.waiting.Expire(now)
	if len(send) > 0 {
		l.agent.shard.server.metrics.repeats.WithLabelValues("progress").Inc()
		l.in.tx.flow.send(send, "")
	}
	if missing {
		l.agent.feed(call.PrackMissing{})
	}
}

// acknowledge sends the PRACK that a provisional response of B wants. False
// says that the response is a repetition, or came out of order (RFC 3262 s4).
func (l *leg) acknowledge(o *inviteOut, m *wire.Message) bool {
	if !hasTag(m.Require, tag100rel) {
		return true
	}
	rseq, ok := dialog.ParseRSeq(m.Value("RSeq"))
	d := o.forks.Dialog(m.To.Tag)
	if !ok || d == nil || !o.forks.Take(m.To.Tag, rseq) {
		return false
	}
	sh := l.agent.shard
	branch := sh.mint.branch()
	rack := dialog.RAck{RSeq: rseq, CSeq: o.invite.CSeq, Method: string(wire.INVITE)}
	b := d.Request(wire.PRACK, o.flow.through.Network.String(), o.flow.through.sentBy, branch).Add("RAck", rack.String())
	if out, err := b.Bytes(); err == nil {
		sh.request(wire.PRACK, branch, out, o.flow, l.trunk, nil, nil)
	}
	return true
}
