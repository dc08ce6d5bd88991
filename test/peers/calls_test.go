package peers

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

const (
	ours     = "+81312340001" // a fixed-line number behind the PBX
	theirs   = "+815012340000"
	vacant   = "+815012349999" // no route of the sample leads there
	diverted = "Diversion: <sip:+81312345555@127.0.0.2>;reason=unconditional;counter=1"
	history  = "History-Info: <sip:+81312345555@127.0.0.2>;index=1,<sip:+81312340001@127.0.0.1;cause=302>;index=1.1"
	vacancy  = `Reason: *Q\.850 *; *cause=1([^0-9]|$)`
)

// The transports of the matrix. TLS is for the basics; what is about the call and not the wire runs once.
var (
	everywhere = []transport{udp4, tcp4, udp6, tcp6}
	basics     = append(slices.Clone(everywhere), tls4, tls6)
	once       = []transport{udp4}
)

// calls is the matrix: each feature, and the transports that it is called over.
var calls = []call{
	{name: "plain", over: basics, caller: incoming("caller"), callee: answering("callee"),
		result: "completed", notices: bothAtAnswer, talks: true},
	{name: "the callee hangs up", over: basics, caller: incoming("caller-listens"), callee: answering("callee-hangs-up"),
		result: "completed", notices: bothAtAnswer, talks: true},
	{name: "busy", over: basics, caller: incoming("caller-refused").refused("486 Busy Here"),
		callee: answering("callee-refuses").refused("486 Busy Here"), result: "busy"},
	{name: "CANCEL while it rings", over: basics, caller: incoming("caller-cancels"), callee: answering("callee-cancelled"),
		result: "cancelled"},
	{name: "the caller holds", over: basics, caller: incoming("caller-holds"), callee: answering("callee-held"),
		result: "completed", notices: bothAtAnswer},
	{name: "the callee holds", over: basics, caller: incoming("caller-held"), callee: answering("callee-holds"),
		result: "completed", notices: bothAtAnswer},

	// The shortest interval is 90 s, and half of it must pass: it begins early, beside the others.
	{name: "a session that we refresh", over: once, caller: incoming("caller").talking(48 * time.Second), callee: answering("callee-refreshed"),
		result: "completed", notices: bothAtAnswer, config: []string{"# session_timer: 300s", "session_timer: 90s"}},

	{name: "a session that we refresh by UPDATE", over: once, caller: incoming("caller").talking(48 * time.Second), callee: answering("callee-refreshed-by-update"),
		result: "completed", notices: bothAtAnswer, config: []string{"# session_timer: 300s", "session_timer: 90s"}},
	{name: "keepalives", over: []transport{tcp4}, caller: incoming("caller").talking(28 * time.Second), callee: answering("callee"),
		result: "completed", notices: bothAtAnswer, config: []string{"profile: {called", "keepalive: 15s\n    profile: {called", "# keepalive: 30s", "keepalive: 15s"},
		also: keptOpen},

	{name: "forwarded by Diversion", over: everywhere, caller: incoming("caller-early").with(diverted), callee: answering("callee"),
		result: "completed", notices: forwarded, talks: true},
	{name: "forwarded by History-Info", over: everywhere, caller: incoming("caller-early").with(history), callee: answering("callee"),
		result: "completed", notices: forwarded},
	{name: "overlap", over: everywhere, caller: incoming("caller-overlaps").with(diverted), callee: answering("callee-patient"),
		result: "completed", notices: forwarded, config: []string{"overlap: false", "overlap: true"}, also: dialledMeanwhile},
	{name: "answered before the notice", over: everywhere, caller: incoming("caller-answered").with(diverted).talking(4 * time.Second),
		callee: answering("callee"), result: "completed", notices: forwarded, talks: true, config: []string{"mode: early, o", "mode: answered, o"}},
	{name: "early media", over: everywhere, caller: incoming("caller-early-media"), callee: answering("callee-early-media"),
		result: "completed", notices: bothAtAnswer, talks: true, meanwhile: speaksEarly, also: heardEarly},
	{name: "late offer", over: everywhere, caller: incoming("caller-late-offer"), callee: answering("callee-late-offer"),
		result: "completed", notices: bothAtAnswer, talks: true},

	{name: "early media authorized", over: everywhere, caller: incoming("caller-authorized").with(diverted), callee: answering("callee").expecting("P-Early-Media: supported"),
		result: "completed", notices: forwarded, talks: true,
		config: []string{"profile: {called", "p_early_media: supported\n    profile: {called", "# p_early_media: supported", "p_early_media: supported"}},
	{name: "fax", over: everywhere, caller: incoming("caller-faxed"), callee: answering("callee-faxes"),
		result: "completed", notices: bothAtAnswer, meanwhile: faxBothWays},

	{name: "declined", over: everywhere, caller: incoming("caller-refused").refused("603 Decline"),
		callee: answering("callee-refuses").refused("603 Decline"), result: "rejected"},
	{name: "a redirection refused", over: everywhere, caller: incoming("caller-refused").refused("480 Temporarily Unavailable", "not Contact:"),
		callee: answering("callee-redirects"), result: "rejected"},
	{name: "nobody answers", over: everywhere, caller: incoming("caller-refused").refused("480 Temporarily Unavailable").ringing(),
		callee: answering("callee-refuses").refused("480 Temporarily Unavailable").ringing(), result: "no_answer"},
	{name: "a vacant number", over: everywhere, caller: incoming("caller-refused").refused("404 Not Found", vacancy).dialling(vacant),
		result: "refused", why: "no_route"},
	{name: "a stopped caller", over: everywhere, caller: incoming("caller-refused").refused("404 Not Found", vacancy),
		stopped: theirs, result: "refused", why: "stop_list"},
	{name: "a stopped number that forwards", over: everywhere, caller: incoming("caller-refused").refused("404 Not Found", vacancy).with(diverted),
		stopped: "+81312345555", result: "refused", why: "stop_list"},
	{name: "an extension that nobody knows", over: everywhere, caller: incoming("caller-demands"), unrecorded: true},
	{name: "resources that nobody reserves", over: everywhere, caller: incoming("caller-reserves").refused("580 Precondition Failure"),
		result: "refused", why: "session_description"},
	{name: "503, then the spare", over: everywhere, caller: incoming("caller"), callee: answering("callee-refuses").refused("503 Service Unavailable"),
		second: answering("callee").standing(spare), result: "completed", notices: bothAtAnswer, talks: true},

	{name: "CANCEL before it rings", over: everywhere, caller: incoming("caller-cancels-at-once"), callee: answering("callee-cancelled"),
		result: "cancelled"},
	// Over TCP 100 and 183 come in one piece, and sipp can send nothing between them.
	{name: "CANCEL before the 183", over: []transport{udp4, udp6}, caller: incoming("caller-cancels-at-once").with(diverted), result: "cancelled"},
	{name: "CANCEL during the notice", over: everywhere, caller: incoming("caller-cancels-early").with(diverted), result: "cancelled"},
	{name: "CANCEL while it rings after the notice", over: everywhere, caller: incoming("caller-cancels").with(diverted),
		callee: answering("callee-cancelled"), result: "cancelled", notices: []string{"before caller"}},

	{name: "CANCEL for one answered elsewhere", over: everywhere, caller: incoming("caller-withdraws"), callee: answering("callee-outrun"),
		result: "cancelled"},

	{name: "100rel to the caller", over: everywhere, caller: incoming("caller-pracks").with(diverted), callee: answering("callee"),
		result: "completed", notices: forwarded, talks: true, also: tonedAtThePrack},
	{name: "100rel required by the caller", over: everywhere, caller: incoming("caller-insists"), callee: answering("callee"),
		result: "completed", notices: bothAtAnswer},
	{name: "100rel required by the callee", over: everywhere, caller: incoming("caller-early"), callee: answering("callee-insists"),
		result: "completed", notices: bothAtAnswer},
	{name: "100rel required of a caller without", over: everywhere, caller: incoming("caller-refused").refused("421 Extension Required", "Require: 100rel"),
		result: "refused", config: []string{"profile: {called", "reliable: required\n    profile: {called"}},

	{name: "UPDATE by the caller, to a phone that does not take it", over: everywhere, caller: incoming("caller-updates"), callee: answering("callee-held"),
		result: "completed", notices: bothAtAnswer},
	{name: "UPDATE by the callee", over: everywhere, caller: incoming("caller-held-by-update"), callee: answering("callee-updates"),
		result: "completed", notices: bothAtAnswer},
	{name: "UPDATE by the caller", over: everywhere, caller: incoming("caller-updates"), callee: answering("callee-held-by-update"),
		result: "completed", notices: bothAtAnswer},
	{name: "a re-INVITE during the notice", over: everywhere, caller: incoming("caller-interrupts"), callee: answering("callee-held"),
		result: "completed", notices: bothAtAnswer, also: changedAfterTheTone},
	{name: "glare", over: everywhere, caller: incoming("caller-glares"), callee: answering("callee-glares"),
		result: "completed", notices: bothAtAnswer},
	{name: "a session too brief", over: everywhere, caller: incoming("caller-brief"), callee: answering("callee-asked"),
		result: "completed", retried: true, notices: bothAtAnswer},
	{name: "forks", over: everywhere, caller: incoming("caller-forks"), callee: answering("callee-forks"),
		result: "completed", notices: bothAtAnswer},
	{name: "INFO both ways", over: everywhere, caller: incoming("caller-informs"), callee: answering("callee-informs"),
		result: "completed", notices: bothAtAnswer},
	{name: "REFER refused", over: everywhere, caller: incoming("caller").talking(2500 * time.Millisecond), callee: answering("callee-refers"),
		result: "completed", notices: bothAtAnswer},
	{name: "OPTIONS in the call", over: everywhere, caller: incoming("caller-asks"), callee: answering("callee"),
		result: "completed", notices: bothAtAnswer},
	{name: "OPTIONS outside a call", over: everywhere, caller: incoming("asker"), unrecorded: true},
	{name: "an INVITE by two ways", over: everywhere, caller: incoming("caller-merges"), callee: answering("callee-patient"),
		result: "completed", notices: bothAtAnswer},

	{name: "outgoing", over: everywhere, caller: outgoing("caller"), callee: answering("callee").standing(carrier),
		result: "completed", notices: bothAtAnswer, talks: true},
	{name: "outgoing with a number of another", over: once, caller: outgoing("caller-refused").refused("403 Forbidden").from(theirs),
		result: "refused", why: "presentation"},
	{name: "an emergency call", over: everywhere, caller: outgoing("caller").dialling("110"), callee: answering("callee").standing(carrier),
		result: "completed"},
}

