package peers

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// list runs a `tonegate list` command beside the server and returns what it printed.
func (s *server) list(t *testing.T, args ...string) string {
	t.Helper()
	p := start(t, s.dir, built, append([]string{"list", args[0], "-c", "tonegate.yaml"}, args[1:]...)...)
	if err := p.wait(t, 20*time.Second); err != nil {
		t.Fatalf("tonegate list %v: %v\n%s", args, err, p.out)
	}
	return p.out.String()
}

// follows waits until the server's table is at least at the revision.
func (s *server) follows(t *testing.T, revision float64) {
	t.Helper()
	eventually(t, "the list is in force", 2*time.Second, func() bool {
		return s.metric(t, "tonegate_list_revision") >= revision
	})
}

// listed changes the list as a carrier would: --delta stops the number, --lift takes that back.
func (s *server) listed(t *testing.T, how, number string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "numbers.csv"), []byte("number\n"+number+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.list(t, "import", "--source", "carrier", how, "--reason", "fraud", "--reference", "case 1", "--yes", "numbers.csv")
}

// TestStoppedNumber stops the caller's number, then the called one, beside a running server: both are refused as a
// vacant number is. After the lift the call goes through.
func TestStoppedNumber(t *testing.T) {
	t.Parallel()
	ownNetwork(t, gate.Addr())
	gateway := serve(t)
	refused := 0.0
	revision := 0.0
	for _, number := range []string{theirs, ours} {
		gateway.listed(t, "--delta", number)
		revision++
		gateway.follows(t, revision)
		untouched := nobodyAt(t, udp4, pbx)
		finish(t, incoming("caller-refused").refused("404 Not Found", vacancy).play(t, gate))
		untouched()
		gateway.quiet(t)
		refused++
		if got := gateway.metric(t, "tonegate_refused_total", `reason="stop_list"`); got != refused {
			t.Errorf("tonegate_refused_total counts %v calls for the stop list, want %v", got, refused)
		}
		gateway.listed(t, "--lift", number)
		revision++
		gateway.follows(t, revision)
	}
	callee := answering("callee").play(t, gate)
	finish(t, incoming("caller").talking(time.Second).play(t, gate), callee)
}

// TestStoppedDuringTheCall stops the caller's number while it talks: both sides are hung up on.
func TestStoppedDuringTheCall(t *testing.T) {
	t.Parallel()
	ownNetwork(t, gate.Addr())
	gateway := serve(t)
	far := pickUp(t, "the callee", pbx.Addr(), calleeVoice)
	near := pickUp(t, "the caller", carrier.Addr(), callerVoice)
	callee := answering("callee").play(t, gate)
	caller := incoming("caller-listens").play(t, gate)
	const packets = 75 // 1.5 s: the notice and some talk
	eventually(t, "they talk", 5*time.Second, func() bool { return far.count() > packets && near.count() > packets })
	gateway.listed(t, "--delta", theirs)
	finish(t, caller, callee)
	gateway.quiet(t)
}
