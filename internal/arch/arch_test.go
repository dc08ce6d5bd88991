package arch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// repository loads this module once for each test that needs it.
func repository(t *testing.T) house {
	t.Helper()
	h, err := load(root)
	if err != nil {
		t.Fatal(err)
	}
	if h.module != "tonegate" || len(h.packages) < 2 {
		t.Fatalf("go list found module %q with %d packages: the rules would check nothing", h.module, len(h.packages))
	}
	return h
}

func report(t *testing.T, faults []string) {
	t.Helper()
	for _, fault := range faults {
		t.Error(fault)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestImportsFollowTheTable(t *testing.T) {
	report(t, repository(t).importFaults(table, testOnly, testTheirs))
}

func TestTheTableAllowsNothingUnused(t *testing.T) {
	report(t, repository(t).unused(table))
}

func TestLibrariesStayWhereTheyBelong(t *testing.T) {
	report(t, repository(t).reachFaults(reaches))
}

func TestPurePackagesArePure(t *testing.T) {
	faults, err := repository(t).purityFaults(table)
	if err != nil {
		t.Fatal(err)
	}
	report(t, faults)
}

func TestEveryRowHasAReason(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range table {
		if r.why == "" || seen[r.path] {
			t.Errorf("row %s has no reason, or stands twice", r.path)
		}
		seen[r.path] = true
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	report(t, repository(t).docFaults())
}

func TestNoFileIsLong(t *testing.T) {
	faults, err := longFiles(root)
	if err != nil {
		t.Fatal(err)
	}
	report(t, faults)
}

func TestEveryDependencyIsExplained(t *testing.T) {
	direct, err := directModules(root)
	if err != nil {
		t.Fatal(err)
	}
	report(t, dependencyFaults(direct, tableRows(read(t, "docs/dependencies.md"))))
}

func TestArchitecturePage(t *testing.T) {
	if want := markdown(table); !strings.Contains(read(t, "docs/architecture.md"), want) {
		t.Errorf("docs/architecture.md does not show the import table of internal/arch/table.go; it should read:\n%s", want)
	}
}

func TestArchitecturePageNamesRealTypes(t *testing.T) {
	report(t, repository(t).typeFaults(read(t, "docs/architecture.md")))
}

func TestDocumentsNameRealCommands(t *testing.T) {
	makefile := read(t, "Makefile")
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "docs/architecture.md"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			t.Logf("%s is not there to be checked", name)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, fault := range commandFaults(string(text), makefile) {
			t.Errorf("%s: %s", name, fault)
		}
	}
}
