package config

// Notices says who hears what, and when.
type Notices struct {
	Assets    []Asset // in the order of the file
	OnFailure OnFailure
	Rules     []Rule // first match wins
}

// Rule is what is played to a call that matches When: Before and Answer, or nothing for the reason None.
type Rule struct {
	When   When
	None   string
	Before Before
	Answer Answer
}

// When is a condition on a call; what is absent matches any.
type When struct {
	Emergency *bool
	Forwarded *bool
	Class     []string // classes of our number
	FarLeg    []Leg
	FromTrunk []string
	ToTrunk   []string
}

// Any reports whether w matches every call.
func (w When) Any() bool {
	return w.Emergency == nil && w.Forwarded == nil && len(w.Class)+len(w.FarLeg)+len(w.FromTrunk)+len(w.ToTrunk) == 0
}

// Before names the assets heard before the call is connected; "" is none.
type Before struct {
	Caller, Callee string
	Mode           Mode
	Overlap        bool // the callee is dialled while the notice plays
}

// Answer names the assets heard at answer, before the parties hear each other; "" is none.
type Answer struct{ Caller, Callee string }

func (n *Notices) read(v value) {
	v.object(keys{
		"assets":     n.readAssets,
		"on_failure": into(&n.OnFailure, oneOf(Continue, Release)),
		"rules":      list(&n.Rules, (*Rule).read),
	}, required{"rules": "[{when: {}, none: \"why no notice is played\"}]"})
}

func (r *Rule) read(v value) {
	found := v.object(keys{
		"when":   r.When.read,
		"none":   into(&r.None, reason),
		"before": r.Before.read,
		"answer": r.Answer.read,
	}, required{"when": "{} for every call, or conditions, e.g. {forwarded: true}"})
	played := found["before"] || found["answer"]
	switch {
	case found["none"] && played:
		v.problem("none stands beside before or answer; leave one out")
	case !found["none"] && !played:
		v.problem("the rule does nothing; write before or answer, or none: \"why no notice is played\"")
	}
}

func (w *When) read(v value) {
	v.object(keys{
		"emergency":  optional(&w.Emergency, boolean),
		"forwarded":  optional(&w.Forwarded, boolean),
		"class":      oneOrMore(&w.Class, words),
		"far_leg":    oneOrMore(&w.FarLeg, legs),
		"from_trunk": oneOrMore(&w.FromTrunk, name),
		"to_trunk":   oneOrMore(&w.ToTrunk, name),
	}, nil)
}

func (b *Before) read(v value) {
	b.Mode = defaultMode
	found := v.object(keys{
		"caller":  into(&b.Caller, name),
		"callee":  into(&b.Callee, name),
		"mode":    into(&b.Mode, oneOf(Early, Answered)),
		"overlap": into(&b.Overlap, boolean),
	}, nil)
	needsParty(v, found)
}

func (a *Answer) read(v value) {
	needsParty(v, v.object(keys{"caller": into(&a.Caller, name), "callee": into(&a.Callee, name)}, nil))
}

func needsParty(v value, found map[string]bool) {
	if !found["caller"] && !found["callee"] {
		v.problem("nobody hears it; write caller: ASSET or callee: ASSET")
	}
}
