package stoplist

import (
	"iter"
	"maps"
	"slices"
	"time"

	"tonegate/number"
)

//tonegate:pure

// Table is the list at one revision. It never changes; Apply makes the next one. The zero Table is the empty list.
type Table struct {
	revision Revision
	leaves   map[uint64]*leaf // by number / 10,000
	ranges   ranges
	orders   []Order
	byID     map[string]uint32 // into orders
	sets     sets
	numbers  int
}

// Verdict answers for all numbers of one call.
type Verdict struct {
	Revision Revision
	Stopped  int // index of the first number that is stopped, -1 for none
}

// Revision is that of the last change set in the table.
func (t *Table) Revision() Revision { return t.revision }

// Numbers counts the numbers listed one by one, Ranges the ranges.
func (t *Table) Numbers() int { return t.numbers }

// Ranges counts the listed ranges.
func (t *Table) Ranges() int { return len(t.ranges.entries) }

// FindAll answers whether any of the numbers is stopped at now. It allocates nothing. An emergency number never is.
func (t *Table) FindAll(ns []number.Number, now time.Time) Verdict {
	for i, n := range ns {
		if t.stopped(n, now) {
			return Verdict{t.revision, i}
		}
	}
	return Verdict{t.revision, -1}
}

func (t *Table) stopped(n number.Number, now time.Time) bool {
	key := n.Key()
	if key == 0 { // emergency and service codes, withheld, unreadable
		return false
	}
	exact, ranged := t.leaves[key/block].find(key), t.ranges.find(n)
	return t.inForce(exact, now) || t.inForce(ranged, now)
}

func (t *Table) inForce(set uint32, now time.Time) bool {
	if set == 0 {
		return false
	}
	for _, o := range t.sets.list[set] {
		if t.orders[o].InForce(now) {
			return true
		}
	}
	return false
}

// Find gives the orders in force on n at now, those of ranges that hold n included.
func (t *Table) Find(n number.Number, now time.Time) []Order {
	key := n.Key()
	if key == 0 {
		return nil
	}
	var found []Order
	for _, set := range []uint32{t.leaves[key/block].find(key), t.ranges.find(n)} {
		for _, o := range t.ordersOf(set) {
			if o.InForce(now) && !slices.ContainsFunc(found, func(f Order) bool { return f.ID == o.ID }) {
				found = append(found, o)
			}
		}
	}
	return found
}

// Entries gives everything on the list, in force or not: single numbers first, then ranges, each in the order of numbers.
func (t *Table) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		known := map[uint32][]Order{}
		t.each(func(r number.Range, set uint32) bool {
			if known[set] == nil {
				known[set] = t.ordersOf(set)
			}
			return yield(Entry{r, known[set]})
		})
	}
}

// each calls f for every entry in the order of compareRanges until f returns false.
func (t *Table) each(f func(number.Range, uint32) bool) {
	for _, b := range slices.Sorted(maps.Keys(t.leaves)) {
		l := t.leaves[b]
		for i, at := range l.at {
			n, err := number.FromKey(b*block + uint64(at))
			if err == nil && !f(number.Range{First: n, Last: n}, l.set[i]) {
				return
			}
		}
	}
	for _, e := range t.ranges.entries {
		if !f(e.numbers, e.set) {
			return
		}
	}
}

// eachLeaf calls f for the leaves of the blocks first to last, in no order.
func (t *Table) eachLeaf(first, last uint64, f func(uint64, *leaf)) {
	if last-first < uint64(len(t.leaves)) {
		for b := first; b <= last; b++ {
			if l := t.leaves[b]; l != nil {
				f(b, l)
			}
		}
		return
	}
	for b, l := range t.leaves {
		if b >= first && b <= last {
			f(b, l)
		}
	}
}

// setOn is the set on exactly these numbers.
func (t *Table) setOn(r number.Range) uint32 {
	if r.First == r.Last {
		key := r.First.Key()
		return t.leaves[key/block].find(key)
	}
	if i, found := t.ranges.search(r); found {
		return t.ranges.entries[i].set
	}
	return 0
}

func (t *Table) ordersOf(set uint32) []Order {
	if set == 0 {
		return nil
	}
	var orders []Order
	for _, o := range t.sets.list[set] {
		orders = append(orders, t.orders[o])
	}
	return orders
}
