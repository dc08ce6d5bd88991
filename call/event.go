package call

// Event is something that happened to a call. Events are past participles,
// one struct each, and print as they read.
type Event interface{ event() }

// Body is a session description in an event or action. The rules decide whose
// description goes where and when; they never look inside.
type Body struct {
	From Author
	SDP  string // the description as its author sent it; empty unless From is Peer
}

// Author says who wrote a description.
type Author uint8

// Authors of a description.
const (
	Nobody Author = iota // no description
	Us                   // ours: a notice is played before the other leg is known
	Peer                 // the other leg's, to be rewritten with our address
)

func (a Author) String() string { return [...]string{"none", "ours", "theirs"}[a] }

func (b Body) String() string { return b.From.String() }

// Theirs is a description written by a peer, or no description when empty.
func Theirs(sdp string) Body {
	if sdp == "" {
		return Body{}
	}
	return Body{From: Peer, SDP: sdp}
}

// The events of leg A's INVITE.
type (
	// Invited starts the call. No offer means a late offer (RFC 3264 s5).
	// Reliable says that A acknowledges provisional responses (RFC 3262).
	Invited struct {
		Offer    Body
		Reliable bool
	}
	// Pracked is A's PRACK of a provisional response with a description;
	// Answer is there when that was an offer.
	Pracked struct{ Answer Body }
	// PrackMissing says that A let 64*T1 pass without one (RFC 3262 s3).
	PrackMissing struct{}
	// Expired says that A's invitation has ended by its Expires (RFC 3261 s13.3.1).
	Expired struct{}
	// Cancelled is A's CANCEL of its first INVITE.
	Cancelled struct{}
	// Acked is A's ACK of our 2xx; Answer is there after a late offer.
	Acked struct{ Answer Body }
	// AckMissing says that A let 64*T1 pass without an ACK (RFC 3261 s13.3.1.4).
	AckMissing struct{}
)

// The events of leg B's INVITE. Fork is the To-tag of the response.
type (
	// Progressed is a provisional response, 100 included.
	Progressed struct {
		Status int
		Fork   string
		SDP    Body
	}
	// Answered is the first 2xx of a fork.
	Answered struct {
		Fork string
		SDP  Body
		// Unusable says why the description cannot be used; empty when it can.
		Unusable string
	}
	// Rejected is the final response of a dialled target, 300-699.
	Rejected struct {
		Status     int
		Cause      int // Q.850, 0 when the response named none
		RetryAfter int // seconds, 0 none
	}
	// Redirected is a redirection (300-399) that is followed: a plan for each
	// contact, in order, as for a new call by whoever redirects.
	Redirected struct {
		Status int
		Plans  []*Plan
	}
	// Unreachable is a dialled target that never responded (Timer B), or
	// whose transport failed; it counts as 408 or 503 (RFC 3261 s8.1.3.1).
	Unreachable struct{ Status int }
	// RangOut says that Timer C ended: B rang too long (RFC 3261 s16.8).
	RangOut struct{}
)

// Events of an established leg.
type (
	// HungUp is a BYE. Cause is its Q.850 cause, 0 when it named none.
	HungUp struct {
		Side  Side
		Cause int
	}
	// Reinvited is a re-INVITE; no offer means a late one. A leg has at most
	// one open: its dialog refuses more (RFC 3261 s14.2). Update says that it
	// is an UPDATE with an offer instead, which has no ACK (RFC 3311).
	Reinvited struct {
		Side   Side
		Offer  Body
		Update bool
	}
	// ReinviteCancelled is the CANCEL of a re-INVITE.
	ReinviteCancelled struct{ Side Side }
	// ReinviteAnswered is the final response of a re-INVITE that we sent.
	ReinviteAnswered struct {
		Side   Side
		Status int
		SDP    Body
	}
	// ReinviteAcked is the ACK of our 2xx to a re-INVITE; Missing when 64*T1
	// passed without one.
	ReinviteAcked struct {
		Side    Side
		Answer  Body
		Missing bool
	}
)

// Events of a transfer.
type (
	// Referred is a REFER (RFC 3515): the party of a leg asks that the other one
	// be connected to somebody else, by Plan, made as for a new call.
	Referred struct {
		Side Side
		Plan *Plan
	}
)

// Events of the session timer (RFC 4028).
type (
	// RefreshDue says that it is ours to refresh the session with a leg.
	RefreshDue struct{ Side Side }
	// SessionExpired says that a leg's session was not refreshed in time.
	SessionExpired struct{ Side Side }
)

// Events of the media and of the house.
type (
	// NoticeEnded ends what a Play began.
	NoticeEnded struct {
		Side  Side
		Proof Proof
	}
	// MediaLost says that neither side has sent media for the configured time.
	MediaLost struct{}
	// Suspended says that a number of this call is now on the stop list, by this revision.
	Suspended struct{ Revision uint64 }
	// Released ends the call from our side: shutdown, operator, fault.
	Released struct{ Why Reason }
)

func (Invited) event()           {}
func (Pracked) event()           {}
func (PrackMissing) event()      {}
func (Expired) event()           {}
func (Cancelled) event()         {}
func (Acked) event()             {}
func (AckMissing) event()        {}
func (Progressed) event()        {}
func (Answered) event()          {}
func (Rejected) event()          {}
func (Redirected) event()        {}
func (Referred) event()          {}
func (Unreachable) event()       {}
func (RangOut) event()           {}
func (HungUp) event()            {}
func (Reinvited) event()         {}
func (ReinviteCancelled) event() {}
func (ReinviteAnswered) event()  {}
func (ReinviteAcked) event()     {}
func (RefreshDue) event()        {}
func (SessionExpired) event()    {}
func (NoticeEnded) event()       {}
func (MediaLost) event()         {}
func (Suspended) event()         {}
func (Released) event()          {}
