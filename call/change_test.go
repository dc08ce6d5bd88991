package call

import "testing"

func TestReinviteIsRelayed(t *testing.T) {
	up := race{
		{offer, "Dial(0,theirs)"},
		{picks, "Bridge Ack(f,none) Answer(theirs)"},
		{Acked{}, ""},
	}
	run(t, one, append(up[:3:3], race{
		{Reinvited{Side: B, Offer: Theirs("hold")}, "Reinvite(A,theirs)"},
		{Reinvited{Side: A, Offer: Theirs("mine")}, "RefuseReinvite(A,491)"},
		{ReinviteAnswered{Side: A, Status: 200, SDP: Theirs("ok")}, "AckReinvite(A,none) AcceptReinvite(B,theirs)"},
		{ReinviteAcked{Side: B}, ""},
		{Reinvited{Side: A}, "Reinvite(B,none)"},
		{ReinviteAnswered{Side: B, Status: 200, SDP: Theirs("offer")}, "AcceptReinvite(A,theirs)"},
		{ReinviteAcked{Side: A, Answer: Theirs("answer")}, "AckReinvite(B,theirs)"},
	}...))
	run(t, one, append(up[:3:3], race{ // the dialog is gone at the far end
		{Reinvited{Side: A, Offer: Theirs("x")}, "Reinvite(B,theirs)"},
		{ReinviteAnswered{Side: B, Status: 481}, "RefuseReinvite(A,481) Silence Bye(A,41) Bye(B,41) Finish(completed,dialog_gone)"},
	}...))
	run(t, one, append(up[:3:3], race{ // BYE into an open re-INVITE
		{Reinvited{Side: A, Offer: Theirs("x")}, "Reinvite(B,theirs)"},
		{HungUp{Side: B}, "RefuseReinvite(A,487) Silence Bye(A,0) Finish(completed,callee_hung_up)"},
		{ReinviteAnswered{Side: B, Status: 200, SDP: Theirs("late")}, "AckReinvite(B,none)"},
	}...))
}

func TestUpdateHasNoAck(t *testing.T) {
	run(t, one, race{
		{offer, "Dial(0,theirs)"},
		{picks, "Bridge Ack(f,none) Answer(theirs)"},
		{Acked{}, ""},
		{Reinvited{Side: B, Offer: Theirs("hold"), Update: true}, "Reinvite(A,theirs)"},
		{ReinviteAnswered{Side: A, Status: 200, SDP: Theirs("ok")}, "AckReinvite(A,none) AcceptReinvite(B,theirs)"},
		{Reinvited{Side: A, Offer: Theirs("next"), Update: true}, "Reinvite(B,theirs)"},
		{ReinviteAnswered{Side: B, Status: 488}, "RefuseReinvite(A,488)"},
	})
}

func TestSessionRefresh(t *testing.T) {
	up := race{
		{offer, "Dial(0,theirs)"},
		{picks, "Bridge Ack(f,none) Answer(theirs)"},
		{Acked{}, ""},
	}
	run(t, one, append(up[:3:3], race{
		{RefreshDue{Side: B}, "Refresh"},
		{RefreshDue{Side: A}, "RefreshLater"},
		{Reinvited{Side: A, Offer: Theirs("x")}, ""},
		{ReinviteAnswered{Side: B, Status: 200, SDP: Theirs("same")}, "AckReinvite(B,none) Reinvite(B,theirs)"},
		{ReinviteAnswered{Side: B, Status: 488}, "RefuseReinvite(A,488)"},
		{RefreshDue{Side: A}, "Refresh"},
		{ReinviteAnswered{Side: A, Status: 491}, "RefreshLater"},
		{RefreshDue{Side: A}, "Refresh"},
		{ReinviteAnswered{Side: A, Status: 408}, "Silence Bye(A,41) Bye(B,41) Finish(failed,dialog_gone)"},
	}...))
	run(t, one, append(up[:3:3], race{
		{SessionExpired{Side: A}, "Silence Bye(A,102) Bye(B,102) Finish(failed,session_expired)"},
	}...))
	run(t, one, append(up[:3:3], race{ // hung up while the refresh is open
		{RefreshDue{Side: B}, "Refresh"},
		{HungUp{Side: A}, "Silence Bye(B,0) Finish(completed,caller_hung_up)"},
		{ReinviteAnswered{Side: B, Status: 200, SDP: Theirs("late")}, "AckReinvite(B,none)"},
	}...))
}

