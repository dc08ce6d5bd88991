package config

// Route sends the calls of one trunk to the first of To that takes them.
type Route struct {
	From   string
	To     []string
	Called []string // classes, numbers, ranges; none is any
}

func (r *Route) read(v value) {
	v.object(keys{
		"from":   into(&r.From, name),
		"to":     oneOrMore(&r.To, name),
		"called": oneOrMore(&r.Called, words),
	}, required{"from": "the name of a trunk", "to": "the name of a trunk, or a list tried in order"})
}
