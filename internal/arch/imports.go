package arch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
)

// A pkg is what `go list` says of one package of the module.
type pkg struct {
	ImportPath                         string
	Dir                                string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Imports, TestImports, XTestImports []string
	Deps                               []string
	Module                             *struct {
		Path string
		Main bool
	}
}

// A house is a module: its path and its packages.
type house struct {
	module   string
	packages []pkg
}

// load lists the packages of the module in dir.
func load(dir string) (house, error) {
	cmd := exec.Command("go", "list", "-e", "-deps", "-json", "./...")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return house{}, fmt.Errorf("listing packages of %s: %w: %s", dir, err, exit.Stderr)
		}
		return house{}, fmt.Errorf("listing packages of %s: %w", dir, err)
	}
	var h house
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return h, nil
		} else if err != nil {
			return house{}, fmt.Errorf("reading the list of packages of %s: %w", dir, err)
		}
		if p.Module != nil && p.Module.Main {
			h.module = p.Module.Path
			h.packages = append(h.packages, p)
		}
	}
}

// name is the package's path below the module.
func (h house) name(p pkg) string { return strings.TrimPrefix(p.ImportPath, h.module+"/") }

// own returns the path below the module and true for a package of this module.
func (h house) own(importPath string) (string, bool) {
	return strings.CutPrefix(importPath, h.module+"/")
}

// importFaults returns each import that the rows do not allow, in words.
func (h house) importFaults(rows []row, tests, testModules []string) []string {
	var faults []string
	for _, p := range h.packages {
		name := h.name(p)
		r, ok := rowOf(rows, name)
		if !ok {
			faults = append(faults, name+": has no row in the import table of internal/arch; add one with its reason")
			continue
		}
		for _, imp := range p.Imports {
			if why := h.refuse(r, name, imp, tests); why != "" {
				faults = append(faults, fmt.Sprintf("%s imports %s: %s", name, imp, why))
			}
		}
		for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
			if h.testMay(r, imp, testModules) {
				continue
			}
			faults = append(faults, fmt.Sprintf("a test of %s imports %s: tests use the standard library, our packages and the row's own", name, imp))
		}
	}
	return faults
}

// unused returns what a row allows and no package of the row imports: the table must not promise what is not so.
func (h house) unused(rows []row) []string {
	var faults []string
	for _, r := range rows {
		var imports []string
		for _, p := range h.packages {
			if of, ok := rowOf(rows, h.name(p)); ok && of.path == r.path {
				imports = append(imports, p.Imports...)
			}
		}
		if imports == nil {
			continue // its package is on its way
		}
		for _, pattern := range r.ours {
			if !slices.ContainsFunc(imports, func(imp string) bool { own, ok := h.own(imp); return ok && matches(pattern, own) }) {
				faults = append(faults, fmt.Sprintf("the row of %s allows %s, which it does not import", r.path, pattern))
			}
		}
		for _, m := range r.theirs {
			if !slices.ContainsFunc(imports, func(imp string) bool { return below(m, imp) }) {
				faults = append(faults, fmt.Sprintf("the row of %s allows %s, which it does not import", r.path, m))
			}
		}
	}
	return faults
}

// refuse says why the package may not import imp, or nothing.
func (h house) refuse(r row, name, imp string, tests []string) string {
	if own, ok := h.own(imp); ok {
		switch {
		case slices.Contains(tests, own) && !slices.Contains(tests, name) && !strings.HasPrefix(name, "cmd/"):
			return "only tests and cmd may"
		case slices.ContainsFunc(r.ours, func(pattern string) bool { return matches(pattern, own) }):
			return ""
		}
		return "not in its row: " + r.why
	}
	if isStandard(imp) || slices.ContainsFunc(r.theirs, func(m string) bool { return below(m, imp) }) {
		return ""
	}
	return "not in its row: " + r.why
}

// testMay reports whether a test of the row's package may import imp: what its row has, what any test
// may have, and every package of ours but main.
func (h house) testMay(r row, imp string, testModules []string) bool {
	if own, ok := h.own(imp); ok {
		return !strings.HasPrefix(own, "cmd/")
	}
	allowed := func(m string) bool { return below(m, imp) }
	return isStandard(imp) || slices.ContainsFunc(r.theirs, allowed) || slices.ContainsFunc(testModules, allowed)
}

// reachFaults returns each package that gets to a package of others by any road, though it must not.
func (h house) reachFaults(rules []reach) []string {
	var faults []string
	for _, p := range h.packages {
		for _, rule := range rules {
			if slices.ContainsFunc(rule.by, func(pattern string) bool { return matches(pattern, h.name(p)) }) {
				continue
			}
			if slices.ContainsFunc(p.Deps, func(dep string) bool { return below(rule.theirs, dep) }) {
				faults = append(faults, fmt.Sprintf("%s reaches %s: %s", h.name(p), rule.theirs, rule.why))
			}
		}
	}
	return faults
}

// rowOf finds the row of a package; a row of its own comes before one with "/...".
func rowOf(rows []row, name string) (row, bool) {
	for _, exact := range []bool{true, false} {
		for _, r := range rows {
			if (exact && r.path == name) || (!exact && matches(r.path, name)) {
				return r, true
			}
		}
	}
	return row{}, false
}

// matches reports whether the pattern names the package: itself, or with a final "..." all below it.
func matches(pattern, name string) bool {
	if pattern == everything {
		return true
	}
	if root, ok := strings.CutSuffix(pattern, "/..."); ok {
		return below(root, name)
	}
	return pattern == name
}

// below reports whether name is the path root or lies below it.
func below(root, name string) bool { return name == root || strings.HasPrefix(name, root+"/") }

// isStandard reports whether the import is of the standard library: no dot in its first element.
func isStandard(imp string) bool {
	first, _, _ := strings.Cut(path.Clean(imp), "/")
	return !strings.Contains(first, ".")
}
