package peers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sippCommands are those that a page of the manual tells to type, in order: callee, caller, caller of a stopped number.
func sippCommands(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(module, "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		if command := strings.TrimSpace(line); strings.HasPrefix(command, "sipp ") && strings.Contains(command, "-sf test/peers/sipp/") {
			commands = append(commands, command)
		}
	}
	if len(commands) != 3 {
		t.Fatalf("%s has %d commands that start sipp, want 3", page, len(commands))
	}
	return commands
}

// TestQuickstart types what the manual says. The scenarios in sipp/ are for that: they need nobody to write them out.
func TestQuickstart(t *testing.T) {
	for _, page := range []string{"quickstart.md", "quickstart.ja.md"} {
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			ownNetwork(t, gate.Addr())
			gateway := serve(t)
			typed := func(command string) *sipp {
				p := &sipp{start(t, module, "sh", "-c", "exec "+command+" -nostdin -timeout 30s -timeout_error"), t.TempDir()}
				p.name = command
				return p
			}
			commands := sippCommands(t, page)
			callee := typed(commands[0])
			eventually(t, "the callee listens", 5*time.Second, func() bool { return callee.ended() || bound(t, "udp", pbx) })
			finish(t, typed(commands[1]), callee)
			gateway.listed(t, "--delta", "+815012349001")
			gateway.follows(t, 1)
			finish(t, typed(commands[2]))
			gateway.quiet(t)
			if records := gateway.end(t); len(records) != 2 || records[0].Result != "completed" || !records[0].Forwarded || records[1].Reason != "stop_list" {
				t.Errorf("records %+v, want a forwarded call and one that the list stopped", records)
			}
		})
	}
}
