package arch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The module in testdata/house breaks every rule; each test compares all that is found with all that is wrong.
var houseTable = []row{
	{path: "number", pure: true, why: "a value"},
	{path: "call", ours: []string{"number"}, pure: true, why: "the rule book"},
	{path: "ledger", why: "lines"},
	{path: "internal/siptest", why: "a scripted peer"},
}

func brokenHouse(t *testing.T) house {
	t.Helper()
	h, err := load("testdata/house")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// same compares the faults found, in any order, with the beginnings of those wanted.
func same(t *testing.T, got, want []string) {
	t.Helper()
	for _, fault := range got {
		if !slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(fault, w) }) {
			t.Errorf("found what is no fault: %s", fault)
		}
	}
	for _, w := range want {
		if !slices.ContainsFunc(got, func(fault string) bool { return strings.HasPrefix(fault, w) }) {
			t.Errorf("did not find: %s", w)
		}
	}
}

func TestForbiddenImportIsFound(t *testing.T) {
	same(t, brokenHouse(t).importFaults(houseTable, []string{"internal/siptest"}, nil), []string{
		"call imports house/ledger: not in its row: the rule book",
		"ledger imports house/internal/siptest: only tests and cmd may",
		"a test of ledger imports example.org/assert",
		"stray: has no row",
	})
}

func TestUnusedAllowanceIsFound(t *testing.T) {
	rows := []row{
		{path: "number", ours: []string{"call"}},
		{path: "call", ours: []string{"number", "ledger"}, theirs: []string{"example.org/assert"}},
		{path: "to/come", ours: []string{"number"}},
	}
	same(t, brokenHouse(t).unused(rows), []string{
		"the row of number allows call",
		"the row of call allows example.org/assert",
	})
}

func TestForbiddenLibraryIsFoundByAnyRoad(t *testing.T) {
	rules := []reach{{theirs: "database/sql", by: []string{"stoplist/store"}, why: "calls wait for no database"}}
	same(t, brokenHouse(t).reachFaults(rules), []string{
		"call reaches database/sql",
		"ledger reaches database/sql",
	})
	rules[0].by = []string{"call", "ledger/..."}
	same(t, brokenHouse(t).reachFaults(rules), nil)
}

func TestImpurityIsFound(t *testing.T) {
	got, err := brokenHouse(t).purityFaults(houseTable)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, []string{
		"call/call.go:4: imports log/slog",
		"call/call.go:5: imports net",
		"call/call.go:6: imports sync",
		"call/call.go:15: has a channel",
		"call/call.go:16: uses time.Now",
		"call/call.go:18: starts a goroutine",
		"call/call.go:19: waits in a select",
		"call/call.go:21: uses time.After",
		"ledger/line.go:5: dot import of time",
		"ledger/line.go:8: uses time.Sleep",
		"ledger/line.go:8: uses time.Now",
	})
}

func TestSilentPackageIsFound(t *testing.T) {
	same(t, brokenHouse(t).docFaults(), []string{
		"call: doc.go has no package comment",
		"stray: no doc.go",
	})
}

func TestLongFileIsFound(t *testing.T) {
	dir := t.TempDir()
	for name, lines := range map[string]int{"long.go": maxLines + 1, "short.go": maxLines, "long.csv": 2 * maxLines} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Repeat("\n", lines)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := longFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, []string{filepath.Join(dir, "long.go") + " has 501 lines"})
}

func TestUnexplainedDependencyIsFound(t *testing.T) {
	page := `
| module | version | licence | why |
| --- | --- | --- | --- |
| ` + "`b.org/y`" + ` | 1.0.0 | MIT | needed |
| c.org/z | 1.0.0 | MIT | once needed |
| d.org/old | 1.0.0 | MIT | needed |
| e.org/bare | 1.0.0 | | needed |
`
	direct := map[string]string{"a.org/x": "1.0.0", "b.org/y": "1.0.0", "d.org/old": "1.1.0", "e.org/bare": "1.0.0"}
	same(t, dependencyFaults(direct, tableRows(page)), []string{
		"a.org/x: required by go.mod",
		"c.org/z: explained",
		"d.org/old: version 1.0.0 in docs/dependencies.md, 1.1.0 in go.mod",
		"e.org/bare: its row needs",
	})
}

func TestUnknownTypeIsFound(t *testing.T) {
	got := brokenHouse(t).typeFaults("`number.Calendar`, `call.Call`, call.Nothing and `siptest.Patience`")
	same(t, got, []string{"no package declares the type call.Call", "no package declares the type siptest.Patience"})
}

func TestUnknownCommandIsFound(t *testing.T) {
	document := "Run `make run`, or\n\n    make everything\n    $ make test\n\nThis does not make fun of you.\n"
	same(t, commandFaults(document, "run: build\ntest: vet\n"), []string{"make everything is no target"})
}

func TestOwnRowComesBeforeTheTree(t *testing.T) {
	rows := []row{{path: "sip/..."}, {path: "sip/wire", pure: true}}
	for name, want := range map[string]string{"sip/wire": "sip/wire", "sip/locate": "sip/...", "sip": "sip/..."} {
		if r, ok := rowOf(rows, name); !ok || r.path != want {
			t.Errorf("row of %s = %q, %t; want %q", name, r.path, ok, want)
		}
	}
	if r, ok := rowOf(rows, "sipping"); ok {
		t.Errorf("row of sipping = %q; want none", r.path)
	}
}
