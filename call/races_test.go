package call

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A race is a ladder of events with the actions that each must bring.
type race []struct {
	event Event
	want  string // actions, their types and what matters of them
}

func run(t *testing.T, plan Plan, steps race) *Call {
	t.Helper()
	c := New(&plan)
	for i, s := range steps {
		var got []string
		for _, a := range c.Step(time.Unix(int64(i), 0), s.event) {
			got = append(got, brief(a))
		}
		if g := strings.Join(got, " "); g != s.want {
			t.Fatalf("step %d, %T%+v:\n got %s\nwant %s\n(%s)", i+1, s.event, s.event, g, s.want, &c)
		}
	}
	return &c
}

func brief(a Action) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", a), "call.")
	switch a := a.(type) {
	case Progress:
		return fmt.Sprintf("%s(%d,%s)", name, a.Status, a.SDP)
	case Refuse:
		return fmt.Sprintf("%s(%d)", name, a.Status)
	case Answer:
		return fmt.Sprintf("%s(%s)", name, a.SDP)
	case Dial:
		return fmt.Sprintf("%s(%d,%s)", name, a.Target, a.Offer)
	case Ack:
		return fmt.Sprintf("%s(%s,%s)", name, a.Fork, a.Answer)
	case Drop:
		return fmt.Sprintf("%s(%s)", name, a.Fork)
	case Bye:
		return fmt.Sprintf("%s(%s,%d)", name, a.Side, a.Cause)
	case Play:
		return fmt.Sprintf("%s(%s,%s)", name, a.Side, a.Asset)
	case Stop:
		return fmt.Sprintf("%s(%s)", name, a.Side)
	case Report:
		return fmt.Sprintf("%s(%s,%d)", name, a.Side, a.Status)
	case Write:
		return fmt.Sprintf("%s(%s,%s)", name, a.Record.Result, a.Record.Reason)
	case Park:
		return fmt.Sprintf("%s(%s)", name, a.Side)
	case Reinvite:
		return fmt.Sprintf("%s(%s,%s)", name, a.Side, a.Offer)
	case AcceptReinvite:
		return fmt.Sprintf("%s(%s,%s)", name, a.Side, a.SDP)
	case RefuseReinvite:
		return fmt.Sprintf("%s(%s,%d)", name, a.Side, a.Status)
	case AckReinvite:
		return fmt.Sprintf("%s(%s,%s)", name, a.Side, a.Answer)
	case Finish:
		return fmt.Sprintf("%s(%s,%s)", name, a.Record.Result, a.Record.Reason)
	}
	return name
}

var (
	one    = Plan{Targets: []Target{{Trunk: "pbx"}}}
	two    = Plan{Targets: []Target{{Trunk: "pbx"}, {Trunk: "spare"}}}
	early  = Plan{Targets: one.Targets, Notices: Slots{BeforeCaller: "tone", AnswerCallee: "tone"}}
	atEnds = Plan{Targets: one.Targets, Notices: Slots{AnswerCaller: "tone", AnswerCallee: "tone"}}
	offer  = Invited{Offer: Theirs("a")}
	rings  = Progressed{Status: 180, Fork: "f"}
	picks  = Answered{Fork: "f", SDP: Theirs("b")}
)

func heard(s Side) NoticeEnded {
	return NoticeEnded{Side: s, Proof: Proof{Leg: s, Asset: "tone", Complete: true}}
}

func TestForwardedCall(t *testing.T) {
	run(t, early, race{
		{offer, "Progress(183,ours) Play(A,tone)"},
		{heard(A), "Dial(0,theirs)"},
		{rings, "Progress(180,none)"},
		{picks, "Ack(f,none) Answer(ours)"},
		{Acked{}, "Play(B,tone)"},
		{heard(B), "Bridge"},
		{HungUp{Side: A, Cause: 16}, "Silence Bye(B,16) Finish(completed,caller_hung_up)"},
	})
}

func TestCancelCrossesAnswer(t *testing.T) {
	t.Run("CANCEL first", func(t *testing.T) {
		run(t, one, race{
			{offer, "Dial(0,theirs)"},
			{rings, "Progress(180,none)"},
			{Cancelled{}, "Refuse(487) Cancel"},
			{picks, "Ack(f,none) Drop(f) Finish(cancelled,caller_cancelled)"},
			{Answered{Fork: "g", SDP: Theirs("b2")}, "Ack(g,none) Drop(g)"},
		})
	})
	t.Run("200 first", func(t *testing.T) {
		run(t, one, race{
			{offer, "Dial(0,theirs)"},
			{picks, "Bridge Ack(f,none) Answer(theirs)"},
			{Cancelled{}, ""},
			{Acked{}, ""},
		})
	})
}

