package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// pureMark makes a single file pure in a package that is not.
const pureMark = "//tonegate:pure"

// impureImports can only serve a package that has a lock, a log, a socket, a file or a goroutine.
var impureImports = []string{
	"context", "database/sql", "io/fs", "io/ioutil", "log", "net", "os", "runtime", "sync", "syscall", "testing", "unsafe",
}

// pureAll are the exceptions below impureImports: values without I/O.
var pureAll = []string{"net/netip", "net/url"}

// clock are the functions of package time that read the clock or wait for it.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}

// purityFaults returns what the pure packages and the marked files hold that they must not, in words.
func (h house) purityFaults(rows []row) ([]string, error) {
	var faults []string
	for _, p := range h.packages {
		r, _ := rowOf(rows, h.name(p))
		for _, name := range p.GoFiles {
			found, err := impurities(filepath.Join(p.Dir, name), r.pure)
			if err != nil {
				return nil, err
			}
			for _, fault := range found {
				faults = append(faults, h.name(p)+"/"+fault)
			}
		}
	}
	return faults, nil
}

// impurities reads one file. A file that is neither of a pure package nor marked has none.
func impurities(file string, pure bool) ([]string, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("reading %s for impurities: %w", file, err)
	}
	if !pure && !marked(f) {
		return nil, nil
	}
	var faults []string
	fault := func(at token.Pos, format string, args ...any) {
		faults = append(faults, fmt.Sprintf("%s:%d: ", filepath.Base(file), fset.Position(at).Line)+fmt.Sprintf(format, args...))
	}
	timeName := ""
	for _, spec := range f.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("reading an import of %s: %w", file, err)
		}
		name := path.Base(imp)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if imp == "time" {
			timeName = name
		}
		if name == "." {
			fault(spec.Pos(), "dot import of %s hides what the file calls", imp)
		}
		if isImpure(imp) {
			fault(spec.Pos(), "imports %s", imp)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			fault(n.Pos(), "starts a goroutine")
		case *ast.SelectStmt:
			fault(n.Pos(), "waits in a select")
		case *ast.ChanType:
			fault(n.Pos(), "has a channel")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && timeName != "" && x.Name == timeName && slices.Contains(clock, n.Sel.Name) {
				fault(n.Pos(), "uses time.%s: take now as an argument", n.Sel.Name)
			}
		}
		return true
	})
	return faults, nil
}

func isImpure(imp string) bool {
	in := func(root string) bool { return below(root, imp) }
	return slices.ContainsFunc(impureImports, in) && !slices.ContainsFunc(pureAll, in)
}

// marked reports whether the file carries the mark on a line of its own before the package clause.
func marked(f *ast.File) bool {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if c.Pos() < f.Package && strings.TrimSpace(c.Text) == pureMark {
				return true
			}
		}
	}
	return false
}
