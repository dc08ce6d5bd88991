package call

import "time"

// Result says in one word how a call ended.
type Result string

// The results of a call; of low cardinality, fit for a metric label.
const (
	Completed Result = "completed" // it was answered, and ended by either side
	CallerEnd Result = "cancelled" // the caller gave up before an answer
	Busy      Result = "busy"
	NoAnswer  Result = "no_answer"
	Declined  Result = "rejected" // the far end refused
	Refused   Result = "refused"  // we refused, by policy
	Failed    Result = "failed"
)

// Reason says why, in more words.
type Reason string

// The reasons of an end; of low cardinality.
const (
	ReasonCallerHungUp     Reason = "caller_hung_up"
	ReasonCalleeHungUp     Reason = "callee_hung_up"
	ReasonCallerCancelled  Reason = "caller_cancelled"
	ReasonFarEnd           Reason = "far_end_refused"
	ReasonUnreachable      Reason = "far_end_unreachable"
	ReasonRangOut          Reason = "nobody_answered"
	ReasonStopped          Reason = "stop_list"
	ReasonUnreadable       Reason = "unreadable_number"
	ReasonNoRoute          Reason = "no_route"
	ReasonNoEmergencyRoute Reason = "no_emergency_route"
	ReasonPresentation     Reason = "presentation"
	ReasonExpired          Reason = "invitation_expired"
	ReasonNoAck            Reason = "no_ack"
	ReasonNoPrack          Reason = "no_prack"
	ReasonMediaLost        Reason = "no_media"
	ReasonDescription      Reason = "session_description"
	ReasonExtension        Reason = "extension_required"
	ReasonInterval         Reason = "session_interval"
	ReasonNoticeFailed     Reason = "notice_failed"
	ReasonGone             Reason = "dialog_gone"
	ReasonSessionExpired   Reason = "session_expired"
	ReasonShutdown         Reason = "shutdown"
	ReasonFault            Reason = "internal_fault"
	ReasonPorts            Reason = "no_media_ports"
	ReasonLoop             Reason = "redirected_too_often"
	ReasonTransferred      Reason = "transferred" // the other party talks on with somebody else
)

// Phase of a notice.
type Phase uint8

// Phases of a notice.
const (
	Before   Phase = iota // before the forwarded call is connected
	AtAnswer              // when both legs are up, before they are bridged
)

func (p Phase) String() string { return [...]string{"before", "answer"}[p] }

// Proof is the evidence of one notice on one leg.
type Proof struct {
	Leg      Side
	Phase    Phase
	Asset    string
	Hash     string // SHA-256 of the asset
	Licence  string // "holder number", empty for an asset without one
	Codec    string
	First    time.Time // first and last packet
	Last     time.Time
	Packets  int
	Complete bool
	Failed   string // why it was not completed
	To       string // address and port it was sent to
}

// Record is what is known of a call when it has ended.
type Record struct {
	Result   Result
	Reason   Reason
	Status   int    // of the final response to leg A
	Cause    int    // Q.850, 0 when none was named
	Revision uint64 // of the stop list: that of the screening, or the one that ended the call
	Target   int    // of the plan; -1 when none was dialled
	Invited  time.Time
	Rang     time.Time // first 18x from B
	Answered time.Time // 2xx from B
	Bridged  time.Time // both heard each other
	Ended    time.Time
	// Added is the delay that the notice before connecting cost the caller:
	// how much later the callee was dialled, or was let through.
	Added   time.Duration
	notices []Proof // only ever copied to grow: a copy of the record keeps what it had
}

// Notices are the proofs of the notices that were begun, in order.
func (r *Record) Notices() []Proof { return r.notices }

// maxNotices bounds the proofs of one call.
const maxNotices = 8