func TestCancelBeforeTheFirstProvisional(t *testing.T) {
	run(t, one, race{
		{offer, "Dial(0,theirs)"},
		{Cancelled{}, "Refuse(487)"},
		{Progressed{Status: 100}, "Cancel"},
		{Rejected{Status: 487}, "Finish(cancelled,caller_cancelled)"},
	})
}

func TestCancelledTargetNeverAnswers(t *testing.T) {
	run(t, one, race{
		{offer, "Dial(0,theirs)"},
		{rings, "Progress(180,none)"},
		{Cancelled{}, "Refuse(487) Cancel"},
		{Unreachable{Status: 408}, "Finish(cancelled,caller_cancelled)"},
	})
}

func TestOverlappedNotice(t *testing.T) {
	overlap := early
	overlap.Notices.Overlap = true
	t.Run("B rings and answers within the tone", func(t *testing.T) {
		run(t, overlap, race{
			{offer, "Progress(183,ours) Play(A,tone) Dial(0,theirs)"},
			{rings, ""},
			{picks, "Ack(f,none)"},
			{heard(A), "Answer(ours)"},
			{Acked{}, "Play(B,tone)"},
			{heard(B), "Bridge"},
		})
	})
	t.Run("early media waits for the end", func(t *testing.T) {
		run(t, overlap, race{
			{offer, "Progress(183,ours) Play(A,tone) Dial(0,theirs)"},
			{Progressed{Status: 183, Fork: "f", SDP: Theirs("b")}, ""},
			{heard(A), "Bridge Progress(183,none)"},
			{picks, "Ack(f,none) Answer(ours) Silence"},
		})
	})
	t.Run("a failure acts at once", func(t *testing.T) {
		run(t, overlap, race{
			{offer, "Progress(183,ours) Play(A,tone) Dial(0,theirs)"},
			{Rejected{Status: 486}, "Stop(A) Refuse(486)"},
			{NoticeEnded{Side: A, Proof: Proof{Failed: "stopped"}}, "Finish(busy,far_end_refused)"},
		})
	})
	t.Run("B hangs up before A was answered", func(t *testing.T) {
		run(t, overlap, race{
			{offer, "Progress(183,ours) Play(A,tone) Dial(0,theirs)"},
			{picks, "Ack(f,none)"},
			{HungUp{Side: B, Cause: 16}, "Stop(A) Refuse(480)"},
			{NoticeEnded{Side: A, Proof: Proof{Failed: "stopped"}}, "Finish(no_answer,callee_hung_up)"},
		})
	})
	t.Run("the next target is dialled while the tone goes on", func(t *testing.T) {
		p := overlap
		p.Targets = two.Targets
		run(t, p, race{
			{offer, "Progress(183,ours) Play(A,tone) Dial(0,theirs)"},
			{rings, ""},
			{Rejected{Status: 503}, "Dial(1,theirs)"},
			{heard(A), ""},
			{rings, "Progress(180,none)"},
		})
	})
}

func TestAddedDelay(t *testing.T) {
	overlap := early
	overlap.Notices.Overlap = true
	for _, c := range []struct {
		name  string
		plan  Plan
		steps race // a second apart
		added time.Duration
	}{
		{"dialled after the notice", early, race{{offer, "Progress(183,ours) Play(A,tone)"}, {heard(A), "Dial(0,theirs)"}}, time.Second},
		{"B rings later than the notice lasts", overlap, race{{offer, "Progress(183,ours) Play(A,tone) Dial(0,theirs)"}, {heard(A), ""}, {rings, "Progress(180,none)"}}, 0},
		{"B rings within the notice", overlap, race{{offer, "Progress(183,ours) Play(A,tone) Dial(0,theirs)"}, {rings, ""}, {heard(A), "Progress(180,none)"}}, time.Second},
		{"B answers within the notice", overlap, race{{offer, "Progress(183,ours) Play(A,tone) Dial(0,theirs)"}, {rings, ""}, {picks, "Ack(f,none)"}, {heard(A), "Answer(ours)"}}, 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := run(t, c.plan, c.steps).rec.Added; got != c.added {
				t.Errorf("added %s, want %s", got, c.added)
			}
		})
	}
}

