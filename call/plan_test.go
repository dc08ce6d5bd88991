package call

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"tonegate/number"
)

func num(t testing.TB, s string) number.Number {
	t.Helper()
	n, err := number.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func set(t testing.TB, items ...string) *number.Set {
	t.Helper()
	s, err := number.ParseSet(items)
	if err != nil {
		t.Fatal(err)
	}
	return &s
}

func yes(b bool) *bool { return &b }

// sample is the policy of the sample configuration.
func sample(t testing.TB) *Policy {
	ours := set(t, "+81312340000-+81312349999")
	return &Policy{
		Trunks: map[string]Trunk{
			"carrier": {Far: PSTN, Unchecked: true},
			"pbx":     {Far: Internet, Presents: *ours},
		},
		Routes: []Route{
			{From: "carrier", To: []Target{{Trunk: "pbx"}}, Called: ours},
			{From: "pbx", To: []Target{{Trunk: "carrier"}}},
		},
		Rules: []Rule{
			{When: Condition{Emergency: yes(true)}, None: "emergency call"},
			{When: Condition{Forwarded: yes(true)}, Slots: Slots{BeforeCaller: "tone", AnswerCallee: "tone"}},
			{When: Condition{Class: []number.Class{number.Fixed}, FarLeg: []Kind{Internet}}, Slots: Slots{AnswerCaller: "tone", AnswerCallee: "tone"}},
			{None: "no fixed-line number, not forwarded"},
		},
		Refuse: Refusal{Status: 404, Cause: 1},
	}
}

func TestPlans(t *testing.T) {
	p := sample(t)
	n := func(s string) number.Number { return num(t, s) }
	for _, c := range []struct {
		name    string
		facts   Facts
		stopped bool
		status  int
		why     Reason
		notices Slots
		exempt  string
	}{
		{name: "plain incoming", facts: Facts{Trunk: "carrier", Caller: n("05012340001"), Called: n("0312340001")},
			notices: Slots{AnswerCaller: "tone", AnswerCallee: "tone"}},
		{name: "forwarded", facts: Facts{Trunk: "carrier", Caller: n("05012340001"), Called: n("0312340001"), Forwarded: true},
			notices: Slots{BeforeCaller: "tone", AnswerCallee: "tone"}},
		{name: "outgoing presents our number", facts: Facts{Trunk: "pbx", Caller: n("0312340001"), Called: n("09012345678")},
			notices: Slots{AnswerCaller: "tone", AnswerCallee: "tone"}},
		{name: "outgoing withheld", facts: Facts{Trunk: "pbx", Caller: number.Withheld, Called: n("09012345678")},
			exempt: "no fixed-line number, not forwarded"},
		{name: "stopped", facts: Facts{Trunk: "carrier", Caller: n("05012340001"), Called: n("0312340001")}, stopped: true, status: 404, why: ReasonStopped},
		{name: "vacant", facts: Facts{Trunk: "carrier", Caller: n("05012340001"), Called: n("0399990001")}, status: 404, why: ReasonNoRoute},
		{name: "faked caller", facts: Facts{Trunk: "pbx", Caller: n("0355550001"), Called: n("09012345678")}, status: 403, why: ReasonPresentation},
		{name: "faked identity behind a good From", facts: Facts{Trunk: "pbx", Caller: n("0312340001"), Asserted: []number.Number{n("0355550001")}, Called: n("09012345678")},
			status: 403, why: ReasonPresentation},
		{name: "caller of the same forwarded call", facts: Facts{Trunk: "pbx", Caller: n("05012340001"), Called: n("09012345678"), Forwarded: true, Diverting: []number.Number{n("0312340001")}},
			notices: Slots{BeforeCaller: "tone", AnswerCallee: "tone"}},
		{name: "emergency", facts: Facts{Trunk: "pbx", Caller: n("0355550001"), Called: n("110"), Forwarded: true}, stopped: true, exempt: "emergency call"},
		{name: "call-back from the fire brigade", facts: Facts{Trunk: "carrier", Caller: n("119"), Called: n("0312340001")}, stopped: true, exempt: "emergency call"},
		{name: "emergency without a route", facts: Facts{Trunk: "carrier", Called: n("110")}, status: 503, why: ReasonNoEmergencyRoute, exempt: "emergency call"},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan := p.Plan(c.facts, Screening{Stopped: c.stopped, Revision: 7})
			status := 0
			if plan.Refusal != nil {
				status = plan.Refusal.Status
			}
			if status != c.status || plan.Why != c.why || plan.Notices != c.notices || plan.Exempt != c.exempt || plan.Screening.Revision != 7 {
				t.Errorf("status %d, why %q, notices %+v, exempt %q", status, plan.Why, plan.Notices, plan.Exempt)
			}
		})
	}
}

