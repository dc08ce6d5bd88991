package call

import "tonegate/number"

// Kind is what sort of network a trunk's far end lives in. It decides, with
// the class of our number, whether a call is regulated.
type Kind uint8

// Kinds of a trunk's far leg.
const (
	PSTN     Kind = iota // another carrier's telephone network
	Managed              // a line with the quality of a fixed telephone
	Internet             // best effort: cloud PBX, softphone
)

func (k Kind) String() string { return [...]string{"pstn", "managed", "internet"}[k] }

// ParseKind reads a kind as the configuration spells it.
func ParseKind(s string) (Kind, bool) {
	for _, k := range []Kind{PSTN, Managed, Internet} {
		if k.String() == s {
			return k, true
		}
	}
	return 0, false
}

// Facts are what an INVITE says, read once and never modified.
type Facts struct {
	Trunk     string          // the trunk it came from
	Caller    number.Number   // From; number.Withheld when anonymous
	Asserted  []number.Number // P-Asserted-Identity
	Called    number.Number   // Request-URI
	Diverting []number.Number // Diversion and History-Info, the latest first
	FromFirst bool            // the trunk's word is From, not P-Asserted-Identity
	Forwarded bool            // a diversion was named, readable or not
	Unread    int             // numbers of the call that could not be read
	Urgent    bool            // an emergency call that was redirected or transferred
}

// Numbers appends every number of the call, for one look-up against one
// revision of the stop list.
func (f *Facts) Numbers(ns []number.Number) []number.Number {
	ns = append(ns, f.Caller, f.Called)
	ns = append(ns, f.Asserted...)
	return append(ns, f.Diverting...)
}

// Presented is the caller's number as the trunk vouches for it: the asserted
// identity where there is one, unless its profile says From.
func (f *Facts) Presented() number.Number {
	if len(f.Asserted) > 0 && !f.FromFirst {
		return f.Asserted[0]
	}
	return f.Caller
}

// Emergency reports whether this is a call to 110, 118 or 119, or a call-back
// from there.
func (f *Facts) Emergency() bool {
	return f.Urgent || f.Called.Emergency() || f.Caller.Emergency() || f.Presented().Emergency()
}

// Screening is the stop list's word on a call: all its numbers against one revision.
type Screening struct {
	Revision uint64
	Stopped  bool
}
