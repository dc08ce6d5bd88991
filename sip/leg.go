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
	agent    *agent
	side     call.Side
	trunk    *Trunk
	flow     flow   // next hop of our requests
	tag      string // ours, in this dialog
	dialog   dialog.Dialog
	pracks   *pracks    // leg A: of its first INVITE; nil without 100rel
	out      *inviteOut // the latest INVITE of ours
	first    *inviteOut // leg B: the one that made the dialog
	timer    timer
	gone     time.Time // when a leg that was left behind by a transfer is forgotten
	*liveLeg           // nil after the end
}

// liveLeg is what late messages have no need of.
type liveLeg struct {
	in       inviteIn
	update   *updateIn // an UPDATE with an offer that the peer sent, not answered yet
	referral *referral // a transfer that the peer asked for
	updates  bool      // the peer takes UPDATE
	session  dialog.Session
	retry    time.Time     // when a description that the peer refused for now is offered again
	minSE    time.Duration // the longest Min-SE that the peer has named
	sound
}

// ended reports whether there is nothing left but to answer late messages.
func (l *leg) ended() bool { return l.liveLeg == nil }

// inviteIn is an INVITE that the peer sent: the first of leg A, a re-INVITE of either.
type inviteIn struct {
	request    *wire.Message
	tx         *serverTx
	again      bool // a re-INVITE
	offer      *sdp.Session
	accepted   dialog.Accepted
	session    dialog.SessionExpires // what the 2xx will agree to
	progress   []byte                // the last provisional response
	repeat     time.Time             // when it is sent again
	expires    time.Time             // when the invitation ends (RFC 3261 s13.3.1)
	status     int                   // of it
	earlyMedia bool                  // the peer wants early media authorized
}

// inviteOut is an INVITE that we sent: the first of leg B, a re-INVITE of either.
type inviteOut struct {
	invite  wire.Invite
	branch  string
	flow    flow
	again   bool         // a re-INVITE
	update  bool         // an UPDATE in its place
	offer   *sdp.Session // what the asker of a re-INVITE wants
	forks   dialog.Forks
	ack     []byte        // of the 2xx to a re-INVITE
	session time.Duration // the session interval that it asked for, 0 for none
	guard   time.Time     // when a cancelled INVITE without a final response is given up
	early   string        // its latest P-Early-Media (RFC 5009)
	over    bool          // a final response came, or none will
	heard   bool          // of a re-INVITE: a provisional response came, so that it may be cancelled (RFC 3261 s9.1)
	cancel  bool          // of a re-INVITE: to be cancelled as soon as it may be
}

// repeatProgress keeps a long ringing call alive in the proxies before us (RFC 3261 s13.3.1.1).
const repeatProgress = time.Minute

// rearm sets the leg's timer to the nearest of its deadlines.
func (l *leg) rearm() {
	var due [8]time.Time
	due[0] = l.gone
	if l.out != nil {
		due[1] = l.out.guard
	}
	if l.pracks != nil {
		due[2] = l.pracks.waiting.Due()
	}
	if !l.ended() {
		due[3], due[4], due[5], due[6], due[7] = l.in.repeat, l.in.expires, l.in.accepted.Due(), l.session.Due(), l.retry
	}
	var at time.Time
	for _, t := range due {
		if !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	l.agent.shard.timers.set(&l.timer, at)
}

func (l *leg) expire(now time.Time) {
	l.agent.shard.current = l.agent
	if !l.gone.IsZero() && !now.Before(l.gone) {
		l.forget()
		return
	}
	if o := l.out; o != nil && !o.guard.IsZero() && !now.Before(o.guard) {
		l.close(o)
		l.gaveUp(o, 408)
	}
	for _, part := range [...]func(*leg, time.Time){(*leg).expireInvite, (*leg).expireProgress, (*leg).expireSession, (*leg).expireAnswer} {
		if !l.ended() { // by the part before
			part(l, now)
		}
	}
	l.rearm()
}

// expireInvite repeats what the caller was last told, and ends an invitation
// whose time is up.
func (l *leg) expireInvite(now time.Time) {
	if at := l.in.repeat; !at.IsZero() && !now.Before(at) {
		l.in.repeat = now.Add(repeatProgress)
		l.in.tx.respond(l.in.status, l.in.progress)
	}
	if at := l.in.expires; !at.IsZero() && !now.Before(at) {
		l.in.expires = time.Time{}
		l.agent.feed(call.Expired{})
	}
}

// expireAnswer repeats a 2xx, or gives its ACK up.
func (l *leg) expireAnswer(now time.Time) {
	send, missing := l.in.accepted.Expire(now)
	if len(send) > 0 {
		l.agent.shard.server.metrics.repeats.WithLabelValues("answer").Inc()
		l.in.tx.flow.send(send, "")
	}
	if missing {
		l.ackMissing()
	}
}

// closeIn ends an INVITE that the peer sent.
func (l *leg) closeIn() {
	l.in, l.pracks = inviteIn{}, nil
	l.dialog.InviteIn = false
}

// end lets go of everything but what late messages need.
func (l *leg) end() {
	l.liveLeg = nil
	if r := l.pracks; r != nil { // a PRACK may cross the final response (RFC 3262 s3)
		*r = pracks{waiting: r.waiting}
		r.waiting.Stop()
	}
	if l.first != nil {
		l.first.forks.Over()
	}
	l.rearm()
}

// forget lets go of the rest.
func (l *leg) forget() {
	sh := l.agent.shard
	sh.timers.set(&l.timer, time.Time{})
	delete(sh.legs, l.tag)
	sh.forget(l.out)
	sh.forget(l.first)
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
			if cause := causeParam(params); cause > 0 && cause < 128 {
				return cause
			}
		}
	}
	return 0
}

// reasonOf are the Reason values of a CANCEL that say more than the CANCEL
// does, a call answered elsewhere most of all (RFC 3326 s3), without their text.
func reasonOf(m *wire.Message) string {
	var kept []string
	for _, v := range m.Values("Reason") {
		for one := range strings.SplitSeq(v, ",") {
			protocol, params, _ := strings.Cut(one, ";")
			protocol = strings.TrimSpace(protocol)
			if cause := causeParam(params); cause > 0 && len(kept) < 2 && (strings.EqualFold(protocol, "SIP") || strings.EqualFold(protocol, "Q.850")) {
				kept = append(kept, protocol+";cause="+strconv.Itoa(cause))
			}
		}
	}
	return strings.Join(kept, ", ")
}

// causeParam is the cause of a Reason value's parameters, 0 when there is none.
func causeParam(params string) int {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		if cause, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && strings.EqualFold(strings.TrimSpace(name), "cause") && cause > 0 && cause < 700 {
			return cause
		}
	}
	return 0
}

// closeSound gives the leg's ports back.
func (l *leg) closeSound(p media.Plane) {
	if !l.ended() && l.media != 0 {
		delete(l.agent.shard.sounds, l.media)
		l.stats = p.Close(l.media)
		l.media = 0
	}
}
