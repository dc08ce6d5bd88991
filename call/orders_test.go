package call

import (
	"math/rand/v2"
	"testing"
)

// start is how a call begins.
type start struct {
	plan   Plan
	invite Invited
}

func starts() map[string]start {
	two := []Target{{Trunk: "pbx"}, {Trunk: "pbx", Peer: 1}}
	offer := Invited{Offer: Theirs("a-offer")}
	both := Slots{AnswerCaller: "tone", AnswerCallee: "tone"}
	return map[string]start{
		"plain":                    {Plan{Targets: two}, offer},
		"late offer":               {Plan{Targets: two}, Invited{}},
		"tone at answer":           {Plan{Targets: two, Notices: both}, offer},
		"late, tone at answer":     {Plan{Targets: two, Notices: both}, Invited{}},
		"early tone":               {Plan{Targets: two, Notices: Slots{BeforeCaller: "tone", AnswerCallee: "tone"}}, offer},
		"early tone, strict":       {Plan{Targets: two, OnFailure: Release, Notices: Slots{BeforeCaller: "tone", AnswerCallee: "tone"}}, offer},
		"late offer, tone":         {Plan{Targets: two, Notices: Slots{BeforeCaller: "tone"}}, Invited{}},
		"tone after our answer":    {Plan{Targets: two, Notices: Slots{BeforeCaller: "tone", Mode: AnsweredBefore, AnswerCallee: "tone"}}, offer},
		"tone before to both":      {Plan{Targets: two, Notices: Slots{BeforeCaller: "tone", BeforeCallee: "tone"}}, offer},
		"tone before to callee":    {Plan{Targets: two, Notices: Slots{BeforeCallee: "tone"}}, Invited{}},
		"overlap":                  {Plan{Targets: two, OnFailure: Release, Notices: Slots{BeforeCaller: "tone", Overlap: true, AnswerCallee: "tone"}}, offer},
		"overlap to both":          {Plan{Targets: two, Notices: Slots{BeforeCaller: "tone", BeforeCallee: "tone", Overlap: true}}, offer},
		"overlap after our answer": {Plan{Targets: two, Notices: Slots{BeforeCaller: "tone", Overlap: true, Mode: AnsweredBefore}}, Invited{}},
		"reliable":                 {Plan{Targets: two}, Invited{Offer: Theirs("a-offer"), Reliable: true}},
		"reliable, tone":           {Plan{Targets: two, OnFailure: Release, Notices: Slots{BeforeCaller: "tone", AnswerCallee: "tone"}}, Invited{Offer: Theirs("a-offer"), Reliable: true}},
		"reliable, overlap":        {Plan{Targets: two, Notices: Slots{BeforeCaller: "tone", BeforeCallee: "tone", Overlap: true}}, Invited{Offer: Theirs("a-offer"), Reliable: true}},
		"reliable, late offer":     {Plan{Targets: two, Notices: Slots{BeforeCaller: "tone"}}, Invited{Reliable: true}},
		"reliable, announced":      {Plan{Refusal: &Refusal{Status: 404, Cause: 1, Announce: "voice"}, Why: ReasonStopped}, Invited{Reliable: true}},
		"tone held":                {Plan{Targets: two, Notices: Slots{BeforeCallee: "tone", AnswerCaller: "tone"}}, offer},
		"suspended":                {Plan{Refusal: &Refusal{Status: 404, Cause: 1}, Why: ReasonStopped}, offer},
		"suspended, announced":     {Plan{Refusal: &Refusal{Status: 404, Cause: 1, Announce: "voice"}, Why: ReasonStopped}, offer},
		"emergency":                {Plan{Targets: two, Emergency: true, LiveCalls: KeepLiveCalls}, offer},
	}
}

// TestEveryOrderOfEvents executes every order of up to seven events that the
// world can produce, and holds every action against it.
func TestEveryOrderOfEvents(t *testing.T) {
	for name, start := range starts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(&start.plan)
			if err := w.feed(start.invite); err != nil {
				t.Fatal(err)
			}
			depth, count := 6, 0 // the INVITE and six more
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

// TestLongWalks goes deeper than every order can: random ones of up to sixty
// events. A failure names its seed.
func TestLongWalks(t *testing.T) {
	walks := 20000
	if testing.Short() || raceDetector {
		walks = 200
	}
	for name, start := range starts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(walks) {
				rng := rand.New(rand.NewPCG(seed, 7))
				w := newWorld(&start.plan)
				err := w.feed(start.invite)
				for range 1 + rng.IntN(60) {
					if next := w.possible(); err == nil && len(next) > 0 {
						err = w.feed(next[rng.IntN(len(next))])
					}
				}
				if err == nil {
					err = w.settle()
				}
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		})
	}
}
