package call

// Action is something to do, in the order returned. Actions are verbs, one
// struct each, and print as they read.
type Action interface{ action() }

// Actions on leg A's INVITE.
type (
	// Progress sends a provisional response to A.
	Progress struct {
		Status int
		SDP    Body
	}
	// Refuse sends the final response 300-699 to A.
	Refuse struct {
		Status     int
		Cause      int // Reason: Q.850;cause=N (RFC 3326), 0 none
		RetryAfter int // seconds, 0 none
	}
	// Answer sends the 2xx to A, repeated until its ACK.
	Answer struct{ SDP Body }
)

// Actions on leg B's INVITE.
type (
	// Dial sends the INVITE to target number Target of the plan.
	Dial struct {
		Target int
		Offer  Body
	}
	// Cancel sends CANCEL to B.
	Cancel struct{}
	// Ack acknowledges the 2xx of a fork, again for each repetition.
	Ack struct {
		Fork   string
		Answer Body
	}
	// Drop ends a fork that lost, or came too late: BYE on its dialog, after its ACK.
	Drop struct{ Fork string }
)

// Actions on established legs.
type (
	// Bye sends BYE on a leg. Cause is the Q.850 cause for its Reason header.
	Bye struct {
		Side  Side
		Cause int
	}
	// Reinvite sends a re-INVITE to a leg.
	Reinvite struct {
		Side  Side
		Offer Body
	}
	// CancelReinvite cancels the re-INVITE that we sent to a leg.
	CancelReinvite struct{ Side Side }
	// AcceptReinvite answers a leg's re-INVITE with 200.
	AcceptReinvite struct {
		Side Side
		SDP  Body
	}
	// RefuseReinvite answers a leg's re-INVITE with a failure.
	RefuseReinvite struct {
		Side   Side
		Status int
	}
	// Refresh sends a leg a re-INVITE that changes nothing (RFC 4028 s7.4).
	Refresh struct{ Side Side }
	// RefreshLater puts a refresh off: something else is under way.
	RefreshLater struct{ Side Side }
	// AckReinvite acknowledges a leg's 2xx to our re-INVITE.
	AckReinvite struct {
		Side   Side
		Answer Body
	}
)

// Actions of a transfer.
type (
	// AcceptReferral answers a leg's REFER with 202.
	AcceptReferral struct{ Side Side }
	// RefuseReferral answers it with a failure.
	RefuseReferral struct {
		Side   Side
		Status int
	}
	// Park makes the leg of the transferor the parked one. The other leg is A
	// from now on, and there is no B.
	Park struct{ Side Side }
	// Unpark makes the parked leg what it was, in the place of the target.
	Unpark struct{ Side Side }
	// Report tells a transferor how far the transfer is (RFC 3515 s2.4.4). A
	// final status is the last word.
	Report struct {
		Side   Side
		Status int
	}
	// Write keeps the record of a part of the call that is over: the call before
	// a transfer, or a transfer that came to nothing. Plan is what it went by,
	// Over the leg that ends with it: Parked, or B; A for none.
	Write struct {
		Plan   *Plan
		Record Record
		Over   Side
	}
)

// Actions on the media, and the end.
type (
	// Play starts a notice on a leg; NoticeEnded follows, once.
	Play struct {
		Side  Side
		Phase Phase
		Asset string
	}
	// Stop ends the notice that a leg hears.
	Stop struct{ Side Side }
	// Bridge connects the media of both legs.
	Bridge struct{}
	// Silence disconnects it again.
	Silence struct{}
	// Finish is the last action of a call, exactly once: both legs are down,
	// the record is complete, ports may go.
	Finish struct{ Record Record }
)

func (Progress) action()       {}
func (Refuse) action()         {}
func (Answer) action()         {}
func (Dial) action()           {}
func (Cancel) action()         {}
func (Ack) action()            {}
func (Drop) action()           {}
func (Bye) action()            {}
func (Reinvite) action()       {}
func (CancelReinvite) action() {}
func (AcceptReinvite) action() {}
func (RefuseReinvite) action() {}
func (AckReinvite) action()    {}
func (Refresh) action()        {}
func (RefreshLater) action()   {}
func (AcceptReferral) action() {}
func (RefuseReferral) action() {}
func (Park) action()           {}
func (Unpark) action()         {}
func (Report) action()         {}
func (Write) action()          {}
func (Play) action()           {}
func (Stop) action()           {}
func (Bridge) action()         {}
func (Silence) action()        {}
func (Finish) action()         {}
