package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// document collects what the readers of one file find.
type document struct {
	file      string
	positions map[string]position
	problems  Problems
}

func (d *document) problem(at position, key string, format string, args ...any) {
	d.problems = append(d.problems, &Problem{d.file, at.line, at.column, key, fmt.Errorf(format, args...)})
}

// value is one node of the syntax tree, with the key that leads to it.
type value struct {
	doc  *document
	key  string // "" for the whole file
	node ast.Node
	at   position
}

type (
	reader   = func(value)
	keys     map[string]reader
	required map[string]string // key to what is allowed there
)

func (v value) problem(format string, args ...any) { v.doc.problem(v.at, v.key, format, args...) }

// into reads a single value of a kind.
func into[T any](dst *T, k kind[T]) reader {
	return func(v value) {
		text, err := v.text()
		if err != nil {
			v.problem("%w; allowed: %s", err, k.allowed)
			return
		}
		x, err := k.parse(text)
		if err != nil {
			v.problem("%s: %w; allowed: %s", quote(text), err, k.allowed)
			return
		}
		*dst = x
	}
}

// optional reads a single value whose absence means something.
func optional[T any](dst **T, k kind[T]) reader {
	return func(v value) {
		var x T
		into(&x, k)(v)
		*dst = &x
	}
}

// list reads a list of objects. A bad one keeps its place, so that indexes stay those of the file.
func list[T any](dst *[]T, read func(*T, value)) reader {
	return func(v value) {
		items := v.items()
		*dst = make([]T, len(items))
		for i, item := range items {
			read(&(*dst)[i], item)
		}
	}
}

// set reads a list of single values, none twice.
func set[T comparable](dst *[]T, k kind[T]) reader {
	return func(v value) {
		items := v.items()
		*dst = make([]T, len(items))
		for i, item := range items {
			before := len(v.doc.problems)
			into(&(*dst)[i], k)(item)
			if len(v.doc.problems) > before {
				continue
			}
			if first := slices.Index((*dst)[:i], (*dst)[i]); first >= 0 {
				item.problem("listed twice, first on line %d; leave one out", items[first].at.line)
			}
		}
	}
}

// oneOrMore reads a single value or a list of them.
func oneOrMore[T comparable](dst *[]T, k kind[T]) reader {
	return func(v value) {
		if _, many := v.node.(*ast.SequenceNode); many {
			set(dst, k)(v)
			return
		}
		*dst = make([]T, 1)
		into(&(*dst)[0], k)(v)
	}
}

// later refuses a key that is known but does nothing yet: an ignored setting would be worse.
func later(v value) { v.problem("not available yet; leave it out") }

// object reads a mapping by the readers of its keys, and returns the keys that are there. Every unknown,
// repeated or missing key is a problem.
func (v value) object(known keys, must required) map[string]bool {
	found := map[string]bool{}
	ok := v.entries(func(name string, member value) {
		found[name] = true
		if read := known[name]; read != nil {
			read(member)
			return
		}
		names := slices.Sorted(maps.Keys(known))
		member.at = v.doc.positions[member.key+keyMark]
		member.problem("unknown key%s; allowed: %s", suggest(name, names), strings.Join(names, ", "))
	})
	if !ok {
		return found
	}
	for _, name := range slices.Sorted(maps.Keys(must)) {
		if !found[name] {
			v.doc.problem(v.at, v.member(name), "missing; allowed: %s", must[name])
		}
	}
	return found
}

// keyMark ends the entry of positions that holds where a key stands, rather than its value.
const keyMark = ":"

// entries calls each for every member of a mapping, in the order of the file. It is false when v is no mapping.
func (v value) entries(each func(name string, member value)) bool {
	mapping, ok := v.node.(*ast.MappingNode)
	if !ok {
		if v.node == nil { // an empty file: every required key is missing
			return true
		}
		v.problem("%s where keys with values are expected", what(v.node))
		return false
	}
	first := map[string]int{}
	for _, pair := range mapping.Values {
		name, at := keyName(pair.Key), start(pair.Key)
		member := value{doc: v.doc, key: v.member(name), node: pair.Value, at: at}
		if line, twice := first[name]; twice {
			member.problem("this key stands twice, first on line %d; leave one out", line)
			continue
		}
		first[name] = at.line
		v.doc.positions[member.key+keyMark] = at
		if isScalar(pair.Value) {
			member.at = start(pair.Value)
		}
		v.doc.positions[member.key] = member.at
		each(name, member)
	}
	return true
}

// items are the members of a list, which must have some.
func (v value) items() []value {
	sequence, ok := v.node.(*ast.SequenceNode)
	if !ok {
		v.problem("%s where a list is expected; write [a, b]", what(v.node))
		return nil
	}
	if len(sequence.Values) == 0 {
		v.problem("the list is empty; write at least one")
	}
	items := make([]value, len(sequence.Values))
	for i, node := range sequence.Values {
		items[i] = value{doc: v.doc, key: fmt.Sprintf("%s[%d]", v.key, i), node: node, at: start(node)}
		v.doc.positions[items[i].key] = items[i].at
	}
	return items
}

// member is the key of a member; a name that is none is quoted, so that an error stays on its line.
func (v value) member(key string) string {
	if _, err := name.parse(key); err != nil {
		key = quote(key)
	}
	if v.key == "" {
		return key
	}
	return v.key + "." + key
}

// text is a single value as it is written: 0312340000 keeps its zero, whatever YAML takes it for.
func (v value) text() (string, error) {
	if s, ok := v.node.(*ast.StringNode); ok {
		return s.Value, nil
	}
	if l, ok := v.node.(*ast.LiteralNode); ok {
		return strings.TrimRight(l.Value.Value, "\n"), nil
	}
	if m, ok := v.node.(*ast.MappingNode); ok && len(m.Values) > 0 {
		// Inside { [ ] } the reader takes 192.0.2.1:5060 for a key and its value.
		return "", errors.New(what(v.node) + " where a single value is expected; quote a value that holds a colon")
	}
	if !isScalar(v.node) {
		return "", errors.New(what(v.node) + " where a single value is expected")
	}
	return v.node.GetToken().Value, nil
}
