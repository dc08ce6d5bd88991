package stoplist

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"sort"

	"tonegate/number"
)

//tonegate:pure

const (
	maxRanges  = 100_000
	maxOverlap = 32 // ranges over one number
)

var (
	errRanges  = errors.New("more than 100,000 ranges")
	errOverlap = errors.New("more than 32 ranges overlap")
)

// ranges holds the ranges as they were listed, and the same cut into pieces that do not overlap, for look-up.
type ranges struct {
	entries  []rangeEntry // ordered as compareRanges
	segments []segment    // ordered, apart
}

type rangeEntry struct {
	numbers number.Range
	set     uint32
}

// segment is what lies between two neighbouring ends of ranges. Its set is the union over the ranges there.
type segment struct {
	first, last uint64 // ranks
	set         uint32
}

// rank orders numbers by class, then digits, so that what lies between two fixed numbers is fixed numbers only.
func rank(n number.Number) uint64 { return uint64(n.Class())<<56 | n.Key() }

func (r *ranges) find(n number.Number) uint32 {
	if len(r.segments) == 0 {
		return 0
	}
	at := rank(n)
	i := sort.Search(len(r.segments), func(i int) bool { return at <= r.segments[i].last })
	if i < len(r.segments) && at >= r.segments[i].first {
		return r.segments[i].set
	}
	return 0
}

func (r *ranges) search(numbers number.Range) (int, bool) {
	return slices.BinarySearchFunc(r.entries, numbers, func(e rangeEntry, n number.Range) int { return compareRanges(e.numbers, n) })
}

// edited returns the ranges with the changes made, which are ordered; s gains the unions that overlaps need.
func (r *ranges) edited(changes []Change, s *sets, edit func(uint32, Change) (uint32, error)) (ranges, error) {
	var next ranges
	old := r.entries
	for len(changes) > 0 {
		e := rangeEntry{numbers: changes[0].Numbers}
		for len(old) > 0 && compareRanges(old[0].numbers, e.numbers) < 0 {
			next.entries, old = append(next.entries, old[0]), old[1:]
		}
		if len(old) > 0 && old[0].numbers == e.numbers {
			e.set, old = old[0].set, old[1:]
		}
		for len(changes) > 0 && changes[0].Numbers == e.numbers {
			var err error
			if e.set, err = edit(e.set, changes[0]); err != nil {
				return ranges{}, err
			}
			changes = changes[1:]
		}
		if e.set != 0 {
			next.entries = append(next.entries, e)
		}
	}
	next.entries = append(next.entries, old...)
	if len(next.entries) > maxRanges {
		return ranges{}, errRanges
	}
	return next, next.cut(s)
}

// cut makes the segments by sweeping over the ends.
func (r *ranges) cut(s *sets) error {
	byFirst := slices.Clone(r.entries)
	slices.SortStableFunc(byFirst, func(a, b rangeEntry) int { return cmp.Compare(rank(a.numbers.First), rank(b.numbers.First)) })
	sweep := sweep{sets: s}
	for _, e := range byFirst {
		if err := sweep.enter(e); err != nil {
			return err
		}
	}
	sweep.leave(math.MaxUint64)
	r.segments = sweep.segments
	return nil
}

// sweep moves over the ends of ranges in order.
type sweep struct {
	sets     *sets
	open     []rangeEntry // over the point of the sweep, ordered by Last
	at       uint64       // first rank that no segment covers yet
	segments []segment
}

func (w *sweep) enter(e rangeEntry) error {
	first := rank(e.numbers.First)
	w.leave(first)
	w.emit(first - 1)
	w.at = first
	i, _ := slices.BinarySearchFunc(w.open, e, func(a, b rangeEntry) int { return cmp.Compare(rank(a.numbers.Last), rank(b.numbers.Last)) })
	w.open = slices.Insert(w.open, i, e)
	if len(w.open) > maxOverlap {
		return errOverlap
	}
	return nil
}

// leave closes the ranges that end before first.
func (w *sweep) leave(first uint64) {
	for len(w.open) > 0 && rank(w.open[0].numbers.Last) < first {
		last := rank(w.open[0].numbers.Last)
		w.emit(last)
		w.at = last + 1
		w.open = w.open[1:]
	}
}

// emit covers everything up to last with the open ranges.
func (w *sweep) emit(last uint64) {
	if len(w.open) == 0 || w.at > last {
		return
	}
	var set uint32
	for _, e := range w.open {
		set = w.sets.union(set, e.set)
	}
	w.segments = append(w.segments, segment{w.at, last, set})
}
