package call

import "tonegate/number"

// Plan is what was decided before the first step, and why.
type Plan struct {
	Facts     Facts
	Screening Screening
	Emergency bool
	Targets   []Target // tried in order
	Withhold  bool     // the caller's number must not leave
	Notices   Slots
	// Exempt says why no notice plays; empty when one does.
	Exempt    string
	OnFailure OnFailure
	LiveCalls LiveCalls
	Suspend   Refusal // what the caller gets when a number is stopped while B still rings
	// Refusal and Why are set when the call must not leave on another leg.
	Refusal *Refusal
	Why     Reason
}

// Refusals that are not the operator's to choose.
var (
	vacant     = Refusal{Status: 404, Cause: 1}
	forbidden  = Refusal{Status: 403, Cause: 21}
	noRoute119 = Refusal{Status: 503, Cause: 3} // emergency without a route
)

// Plan decides one call. Emergency calls come first, always: no list, guard
// or notice can touch them.
func (p *Policy) Plan(f Facts, s Screening) Plan {
	plan := Plan{Facts: f, Screening: s, Emergency: f.Emergency(), OnFailure: p.OnFailure, LiveCalls: p.LiveCalls, Suspend: p.Refuse}
	route := p.route(&f)
	switch {
	case plan.Emergency:
		plan.Exempt = "emergency call"
		plan.Screening.Stopped = false
		plan.LiveCalls = KeepLiveCalls
		if route == nil {
			plan.refuse(noRoute119, ReasonNoEmergencyRoute)
		}
	case s.Stopped:
		plan.refuse(p.Refuse, ReasonStopped)
	case f.Unread > 0 && p.Unreadable == RefuseUnreadable:
		plan.refuse(p.Refuse, ReasonUnreadable)
	case route == nil:
		plan.refuse(vacant, ReasonNoRoute)
	case !p.mayPresent(&f):
		if p.Trunks[f.Trunk].Withhold {
			plan.Withhold = true
		} else {
			plan.refuse(forbidden, ReasonPresentation)
		}
	}
	if plan.Refusal != nil {
		return plan
	}
	plan.Targets = route.To
	if !plan.Emergency {
		plan.notices(p, &f)
	}
	return plan
}

func (plan *Plan) refuse(r Refusal, why Reason) { plan.Refusal, plan.Why = &r, why }

func (p *Policy) route(f *Facts) *Route {
	for i := range p.Routes {
		if p.Routes[i].matches(f) {
			return &p.Routes[i]
		}
	}
	return nil
}

// mayPresent holds the presented caller against what its trunk may present:
// its own numbers, no number at all, or the caller of the same forwarded call.
func (p *Policy) mayPresent(f *Facts) bool {
	t := p.Trunks[f.Trunk]
	n := f.Presented()
	if t.Unchecked || n == number.Withheld || t.Presents.Contains(n) {
		return true
	}
	for _, d := range f.Diverting {
		if t.Presents.Contains(d) {
			return true
		}
	}
	return false
}

// notices picks the rule of the call. "Our number" is the caller's when the
// call leaves a PBX for the telephone network, else the called one; the far
// leg is the trunk where that number lives.
func (plan *Plan) notices(p *Policy, f *Facts) {
	to := plan.Targets[0].Trunk
	from, far := p.Trunks[f.Trunk].Far, p.Trunks[to].Far
	ours := f.Called
	if from != PSTN && far == PSTN {
		ours, far = f.Presented(), from
	}
	for i := range p.Rules {
		r := &p.Rules[i]
		if !r.When.matches(f, to, ours.Class(), far) {
			continue
		}
		plan.Notices, plan.Exempt = r.Slots, r.None
		// Each leg hears a given notice once.
		if plan.Notices.AnswerCaller == plan.Notices.BeforeCaller {
			plan.Notices.AnswerCaller = ""
		}
		if plan.Notices.AnswerCallee == plan.Notices.BeforeCallee {
			plan.Notices.AnswerCallee = ""
		}
		return
	}
	plan.Exempt = "no rule matched"
}
