package sip

import (
	"strconv"
	"time"

	"tonegate/call"
	"tonegate/sip/dialog"
	"tonegate/sip/wire"
)

const tagTimer = "timer"

// longestInterval bounds the session interval that a peer can make us agree to.
const longestInterval = 24 * time.Hour

// askSession reads what an INVITE or UPDATE says of session timers, and gives
// what its 2xx agrees to; false when the interval is too brief and it must be
// refused with 422 (RFC 4028 s9).
func (l *leg) askSession(m *wire.Message) (dialog.SessionExpires, bool) {
	asked, ok := dialog.ParseSessionExpires(m.Value("Session-Expires"))
	minSE, _ := dialog.ParseSeconds(cut(m.Value("Min-SE")))
	l.minSE = max(l.minSE, min(minSE, longestInterval))
	value, tooBrief := dialog.Negotiate(asked, ok, hasTag(m.Supported, tagTimer) || hasTag(m.Require, tagTimer), minSE, l.trunk.SessionTimer)
	value.Interval = min(value.Interval, longestInterval)
	return value, !tooBrief
}

// cut is a header value without its parameters.
func cut(value string) string {
	for i := range len(value) {
		if value[i] == ';' {
			return value[:i]
		}
	}
	return value
}

// agreeSession writes the outcome into our 2xx to a request, and starts the timer.
func (l *leg) agreeSession(b *wire.Builder, v dialog.SessionExpires, m *wire.Message) {
	b.Add("Supported", tagTimer)
	if v.Interval == 0 {
		l.session.Stop()
		return
	}
	b.Add("Session-Expires", v.String())
	if v.Refresher == dialog.ByUAC || hasTag(m.Supported, tagTimer) { // RFC 4028 s9
		b.Add("Require", tagTimer)
	}
	l.session.Start(v.Interval, v.Refresher == dialog.ByUAS, l.agent.shard.now)
}

// offerSession writes into an INVITE of ours what session timer we have, or want.
func (l *leg) offerSession(b *wire.Builder, o *inviteOut) {
	minSE := max(dialog.MinSE, l.minSE) // RFC 4028 s7.4
	v := dialog.SessionExpires{Interval: max(l.trunk.SessionTimer, l.minSE)}
	if l.trunk.SessionTimer == 0 {
		v.Interval = 0
	}
	if l.session.Running() { // the roles stay as they are (RFC 4028 s7.4)
		v.Interval, v.Refresher = max(l.session.Interval(), l.minSE), dialog.ByUAS
		if l.session.Ours() {
			v.Refresher = dialog.ByUAC
		}
	}
	if o.session = v.Interval; v.Interval > 0 {
		b.Add("Session-Expires", v.String()).Add("Min-SE", seconds(minSE))
	}
}

// takeSession starts the timer that a 2xx to our INVITE agrees to; a peer
// without timers leaves the refreshing to us, if we want a timer (RFC 4028 s7.2).
func (l *leg) takeSession(o *inviteOut, m *wire.Message) {
	v, ok := dialog.ParseSessionExpires(m.Value("Session-Expires"))
	switch {
	case ok:
		l.session.Start(min(max(v.Interval, dialog.MinSE), longestInterval), v.Refresher != dialog.ByUAS, l.agent.shard.now)
	case o.session > 0:
		l.session.Start(o.session, true, l.agent.shard.now)
	default:
		l.session.Stop()
	}
	l.rearm()
}

// tooBrief retries an INVITE whose interval the peer found too short, once
// (RFC 4028 s7.3).
func (l *leg) tooBrief(o *inviteOut, m *wire.Message) bool {
	if o.again || !l.longer(o, m) {
		return false
	}
	minSE := l.minSE
	l.close(o)
	l.agent.dialWith(l, l.agent.dialled, minSE)
	return true
}

// tooBriefAgain does so with a request within the dialog, which keeps its offer.
func (l *leg) tooBriefAgain(o *inviteOut, m *wire.Message) bool {
	if !l.longer(o, m) {
		return false
	}
	again := l.agent.again(l)
	again.offer = o.offer
	l.agent.ask(l, again, l.said)
	return true
}

// longer takes the Min-SE of a 422; false when there is nothing to be gained
// by asking again.
func (l *leg) longer(o *inviteOut, m *wire.Message) bool {
	minSE, ok := dialog.ParseSeconds(cut(m.Value("Min-SE")))
	if !ok || o.session == 0 || minSE <= o.session || minSE > longestInterval {
		return false
	}
	l.minSE = max(l.minSE, minSE)
	return true
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// refresh sends a leg an UPDATE, or a re-INVITE with the description that it has.
func (a *agent) refresh(l *leg) {
	l.unsaid = l.words
	if l.updates {
		a.askByUpdate(l, nil)
	} else {
		a.ask(l, a.again(l), l.said)
	}
}

// refreshLater puts a refresh off, by the rule of RFC 3261 s14.1: whoever owns
// the Call-ID waits longer. Leg B's is ours.
func (l *leg) refreshLater() {
	random := l.agent.shard.random
	wait := time.Duration(random.IntN(201)) * 10 * time.Millisecond
	if l.side == call.B {
		wait = 2100*time.Millisecond + time.Duration(random.IntN(191))*10*time.Millisecond
	}
	if l.session.Ours() {
		l.session.Retry(wait, l.agent.shard.now)
	} else {
		l.retry = l.agent.shard.now.Add(wait)
	}
	l.rearm()
}

// expireSession tells the call that a refresh is due, or that the session is over.
func (l *leg) expireSession(now time.Time) {
	if at := l.retry; !at.IsZero() && !now.Before(at) {
		l.retry = time.Time{}
		l.agent.feed(call.RefreshDue{Side: l.side})
		if l.ended() {
			return
		}
	}
	refresh, over := l.session.Expire(now)
	if refresh {
		l.agent.feed(call.RefreshDue{Side: l.side})
	}
	if over {
		l.agent.feed(call.SessionExpired{Side: l.side})
	}
}
