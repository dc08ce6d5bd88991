package number

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
)

// Set is classes, numbers and ranges of numbers. The zero Set contains nothing.
type Set struct {
	classes uint32  // bit c is Class c
	ranges  []Range // ordered and apart from one another
}

// ParseSet reads class names ("fixed"), numbers and ranges.
func ParseSet(items []string) (Set, error) {
	var s Set
	for _, item := range items {
		if c, err := ParseClass(item); err == nil {
			s.classes |= 1 << c
			continue
		}
		r, err := ParseRange(item)
		if err != nil {
			return Set{}, fmt.Errorf("%q is no class name and no number: %w", item, err)
		}
		s.ranges = append(s.ranges, r)
	}
	s.ranges = merge(s.ranges)
	return s, nil
}

// Contains reports whether n's class or n itself is in the set.
func (s Set) Contains(n Number) bool {
	if s.classes>>n.Class()&1 == 1 {
		return true
	}
	i := sort.Search(len(s.ranges), func(i int) bool { return n.v <= s.ranges[i].Last.v })
	return i < len(s.ranges) && s.ranges[i].Contains(n)
}

// Empty reports a set that contains nothing.
func (s Set) Empty() bool { return s.classes == 0 && len(s.ranges) == 0 }

func merge(ranges []Range) []Range {
	slices.SortFunc(ranges, func(a, b Range) int { return cmp.Compare(a.First.v, b.First.v) })
	apart := ranges[:0]
	for _, r := range ranges {
		if end := len(apart) - 1; end >= 0 && r.First.v <= apart[end].Last.v {
			apart[end].Last.v = max(apart[end].Last.v, r.Last.v)
			continue
		}
		apart = append(apart, r)
	}
	return apart
}

// Overlaps reports whether the set contains any number of r.
func (s Set) Overlaps(r Range) bool {
	if s.classes>>r.First.Class()&1 == 1 {
		return true
	}
	i := sort.Search(len(s.ranges), func(i int) bool { return r.First.v <= s.ranges[i].Last.v })
	return i < len(s.ranges) && s.ranges[i].First.v <= r.Last.v
}
