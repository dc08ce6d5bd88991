package number

import (
	"errors"
	"fmt"
	"strings"
)

// Range is First to Last, both included: numbers of one class and one length.
type Range struct{ First, Last Number }

var (
	errRange = errors.New("neither a number nor a range such as +81312340000-+81312349999")
	errEnds  = errors.New("the ends of a range must be of one class and one length, the first not above the last")
)

// NewRange checks the ends.
func NewRange(first, last Number) (Range, error) {
	if first == last && first.digits() != 0 {
		return Range{first, last}, nil
	}
	if first.Class() != last.Class() || first.v > last.v || first.digits() == 0 || length(first) != length(last) {
		return Range{}, errEnds
	}
	return Range{first, last}, nil
}

// ParseRange reads "+81312340000-+81312349999" in any spelling of its ends, or one number, which is a range of one.
func ParseRange(s string) (Range, error) {
	if len(s) > 2*maxInput {
		return Range{}, errTooLong
	}
	if strings.HasPrefix(s, "-") || strings.HasSuffix(s, "-") { // an end is missing
		return Range{}, errRange
	}
	if n, err := Parse(s); err == nil {
		return NewRange(n, n)
	}
	// The hyphen also separates digits: the one that splits is the one with a number on either side.
	for i := range s {
		if s[i] != '-' {
			continue
		}
		first, err := Parse(strings.TrimSpace(s[:i]))
		if err != nil {
			continue
		}
		last, err := Parse(strings.TrimSpace(s[i+1:]))
		if err != nil {
			continue
		}
		r, err := NewRange(first, last)
		if err != nil {
			return Range{}, fmt.Errorf("range %v to %v: %w", first, last, err)
		}
		return r, nil
	}
	return Range{}, errRange
}

// Contains reports whether n lies in the range. A zero Range contains nothing.
func (r Range) Contains(n Number) bool { return r.First.v <= n.v && n.v <= r.Last.v && n.digits() != 0 }

// Size is how many numbers the range holds.
func (r Range) Size() uint64 {
	if r.First.digits() == 0 {
		return 0
	}
	return r.Last.v - r.First.v + 1
}

// String redacts as Number does.
func (r Range) String() string {
	if r.First == r.Last {
		return r.First.String()
	}
	return r.First.String() + "-" + r.Last.String()
}

// length counts digits.
func length(n Number) int {
	count := 0
	for d := n.digits(); d > 0; d /= 10 {
		count++
	}
	return count
}
