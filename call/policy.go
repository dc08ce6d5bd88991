package call

import (
	"slices"

	"tonegate/number"
)

// Policy is the operator's will, read once from the configuration.
type Policy struct {
	Trunks     map[string]Trunk
	Routes     []Route
	Rules      []Rule
	OnFailure  OnFailure
	Refuse     Refusal // what a stopped number gets
	Unreadable Unreadable
	LiveCalls  LiveCalls
}

// Trunk is what the rules need to know of a peer.
type Trunk struct {
	Far Kind
	// Presents are the numbers that this trunk may present as caller.
	// Unchecked trunks present what they like; their carrier answers for it.
	Presents  number.Set
	Unchecked bool
	Withhold  bool // a number outside Presents is withheld; otherwise the call is rejected
}

// Route sends calls from one trunk to others. First match wins.
type Route struct {
	From   string
	To     []Target // tried in order
	Called *number.Set
}

// Target is one address of one trunk.
type Target struct {
	Trunk string
	Peer  int // of the trunk's peers
}

func (r *Route) matches(f *Facts) bool {
	return r.From == f.Trunk && (r.Called == nil || r.Called.Contains(f.Called))
}

// Refusal is how a call is turned away.
type Refusal struct {
	Status   int
	Cause    int    // Q.850
	Announce string // asset played as early media first, "" for none
}

// OnFailure says what a failed notice does to its call.
type OnFailure uint8

// Policies for a failed notice.
const (
	Continue OnFailure = iota // the call goes on, the failure is counted
	Release                   // the call ends
)

// Unreadable says what a number that cannot be read does to its call.
type Unreadable uint8

// Policies for unreadable numbers.
const (
	AllowUnreadable Unreadable = iota
	RefuseUnreadable
)

// LiveCalls says what a newly stopped number does to a call that is up.
type LiveCalls uint8

// Policies for calls that are up.
const (
	EndLiveCalls LiveCalls = iota
	KeepLiveCalls
)

// Rule says which notices a call plays. First match wins.
type Rule struct {
	When Condition
	None string // why nothing is played; exclusive with the slots below
	Slots
}

// Slots name the asset of each notice; "" plays nothing.
type Slots struct {
	BeforeCaller string // to the caller, before the callee is dialled
	BeforeCallee string // to the callee that has answered, before the caller is answered
	Mode         Mode   // of BeforeCaller
	Overlap      bool   // the callee is dialled while BeforeCaller plays; what it says waits for the end
	AnswerCaller string
	AnswerCallee string
}

// Mode says how the notice before connecting reaches the caller.
type Mode uint8

// Modes of the notice before connecting.
const (
	Early          Mode = iota // 183 with SDP
	AnsweredBefore             // our own 200 first
)

func (m Mode) String() string { return [...]string{"early", "answered"}[m] }

// Condition of a rule; absent fields match anything.
type Condition struct {
	Emergency *bool
	Forwarded *bool
	Class     []number.Class // of our number
	FarLeg    []Kind
	FromTrunk []string
	ToTrunk   []string
}

func (c *Condition) matches(f *Facts, to string, class number.Class, far Kind) bool {
	return (c.Emergency == nil || *c.Emergency == f.Emergency()) &&
		(c.Forwarded == nil || *c.Forwarded == f.Forwarded) &&
		among(c.Class, class) && among(c.FarLeg, far) &&
		among(c.FromTrunk, f.Trunk) && among(c.ToTrunk, to)
}

func among[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }
