package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// lister runs list commands against one store.
type lister struct {
	t      *testing.T
	dir    string
	config string
}

func newLister(t *testing.T) *lister {
	t.Helper()
	sample, err := os.ReadFile(filepath.Join("..", "..", "tonegate.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	l := &lister{t: t, dir: t.TempDir()}
	var lines []string
	for line := range strings.Lines(string(sample)) {
		if strings.HasPrefix(line, "store:") {
			line = fmt.Sprintf("store: sqlite:%s\n", filepath.Join(l.dir, "data", "t.db"))
		}
		lines = append(lines, line)
	}
	l.config = l.write("tonegate.yaml", strings.Join(lines, ""))
	return l
}

func (l *lister) write(name, text string) string {
	l.t.Helper()
	path := filepath.Join(l.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		l.t.Fatal(err)
	}
	return path
}

// run returns what main would end with.
func (l *lister) run(args ...string) (stdout, stderr string, code int) {
	l.t.Helper()
	var out, errs bytes.Buffer
	var commands struct {
		List listCmd `cmd:""`
	}
	parser, err := kong.New(&commands, kong.Writers(&out, &errs), kong.Exit(func(int) {}))
	if err != nil {
		l.t.Fatal(err)
	}
	command, err := parser.Parse(append([]string{"list"}, args...))
	if err != nil {
		return "", err.Error(), 2
	}
	err = command.Run(&runContext{l.t.Context(), &out, &errs})
	var exit exitError
	switch {
	case errors.As(err, &exit):
		code = exit.Code
	case err != nil:
		code = 1
	}
	if err != nil {
		fmt.Fprintln(&errs, err)
	}
	return out.String(), errs.String(), code
}

func (l *lister) load(mode, path string, more ...string) (importJSON, int) {
	l.t.Helper()
	out, errs, code := l.run(append([]string{"import", "-c", l.config, "--source", "carrier-a", mode, "--json", path}, more...)...)
	var s importJSON
	if err := json.Unmarshal([]byte(out), &s); err != nil || strings.Count(out, "\n") != 1 {
		l.t.Fatalf("%q is not one line of JSON: %v; %s", out, err, errs)
	}
	return s, code
}

func TestImportThenLookUpInAnySpelling(t *testing.T) {
	l := newLister(t)
	sample := filepath.Join("..", "..", "testdata", "imports", "sample.csv")
	s, code := l.load("--full", sample, "--dry-run")
	if code != 0 || s.Outcome != "dry run" || s.Added != 8 || s.Revision != 0 {
		t.Fatalf("dry run: %d %+v", code, s)
	}
	if _, _, code := l.run("lookup", "-c", l.config, "0312349001"); code != notListed {
		t.Errorf("a dry run listed the number: %d", code)
	}
	if s, code = l.load("--full", sample); code != 0 || s.Outcome != "done" || s.Added != 8 || s.Revision != 1 {
		t.Fatalf("import: %d %+v", code, s)
	}
	for _, spelling := range []string{"0312349004", "+81312349004", "03-1234-9004", "１８４０３１２３４９００４", "tel:+81-3-1234-9004", "0081312349004"} {
		out, _, code := l.run("lookup", "-c", l.config, spelling)
		for _, want := range []string{"REQ-2026-0002", "Sample, Ltd.", "carrier-a", "fraud", "until 2027-04-01T00:00", "revision 1"} {
			if code != 0 || !strings.Contains(out, want) {
				t.Errorf("%s: %d %q lacks %q", spelling, code, out, want)
			}
		}
	}
	out, _, code := l.run("lookup", "-c", l.config, "--json", "0312349004")
	var found lookupJSON
	if err := json.Unmarshal([]byte(out), &found); err != nil || code != 0 || !found.Listed || len(found.Orders) != 1 || found.Orders[0].Until == nil {
		t.Errorf("%d %q", code, out)
	}
	for number, want := range map[string]int{"0312349999": notListed, "110": notListed, "12345678": 2, "alice": 2} {
		if _, _, code := l.run("lookup", "-c", l.config, number); code != want {
			t.Errorf("lookup %s: %d, want %d", number, code, want)
		}
	}
	if s, code := l.load("--full", sample); code != 0 || s.Unchanged != 8 || s.Revision != 1 {
		t.Errorf("the same list again: %d %+v", code, s)
	}
	if s, code := l.load("--lift", l.write("lift.csv", "0312349001\n0312349999\n")); code != 0 || s.Lifted != 1 || s.Unknown != 1 || s.Revision != 2 {
		t.Errorf("lift: %d %+v", code, s)
	}
	if s, code := l.load("--delta", l.write("delta.csv", "0312349001\n"), "--reason", "fraud", "--reference", "R", "--until", "2199-12-31"); code != 0 || s.Added != 1 || s.Revision != 3 {
		t.Errorf("delta: %d %+v", code, s)
	}
	out, _, code = l.run("log", "-c", l.config)
	for _, want := range []string{"+8 -0", "+0 -1", "+1 -0", "sample.csv", "lift.csv", "delta.csv"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("log: %d %q lacks %q", code, out, want)
		}
	}
	if out, _, _ = l.run("log", "-c", l.config, "--json", "--after", "1"); strings.Count(out, "\n") != 2 || !strings.Contains(out, `"chain":"`) {
		t.Errorf("log after 1: %q", out)
	}
}

func TestRefusedListChangesNothing(t *testing.T) {
	l := newLister(t)
	broken := filepath.Join("..", "..", "testdata", "imports", "broken.csv")
	s, code := l.load("--full", broken)
	if code != refused || s.Outcome != "refused" || s.Count != 17 || s.Problems[0].Line != 3 {
		t.Errorf("%d %+v", code, s)
	}
	_, errs, code := l.run("import", "-c", l.config, "--source", "a", "--full", broken)
	if code != refused || !strings.Contains(errs, `broken.csv:3: number "8.13123E+10": scientific notation`) {
		t.Errorf("%d %s", code, errs)
	}
	if out, _, _ := l.run("log", "-c", l.config); out != "" {
		t.Errorf("log: %q", out)
	}
	if _, code := l.load("--full", filepath.Join("..", "..", "testdata", "imports", "block.csv")); code != refused {
		t.Errorf("a whole block: %d", code)
	}
}

func TestLargeChangeWaitsForASecondPerson(t *testing.T) {
	l := newLister(t)
	var list strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&list, "031234%04d\n", i)
	}
	s, code := l.load("--full", l.write("many.csv", list.String()), "--yes")
	if code != waits || s.Outcome != "waits for approval" || len(s.Approval) != 1 {
		t.Errorf("1,001 added: %d %+v", code, s)
	}
	some := strings.Join(strings.SplitAfter(list.String(), "\n")[:50], "")
	if s, code := l.load("--full", l.write("some.csv", some)); code != 0 || s.Added != 50 {
		t.Fatalf("50 added: %d %+v", code, s)
	}
	if s, code := l.load("--full", l.write("cut.csv", some[:11*30])); code != waits || s.Lifted != 20 || s.Revision != 1 {
		t.Errorf("a file cut short: %d %+v", code, s)
	}
	_, errs, code := l.run("import", "-c", l.config, "--source", "carrier-a", "--full", filepath.Join(l.dir, "cut.csv"))
	if code != waits || !strings.Contains(errs, "cut short") {
		t.Errorf("%d %s", code, errs)
	}
}

func TestUsage(t *testing.T) {
	l := newLister(t)
	file := l.write("n.csv", "0312349001\n")
	for _, tc := range []struct {
		args []string
		want int
	}{
		{[]string{"import", "-c", l.config, "--full", file}, 2},
		{[]string{"import", "-c", l.config, "--source", "a", file}, 2},
		{[]string{"import", "-c", l.config, "--source", "a", "--full", "--delta", file}, 2},
		{[]string{"import", "-c", l.config, "--source", "a", "--full", "--until", "soon", file}, 2},
		{[]string{"import", "-c", l.config, "--source", "a", "--full", filepath.Join(l.dir, "missing.csv")}, 1},
		{[]string{"import", "-c", l.config, "--source", "a", "--full", l.dir}, 1},
		{[]string{"import", "-c", filepath.Join(l.dir, "missing.yaml"), "--source", "a", "--full", file}, 1},
		{[]string{"lookup", "-c", filepath.Join(l.dir, "missing.yaml"), "0312349001"}, 1},
	} {
		if out, errs, code := l.run(tc.args...); code != tc.want || code != 0 && errs == "" {
			t.Errorf("%v: %d, want %d: %s%s", tc.args, code, tc.want, out, errs)
		}
	}
}