func TestCancelInTheMiddleOfTheTone(t *testing.T) {
	c := run(t, early, race{
		{offer, "Progress(183,ours) Play(A,tone)"},
		{Cancelled{}, "Stop(A) Refuse(487)"},
		{NoticeEnded{Side: A, Proof: Proof{Failed: "stopped", Packets: 12}}, "Finish(cancelled,caller_cancelled)"},
	})
	if n := c.rec.Notices(); len(n) != 1 || n[0].Complete || n[0].Packets != 12 {
		t.Errorf("the record lacks the proof of the broken notice: %+v", n)
	}
}

func TestHangUpBetweenAnswerAndAck(t *testing.T) {
	run(t, one, race{
		{offer, "Dial(0,theirs)"},
		{picks, "Bridge Ack(f,none) Answer(theirs)"},
		{HungUp{Side: A}, "Silence Bye(B,0) Finish(completed,caller_hung_up)"},
	})
	run(t, one, race{ // B hangs up: our BYE to A waits for A's ACK
		{offer, "Dial(0,theirs)"},
		{picks, "Bridge Ack(f,none) Answer(theirs)"},
		{HungUp{Side: B, Cause: 16}, "Silence"},
		{Acked{}, "Bye(A,16) Finish(completed,callee_hung_up)"},
	})
}

func TestLateOfferHoldsTheAck(t *testing.T) {
	run(t, one, race{
		{Invited{}, "Dial(0,none)"},
		{picks, "Answer(theirs)"},
		{Acked{Answer: Theirs("a")}, "Ack(f,theirs) Bridge"},
	})
	run(t, one, race{ // an ACK without the answer ends both
		{Invited{}, "Dial(0,none)"},
		{picks, "Answer(theirs)"},
		{Acked{}, "Bye(A,127) Ack(f,none) Bye(B,127) Finish(failed,session_description)"},
	})
}

func TestLateOfferBeforeTheToneIsAnsweredByUs(t *testing.T) {
	run(t, early, race{
		{Invited{}, "Answer(ours)"},
		{Acked{Answer: Theirs("a")}, "Play(A,tone)"},
		{heard(A), "Dial(0,theirs)"},
		{rings, ""},
		{picks, "Ack(f,none) Play(B,tone)"},
		{heard(B), "Bridge"},
	})
}

func TestCallerNeverAcks(t *testing.T) {
	run(t, one, race{
		{offer, "Dial(0,theirs)"},
		{picks, "Bridge Ack(f,none) Answer(theirs)"},
		{AckMissing{}, "Silence Bye(A,102) Bye(B,102) Finish(failed,no_ack)"},
	})
}

func TestByeCrossesBye(t *testing.T) {
	run(t, one, race{
		{offer, "Dial(0,theirs)"},
		{picks, "Bridge Ack(f,none) Answer(theirs)"},
		{Acked{}, ""},
		{HungUp{Side: A, Cause: 16}, "Silence Bye(B,16) Finish(completed,caller_hung_up)"},
		{HungUp{Side: B, Cause: 16}, ""},
	})
}

func TestForkedAnswers(t *testing.T) {
	run(t, one, race{
		{offer, "Dial(0,theirs)"},
		{Progressed{Status: 183, Fork: "f", SDP: Theirs("b1")}, "Bridge Progress(183,theirs)"},
		{Progressed{Status: 183, Fork: "g", SDP: Theirs("b2")}, "Progress(183,none)"},
		{Answered{Fork: "g", SDP: Theirs("b2")}, "Bridge Ack(g,none) Answer(theirs)"},
		{picks, "Ack(f,none) Drop(f)"},
	})
}

func TestHangUpWhileANoticePlays(t *testing.T) {
	run(t, atEnds, race{
		{offer, "Dial(0,theirs)"},
		{picks, "Ack(f,none) Answer(theirs)"},
		{Acked{}, "Play(A,tone) Play(B,tone)"},
		{heard(A), ""},
		{HungUp{Side: A}, "Stop(B) Bye(B,0)"},
		{NoticeEnded{Side: B, Proof: Proof{Failed: "stopped"}}, "Finish(completed,caller_hung_up)"},
	})
}