// A call is a caller and a callee with a tonegate between them, and what must come of it.
type call struct {
	name           string
	over           []transport
	caller, callee phone
	second         phone    // a callee that is tried after the first
	result         string   // of tonegate_calls_total and of the record
	why            string   // reason of tonegate_refused_total and of the record, if it was refused
	unrecorded     bool     // no call is made
	retried        bool     // a first INVITE is refused, and has a record of its own
	notices        []string // "phase leg" of each notice played whole
	talks          bool     // both hear the other's voice after their notice
	stopped        string   // a number on the stop list
	config         []string // replacements in the sample configuration

	meanwhile func(*testing.T, *played) // while it goes on
	also      func(*testing.T, *played) // afterwards
}

// What is played whole, of the calls that hear anything.
var (
	bothAtAnswer = []string{"answer caller", "answer callee"}
	forwarded    = []string{"before caller", "answer callee"}
)

func incoming(scenario string) phone {
	return phone{scenario: scenario, at: carrier, over: udp4, number: theirs, dials: ours}
}

func outgoing(scenario string) phone {
	return phone{scenario: scenario, at: pbx, over: udp4, number: ours, dials: theirs}
}

func answering(scenario string) phone { return phone{scenario: scenario, at: pbx, over: udp4} }

func (p phone) with(headers string) phone           { p.headers = headers; return p }
func (p phone) dialling(number string) phone        { p.dials = number; return p }
func (p phone) from(number string) phone            { p.number = number; return p }
func (p phone) standing(at netip.AddrPort) phone    { p.at = at; return p }
func (p phone) ringing() phone                      { p.rings = true; return p }
func (p phone) expecting(expects ...string) phone   { p.expects = expects; return p }
func (p phone) by(over transport) phone             { p.over = over; return p }
func (p phone) talking(howLong time.Duration) phone { p.talk = howLong; return p }

// refused is a phone that refuses with the status, or is refused with it and must read the rest.
func (p phone) refused(status string, expects ...string) phone {
	p.status, p.expects = status, expects
	return p
}

func TestCalls(t *testing.T) {
	t.Parallel()
	for _, c := range calls {
		for _, over := range c.over {
			t.Run(c.name+"/"+over.String(), func(t *testing.T) {
				t.Parallel()
				ownNetwork(t, gate.Addr())
				c.run(t, over, over)
			})
		}
	}
}

// TestCallsBetweenTransports has the two sides of a call speak differently.
func TestCallsBetweenTransports(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]transport{{udp4, tcp4}, {tcp4, udp4}, {udp4, udp6}, {tcp6, udp4}, {tls4, udp6}, {udp4, tls4}} {
		for _, c := range calls[:2] {
			t.Run(c.name+"/"+pair[0].String()+" to "+pair[1].String(), func(t *testing.T) {
				t.Parallel()
				ownNetwork(t, gate.Addr())
				c.run(t, pair[0], pair[1])
			})
		}
	}
}
