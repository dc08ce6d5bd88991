package call

// Side names one of the two legs (RFC 7092): A, where we were the UAS, and B,
// where we were the UAC. After a transfer A is the party that stayed.
type Side uint8

// The legs of a call.
const (
	A Side = iota
	B
	// Parked is the leg of a party that transfers the call, until the transfer
	// has succeeded or failed. It hears nothing.
	Parked
)

// Other is the leg at the far end of A or B.
func (s Side) Other() Side { return 1 - s }

func (s Side) String() string { return [...]string{"A", "B", "parked"}[s] }

// callerState is where leg A's INVITE stands.
type callerState uint8

const (
	callerInviting  callerState = iota // no final response sent
	callerAnswering                    // 2xx sent, its ACK not seen
	callerUp                           // ACK seen
	callerEnding                       // 2xx sent, BYE owed as soon as its ACK comes (RFC 3261 s15)
	callerDown
)

func (s callerState) String() string {
	return [...]string{"inviting", "answering", "up", "ending", "down"}[s]
}

// calleeState is where leg B's INVITE stands.
type calleeState uint8

const (
	calleeIdle          calleeState = iota // not dialled
	calleeCalling                          // INVITE sent, no response
	calleeProceeding                       // a provisional response came
	calleeCancelPending                    // to be cancelled on the first provisional (RFC 3261 s9.1)
	calleeCancelling                       // CANCEL sent, final response awaited
	calleeAnswered                         // 2xx came, its ACK waits for A's answer (late offer)
	calleeUp                               // ACK sent
	calleeDown
)

func (s calleeState) String() string {
	return [...]string{"idle", "calling", "proceeding", "cancel-pending", "cancelling", "answered", "up", "down"}[s]
}

// mediaState is what the callers' ears are connected to.
type mediaState uint8

const (
	mediaQuiet    mediaState = iota
	mediaRefusing            // an announcement plays to A, then the refusal follows
	mediaBefore              // the notice before connecting plays to A, or waits for A's ACK
	mediaHolding             // the notice before connecting plays to B, which has answered
	mediaEarly               // B's early media reaches A
	mediaAnswer              // notices at answer play
	mediaBridged             // both legs hear each other
)

func (s mediaState) String() string {
	return [...]string{"quiet", "refusing", "before", "holding", "early", "answer", "bridged"}[s]
}
