package call

import (
	"math/rand/v2"
	"testing"
)

// start is how a call begins.
type start struct {
	plan              Plan
	invite            Invited
	refers, redirects bool
	by                Slots // a transfer's notices
}

// world is what the start leads to; where there are transfers, two who talk.
func (s *start) world() (*world, error) {
	w := newWorld(&s.plan)
	w.refers, w.redirects = s.refers, s.redirects
	w.target = &Plan{Targets: []Target{{Trunk: "third"}}, OnFailure: s.plan.OnFailure, Notices: s.plan.Notices}
	steps := []Event{s.invite}
	if s.refers {
		w.target.Notices = s.by
		steps = append(steps, Progressed{Status: 180, Fork: "f1"}, Answered{Fork: "f1", SDP: Theirs("b-answer")}, Acked{})
	}
	for _, ev := range steps {
		if err := w.feed(ev); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func starts() map[string]start {
	two := []Target{{Trunk: "pbx"}, {Trunk: "pbx", Peer: 1}}
	offer := Invited{Offer: Theirs("a-offer")}
	both := Slots{AnswerCaller: "tone", AnswerCallee: "tone"}
	return map[string]start{
		"plain":                    {plan: Plan{Targets: two}, invite: offer},
		"late offer":               {plan: Plan{Targets: two}, invite: Invited{}},
		"tone at answer":           {plan: Plan{Targets: two, Notices: both}, invite: offer},
		"late, tone at answer":     {plan: Plan{Targets: two, Notices: both}, invite: Invited{}},
		"early tone":               {plan: Plan{Targets: two, Notices: Slots{BeforeCaller: "tone", AnswerCallee: "tone"}}, invite: offer},
		"early tone, strict":       {plan: Plan{Targets: two, OnFailure: Release, Notices: Slots{BeforeCaller: "tone", AnswerCallee: "tone"}}, invite: offer},
		"late offer, tone":         {plan: Plan{Targets: two, Notices: Slots{BeforeCaller: "tone"}}, invite: Invited{}},
		"tone after our answer":    {plan: Plan{Targets: two, Notices: Slots{BeforeCaller: "tone", Mode: AnsweredBefore, AnswerCallee: "tone"}}, invite: offer},
		"tone before to both":      {plan: Plan{Targets: two, Notices: Slots{BeforeCaller: "tone", BeforeCallee: "tone"}}, invite: offer},
		"tone before to callee":    {plan: Plan{Targets: two, Notices: Slots{BeforeCallee: "tone"}}, invite: Invited{}},
		"overlap":                  {plan: Plan{Targets: two, OnFailure: Release, Notices: Slots{BeforeCaller: "tone", Overlap: true, AnswerCallee: "tone"}}, invite: offer},
		"overlap to both":          {plan: Plan{Targets: two, Notices: Slots{BeforeCaller: "tone", BeforeCallee: "tone", Overlap: true}}, invite: offer},
		"overlap after our answer": {plan: Plan{Targets: two, Notices: Slots{BeforeCaller: "tone", Overlap: true, Mode: AnsweredBefore}}, invite: Invited{}},
		"reliable":                 {plan: Plan{Targets: two}, invite: Invited{Offer: Theirs("a-offer"), Reliable: true}},
		"reliable, tone":           {plan: Plan{Targets: two, OnFailure: Release, Notices: Slots{BeforeCaller: "tone", AnswerCallee: "tone"}}, invite: Invited{Offer: Theirs("a-offer"), Reliable: true}},
		"reliable, overlap":        {plan: Plan{Targets: two, Notices: Slots{BeforeCaller: "tone", BeforeCallee: "tone", Overlap: true}}, invite: Invited{Offer: Theirs("a-offer"), Reliable: true}},
		"reliable, late offer":     {plan: Plan{Targets: two, Notices: Slots{BeforeCaller: "tone"}}, invite: Invited{Reliable: true}},
		"reliable, announced":      {plan: Plan{Refusal: &Refusal{Status: 404, Cause: 1, Announce: "voice"}, Why: ReasonStopped}, invite: Invited{Reliable: true}},
		"tone held":                {plan: Plan{Targets: two, Notices: Slots{BeforeCallee: "tone", AnswerCaller: "tone"}}, invite: offer},
		"suspended":                {plan: Plan{Refusal: &Refusal{Status: 404, Cause: 1}, Why: ReasonStopped}, invite: offer},
		"suspended, announced":     {plan: Plan{Refusal: &Refusal{Status: 404, Cause: 1, Announce: "voice"}, Why: ReasonStopped}, invite: offer},
		"redirected":               {plan: Plan{Targets: two, OnFailure: Release, Notices: Slots{BeforeCaller: "tone", AnswerCallee: "tone"}}, invite: offer, redirects: true},
		"redirected, overlap":      {plan: Plan{Targets: two, Notices: Slots{BeforeCaller: "tone", Overlap: true, AnswerCaller: "tone"}}, invite: Invited{Offer: Theirs("a-offer"), Reliable: true}, redirects: true},
		"redirected, answered":     {plan: Plan{Targets: two, Notices: Slots{BeforeCaller: "tone", Mode: AnsweredBefore}}, invite: Invited{}, redirects: true},
		"transfer":                 {plan: Plan{Targets: two}, invite: offer, refers: true},
		"transfer, early tone":     {plan: Plan{Targets: two, OnFailure: Release}, invite: offer, refers: true, by: Slots{BeforeCaller: "tone", AnswerCallee: "tone"}},
		"transfer, overlap":        {plan: Plan{Targets: two, OnFailure: Release}, invite: offer, refers: true, by: Slots{BeforeCaller: "tone", Overlap: true}},
		"transfer, redirected":     {plan: Plan{Targets: two}, invite: offer, refers: true, redirects: true, by: Slots{AnswerCaller: "tone"}},
		"emergency":                {plan: Plan{Targets: two, Emergency: true, LiveCalls: KeepLiveCalls}, invite: offer},
	}
}

// TestEveryOrderOfEvents executes every order of up to seven events that the
// world can produce, and holds every action against it.
func TestEveryOrderOfEvents(t *testing.T) {
	for name, start := range starts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, err := start.world()
			if err != nil {
				t.Fatal(err)
			}
			depth, count := 6, 0 // the INVITE and six more
			if start.refers {    // two who talk already
				depth = 5
			}
			if testing.Short() || raceDetector {
				depth = 4
			}
			if err := explore(w, depth, &count); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d orders", count)
		})
	}
}

