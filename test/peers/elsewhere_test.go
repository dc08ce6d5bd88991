package peers

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// What callee-transfers and callee-redirects name: one number behind the desk, one behind the lobby.
var (
	desk  = spare
	lobby = netip.MustParseAddrPort("127.0.0.5:5060")
)

// elsewhere are the calls that somebody sends on: a transfer by REFER, a redirection by 302. Both are for the trunk to
// allow. No notice is played, so that what is heard is the talk.
var elsewhere = []struct {
	name           string
	over           []transport
	allow          string // of the PBX, and of the carrier
	caller, callee phone
	desk, lobby    phone
	remains        string // the leg that talks with the desk, if anybody does
}{
	{name: "the callee transfers", over: everywhere, allow: "refer: accept", caller: incoming("caller").talking(6 * time.Second),
		callee: answering("callee-transfers"), desk: answering("callee"), remains: "caller"},
	{name: "the caller transfers", over: everywhere, allow: "refer: accept", caller: incoming("caller-transfers"),
		callee: answering("callee-hangs-up").talking(5 * time.Second), desk: answering("callee"), remains: "callee"},
	{name: "the target is busy", over: everywhere, allow: "refer: accept", caller: incoming("caller-listens"),
		callee: answering("callee-transfers-in-vain").talking(2 * time.Second), desk: answering("callee-refuses").refused("486 Busy Here")},
	{name: "302 to two contacts", over: everywhere, allow: "redirect: follow", caller: incoming("caller").talking(3 * time.Second),
		callee: answering("callee-redirects"), desk: answering("callee"), lobby: answering("callee-refuses").refused("480 Temporarily Unavailable"), remains: "caller"},
}

func TestCallsGoElsewhere(t *testing.T) {
	for _, c := range elsewhere {
		for _, over := range c.over {
			t.Run(c.name+"/"+over.String(), func(t *testing.T) {
				t.Parallel()
				ownNetwork(t, gate.Addr())
				for _, p := range []*phone{&c.caller, &c.callee, &c.desk, &c.lobby} {
					p.over = over
				}
				gateway := serve(t, sentOn(over, c.allow)...)
				ears := map[string]*handset{
					"caller": pickUp(t, "the caller", over.at(carrier).Addr(), callerVoice),
					"callee": pickUp(t, "the callee", over.at(pbx).Addr(), calleeVoice),
				}
				target := pickUp(t, "the desk", over.at(desk).Addr(), deskVoice)
				all := []*sipp{c.callee.play(t, gate), c.desk.standing(desk).play(t, gate)}
				if c.lobby.scenario != "" {
					all = append(all, c.lobby.standing(lobby).play(t, gate))
				}
				finish(t, append([]*sipp{c.caller.play(t, gate)}, all...)...)
				gateway.quiet(t)
				for _, h := range append([]*handset{target}, ears["caller"], ears["callee"]) {
					h.hangUp()
				}
				if c.remains != "" {
					voice := map[string]int{"caller": callerVoice, "callee": calleeVoice}[c.remains]
					recognise(t, "the desk", target.heard, voice)
					heard := ears[c.remains].heard
					recognise(t, "the "+c.remains+" at last", heard[max(0, len(heard)-2*rate):], deskVoice)
				}
				records := gateway.end(t)
				if !slices.ContainsFunc(records, func(r record) bool { return r.Result == "completed" }) {
					t.Errorf("records %+v, want one of a completed call", records)
				}
			})
		}
	}
}

const deskVoice = 5

// sentOn is a configuration whose carrier and PBX allow it, and that knows the desk and the lobby.
func sentOn(over transport, allow string) []string {
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
		"  - {from: pbx, to: carrier}\n", "  - {from: pbx, to: desk, called: [\"+81312345678\"]}\n  - {from: pbx, to: lobby, called: [\"+81312346789\"]}\n  - {from: pbx, to: carrier}\n",
		"  - {from: carrier, to: pbx,", "  - {from: carrier, to: desk, called: [\"+81312345678\"]}\n  - {from: carrier, to: pbx,",
		"      numbers: [\"+81312340000-+81312349999\"]\n", "      unchecked: \"a test\"\n",
		"      otherwise: reject\n", "",
		"when: {forwarded: true}", "when: {forwarded: true, class: m2m}",
		"when: {class: fixed, far_leg: internet}", "when: {class: m2m}")
}
