package peers

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tonegate/internal/ear"
)

// What callee-transfers and callee-redirects name: one number behind the desk, one behind the lobby.
var (
	desk  = spare
	lobby = netip.MustParseAddrPort("127.0.0.5:5060")
)

const (
	deskNumber  = "+81312345678"
	lobbyNumber = "+81312346789"
	deskVoice   = 5
)

// elsewhere are the calls that somebody sends on: a transfer by REFER, a redirection by 302. Both are for the trunk to
// allow. Whoever is not planned to answer must not be called.
var elsewhere = []struct {
	name           string
	allow          string // of the PBX, and of the carrier
	caller, callee phone
	desk, lobby    phone
	stopped        string // a number on the stop list
	remains        string // the leg that talks with the desk, if anybody does
	records        []part // as they are written
}{
	{name: "the callee transfers", allow: "refer: accept", caller: incoming("caller-transferred").talking(3500 * time.Millisecond),
		callee: answering("callee-transfers"), desk: answering("callee").expecting(divertedBy(ours)), remains: "caller",
		records: []part{
			{"completed", "transferred", record{Caller: theirs, Called: ours, To: "pbx"}, bothAtAnswer},
			{"completed", "caller_hung_up", sentOn(theirs, "desk", ours), forwarded}}},
	{name: "the caller transfers", allow: "refer: accept", caller: incoming("caller-transfers"),
		callee: answering("callee-transferred").talking(3500 * time.Millisecond), desk: answering("callee").expecting(divertedBy(theirs)), remains: "callee",
		records: []part{
			{"completed", "transferred", record{Caller: theirs, Called: ours, To: "pbx"}, bothAtAnswer},
			{"completed", "caller_hung_up", sentOn(ours, "desk", theirs), forwarded}}},
	{name: "a transfer to somebody busy", allow: "refer: accept", caller: incoming("caller-listens"),
		callee: answering("callee-transfers-in-vain").refused("486 Busy Here").talking(time.Second),
		desk:   answering("callee-refuses").refused("486 Busy Here", divertedBy(ours)),
		records: []part{
			{"busy", "far_end_refused", sentOn(theirs, "desk", ours), forwarded[:1]},
			{"completed", "callee_hung_up", record{Caller: theirs, Called: ours, To: "pbx"}, bothAtAnswer}}},
	{name: "a transfer to a stopped number", allow: "refer: accept", caller: incoming("caller-listens"),
		callee: answering("callee-transfers-in-vain").refused("404 Not Found").talking(time.Second), stopped: deskNumber,
		records: []part{
			{"refused", "stop_list", sentOn(theirs, "", ours), nil},
			{"completed", "callee_hung_up", record{Caller: theirs, Called: ours, To: "pbx"}, bothAtAnswer}}},

	{name: "302 to two contacts", allow: "redirect: follow", caller: incoming("caller-early").talking(3500 * time.Millisecond),
		callee: answering("callee-redirects"), remains: "caller", desk: answering("callee").expecting(divertedBy(ours)),
		lobby: answering("callee-refuses").refused("480 Temporarily Unavailable", divertedBy(ours)),
		records: []part{{"completed", "caller_hung_up",
			record{Caller: theirs, Called: ours, To: "desk", Redirected: []string{deskNumber}, Forwarded: true}, forwarded}}},
	{name: "302 to a stopped number and another", allow: "redirect: follow", caller: incoming("caller-early").talking(3500 * time.Millisecond),
		callee: answering("callee-redirects"), remains: "caller", desk: answering("callee").expecting(divertedBy(ours)), stopped: lobbyNumber,
		records: []part{{"completed", "caller_hung_up",
			record{Caller: theirs, Called: ours, To: "desk", Redirected: []string{deskNumber}, Forwarded: true}, forwarded}}},
	{name: "302 to busy and to a stopped number", allow: "redirect: follow", caller: incoming("caller-early-refused").refused("486 Busy Here"),
		callee: answering("callee-redirects"), lobby: answering("callee-refuses").refused("486 Busy Here", divertedBy(ours)), stopped: deskNumber,
		records: []part{{"busy", "far_end_refused",
			record{Caller: theirs, Called: ours, To: "lobby", Redirected: []string{lobbyNumber}, Forwarded: true}, forwarded[:1]}}},
}

// A part of a call has a record of its own.
type part struct {
	result, reason string
	is             record   // who with whom, and how it came to be
	notices        []string // "phase leg" of each that was played whole
}

// sentOn is a call that began with a transfer by somebody.
func sentOn(caller, to, by string) record {
	return record{Caller: caller, Called: deskNumber, To: to, Diverting: []string{by}, Forwarded: true, Transfer: true}
}

