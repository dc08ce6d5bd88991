package call

import (
	"testing"
	"time"
)

// talking is a call that is up.
var talking = race{
	{offer, "Dial(0,theirs)"},
	{picks, "Bridge Ack(f,none) Answer(theirs)"},
	{Acked{}, ""},
}

func after(start, rest race) race { return append(start[:len(start):len(start)], rest...) }

func TestTransfer(t *testing.T) {
	third := &Plan{Targets: []Target{{Trunk: "third"}}}
	toned := &Plan{Targets: third.Targets, Notices: Slots{BeforeCaller: "tone", AnswerCallee: "tone"}}
	strict := &Plan{Targets: third.Targets, OnFailure: Release, Notices: Slots{BeforeCaller: "tone", Overlap: true}}
	stopped := &Plan{Refusal: &Refusal{Status: 404, Cause: 1}, Why: ReasonStopped}
	const begun = "AcceptReferral Report(B,100) Silence Park(B) Dial(0,theirs)"
	for _, c := range []struct {
		name string
		race race
	}{
		{"by the callee", race{
			{Referred{Side: B, Plan: third}, begun},
			{rings, "Report(parked,180)"},
			{Answered{Fork: "g", SDP: Theirs("c")}, "Report(parked,200) Bye(parked,16) Write(completed,transferred) Bridge Ack(g,none) Reinvite(A,theirs)"},
			{HungUp{Side: A, Cause: 16}, "Silence Bye(B,16) Finish(completed,caller_hung_up)"},
		}},
		{"by the caller", race{
			{Referred{Side: A, Plan: third}, "AcceptReferral Report(A,100) Silence Park(A) Dial(0,theirs)"},
			{Answered{Fork: "g", SDP: Theirs("c")}, "Report(parked,200) Bye(parked,16) Write(completed,transferred) Bridge Ack(g,none) Reinvite(A,theirs)"},
			{HungUp{Side: A, Cause: 16}, "Silence Bye(B,16) Finish(completed,caller_hung_up)"},
		}},
		{"with a notice of its own", race{
			{Referred{Side: B, Plan: toned}, "AcceptReferral Report(B,100) Silence Park(B) Play(A,tone)"},
			{heard(A), "Dial(0,theirs)"},
			{Answered{Fork: "g", SDP: Theirs("c")}, "Report(parked,200) Bye(parked,16) Write(completed,transferred) Ack(g,none) Play(B,tone)"},
			{heard(B), "Bridge Reinvite(A,theirs)"},
		}},
		{"the target is busy", race{
			{Referred{Side: B, Plan: third}, begun},
			{Rejected{Status: 486}, "Report(parked,486) Write(busy,far_end_refused) Unpark Bridge"},
			{HungUp{Side: B, Cause: 16}, "Silence Bye(A,16) Finish(completed,callee_hung_up)"},
		}},
		{"the target does not answer", race{
			{Referred{Side: B, Plan: third}, begun},
			{rings, "Report(parked,180)"},
			{RangOut{}, "Report(parked,408) Cancel"},
			{HungUp{Side: A}, "Bye(parked,0) Write(completed,nobody_answered)"},
			{Rejected{Status: 487}, "Finish(no_answer,nobody_answered)"},
		}},
		{"the target answers its CANCEL too late", race{
			{Referred{Side: A, Plan: third}, "AcceptReferral Report(A,100) Silence Park(A) Dial(0,theirs)"},
			{rings, "Report(parked,180)"},
			{RangOut{}, "Report(parked,408) Cancel"},
			{Answered{Fork: "g", SDP: Theirs("c")}, "Ack(g,none) Drop(g) Write(no_answer,nobody_answered) Unpark Bridge"},
		}},
		{"the target is busy while the notice plays", race{
			{Referred{Side: B, Plan: strict}, "AcceptReferral Report(B,100) Silence Park(B) Play(A,tone) Dial(0,theirs)"},
			{Rejected{Status: 486}, "Report(parked,486) Stop(A)"},
			{NoticeEnded{Side: A, Proof: Proof{Failed: "stopped"}}, "Write(busy,far_end_refused) Unpark Bridge"},
		}},
		{"the transferor leaves when it has failed", race{
			{Referred{Side: B, Plan: third}, begun},
			{rings, "Report(parked,180)"},
			{RangOut{}, "Report(parked,408) Cancel"},
			{HungUp{Side: Parked}, "Write(completed,transferred) Bye(A,19)"},
			{Rejected{Status: 487}, "Finish(no_answer,nobody_answered)"},
		}},
		{"the transferor leaves at once", race{
			{Referred{Side: B, Plan: third}, begun},
			{HungUp{Side: Parked, Cause: 16}, "Write(completed,transferred)"},
			{rings, ""},
			{Rejected{Status: 486}, "Bye(A,17) Finish(busy,far_end_refused)"},
		}},
		{"the other party leaves", race{
			{Referred{Side: B, Plan: third}, begun},
			{rings, "Report(parked,180)"},
			{HungUp{Side: A, Cause: 16}, "Cancel Report(parked,480) Bye(parked,16) Write(completed,caller_hung_up)"},
			{Rejected{Status: 487}, "Finish(cancelled,caller_hung_up)"},
		}},
		{"the other party leaves, who was the callee", race{
			{Referred{Side: A, Plan: third}, "AcceptReferral Report(A,100) Silence Park(A) Dial(0,theirs)"},
			{rings, "Report(parked,180)"},
			{HungUp{Side: A, Cause: 16}, "Cancel Report(parked,480) Bye(parked,16) Write(completed,callee_hung_up)"},
			{Rejected{Status: 487}, "Finish(cancelled,caller_hung_up)"},
		}},
		{"the sessions are refreshed meanwhile", race{
			{Referred{Side: A, Plan: third}, "AcceptReferral Report(A,100) Silence Park(A) Dial(0,theirs)"},
			{RefreshDue{Side: A}, "Refresh"},
			{RefreshDue{Side: Parked}, "RefreshLater"},
			{ReinviteAnswered{Side: A, Status: 200}, "AckReinvite(A,none)"},
			{RefreshDue{Side: Parked}, "Refresh"},
			{Rejected{Status: 486}, "Report(parked,486) Write(busy,far_end_refused) Unpark Bridge"},
			{Reinvited{Side: B, Offer: Theirs("hold")}, ""}, // until the refresh, of A now, is over
			{ReinviteAnswered{Side: A, Status: 200}, "AckReinvite(A,none) Reinvite(A,theirs)"},
		}},
		{"a refresh of who stays outlasts the transfer", race{
			{Referred{Side: A, Plan: third}, "AcceptReferral Report(A,100) Silence Park(A) Dial(0,theirs)"},
			{RefreshDue{Side: A}, "Refresh"},
			{Rejected{Status: 486}, "Report(parked,486) Write(busy,far_end_refused) Unpark Bridge"},
			{ReinviteAnswered{Side: B, Status: 200}, "AckReinvite(B,none)"},
			{Reinvited{Side: A, Offer: Theirs("hold")}, "Reinvite(B,theirs)"},
		}},
		{"who stays is gone when its session is refreshed", race{
			{Referred{Side: B, Plan: third}, begun},
			{RefreshDue{Side: A}, "Refresh"},
			{ReinviteAnswered{Side: A, Status: 481}, "Bye(A,41) Report(parked,480) Bye(parked,41) Write(completed,dialog_gone)"},
			{Rejected{Status: 487}, "Finish(cancelled,dialog_gone)"},
		}},
		{"the transferor is gone when its session is refreshed", race{
			{Referred{Side: B, Plan: third}, begun},
			{RefreshDue{Side: Parked}, "Refresh"},
			{ReinviteAnswered{Side: Parked, Status: 481}, "Bye(parked,41) Write(completed,transferred)"},
			{Answered{Fork: "g", SDP: Theirs("c")}, "Bridge Ack(g,none) Reinvite(A,theirs)"},
		}},
		{"a refresh of the transferor ends with it", race{
			{Referred{Side: B, Plan: third}, begun},
			{RefreshDue{Side: Parked}, "Refresh"},
			{Answered{Fork: "g", SDP: Theirs("c")}, "Report(parked,200) Bye(parked,16) Write(completed,transferred) Bridge Ack(g,none) Reinvite(A,theirs)"},
		}},
		{"the new description meets another request", race{
			{Referred{Side: B, Plan: third}, begun},
			{Answered{Fork: "g", SDP: Theirs("c")}, "Report(parked,200) Bye(parked,16) Write(completed,transferred) Bridge Ack(g,none) Reinvite(A,theirs)"},
			{ReinviteAnswered{Side: A, Status: 491}, "RefreshLater"},
			{RefreshDue{Side: A}, "Reinvite(A,theirs)"},
			{ReinviteAnswered{Side: A, Status: 200}, "AckReinvite(A,none)"},
			{RefreshDue{Side: A}, "Refresh"},
		}},
		{"to nobody in particular", race{
			{Referred{Side: B, Plan: stopped}, "AcceptReferral Report(B,404) Write(refused,stop_list)"},
			{HungUp{Side: B, Cause: 16}, "Silence Bye(A,16) Finish(completed,callee_hung_up)"},
		}},
		{"a second one meanwhile", race{
			{Referred{Side: B, Plan: third}, begun},
			{Referred{Side: A, Plan: third}, "RefuseReferral"},
			{Referred{Side: Parked, Plan: third}, "RefuseReferral"},
			{Reinvited{Side: Parked, Offer: Theirs("resume")}, "RefuseReinvite(parked,491)"},
			{Reinvited{Side: A, Offer: Theirs("hold")}, "RefuseReinvite(A,491)"},
		}},
		{"and another by whoever stayed", race{
			{Referred{Side: B, Plan: third}, begun},
			{Answered{Fork: "g", SDP: Theirs("c")}, "Report(parked,200) Bye(parked,16) Write(completed,transferred) Bridge Ack(g,none) Reinvite(A,theirs)"},
			{Referred{Side: A, Plan: third}, "RefuseReferral"}, // a moment too early
			{ReinviteAnswered{Side: A, Status: 200, SDP: Theirs("a2")}, "AckReinvite(A,none)"},
			{Referred{Side: A, Plan: third}, "AcceptReferral Report(A,100) Silence Park(A) Dial(0,theirs)"},
			{Answered{Fork: "h", SDP: Theirs("d")}, "Report(parked,200) Bye(parked,16) Write(completed,transferred) Bridge Ack(h,none) Reinvite(A,theirs)"},
		}},
		{"a number is stopped meanwhile", race{
			{Referred{Side: B, Plan: third}, begun},
			{Suspended{}, "Bye(A,16) Report(parked,480) Bye(parked,16) Write(refused,stop_list)"},
			{Unreachable{Status: 408}, "Finish(refused,stop_list)"},
		}},
		{"the transferor's session expires", race{
			{Referred{Side: B, Plan: third}, begun},
			{RefreshDue{Side: Parked}, "Refresh"},
			{RefreshDue{Side: A}, "RefreshLater"},
			{SessionExpired{Side: Parked}, "Bye(parked,102) Write(completed,transferred)"},
			{Answered{Fork: "g", SDP: Theirs("c")}, "Bridge Ack(g,none) Reinvite(A,theirs)"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) { run(t, one, after(talking, c.race)) })
	}
}

// Whoever stays is the one whose description the target is offered.
func TestTransferOffersWhoStays(t *testing.T) {
	for side, want := range map[Side]string{A: "b", B: "a"} {
		c := run(t, one, talking)
		for _, a := range c.Step(time.Unix(9, 0), Referred{Side: side, Plan: &Plan{Targets: []Target{{Trunk: "third"}}}}) {
			if d, ok := a.(Dial); ok && d.Offer.SDP != want {
				t.Errorf("transferred by %s: offered %q, want %q", side, d.Offer.SDP, want)
			}
		}
	}
}

// The callee's description was the offer, and is what a transfer by the caller
// begins with.
func TestTransferAfterALateOffer(t *testing.T) {
	third := &Plan{Targets: []Target{{Trunk: "third"}}}
	run(t, one, race{
		{Invited{}, "Dial(0,none)"},
		{picks, "Answer(theirs)"},
		{Acked{Answer: Theirs("a")}, "Ack(f,theirs) Bridge"},
		{Referred{Side: A, Plan: third}, "AcceptReferral Report(A,100) Silence Park(A) Dial(0,theirs)"},
		{Answered{Fork: "g", SDP: Theirs("c")}, "Report(parked,200) Bye(parked,16) Write(completed,transferred) Bridge Ack(g,none) Reinvite(A,theirs)"},
	})
}

func TestRedirection(t *testing.T) {
	to := func(trunk string) *Plan { return &Plan{Targets: []Target{{Trunk: trunk}}} }
	forwarded := to("mobile")
	forwarded.Notices = Slots{BeforeCaller: "tone", AnswerCallee: "tone"}
	hidden := &Plan{Refusal: &Refusal{Status: 404, Cause: 1}, Why: ReasonStopped}
	for _, c := range []struct {
		name string
		plan Plan
		race race
	}{
		{"makes a forwarded call", one, race{
			{offer, "Dial(0,theirs)"},
			{rings, "Progress(180,none)"},
			{Redirected{Status: 302, Plans: []*Plan{forwarded}}, "Progress(183,ours) Play(A,tone)"},
			{heard(A), "Dial(0,theirs)"},
			{picks, "Ack(f,none) Answer(ours)"},
			{Acked{}, "Play(B,tone)"},
		}},
		{"of a call that hears the callee already", one, race{
			{offer, "Dial(0,theirs)"},
			{Progressed{Status: 183, Fork: "f", SDP: Theirs("b")}, "Bridge Progress(183,theirs)"},
			{Redirected{Status: 302, Plans: []*Plan{forwarded}}, "Silence Play(A,tone)"},
			{heard(A), "Dial(0,theirs)"},
		}},
		{"of a call that has heard its tone", early, race{
			{offer, "Progress(183,ours) Play(A,tone)"},
			{heard(A), "Dial(0,theirs)"},
			{Redirected{Status: 302, Plans: []*Plan{forwarded}}, "Dial(0,theirs)"},
			{picks, "Ack(f,none) Answer(ours)"},
			{Acked{}, "Play(B,tone)"},
		}},
		{"to contacts in turn, stopped ones left out", one, race{
			{offer, "Dial(0,theirs)"},
			{Redirected{Status: 302, Plans: []*Plan{hidden, to("x"), to("y")}}, "Dial(0,theirs)"},
			{Rejected{Status: 486}, "Dial(0,theirs)"},
			{Rejected{Status: 480}, "Refuse(480) Finish(no_answer,far_end_refused)"},
		}},
		{"to a stopped number only", one, race{
			{offer, "Dial(0,theirs)"},
			{Redirected{Status: 302, Plans: []*Plan{hidden}}, "Refuse(404) Finish(refused,stop_list)"},
		}},
		{"nobody is to be called after a 6xx", one, race{
			{offer, "Dial(0,theirs)"},
			{Redirected{Status: 302, Plans: []*Plan{to("x"), to("y")}}, "Dial(0,theirs)"},
			{Rejected{Status: 603}, "Refuse(603) Finish(rejected,far_end_refused)"},
		}},
		{"in a circle", one, race{
			{offer, "Dial(0,theirs)"},
			{Redirected{Status: 302, Plans: []*Plan{to("x")}}, "Dial(0,theirs)"},
			{Redirected{Status: 302, Plans: []*Plan{to("y")}}, "Dial(0,theirs)"},
			{Redirected{Status: 302, Plans: []*Plan{to("x")}}, "Dial(0,theirs)"},
			{Redirected{Status: 302, Plans: []*Plan{to("y")}}, "Dial(0,theirs)"},
			{Redirected{Status: 302, Plans: []*Plan{to("x")}}, "Dial(0,theirs)"},
			{Redirected{Status: 302, Plans: []*Plan{to("y")}}, "Refuse(480) Finish(refused,redirected_too_often)"},
		}},
		{"of a cancelled call", one, race{
			{offer, "Dial(0,theirs)"},
			{rings, "Progress(180,none)"},
			{Cancelled{}, "Refuse(487) Cancel"},
			{Redirected{Status: 302, Plans: []*Plan{to("x")}}, "Finish(cancelled,caller_cancelled)"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) { run(t, c.plan, c.race) })
	}
}
