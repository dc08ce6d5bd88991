package peers

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// TestLargeRequestsGoOverTCP sends the callee an INVITE of more than 1300 octets (RFC 3261 s18.1.1): its CANCEL and the
// ACK of a refusal follow it. A phone that has no TCP gets everything over UDP after all.
func TestLargeRequestsGoOverTCP(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		caller, callee phone
		tcp            bool // the callee has nothing else
		result         string
	}{
		{"refused", incoming("caller-large").refused("486 Busy Here"), answering("callee-refuses").refused("486 Busy Here"), true, "busy"},
		{"cancelled", incoming("caller-large-cancels"), answering("callee-cancelled"), true, "cancelled"},
		{"no TCP", incoming("caller-large-answered").talking(1600 * time.Millisecond), answering("callee"), false, "completed"},
	} {
		for _, over := range []transport{udp4, udp6} {
			t.Run(c.name+"/"+over.String(), func(t *testing.T) {
				t.Parallel()
				ownNetwork(t, gate.Addr())
				stream := transport{"tcp", over.six}
				config := configured(map[netip.AddrPort]transport{carrier: over, pbx: over}, false)
				config[1] += fmt.Sprintf("    - %q\n", stream.uri(gate)) // what it listens on
				gateway := serve(t, append(config, "# large_requests: tcp", "large_requests: tcp")...)
				there, went := over, "failed"
				if c.tcp {
					there, went = stream, "tcp"
				}
				callee := c.callee.by(there).play(t, gate)
				finish(t, c.caller.by(over).play(t, gate), callee)
				gateway.quiet(t)
				if got := gateway.metric(t, "tonegate_sip_large_requests_total", `trunk="pbx"`, `result="`+went+`"`); got != 1 {
					t.Errorf("tonegate_sip_large_requests_total counts %v requests as %s, want 1", got, went)
				}
				if records := gateway.end(t); len(records) != 1 || records[0].Result != c.result {
					t.Errorf("records %+v, want one that says %s", records, c.result)
				}
			})
		}
	}
}

// TestPeerThatIsDownIsSkipped asks a PBX that is switched off for a sign of life, until it is known to be down: then no
// call tries it. Once it has answered twice, it is called first again.
func TestPeerThatIsDownIsSkipped(t *testing.T) {
	t.Parallel()
	ownNetwork(t, gate.Addr())
	config := leading(tcp4, "")
	for i := 1; i < len(config); i += 2 {
		config[i] = strings.ReplaceAll(config[i], "{from: carrier, to: pbx,", "{from: carrier, to: [pbx, desk],")
	}
	gateway := serve(t, append(config, "# options: 30s", "options: 10s")...)
	up := func() float64 {
		return gateway.metric(t, "tonegate_peer_up", `trunk="pbx"`, `peer="`+tcp4.uri(pbx)+`"`)
	}
	if up() != 1 {
		t.Fatal("a peer of which nothing is known counts as down")
	}
	eventually(t, "the PBX is known to be down", 45*time.Second, func() bool { return up() == 0 })
	untouched := nobodyAt(t, tcp4, pbx)
	callee := answering("callee-refuses").refused("486 Busy Here").standing(desk).by(tcp4).play(t, gate)
	finish(t, incoming("caller-refused").refused("486 Busy Here").by(tcp4).play(t, gate), callee)
	untouched()

	answers := phone{scenario: "answers-twice", at: pbx, over: tcp4, times: 2}.play(t, gate)
	finish(t, answers)
	eventually(t, "the PBX is known to be up again", 5*time.Second, func() bool { return up() == 1 })
	callee = answering("callee-refuses").refused("486 Busy Here").by(tcp4).play(t, gate)
	finish(t, incoming("caller-refused").refused("486 Busy Here").by(tcp4).play(t, gate), callee)
}