// divertedBy is what whoever is called instead is told (RFC 5806).
func divertedBy(number string) string {
	return `Diversion: <sip:\` + number + `@[^>]*>;reason=(unconditional|deflection);counter=1`
}

func TestCallsGoElsewhere(t *testing.T) {
	t.Parallel()
	for _, c := range elsewhere {
		for _, over := range everywhere {
			t.Run(c.name+"/"+over.String(), func(t *testing.T) {
				t.Parallel()
				ownNetwork(t, gate.Addr())
				gateway := serve(t, leading(over, c.allow)...)
				if c.stopped != "" {
					gateway.listed(t, "--delta", c.stopped)
					gateway.follows(t, 1)
				}
				ears := map[string]*handset{
					"caller": pickUp(t, "the caller", over.at(carrier).Addr(), callerVoice),
					"callee": pickUp(t, "the callee", over.at(pbx).Addr(), calleeVoice),
					"desk":   pickUp(t, "the desk", over.at(desk).Addr(), deskVoice),
				}
				var called []*sipp
				var untouched []func()
				for _, p := range []phone{c.callee, c.desk.standing(desk), c.lobby.standing(lobby)} {
					if p.scenario == "" {
						untouched = append(untouched, nobodyAt(t, over, p.at))
						continue
					}
					called = append(called, p.by(over).play(t, gate))
				}
				finish(t, append([]*sipp{c.caller.by(over).play(t, gate)}, called...)...)
				gateway.quiet(t)
				for _, check := range untouched {
					check()
				}
				for _, h := range ears {
					h.hangUp()
				}
				if c.remains != "" {
					talked(t, ears, c.remains, c.allow == "refer: accept")
				}
				checkParts(t, gateway.end(t), c.records)
			})
		}
	}
}

// talked fails the test unless the desk and whoever remained heard one another, after their notices.
func talked(t *testing.T, ears map[string]*handset, remains string, transfer bool) {
	t.Helper()
	voice := map[string]int{"caller": callerVoice, "callee": calleeVoice}[remains]
	ears["desk"].heardToneAnd(t, voice)
	h := ears[remains]
	h.heardToneAnd(t, nobody)
	if transfer { // one in the first part, and one in the second, on the same stream
		first, err := ear.FindTone(h.heard, rate, testTone)
		if err != nil {
			return // said already
		}
		if _, err := ear.FindTone(h.heard[int((first.Start+first.Length).Seconds()*rate):], rate, testTone); err != nil {
			t.Errorf("%s did not hear a notice before the transfer: %v", h.name, err)
		}
	}
	recognise(t, h.name+" at last", h.heard[max(0, len(h.heard)-2*rate):], deskVoice)
}

func checkParts(t *testing.T, records []record, want []part) {
	t.Helper()
	if len(records) != len(want) {
		t.Fatalf("%d records, want %d: %+v", len(records), len(want), records)
	}
	for i, r := range records {
		var complete []string
		for _, p := range r.Notices {
			if p.Complete && p.Packets == tonePackets {
				complete = append(complete, p.Phase+" "+p.Leg)
			}
		}
		slices.Sort(complete)
		want := want[i]
		want.notices = slices.Sorted(slices.Values(want.notices))
		got := part{r.Result, r.Reason, r, complete}
		got.is.Result, got.is.Reason, got.is.Exempt, got.is.Notices = "", "", "", nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("record %d is %+v, want %+v", i+1, got, want)
		}
	}
}

// leading is a configuration that knows the desk and the lobby, and whose carrier and PBX allow what is said, if anything.
func leading(over transport, allow string) []string {
	trunk := func(name string, a netip.AddrPort) string {
		at := over.at(a).Addr()
		return fmt.Sprintf("  %s:\n    peers: [%q]\n    accept: [\"%s/%d\"]\n    media_address: %q\n    leg: internet\n    presentation: {unchecked: \"a test\"}\n",
			name, over.uri(a), at, at.BitLen(), over.at(gate).Addr())
	}
	config := configured(map[netip.AddrPort]transport{carrier: over, pbx: over}, false)
	for i, text := range config { // both trunks begin so
		if i%2 == 1 && strings.HasPrefix(text, "media_address:") {
			config[i] = allow + "\n    " + text
		}
	}
	return append(config,
		"\n# Number classes", "\n"+trunk("desk", desk)+trunk("lobby", lobby)+"\n# Number classes",
		"  - {from: pbx, to: carrier}\n", fmt.Sprintf("  - {from: pbx, to: desk, called: [%q]}\n  - {from: pbx, to: lobby, called: [%q]}\n  - {from: pbx, to: carrier}\n", deskNumber, lobbyNumber),
		"  - {from: carrier, to: pbx,", fmt.Sprintf("  - {from: carrier, to: desk, called: [%q]}\n  - {from: carrier, to: pbx,", deskNumber))
}