// TestLongWalks goes deeper than every order can: random walks of up to sixty
// events, ten million in all. A failure names its seed.
func TestLongWalks(t *testing.T) {
	events := 10_000_000
	if testing.Short() || raceDetector {
		events /= 100
	}
	all := starts()
	for name, start := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed, done := uint64(0), 0; done < events/len(all)+1; seed++ {
				n, err := start.walk(rand.New(rand.NewPCG(seed, 7)))
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				done += n
			}
		})
	}
}

// walk takes one random way, and counts its events.
func (s *start) walk(rng *rand.Rand) (int, error) {
	w, err := s.world()
	events := 0
	for n := 1 + rng.IntN(60); events < n && err == nil && w.finishes == 0; events++ {
		next := w.possible()
		ev := next[rng.IntN(len(next))]
		if ends(ev) && rng.IntN(8) > 0 { // else few walks come far
			ev = next[rng.IntN(len(next))]
		}
		err = w.feed(ev)
	}
	for after := rng.IntN(4); after > 0 && err == nil; after-- {
		next := w.possible()
		err = w.feed(next[rng.IntN(len(next))])
		events++
	}
	if err == nil {
		err = w.settle()
	}
	return events, err
}

// ends reports whether an event can be a call's last but one.
func ends(ev Event) bool {
	switch ev.(type) {
	case Suspended, MediaLost, HungUp, Cancelled, SessionExpired, AckMissing, PrackMissing, Rejected, Unreachable, RangOut:
		return true
	}
	return false
}
