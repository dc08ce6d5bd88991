package dialog

import (
	"strconv"
	"strings"
	"time"
)

// MinSE is the shortest session interval that anybody may ask for (RFC 4028 s4).
const MinSE = 90 * time.Second

// Session is the session timer of one dialog (RFC 4028). Its zero value does
// not run.
type Session struct {
	interval time.Duration
	refresh  time.Time // when we refresh; zero when the peer does
	end      time.Time // when a session that was not refreshed ends
}

// Start begins a session interval; ours says that we refresh. The refresher
// does so at half of it; the other side gives the session up a little before
// its end, min(32 s, a third) (RFC 4028 s10).
func (s *Session) Start(interval time.Duration, ours bool, now time.Time) {
	*s = Session{interval: interval, end: now.Add(interval - min(32*time.Second, interval/3))}
	if ours {
		s.refresh, s.end = now.Add(interval/2), now.Add(interval)
	}
}

// Stop ends the timer.
func (s *Session) Stop() { *s = Session{} }

// Running reports whether there is a session interval.
func (s *Session) Running() bool { return s.interval > 0 }

// Ours reports whether we refresh.
func (s *Session) Ours() bool { return !s.refresh.IsZero() }

// Interval is the session interval in force.
func (s *Session) Interval() time.Duration { return s.interval }

// Due is when Expire wants to be called; zero when the timer does not run.
func (s *Session) Due() time.Time {
	if s.Ours() && s.refresh.Before(s.end) {
		return s.refresh
	}
	return s.end
}

// Expire says that it is time to refresh, or that the session is over.
func (s *Session) Expire(now time.Time) (refresh, over bool) {
	switch {
	case !s.Running():
	case !now.Before(s.end):
		s.Stop()
		return false, true
	case s.Ours() && !now.Before(s.refresh):
		s.refresh = s.end // until Retry or Start says otherwise
		return true, false
	}
	return false, false
}

// Retry refreshes again after a while: the refresh met another offer, or there
// was one under way.
func (s *Session) Retry(after time.Duration, now time.Time) {
	if s.Running() && s.Ours() {
		s.refresh = now.Add(after)
	}
}

// Refresher is who refreshes a session, as Session-Expires names it.
type Refresher uint8

// Refreshers.
const (
	Unsaid Refresher = iota
	ByUAC
	ByUAS
)

func (r Refresher) String() string { return [...]string{"", "uac", "uas"}[r] }

// SessionExpires is a Session-Expires value (RFC 4028 s4).
type SessionExpires struct {
	Interval  time.Duration
	Refresher Refresher
}

func (s SessionExpires) String() string {
	text := strconv.Itoa(int(s.Interval / time.Second))
	if s.Refresher != Unsaid {
		text += ";refresher=" + s.Refresher.String()
	}
	return text
}

// ParseSessionExpires reads a Session-Expires value; false when there is none
// that can be read.
func ParseSessionExpires(value string) (SessionExpires, bool) {
	seconds, params, _ := strings.Cut(value, ";")
	interval, ok := ParseSeconds(seconds)
	if !ok {
		return SessionExpires{}, false
	}
	s := SessionExpires{Interval: interval}
	for p := range strings.SplitSeq(params, ";") {
		name, who, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "refresher") {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(who)) {
		case "uac":
			s.Refresher = ByUAC
		case "uas":
			s.Refresher = ByUAS
		}
	}
	return s, true
}

// ParseSeconds reads delta-seconds, as in Min-SE; parameters are for the caller to cut off.
func ParseSeconds(value string) (time.Duration, bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31)
	return time.Duration(n) * time.Second, err == nil && n > 0
}

// Negotiate is the UAS's part of the negotiation (RFC 4028 s9): what the peer
// asked for, if it did, and what we want, 0 for nothing. It gives the value
// for the 2xx, none when there is to be no timer, or tooBrief when the request
// must be refused with 422.
func Negotiate(asked SessionExpires, ok, supported bool, minSE, want time.Duration) (value SessionExpires, tooBrief bool) {
	floor := max(minSE, MinSE)
	switch {
	case ok && supported && asked.Interval < MinSE:
		return SessionExpires{}, true
	case ok:
		value = asked
		value.Interval = max(value.Interval, MinSE)
		if want > 0 { // reduced at most, whatever a contradictory Min-SE says
			value.Interval = min(value.Interval, max(want, floor))
		}
	case want > 0:
		value = SessionExpires{Interval: max(want, floor), Refresher: ByUAS}
	default:
		return SessionExpires{}, false
	}
	switch {
	case !supported: // it cannot refresh (RFC 4028 table 2)
		value.Refresher = ByUAS
	case value.Refresher == Unsaid:
		value.Refresher = ByUAC
	}
	return value, false
}
