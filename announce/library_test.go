package announce

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestLibraryHoldsEveryAssetByName(t *testing.T) {
	s := standard(t)
	s.Licence.Until = date(2026, 5, 20)
	l, err := NewLibrary(map[string]Spec{"tone": {Synth: "600/100"}, "chime": {File: assets + "/chime.wav"}, "notice": s}, may)
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Names(); !slices.Equal(got, []string{"chime", "notice", "tone"}) {
		t.Errorf("names %q", got)
	}
	if a, ok := l.Asset("chime"); !ok || a.Name() != "chime" {
		t.Error("chime is not found")
	}
	if _, ok := l.Asset("none"); ok {
		t.Error("an asset that is not there was found")
	}
	if w := l.Warnings(); len(w) != 1 || !strings.HasPrefix(w[0], `asset "notice": licence L-1`) {
		t.Errorf("warnings %q", w)
	}
}

func TestLibraryReportsEveryFailure(t *testing.T) {
	l, err := NewLibrary(map[string]Spec{"b": {Synth: "600"}, "a": {}, "good": {Synth: "600/100"}, "c": {File: "none.wav"}}, may)
	if l != nil || err == nil {
		t.Fatal("a library with failures was made")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 3 {
		t.Fatalf("%q", lines)
	}
	for i, name := range []string{"a", "b", "c"} {
		if !strings.HasPrefix(lines[i], fmt.Sprintf("asset %q: ", name)) {
			t.Errorf("line %d is %q", i, lines[i])
		}
	}
}

func TestLibraryIsBounded(t *testing.T) {
	specs := map[string]Spec{}
	for i := range maxAssets + 1 {
		specs[fmt.Sprint(i)] = Spec{Synth: "600/10"}
	}
	if _, err := NewLibrary(specs, may); err == nil || !strings.Contains(err.Error(), "at most 256") {
		t.Error(err)
	}
}
