package sip

import (
	"slices"

	"tonegate/call"
	"tonegate/media/sdp"
)

// way is what a call, or a part of it, goes by: a plan, what the callee is
// told of who calls, and which codecs may pass.
type way struct {
	plan     call.Plan
	identity identity
	from     *way // a redirection: of whom
	transfer bool
	only     []string // the names of the codecs that we have answered the caller with; nil: none yet
	narrow   bool     // codecs are kept to those of the notices
}

// way is the one that the call goes by now.
func (a *agent) way() *way { return a.wayOf(a.call.Plan()) }

func (a *agent) wayOf(p *call.Plan) *way {
	for _, w := range a.ways {
		if &w.plan == p {
			return w
		}
	}
	return a.ways[0]
}

// root is where the redirections begin.
func (w *way) root() *way {
	for w.from != nil {
		w = w.from
	}
	return w
}

// redirections are the numbers that the call was redirected to, in order.
func (w *way) redirections() []string {
	if w.from == nil {
		return nil
	}
	return append(w.from.redirections(), spelled(w.plan.Facts.Called))
}

func (w *way) turnAway(status int, why call.Reason) {
	if w.plan.Refusal == nil {
		w.plan.Refusal, w.plan.Why = &call.Refusal{Status: status}, why
	}
}

// narrowTo keeps the codecs to those of the notices, if there is a notice and
// the caller has such codecs.
func (w *way) narrowTo(caller *sdp.Session) {
	w.narrow = w.plan.Exempt == "" && speaksNotices(caller)
	if !w.narrow {
		w.plan.Notices.Mode = call.Early // nothing to pick up with: the notice fails, the call need not
	}
}

// keep says which codecs may pass from one leg to the other: those that we
// answered with ourselves, or those that the notices of this call can be
// played in, as far as the caller has any.
func (w *way) keep(c sdp.Codec) bool {
	switch {
	case !c.Audio():
		return true
	case w.only != nil:
		return slices.Contains(w.only, c.Name)
	case w.narrow:
		return c.Name == sdp.PCMU || c.Name == sdp.PCMA
	}
	return true
}