func TestReinviteWhileANoticePlays(t *testing.T) {
	playing := race{
		{offer, "Dial(0,theirs)"},
		{picks, "Ack(f,none) Answer(theirs)"},
		{Acked{}, "Play(A,tone) Play(B,tone)"},
	}
	for _, c := range []struct {
		name string
		race race
	}{
		{"waits for its end", race{
			{Reinvited{Side: B, Offer: Theirs("hold")}, ""},
			{Reinvited{Side: A, Offer: Theirs("hold too")}, "RefuseReinvite(A,491)"},
			{heard(B), ""},
			{heard(A), "Bridge Reinvite(A,theirs)"},
			{ReinviteAnswered{Side: A, Status: 200, SDP: Theirs("held")}, "AckReinvite(A,none) AcceptReinvite(B,theirs)"},
		}},
		{"is cancelled meanwhile", race{
			{Reinvited{Side: B, Offer: Theirs("hold")}, ""},
			{ReinviteCancelled{Side: B}, "RefuseReinvite(B,487)"},
			{heard(B), ""},
			{heard(A), "Bridge"},
		}},
		{"ends with the call", race{
			{Reinvited{Side: B, Offer: Theirs("hold")}, ""},
			{HungUp{Side: A}, "RefuseReinvite(B,487) Stop(A) Stop(B) Bye(B,0)"},
		}},
		{"an UPDATE cannot wait", race{
			{Reinvited{Side: B, Offer: Theirs("hold"), Update: true}, "RefuseReinvite(B,491)"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) { run(t, atEnds, append(playing[:3:3], c.race...)) })
	}
}

func TestUpdateBeforeTheAnswer(t *testing.T) {
	run(t, early, race{
		{offer, "Progress(183,ours) Play(A,tone)"},
		{Reinvited{Side: A, Offer: Theirs("moved"), Update: true}, "AcceptReinvite(A,ours)"},
		{heard(A), "Dial(0,theirs)"},
		{rings, "Progress(180,none)"},
		{Reinvited{Side: B, Offer: Theirs("moved too"), Update: true}, "AcceptReinvite(B,theirs)"},
		{picks, "Ack(f,none) Answer(ours)"},
	})
	reliable := offer
	reliable.Reliable = true
	run(t, early, race{ // not before A is known to have our description (RFC 3311 s5.1)
		{reliable, "Progress(183,ours)"},
		{Reinvited{Side: A, Offer: Theirs("moved"), Update: true}, "RefuseReinvite(A,491)"},
		{Pracked{}, "Play(A,tone)"},
		{Reinvited{Side: A, Offer: Theirs("moved"), Update: true}, "AcceptReinvite(A,ours)"},
	})
	run(t, one, race{ // the description that A has is B's: only B could answer
		{offer, "Dial(0,theirs)"},
		{Progressed{Status: 183, Fork: "f", SDP: Theirs("b")}, "Bridge Progress(183,theirs)"},
		{Reinvited{Side: A, Offer: Theirs("moved"), Update: true}, "RefuseReinvite(A,491)"},
	})
}

// A has acknowledged the description of one fork, and another one answers: it
// cannot be told in the 2xx (RFC 3261 s13.2.1).
func TestAnotherForkAnswers(t *testing.T) {
	reliable := offer
	reliable.Reliable = true
	start := race{
		{reliable, "Dial(0,theirs)"},
		{Progressed{Status: 183, Fork: "f", SDP: Theirs("b")}, "Bridge Progress(183,theirs)"},
		{Pracked{}, ""},
	}
	run(t, one, after(start, race{
		{Answered{Fork: "g", SDP: Theirs("b2")}, "Bridge Ack(g,none) Answer(none)"},
		{Acked{}, "Reinvite(A,theirs)"},
		{ReinviteAnswered{Side: A, Status: 200, SDP: Theirs("a2")}, "AckReinvite(A,none)"},
	}))
	run(t, one, after(start, race{
		{Answered{Fork: "f", SDP: Theirs("b")}, "Bridge Ack(f,none) Answer(none)"},
		{Acked{}, ""},
	}))
}
