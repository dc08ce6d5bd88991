package config

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"unicode"
)

// kind is one kind of single value: how it is read, and the words that say what may stand there. The errors of
// parse say only what is wrong; the text itself and what is allowed are put around them.
type kind[T any] struct {
	allowed string
	parse   func(string) (T, error)
}

var errNotKnown = errors.New("not known")

// name is the kind of names that the file gives: they stand in keys, records and metric labels.
var name = kind[string]{
	allowed: "a name of up to 63 letters, digits, - and _",
	parse: func(s string) (string, error) {
		if s == "" || len(s) > 63 {
			return "", errors.New("too short or too long")
		}
		for _, c := range s {
			if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return "", fmt.Errorf("%q may not stand in a name", c)
			}
		}
		return s, nil
	},
}

// reason is the kind of sentences that end up in records.
var reason = kind[string]{allowed: "a reason in words", parse: func(s string) (string, error) {
	if strings.IndexFunc(s, unicode.IsLetter) < 0 || s == "true" || s == "false" {
		return "", errors.New("says nothing")
	}
	return line(s)
}}

// words is the kind of texts that another package reads: number ranges, classes, synth specs, levels.
var words = kind[string]{allowed: "a text on one line", parse: line}

var path = kind[string]{allowed: "a path, from the directory where tonegate is started", parse: line}

func line(s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", errors.New("empty")
	}
	if strings.IndexFunc(s, unicode.IsControl) >= 0 {
		return "", errors.New("holds a control character")
	}
	return s, nil
}

var boolean = kind[bool]{allowed: "true, false", parse: func(s string) (bool, error) {
	if s != "true" && s != "false" {
		return false, errNotKnown
	}
	return s == "true", nil
}}

// whole is the kind of whole numbers from low to high.
func whole(low, high int) kind[int] {
	return kind[int]{
		allowed: fmt.Sprintf("a whole number from %d to %d", low, high),
		parse: func(s string) (int, error) {
			n, err := strconv.Atoi(s)
			if err != nil {
				return 0, errors.New("not a whole number")
			}
			if n < low || n > high {
				return 0, errors.New("out of range")
			}
			return n, nil
		},
	}
}

var level = kind[slog.Level]{allowed: "debug, info, warn, error", parse: func(s string) (slog.Level, error) {
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if s == strings.ToLower(l.String()) {
			return l, nil
		}
	}
	return 0, errNotKnown
}}

// quote shows what is written, cut where it is long.
func quote(s string) string {
	if r := []rune(s); len(r) > 60 {
		s = string(r[:60]) + "…"
	}
	return strconv.Quote(s)
}
