package peers

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

const (
	ours     = "+81312340001" // a fixed-line number behind the PBX
	theirs   = "+815012340000"
	vacant   = "+815012349999" // no route of the sample leads there
	diverted = "Diversion: <sip:+81312345555@127.0.0.2>;reason=unconditional;counter=1"
	history  = "History-Info: <sip:+81312345555@127.0.0.2>;index=1,<sip:+81312340001@127.0.0.1;cause=302>;index=1.1"
)

// The speakers of the two handsets.
const (
	callerVoice = 2
	calleeVoice = 9
)

// A call is a caller and a callee with a tonegate between them, and what must come of it.
type call struct {
	name           string
	caller, callee phone
	result         string   // of tonegate_calls_total and of the record
	refused        string   // reason of tonegate_refused_total and of the record, if it was
	notices        []string // "phase leg" of each notice played whole
	talks          bool     // both hear the other's voice after their notice
	config         []string // replacements in the sample configuration
}

func incoming(scenario string) phone {
	return phone{scenario: scenario, at: carrier, number: theirs, dials: ours, talk: 3500 * time.Millisecond}
}

func outgoing(scenario string) phone {
	return phone{scenario: scenario, at: pbx, number: ours, dials: theirs, talk: 3500 * time.Millisecond}
}

func answering(scenario string) phone {
	return phone{scenario: scenario, at: pbx, talk: 3500 * time.Millisecond}
}

func (p phone) with(headers string) phone        { p.headers = headers; return p }
func (p phone) overTCP() phone                   { p.tcp = true; return p }
func (p phone) dialling(number string) phone     { p.dials = number; return p }
func (p phone) from(number string) phone         { p.number = number; return p }
func (p phone) standing(at netip.AddrPort) phone { p.at = at; return p }

var bothAtAnswer = []string{"answer caller", "answer callee"}

var calls = []call{
	{name: "plain", caller: incoming("caller"), callee: answering("callee"),
		result: "completed", notices: bothAtAnswer, talks: true},
	{name: "the callee hangs up", caller: incoming("caller-listens"), callee: answering("callee-hangs-up"),
		result: "completed", notices: bothAtAnswer, talks: true},
	{name: "forwarded by Diversion", caller: incoming("caller-early").with(diverted), callee: answering("callee"),
		result: "completed", notices: []string{"before caller", "answer callee"}, talks: true},
	{name: "forwarded by History-Info", caller: incoming("caller-early").with(history), callee: answering("callee"),
		result: "completed", notices: []string{"before caller", "answer callee"}, talks: true},
	{name: "late offer", caller: incoming("caller-late-offer"), callee: answering("callee-late-offer"),
		result: "completed", notices: bothAtAnswer, talks: true},
	{name: "the caller holds", caller: incoming("caller-holds"), callee: answering("callee-held"),
		result: "completed", notices: bothAtAnswer},
	{name: "the callee holds", caller: incoming("caller-held"), callee: answering("callee-holds"),
		result: "completed", notices: bothAtAnswer},
	{name: "the caller comes over TCP", caller: incoming("caller").overTCP(), callee: answering("callee"),
		result: "completed", notices: bothAtAnswer, talks: true},
	{name: "the callee is reached over TCP", caller: incoming("caller"), callee: answering("callee").overTCP(),
		result: "completed", notices: bothAtAnswer, talks: true,
		config: []string{"udp://127.0.0.3:5060", "tcp://127.0.0.3:5060"}},
	{name: "CANCEL before the 183", caller: incoming("caller-cancels-at-once").with(diverted), result: "cancelled"},
	{name: "CANCEL after the 183", caller: incoming("caller-cancels-early").with(diverted), result: "cancelled"},
	{name: "CANCEL while it rings", caller: incoming("caller-cancels"), callee: answering("callee-cancelled"),
		result: "cancelled"},
	{name: "CANCEL while it rings after the notice", caller: incoming("caller-cancels").with(diverted),
		callee: answering("callee-cancelled"), result: "cancelled", notices: []string{"before caller"}},
	{name: "busy", caller: incoming("caller-busy"), callee: answering("callee-busy"), result: "busy"},
	{name: "declined", caller: incoming("caller-declined"), callee: answering("callee-declined"), result: "rejected"},
	{name: "nobody answers", caller: incoming("caller-unavailable"), callee: answering("callee-unavailable"),
		result: "no_answer"},
	{name: "a vacant number", caller: incoming("caller-vacant").dialling(vacant), result: "refused", refused: "no_route"},
	{name: "outgoing", caller: outgoing("caller"), callee: answering("callee").standing(carrier),
		result: "completed", notices: bothAtAnswer, talks: true},
	{name: "outgoing with a number of another", caller: outgoing("caller-forbidden").from(theirs), result: "refused",
		refused: "presentation"},
	{name: "an emergency call", caller: outgoing("caller").dialling("110"), callee: answering("callee").standing(carrier),
		result: "completed"},
}

