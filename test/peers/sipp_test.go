package peers

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Where everyone is in IPv4 and over UDP, see transport; RTP of a phone is at its own address.
var (
	gate    = netip.MustParseAddrPort("127.0.0.1:5060")
	carrier = netip.MustParseAddrPort("127.0.0.2:5060")
	pbx     = netip.MustParseAddrPort("127.0.0.3:5060")
	spare   = netip.MustParseAddrPort("127.0.0.4:5060")
)

const (
	rtpPort = 6000  // where the phones' ears are
	faxPort = 6002  // where their fax machines are
	sippRTP = 40000 // plus its SIP port: where sipp opens ports of its own that nobody uses
)

// A phone is a sipp that plays one scenario.
type phone struct {
	scenario string
	at       netip.AddrPort
	over     transport
	number   string        // the caller's own
	dials    string        // the called number; empty for a callee
	headers  string        // further header lines of the INVITE
	rings    bool          // before it refuses, or is refused
	status   string        // that it refuses with, or is refused with
	expects  []string      // more that the refusal must say, or to a callee the INVITE
	talk     time.Duration // how long the scenario's pause lasts
	times    int           // that it is played, once unless said
}

// A sipp is a phone that plays.
type sipp struct {
	*process
	dir string
}

// play starts the scenario against the peer. A wrong message, a missing one or one too many is an exit status
// other than 0.
func (p phone) play(t *testing.T, peer netip.AddrPort) *sipp {
	t.Helper()
	dir := t.TempDir()
	at, to, mode := p.over.at(p.at), p.over.at(peer), "t1"
	switch p.over.scheme {
	case "udp":
		mode = "u1"
	case "tls":
		p.tunnel(t, authority())
		to = netip.AddrPortFrom(at.Addr(), plainPort)
	}
	args := []string{
		"-sf", p.script(t, dir, peer), "-t", mode, "-m", fmt.Sprint(max(p.times, 1)), "-nostdin",
		"-i", at.Addr().String(), "-p", fmt.Sprint(p.at.Port()), "-bind_local",
		"-mi", at.Addr().String(), "-mp", fmt.Sprint(sippRTP + int(p.at.Port())),
		"-d", fmt.Sprint(p.talk.Milliseconds()), "-timeout", "60s", "-timeout_error",
		"-trace_err", "-error_file", "errors", "-trace_msg", "-message_file", "messages",
	}
	args = append(args, p.keys(peer)...)
	if p.calls() {
		args = append(args, "-s", p.dials)
	}
	run := &sipp{start(t, dir, "sipp", append(args, to.String())...), dir}
	run.name = "sipp " + p.scenario
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for _, name := range []string{"errors", "messages"} {
			if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
				t.Logf("%s: %s:\n%s", run.name, name, text)
			}
		}
	})
	if !p.calls() {
		listens := netip.AddrPortFrom(at.Addr(), p.at.Port())
		eventually(t, run.name+" listens", 5*time.Second, func() bool { return run.ended() || bound(t, p.over.network(), listens) })
	}
	return run
}

// noted is what the scenario has written into a file, "" before it has.
func (s *sipp) noted(file string) string {
	text, err := os.ReadFile(filepath.Join(s.dir, file))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// finish fails the test unless the scenarios went exactly as written. Once the caller is through, the callee
// has little left to do.
func finish(t *testing.T, runs ...*sipp) {
	t.Helper()
	within := 65 * time.Second
	for _, run := range runs {
		if err := run.wait(t, within); err != nil {
			t.Errorf("%s did not go as written: %v", run.name, err)
		}
		within = 5 * time.Second
	}
}

// TestScenariosMatch plays each pair of scenarios that can do without a server against one another: a fault
// in a scenario shows here and not as a fault of the server.
func TestScenariosMatch(t *testing.T) {
	t.Parallel()
	pairs := []struct{ caller, callee string }{
		{"caller", "callee"},
		{"caller-listens", "callee-hangs-up"},
		{"caller-late-offer", "callee-late-offer"},
		{"caller-holds", "callee-held"},
		{"caller-held", "callee-holds"},
		{"caller-cancels", "callee-cancelled"},
		{"caller-early-media", "callee-early-media"},
		{"caller-informs", "callee-informs"},
		{"gate-transfers", "callee-transfers"},
	}
	for _, pair := range pairs {
		for _, over := range everywhere {
			t.Run(pair.caller+"/"+over.String(), func(t *testing.T) {
				t.Parallel()
				ownNetwork(t, gate.Addr())
				// Both stand at the server's address, for the scenarios insist on it in every SDP.
				there := netip.AddrPortFrom(gate.Addr(), 5070)
				callee := phone{scenario: pair.callee, at: gate, over: over, talk: 200 * time.Millisecond}.play(t, there)
				caller := phone{scenario: pair.caller, at: there, over: over, number: theirs, dials: ours, talk: 200 * time.Millisecond}.play(t, gate)
				finish(t, caller, callee)
			})
		}
	}
}

// TestScenariosAreStrict shows that a scenario that meets the wrong answer fails.
func TestScenariosAreStrict(t *testing.T) {
	called := func(scenario string) phone { return phone{scenario: scenario, at: gate, over: udp4} }
	for _, pair := range []struct {
		caller, callee phone
		why            string
	}{
		{incoming("caller-refused").refused("486 Busy Here"), called("callee-refuses").refused("603 Decline"), "unexpected message"},
		{incoming("caller-refused").refused("404 Not Found", vacancy), called("callee-refuses").refused("404 Not Found"), "Failed regexp match"},
		{incoming("caller-refused").refused("404 Not Found", "not To:"), called("callee-refuses").refused("404 Not Found"), "Regexp matched but should not"},
		{incoming("caller-early"), called("callee"), "unexpected message"},
		{incoming("caller"), called("callee-refuses").refused("486 Busy Here"), "unexpected message"},
	} {
		t.Run(pair.caller.scenario+" meets "+pair.callee.scenario, func(t *testing.T) {
			t.Parallel()
			ownNetwork(t, gate.Addr())
			pair.callee.play(t, netip.AddrPortFrom(gate.Addr(), 5070))
			caller := pair.caller.standing(netip.AddrPortFrom(gate.Addr(), 5070)).play(t, gate)
			if caller.wait(t, 10*time.Second) == nil {
				t.Errorf("%s was content with %s", caller.name, pair.callee.scenario)
			}
			errors, err := os.ReadFile(filepath.Join(caller.dir, "errors"))
			if err != nil || !bytes.Contains(errors, []byte(pair.why)) {
				t.Errorf("%s failed for another reason than %q: %v\n%s", caller.name, pair.why, err, errors)
			}
		})
	}
}