func TestSuspendedInTheCall(t *testing.T) {
	run(t, Plan{Targets: one.Targets, Suspend: Refusal{Status: 404, Cause: 1}}, race{
		{offer, "Dial(0,theirs)"},
		{picks, "Bridge Ack(f,none) Answer(theirs)"},
		{Acked{}, ""},
		{Suspended{}, "Silence Bye(A,16) Bye(B,16) Finish(refused,stop_list)"},
	})
	run(t, Plan{Targets: one.Targets, Emergency: true}, race{
		{offer, "Dial(0,theirs)"},
		{Suspended{}, ""},
	})
}

func TestNextTarget(t *testing.T) {
	run(t, two, race{
		{offer, "Dial(0,theirs)"},
		{Unreachable{Status: 408}, "Dial(1,theirs)"},
		{Rejected{Status: 503, RetryAfter: 9}, "Refuse(500) Finish(failed,far_end_refused)"},
	})
	run(t, two, race{
		{offer, "Dial(0,theirs)"},
		{Rejected{Status: 486, Cause: 17}, "Refuse(486) Finish(busy,far_end_refused)"},
	})
}

func TestRangTooLong(t *testing.T) {
	run(t, one, race{
		{offer, "Dial(0,theirs)"},
		{rings, "Progress(180,none)"},
		{RangOut{}, "Refuse(408) Cancel"},
		{Rejected{Status: 487}, "Finish(no_answer,nobody_answered)"},
	})
}

func TestUnusableAnswer(t *testing.T) {
	run(t, one, race{
		{offer, "Dial(0,theirs)"},
		{Answered{Fork: "f", Unusable: "no audio"}, "Ack(f,none) Drop(f) Refuse(502) Finish(failed,session_description)"},
	})
}

func TestSuspendedCallerHearsTheAnnouncementFirst(t *testing.T) {
	run(t, Plan{Refusal: &Refusal{Status: 404, Cause: 1, Announce: "voice"}, Why: ReasonStopped}, race{
		{offer, "Progress(183,ours) Play(A,voice)"},
		{heard(A), "Refuse(404) Finish(refused,stop_list)"},
	})
}

func TestRetryAfterIsPassedOn(t *testing.T) {
	c := New(&one)
	c.Step(time.Unix(0, 0), offer)
	for _, a := range c.Step(time.Unix(1, 0), Rejected{Status: 486, Cause: 17, RetryAfter: 30}) {
		if r, ok := a.(Refuse); ok && (r.RetryAfter != 30 || r.Cause != 17) {
			t.Errorf("%+v", r)
		}
	}
}

// FuzzStep feeds any events in any order: nothing panics, Finish comes at most once.
func FuzzStep(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19})
	plans := []Plan{one, two, early, atEnds, {Refusal: &Refusal{Status: 404}}}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) == 0 {
			return
		}
		c := New(&plans[int(script[0])%len(plans)])
		finished := 0
		for _, b := range script[1:] {
			for _, a := range c.Step(time.Unix(0, 0), anyEvent(b)) {
				if _, ok := a.(Finish); ok {
					finished++
				}
			}
		}
		if finished > 1 {
			t.Errorf("finished %d times", finished)
		}
	})
}

func anyEvent(b byte) Event {
	side := Side(b >> 7)
	sdp := Theirs("sdp")
	if b&64 != 0 {
		sdp = Body{}
	}
	fork := "f"
	if b&32 != 0 {
		fork = "g"
	}
	all := []Event{Invited{sdp, b&32 != 0}, Cancelled{}, Pracked{sdp}, PrackMissing{}, Acked{sdp}, AckMissing{}, Progressed{183, fork, sdp}, Progressed{Status: 100},
		Answered{Fork: fork, SDP: sdp}, Rejected{Status: 486}, Unreachable{503}, RangOut{}, HungUp{Side: side}, Reinvited{side, sdp, b&32 != 0},
		ReinviteCancelled{side}, ReinviteAnswered{side, 200, sdp}, ReinviteAnswered{side, 481, sdp}, ReinviteAcked{Side: side, Answer: sdp},
		ReinviteAcked{Side: side, Missing: true}, NoticeEnded{Side: side}, MediaLost{}, Suspended{}, Released{ReasonShutdown}, RefreshDue{side}, SessionExpired{side}, heard(side)}
	return all[int(b&31)%len(all)]
}