func TestWithheldInsteadOfRejected(t *testing.T) {
	p := sample(t)
	pbx := p.Trunks["pbx"]
	pbx.Withhold = true
	p.Trunks["pbx"] = pbx
	if plan := p.Plan(Facts{Trunk: "pbx", Caller: num(t, "0355550001"), Called: num(t, "09012345678")}, Screening{}); !plan.Withhold || plan.Refusal != nil {
		t.Errorf("%+v", plan)
	}
}

func TestUnreadableNumbers(t *testing.T) {
	p := sample(t)
	f := Facts{Trunk: "carrier", Called: num(t, "0312340001"), Unread: 1}
	if plan := p.Plan(f, Screening{}); plan.Refusal != nil {
		t.Errorf("allow: %+v", plan.Refusal)
	}
	p.Unreadable = RefuseUnreadable
	if plan := p.Plan(f, Screening{}); plan.Refusal == nil || plan.Why != ReasonUnreadable {
		t.Errorf("refuse: %+v", plan)
	}
}

func TestANoticeIsHeardOnce(t *testing.T) {
	p := sample(t)
	p.Rules[1].Slots = Slots{BeforeCaller: "tone", AnswerCaller: "tone", AnswerCallee: "other"}
	plan := p.Plan(Facts{Trunk: "carrier", Called: num(t, "0312340001"), Forwarded: true}, Screening{})
	if want := (Slots{BeforeCaller: "tone", AnswerCallee: "other"}); plan.Notices != want {
		t.Errorf("%+v, want %+v", plan.Notices, want)
	}
}

// TestEmergencyCallsAlwaysGetThrough is the invariant: whatever the list, the
// rules, the guard and the headers say, a call to or from 110, 118 or 119 that
// has a route is neither refused, nor toned, nor withheld, nor ended.
func TestEmergencyCallsAlwaysGetThrough(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	coin := func() bool { return rng.IntN(2) == 0 }
	for i := range 20000 {
		p := sample(t)
		p.Unreadable, p.LiveCalls, p.OnFailure = Unreadable(rng.IntN(2)), LiveCalls(rng.IntN(2)), OnFailure(rng.IntN(2))
		rng.Shuffle(len(p.Rules), func(i, j int) { p.Rules[i], p.Rules[j] = p.Rules[j], p.Rules[i] })
		pbx := p.Trunks["pbx"]
		pbx.Withhold, pbx.Unchecked = coin(), coin()
		p.Trunks["pbx"] = pbx
		f := Facts{Trunk: "pbx", Called: num(t, []string{"110", "118", "119", "184110", "186119"}[rng.IntN(5)]), Forwarded: coin(), Unread: rng.IntN(3)}
		if coin() {
			f.Caller = num(t, "0355550001")
		}
		if coin() {
			f.Asserted = append(f.Asserted, num(t, "05099990000"))
		}
		if coin() {
			f.Diverting = append(f.Diverting, num(t, "0399990000"))
		}
		if coin() {
			f = Facts{Trunk: "carrier", Caller: num(t, []string{"110", "118", "119"}[rng.IntN(3)]), Called: num(t, "0312340001"), Unread: f.Unread}
		}
		if rng.IntN(4) == 0 { // redirected by the police, or their call-back sent on
			f.Called, f.Trunk, f.Urgent = num(t, "08012345678"), "pbx", true
		}
		plan := p.Plan(f, Screening{Stopped: coin()})
		if plan.Refusal != nil || plan.Notices != (Slots{}) || plan.Withhold || plan.Exempt == "" || plan.LiveCalls != KeepLiveCalls || len(plan.Targets) == 0 {
			t.Fatalf("case %d: %s", i, fmt.Sprintf("%+v", plan))
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	p := sample(b)
	f := Facts{Trunk: "carrier", Caller: num(b, "05012340001"), Called: num(b, "0312340001"), Forwarded: true, Diverting: []number.Number{num(b, "0399990000")}}
	b.ReportAllocs()
	for b.Loop() {
		p.Plan(f, Screening{})
	}
}

// BenchmarkStep is a whole forwarded call: eight events.
func BenchmarkStep(b *testing.B) {
	b.ReportAllocs()
	now := time.Unix(0, 0)
	for b.Loop() {
		c := New(&early)
		for _, ev := range []Event{offer, heard(A), Progressed{Status: 100}, rings, picks, Acked{}, heard(B), HungUp{Side: A, Cause: 16}} {
			c.Step(now, ev)
		}
		if !c.Finished() {
			b.Fatal("the call did not end")
		}
	}
}
