package stoplist

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

//tonegate:pure

// ErrGap is a change set that does not follow the table's revision.
var ErrGap = errors.New("change set does not follow the table's revision")

// Apply returns the table with the change set in it. The receiver stays as it is and in use.
func (t *Table) Apply(cs ChangeSet) (*Table, error) {
	if cs.Revision != t.revision+1 {
		return nil, fmt.Errorf("apply revision %d to %d: %w", cs.Revision, t.revision, ErrGap)
	}
	next := &Table{
		revision: cs.Revision, ranges: t.ranges, orders: slices.Clip(t.orders),
		byID: maps.Clone(t.byID), sets: t.sets.clone(), leaves: maps.Clone(t.leaves), numbers: t.numbers,
	}
	if next.byID == nil {
		next.byID, next.leaves = map[string]uint32{}, map[uint64]*leaf{}
	}
	if err := next.apply(cs); err != nil {
		return nil, fmt.Errorf("apply revision %d: %w", cs.Revision, err)
	}
	return next, nil
}

func (t *Table) apply(cs ChangeSet) error {
	for _, o := range cs.Orders {
		o = o.Identified()
		if _, known := t.byID[o.ID]; !known {
			o.Revision = cs.Revision
			t.byID[o.ID] = uint32(len(t.orders))
			t.orders = append(t.orders, o)
		}
	}
	for _, c := range cs.Changes {
		if err := listable(c.Numbers); err != nil {
			return err
		}
	}
	changes := cs.Changes
	inOrder := func(a, b Change) int { return compareRanges(a.Numbers, b.Numbers) }
	if !slices.IsSortedFunc(changes, inOrder) {
		changes = slices.Clone(changes)
		slices.SortStableFunc(changes, inOrder)
	}
	singles := slices.IndexFunc(changes, func(c Change) bool { return c.Numbers.First != c.Numbers.Last })
	if singles < 0 {
		singles = len(changes)
	}
	edit := t.editor()
	if err := t.editLeaves(changes[:singles], edit); err != nil {
		return err
	}
	if len(changes) == singles {
		return nil
	}
	var err error
	t.ranges, err = t.ranges.edited(changes[singles:], &t.sets, edit)
	return err
}

// editLeaves replaces the leaves of the blocks that the changes touch. Several orders on one number are one entry.
func (t *Table) editLeaves(changes []Change, edit func(uint32, Change) (uint32, error)) error {
	for len(changes) > 0 {
		b := changes[0].Numbers.First.Key() / block
		end := 1
		for end < len(changes) && changes[end].Numbers.First.Key()/block == b {
			end++
		}
		old := t.leaves[b]
		l, err := old.edited(changes[:end], edit)
		if err != nil {
			return err
		}
		if l == nil {
			delete(t.leaves, b)
		} else {
			t.leaves[b] = l
		}
		t.numbers += l.size() - old.size()
		changes = changes[end:]
	}
	return nil
}

// editor gives the set that a change makes of a set, and remembers it: thousands of changes in a row are alike.
func (t *Table) editor() func(uint32, Change) (uint32, error) {
	type question struct {
		set   uint32
		op    Op
		order string
	}
	known := map[question]uint32{}
	return func(set uint32, c Change) (uint32, error) {
		q := question{set, c.Op, c.Order}
		if next, found := known[q]; found {
			return next, nil
		}
		order, found := t.byID[c.Order]
		if !found {
			return 0, fmt.Errorf("change of %v names an order that the log does not hold", c.Numbers)
		}
		next := t.sets.with(set, order)
		if c.Op == Lift {
			next = t.sets.without(set, order)
		}
		known[q] = next
		return next, nil
	}
}