func TestCalls(t *testing.T) {
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ownNetwork(t, gate.Addr())
			c.run(t)
		})
	}
}

func (c call) run(t *testing.T) {
	gateway := serve(t, c.config...)
	caller := pickUp(t, "the caller", c.caller.at.Addr(), callerVoice)
	trunk, there := "carrier", pbx
	if c.caller.at == pbx {
		trunk, there = "pbx", carrier
	}
	callee := pickUp(t, "the callee", there.Addr(), calleeVoice)

	if c.callee.scenario == "" {
		untouched := nobodyAt(t, there)
		finish(t, c.caller.play(t, gate))
		untouched()
	} else {
		answers := c.callee.play(t, gate)
		finish(t, c.caller.play(t, gate), answers)
	}

	gateway.quiet(t)
	if got := gateway.metric(t, "tonegate_calls_total", `trunk="`+trunk+`"`, `direction="in"`, `result="`+c.result+`"`); got != 1 {
		t.Errorf("tonegate_calls_total counts %v calls from the %s as %s, want 1", got, trunk, c.result)
	}
	if c.refused != "" {
		if got := gateway.metric(t, "tonegate_refused_total", `reason="`+c.refused+`"`); got != 1 {
			t.Errorf("tonegate_refused_total counts %v calls for %q, want 1", got, c.refused)
		}
	}
	c.checkNotices(t, gateway, map[string]*handset{"caller": caller, "callee": callee})
	c.checkRecords(t, gateway.end(t), map[string]netip.Addr{"caller": c.caller.at.Addr(), "callee": there.Addr()})
}

// checkNotices compares what was counted as played with what was heard.
func (c call) checkNotices(t *testing.T, gateway *server, ears map[string]*handset) {
	t.Helper()
	for _, h := range ears {
		h.hangUp()
	}
	for _, phase := range []string{"before", "answer"} {
		for _, leg := range []string{"caller", "callee"} {
			want := 0.0
			for _, notice := range c.notices {
				if notice == phase+" "+leg {
					want = 1
				}
			}
			got := gateway.metric(t, "tonegate_notices_total", `phase="`+phase+`"`, `leg="`+leg+`"`, `result="played"`)
			if got != want {
				t.Errorf("tonegate_notices_total counts %v notices %s to the %s as played, want %v", got, phase, leg, want)
			}
			if want == 0 {
				continue
			}
			voice := nobody
			if c.talks {
				voice = map[string]int{"caller": calleeVoice, "callee": callerVoice}[leg]
			}
			ears[leg].heardToneAnd(t, voice)
		}
	}
}

// nobodyAt listens where the callee would be and returns the check that nothing came, which also stops listening.
func nobodyAt(t *testing.T, there netip.AddrPort) (untouched func()) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(there))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return func() {
		t.Helper()
		buf := make([]byte, 2048)
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, err := conn.Read(buf); err == nil {
			t.Errorf("the callee was called, though it must not be:\n%s", buf[:n])
		}
		conn.Close()
	}
}
