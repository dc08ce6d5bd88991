package stoplist

import (
	"fmt"
	"slices"
	"sort"

	"tonegate/number"
)

//tonegate:pure

// lift takes the source's orders off the rows' numbers. Where a row lies inside a listed range, the rest of the range stays.
// A row with a reference lifts only the orders of that reference.
func (p *planner) lift() error {
	rows := p.listing.rows
	found := make([]bool, len(rows))
	lifted := map[Change]bool{}
	for i, r := range rows {
		p.eachSingle(r.numbers, func(one number.Range, set uint32) {
			hit := false
			for _, o := range p.held(set) {
				if c := (Change{Lift, one, o.ID}); p.means(r, o) && !lifted[c] {
					lifted[c], hit = true, true
					p.changes = append(p.changes, c)
				}
			}
			if hit {
				p.Lifted++
				found[i] = true
			}
		})
	}
	singles := sort.Search(len(rows), func(i int) bool { return rows[i].numbers.First != rows[i].numbers.Last })
	for _, e := range p.table.ranges.entries {
		first, last := e.numbers.First.Key(), e.numbers.Last.Key()
		var over []int // rows that touch the range
		for i := sort.Search(singles, func(i int) bool { return rows[i].numbers.First.Key() >= first }); i < singles && rows[i].numbers.First.Key() <= last; i++ {
			over = append(over, i)
		}
		for i := singles; i < len(rows); i++ {
			over = append(over, i)
		}
		over = slices.DeleteFunc(over, func(i int) bool {
			r := rows[i].numbers
			return !e.numbers.Contains(r.First) && !r.Contains(e.numbers.First)
		})
		if err := p.liftRange(e, over, found); err != nil {
			return err
		}
	}
	for _, f := range found {
		if !f {
			p.Unknown++
		}
	}
	return nil
}

// means reports whether a row that lifts is about the order.
func (p *planner) means(r row, o Order) bool {
	reference := p.listing.orders[r.order].Reference
	return reference == "" || reference == o.Reference
}

// eachSingle calls f for the numbers of a range that are listed one by one.
func (p *planner) eachSingle(numbers number.Range, f func(one number.Range, set uint32)) {
	if numbers.First == numbers.Last {
		if set := p.table.setOn(numbers); set != 0 {
			f(numbers, set)
		}
		return
	}
	first, last := numbers.First.Key(), numbers.Last.Key()
	p.table.eachLeaf(first/block, last/block, func(b uint64, l *leaf) {
		for i, at := range l.at {
			if n, err := number.FromKey(b*block + uint64(at)); err == nil && numbers.Contains(n) {
				f(number.Range{First: n, Last: n}, l.set[i])
			}
		}
	})
}

// liftRange takes the source's orders off a listed range and puts them back on what the rows leave of it.
func (p *planner) liftRange(e rangeEntry, over []int, found []bool) error {
	most := 0
	for _, o := range p.held(e.set) {
		var cuts []number.Range
		for _, i := range over {
			if p.means(p.listing.rows[i], o) {
				cuts = append(cuts, p.listing.rows[i].numbers)
				found[i] = true
			}
		}
		if len(cuts) == 0 {
			continue
		}
		rest, err := without(e.numbers, cuts)
		if err != nil {
			return fmt.Errorf("lift a part of the range %v: %w", e.numbers, err)
		}
		p.change(Lift, e.numbers, o)
		gone := size(e.numbers)
		for _, r := range rest {
			p.change(Add, r, o)
			gone -= size(r)
		}
		most = max(most, gone)
	}
	p.Lifted += most
	return nil
}

// without is what cuts leave of numbers, in order.
func without(numbers number.Range, cuts []number.Range) ([]number.Range, error) {
	slices.SortFunc(cuts, func(a, b number.Range) int { return compareKeys(a.First, b.First) })
	var rest []number.Range
	piece := func(first, last uint64) error {
		a, err := number.FromKey(first)
		if err != nil {
			return err
		}
		b, err := number.FromKey(last)
		if err != nil {
			return err
		}
		r, err := number.NewRange(a, b)
		rest = append(rest, r)
		return err
	}
	at, last := numbers.First.Key(), numbers.Last.Key()
	for _, c := range cuts {
		if first := c.First.Key(); first > at {
			if err := piece(at, first-1); err != nil {
				return nil, err
			}
		}
		at = max(at, c.Last.Key()+1)
	}
	if at <= last {
		if err := piece(at, last); err != nil {
			return nil, err
		}
	}
	return rest, nil
}
