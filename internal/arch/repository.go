package arch

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// maxLines is where a file has stopped being about one thing.
const maxLines = 500

// docFaults returns each package whose doc.go is absent or says nothing.
func (h house) docFaults() []string {
	var faults []string
	for _, p := range h.packages {
		file := filepath.Join(p.Dir, "doc.go")
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.PackageClauseOnly)
		switch {
		case err != nil:
			faults = append(faults, fmt.Sprintf("%s: no doc.go that can be read: %v", h.name(p), err))
		case f.Doc == nil || strings.TrimSpace(f.Doc.Text()) == "":
			faults = append(faults, h.name(p)+": doc.go has no package comment")
		}
	}
	return faults
}

// longFiles returns the Go files of the tree that have too many lines.
func longFiles(root string) ([]string, error) {
	var faults []string
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && file != root && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(file) != ".go":
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if lines := strings.Count(string(text), "\n"); lines > maxLines {
			faults = append(faults, fmt.Sprintf("%s has %d lines, more than %d: split it by what it holds", file, lines, maxLines))
		}
		return nil
	})
	return faults, err
}

// directModules returns the modules that go.mod in dir requires directly, each with its version.
func directModules(dir string) (map[string]string, error) {
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("reading go.mod of %s: %w", dir, err)
	}
	var mod struct {
		Require []struct {
			Path, Version string
			Indirect      bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		return nil, fmt.Errorf("reading go.mod of %s: %w", dir, err)
	}
	direct := map[string]string{}
	for _, r := range mod.Require {
		if !r.Indirect {
			direct[r.Path] = strings.TrimPrefix(r.Version, "v")
		}
	}
	return direct, nil
}

// tableRows returns the cells of each row of the Markdown tables in a document, headings and rules left out.
func tableRows(document string) [][]string {
	var rows [][]string
	heading := true
	for line := range strings.Lines(document) {
		line = strings.TrimSpace(line)
		switch {
		case !strings.HasPrefix(line, "|"):
			heading = true
		case strings.HasPrefix(line, "| ---"):
			heading = false
		case !heading:
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.Trim(cells[i], " `")
			}
			rows = append(rows, cells)
		}
	}
	return rows
}

// dependencyFaults compares the direct modules with the rows of the page: module, version, licence, why.
func dependencyFaults(direct map[string]string, rows [][]string) []string {
	var faults []string
	explained := map[string]bool{}
	for _, r := range rows {
		version, required := direct[r[0]]
		explained[r[0]] = true
		switch {
		case !required:
			faults = append(faults, r[0]+": explained in docs/dependencies.md, but go.mod does not require it directly")
		case len(r) != 4 || slices.Contains(r, ""):
			faults = append(faults, r[0]+": its row needs version, licence and why")
		case r[1] != version:
			faults = append(faults, fmt.Sprintf("%s: version %s in docs/dependencies.md, %s in go.mod", r[0], r[1], version))
		}
	}
	for m := range direct {
		if !explained[m] {
			faults = append(faults, m+": required by go.mod, but docs/dependencies.md does not say why")
		}
	}
	return faults
}

var typeName = regexp.MustCompile("`([a-z]+)\\.([A-Z][A-Za-z]*)`")

// typeFaults returns the names in a document, written `package.Type`, that the house does not declare.
func (h house) typeFaults(document string) []string {
	var faults []string
	for _, m := range typeName.FindAllStringSubmatch(document, -1) {
		declared := slices.ContainsFunc(h.packages, func(p pkg) bool {
			return path.Base(p.ImportPath) == m[1] && p.declares(m[2])
		})
		if !declared {
			faults = append(faults, fmt.Sprintf("no package declares the type %s.%s", m[1], m[2]))
		}
	}
	return faults
}

// declares reports whether the package has the type at its top level.
func (p pkg) declares(name string) bool {
	for _, file := range p.GoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
		if err != nil {
			continue // the compiler says it better
		}
		for _, decl := range f.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok || gen.Tok != token.TYPE {
				continue
			}
			for _, spec := range gen.Specs {
				if spec.(*ast.TypeSpec).Name.Name == name {
					return true
				}
			}
		}
	}
	return false
}

var (
	makeCommand = regexp.MustCompile("(?m)(?:`|^\\s*\\$?\\s*)make ([a-z][a-z-]*)")
	makeTarget  = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
)

// commandFaults returns the make commands of a document that the Makefile does not have.
func commandFaults(document, makefile string) []string {
	var targets, faults []string
	for _, m := range makeTarget.FindAllStringSubmatch(makefile, -1) {
		targets = append(targets, m[1])
	}
	for _, m := range makeCommand.FindAllStringSubmatch(document, -1) {
		if !slices.Contains(targets, m[1]) {
			faults = append(faults, "make "+m[1]+" is no target of the Makefile")
		}
	}
	return faults
}

// markdown is the import table as docs/architecture.md shows it.
func markdown(rows []row) string {
	var b strings.Builder
	b.WriteString("| package | pure | of ours | of others | why |\n| --- | --- | --- | --- | --- |\n")
	list := func(names []string) string {
		if len(names) == 0 {
			return "nothing"
		}
		if slices.Contains(names, everything) {
			return "everything"
		}
		return "`" + strings.Join(names, "` `") + "`"
	}
	for _, r := range rows {
		pure := ""
		if r.pure {
			pure = "yes"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.path, pure, list(r.ours), list(r.theirs), r.why)
	}
	return b.String()
}
