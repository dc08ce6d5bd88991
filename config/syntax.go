package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// These bound the parser, which recurses, and whose time grows with the square of the keys of a mapping. They are
// far above what any configuration needs.
const (
	maxNesting = 16
	maxKeys    = 10_000
)

// syntax is the syntax tree of data: the body of its one document, nil when that is empty.
func syntax(file string, data []byte) (root ast.Node, problem *Problem) {
	at := func(line, column int, err error) *Problem {
		return &Problem{File: file, Line: line, Column: column, Err: err}
	}
	defer func() {
		// The reader is a library: whatever it makes of a file must not end the process.
		if cause := recover(); cause != nil {
			root, problem = nil, at(1, 1, fmt.Errorf("not readable as YAML: %v", cause))
		}
	}()
	if len(data) > maxFile {
		return nil, at(1, 1, fmt.Errorf("the file is too large; allowed: %d KiB", maxFile>>10))
	}
	if i := invalidUTF8(data); i >= 0 {
		return nil, at(1+bytes.Count(data[:i], []byte("\n")), 0, errors.New("not UTF-8 text; save the file as UTF-8"))
	}
	tokens := lexer.Tokenize(string(bytes.TrimPrefix(data, []byte("\ufeff"))))
	if tk, err := refusedToken(tokens); err != nil {
		return nil, at(tk.Position.Line, tk.Position.Column, err)
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		if syntax := (*yaml.SyntaxError)(nil); errors.As(err, &syntax) && syntax.Token != nil {
			return nil, at(syntax.Token.Position.Line, syntax.Token.Position.Column, errors.New(strings.ReplaceAll(syntax.Message, "\t", "tab")))
		}
		return nil, at(1, 1, err)
	}
	if len(tree.Docs) == 0 {
		return nil, nil
	}
	return tree.Docs[0].Body, nil
}

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// refusedToken finds YAML that this file does without: what makes one text mean another, and deep nesting.
func refusedToken(tokens token.Tokens) (*token.Token, error) {
	flow, entries, keys, line := 0, 0, 0, 0
	for _, tk := range tokens {
		if tk.Position.Line != line {
			line, entries = tk.Position.Line, 0
		}
		switch tk.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType, token.TagType, token.DirectiveType, token.MappingKeyType:
			return tk, fmt.Errorf("%q: anchors, aliases, tags, directives and ? keys are not used here; write the value out", tk.Value)
		case token.DocumentHeaderType, token.DocumentEndType:
			return tk, fmt.Errorf("%q: the file is one document; leave this line out", tk.Value)
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType:
			entries++
		case token.MappingValueType:
			keys++
		}
		if keys > maxKeys {
			return tk, fmt.Errorf("too many keys; allowed: %d", maxKeys)
		}
		if flow > maxNesting || entries > maxNesting {
			return tk, errors.New("nested too deeply")
		}
	}
	return nil, nil
}
