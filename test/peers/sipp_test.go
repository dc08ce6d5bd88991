package peers

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Where everyone is; RTP of a phone is at its own address.
var (
	gate    = netip.MustParseAddrPort("127.0.0.1:5060")
	carrier = netip.MustParseAddrPort("127.0.0.2:5060")
	pbx     = netip.MustParseAddrPort("127.0.0.3:5060")
)

const (
	rtpPort = 6000  // where the phones' ears are
	sippRTP = 40000 // plus its SIP port: where sipp opens ports of its own that nobody uses
)

// A phone is a sipp that plays one scenario once.
type phone struct {
	scenario string
	at       netip.AddrPort
	tcp      bool
	number   string        // the caller's own
	dials    string        // the called number; empty for a callee
	headers  string        // further header lines of the INVITE
	talk     time.Duration // how long the scenario's pause lasts
}

// play starts the scenario against the peer. A wrong message, a missing one or one too many is an exit status
// other than 0.
func (p phone) play(t *testing.T, peer netip.AddrPort) *process {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("sipp", p.scenario+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	headers := ""
	if p.headers != "" {
		headers = "\r\n" + p.headers
	}
	transport := "u1"
	if p.tcp {
		transport = "t1"
	}
	args := []string{
		"-sf", file, "-t", transport, "-m", "1", "-nostdin",
		"-i", p.at.Addr().String(), "-p", fmt.Sprint(p.at.Port()), "-bind_local",
		"-mi", p.at.Addr().String(), "-mp", fmt.Sprint(sippRTP + int(p.at.Port())),
		"-key", "rtp", fmt.Sprint(rtpPort), "-key", "number", p.number, "-key", "headers", headers,
		"-d", fmt.Sprint(p.talk.Milliseconds()), "-timeout", "40s", "-timeout_error",
		"-trace_err", "-error_file", "errors", "-trace_msg", "-message_file", "messages",
	}
	if p.dials != "" {
		args = append(args, "-s", p.dials)
	}
	run := start(t, dir, "sipp", append(args, peer.String())...)
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
	network := "udp"
	if p.tcp {
		network = "tcp"
	}
	if p.dials == "" {
		eventually(t, run.name+" listens", 5*time.Second, func() bool { return run.ended() || bound(t, network, p.at) })
	}
	return run
}

// finish fails the test unless the scenarios went exactly as written. Once the caller is through, the callee
// has little left to do.
func finish(t *testing.T, runs ...*process) {
	t.Helper()
	within := 45 * time.Second
	for _, run := range runs {
		if err := run.wait(t, within); err != nil {
			t.Errorf("%s did not go as written: %v", run.name, err)
		}
		within = 3 * time.Second
	}
}

// TestScenariosMatch plays each pair of scenarios that can do without a server against one another: a fault
// in a scenario shows here and not as a fault of the server.
func TestScenariosMatch(t *testing.T) {
	pairs := []struct{ caller, callee string }{
		{"caller", "callee"},
		{"caller-listens", "callee-hangs-up"},
		{"caller-late-offer", "callee-late-offer"},
		{"caller-holds", "callee-held"},
		{"caller-held", "callee-holds"},
		{"caller-cancels", "callee-cancelled"},
		{"caller-busy", "callee-busy"},
		{"caller-declined", "callee-declined"},
		{"caller-unavailable", "callee-unavailable"},
	}
	for _, pair := range pairs {
		for _, tcp := range []bool{false, true} {
			name := pair.caller
			if tcp {
				name += " over TCP"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ownNetwork(t, gate.Addr())
				// Both stand at the server's address, for the scenarios insist on it in every SDP.
				there := netip.AddrPortFrom(gate.Addr(), 5070)
				callee := phone{scenario: pair.callee, at: gate, tcp: tcp, talk: 200 * time.Millisecond}.play(t, there)
				caller := phone{scenario: pair.caller, at: there, tcp: tcp, number: theirs, dials: ours,
					headers: diverted, talk: 200 * time.Millisecond}.play(t, gate)
				finish(t, caller, callee)
			})
		}
	}
}

// TestScenariosAreStrict shows that a scenario that meets the wrong answer fails.
func TestScenariosAreStrict(t *testing.T) {
	for _, pair := range []struct{ caller, callee string }{
		{"caller-busy", "callee-declined"},
		{"caller-early", "callee"},
		{"caller-vacant", "callee-busy"},
		{"caller", "callee-busy"},
	} {
		t.Run(pair.caller+" meets "+pair.callee, func(t *testing.T) {
			t.Parallel()
			ownNetwork(t, gate.Addr())
			there := netip.AddrPortFrom(gate.Addr(), 5070)
			phone{scenario: pair.callee, at: gate}.play(t, there)
			caller := phone{scenario: pair.caller, at: there, number: theirs, dials: ours}.play(t, gate)
			if caller.wait(t, 10*time.Second) == nil {
				t.Errorf("%s was content with %s", pair.caller, pair.callee)
			}
			errors, err := os.ReadFile(filepath.Join(caller.cmd.Dir, "errors"))
			if err != nil || !bytes.Contains(errors, []byte("unexpected message")) {
				t.Errorf("%s failed for another reason than an unexpected message: %v\n%s", pair.caller, err, errors)
			}
		})
	}
}
