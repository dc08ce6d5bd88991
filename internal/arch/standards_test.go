package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testName   = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	standsHere = regexp.MustCompile("`([A-Za-z0-9_-]+)`")
)

// TestStandardsPageNamesRealTests holds the last column of docs/rfc.md against
// the tests and ladders that there are.
func TestStandardsPageNamesRealTests(t *testing.T) {
	real := realTests(t, "../..")
	page, err := os.ReadFile("../../docs/rfc.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for row := range strings.Lines(string(page)) {
		cells := strings.Split(row, "|")
		if len(cells) < 6 || !strings.HasPrefix(row, "| ") {
			continue
		}
		rows++
		for _, name := range standsHere.FindAllStringSubmatch(cells[4], -1) {
			if !real[name[1]] {
				t.Errorf("docs/rfc.md names %s, which is neither a test nor a ladder", name[1])
			}
		}
	}
	if rows < 20 {
		t.Errorf("docs/rfc.md has %d rows that can be read", rows)
	}
}

func realTests(t *testing.T, root string) map[string]bool {
	t.Helper()
	real := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "out"):
			return fs.SkipDir
		case strings.HasSuffix(path, ".txt") && filepath.Base(filepath.Dir(path)) == "ladders":
			real[strings.TrimSuffix(d.Name(), ".txt")] = true
		case strings.HasSuffix(path, "_test.go"):
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range testName.FindAllSubmatch(text, -1) {
				real[string(m[1])] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return real
}

// A test that is named for a clause quotes the sentence that it shows.
var clauseTest = regexp.MustCompile(`(?m)^((?://.*\n)*)func (Test(?:RFC\d+)?S\d+\w*)\(`)

func TestClausesAreQuoted(t *testing.T) {
	seen := 0
	for _, pattern := range []string{"../../sip/rfc*_test.go", "../../sip/*/rfc*_test.go", "../../media/sdp/rfc*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range clauseTest.FindAllStringSubmatch(string(text), -1) {
				seen++
				if strings.Count(m[1], `"`) < 2 {
					t.Errorf("%s: %s quotes no sentence of its RFC", file, m[2])
				}
			}
		}
	}
	if seen < 150 {
		t.Errorf("%d tests are named for a clause", seen)
	}
}
