package siptest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// -rewrite belongs to test binaries only. A test package that wants it too looks it up.
func init() {
	if testing.Testing() && flag.Lookup("rewrite") == nil {
		flag.Bool("rewrite", false, "rewrite testdata/ladders; commit the difference only if you understand it")
	}
}

// Golden compares the drawing with testdata/ladders/NAME.txt at the root of the module, or writes it there when
// the test runs with -rewrite. Lines at the head of the file that start with # tell its story: they are kept,
// and not compared.
func (l *Ladder) Golden(t testing.TB, name string) {
	t.Helper()
	f := flag.Lookup("rewrite")
	l.compare(t, name, f != nil && f.Value.String() == "true")
}

func (l *Ladder) compare(t testing.TB, name string, rewrite bool) {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatalf("ladder %s: %v", name, err)
	}
	path := filepath.Join(root, "testdata", "ladders", name+".txt")
	old, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatalf("ladder %s: %v", name, err)
	}
	story, want := cutStory(string(old))
	got := l.String()
	if rewrite {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatalf("ladder %s: %v", name, err)
		}
		if err := os.WriteFile(path, []byte(story+got), 0o644); err != nil {
			t.Fatalf("ladder %s: %v", name, err)
		}
		return
	}
	if got != want {
		n, g, w := firstDifference(got, want)
		t.Fatalf("ladder %s differs in line %d (run with -rewrite if the new one is right)\n got %s\nwant %s\n\n%s", name, n, g, w, got)
	}
}

func cutStory(text string) (story, drawing string) {
	for strings.HasPrefix(text, "#") {
		line, rest, _ := strings.Cut(text, "\n")
		story += line + "\n"
		text = rest
	}
	return story, text
}

func firstDifference(a, b string) (line int, inA, inB string) {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(as), len(bs)) {
		inA, inB = "", ""
		if i < len(as) {
			inA = as[i]
		}
		if i < len(bs) {
			inB = bs[i]
		}
		if inA != inB {
			return i + 1, inA, inB
		}
	}
	return 0, "", ""
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", os.ErrNotExist
		}
		dir = parent
	}
}
