package store

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"tonegate/number"
	"tonegate/stoplist"
)

const crashFile = "TONEGATE_STORE_CRASH_TEST"

// TestKillLosesNothingAcknowledged kills a process with SIGKILL while it commits, several times on one log, and finds every
// revision that it had acknowledged.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	if path := os.Getenv(crashFile); path != "" {
		commitForEver(t, path)
	}
	path := filepath.Join(t.TempDir(), "t.db")
	last := 0
	for round := range 4 {
		child := exec.Command(os.Args[0], "-test.run=^TestKillLosesNothingAcknowledged$")
		child.Env = append(os.Environ(), crashFile+"="+path)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if last, err = strconv.Atoi(lines.Text()); err != nil {
				t.Fatalf("the child said %q", lines.Text())
			}
			if n == 20+round {
				_ = child.Process.Kill()
			}
		}
		_ = child.Wait()
		l := open(t, path)
		head, err := l.Verify(t.Context())
		if err != nil || int(head.Revision) < last || last == 0 {
			t.Fatalf("revision %d acknowledged, %d found: %v", last, head.Revision, err)
		}
		var list stoplist.List
		if err := NewFollower(l, &list, nil).CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		for rev := range last {
			n, err := number.Parse(fmt.Sprintf("031234%04d", rev+1))
			if err != nil {
				t.Fatal(err)
			}
			if v := list.Load().FindAll([]number.Number{n}, at); v.Stopped != 0 {
				t.Fatalf("revision %d was acknowledged and its number is not stopped", rev+1)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func commitForEver(t *testing.T, path string) {
	l := open(t, path)
	for {
		head, err := l.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		head, err = l.Commit(t.Context(), head.Revision, adding(t, "crash", fmt.Sprintf("031234%04d", head.Revision+1)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Println(head.Revision); err != nil {
			os.Exit(1) // the parent has gone
		}
	}
}
