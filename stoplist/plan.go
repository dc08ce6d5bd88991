package stoplist

import (
	"fmt"
	"slices"
	"time"

	"tonegate/number"
)

//tonegate:pure

// Mode is what a list means for the numbers of its source that it does not name.
type Mode uint8

const (
	Full     Mode = iota // the source's whole list: what it does not name is lifted
	Delta                // to be added
	LiftOnly             // to be lifted
)

// Limits are what one person may change alone. A zero limit allows nothing alone.
type Limits struct {
	Added, Lifted int
	ShrinkPercent int // of a source's list that a full list may take away: a file cut short lifts all that is missing
}

// shrinkFrom is the size below which a percentage says nothing.
const shrinkFrom = 10

// By is who makes a change, and when.
type By struct {
	At        time.Time
	Actor     string
	Reference string // the name of the file, a ticket
}

// Plan is what a list would change. Committing its ChangeSet does it; dropping it is the dry run.
type Plan struct {
	ChangeSet ChangeSet
	Base      Revision // that the list was compared with
	Added     int      // numbers
	Lifted    int      // numbers
	Changed   int      // entries whose order is another now
	Unchanged int      // entries
	Unknown   int      // entries to lift that the source does not stop
	Approval  []string // why a second person is needed, nothing if none is
}

// Plan compares a list with the table. Only orders of the list's own source are touched.
func (t *Table) Plan(l *Listing, limits Limits, by By) (Plan, error) {
	p := &planner{table: t, listing: l, Plan: Plan{Base: t.revision}}
	held := 0
	switch l.Mode {
	case LiftOnly:
		if err := p.lift(); err != nil {
			return Plan{}, err
		}
	case Full:
		held = p.liftUnnamed()
		fallthrough
	default:
		p.add()
	}
	slices.SortStableFunc(p.changes, func(a, b Change) int { return compareRanges(a.Numbers, b.Numbers) })
	p.ChangeSet = ChangeSet{
		MadeAt: by.At.UTC(), Actor: by.Actor, Source: l.Source, Reference: by.Reference,
		Orders: p.newOrders(), Changes: p.changes, Added: p.Added, Lifted: p.Lifted,
	}
	p.approve(limits, held)
	next := p.ChangeSet
	next.Revision = t.revision + 1
	if _, err := t.Apply(next); err != nil {
		return Plan{}, fmt.Errorf("compare list: %w", err)
	}
	return p.Plan, nil
}

type planner struct {
	Plan
	table   *Table
	listing *Listing
	changes []Change
}

// add puts the rows' orders on their numbers. A row replaces its source's order of the same reference, in a full list all
// of its source's orders on those numbers.
func (p *planner) add() {
	for rows := p.listing.rows; len(rows) > 0; {
		numbers := rows[0].numbers
		end := 1
		for end < len(rows) && rows[end].numbers == numbers {
			end++
		}
		held := p.held(p.table.setOn(numbers))
		before := len(p.changes)
		var wanted []Order
		for _, r := range rows[:end] {
			o := p.listing.orders[r.order]
			wanted = append(wanted, o)
			if !slices.ContainsFunc(held, func(h Order) bool { return h.ID == o.ID }) {
				p.change(Add, numbers, o)
			}
		}
		for _, h := range held {
			same := func(o Order) bool { return o.ID == h.ID }
			replaced := p.listing.Mode == Full || slices.ContainsFunc(wanted, func(o Order) bool { return o.Reference == h.Reference })
			if replaced && !slices.ContainsFunc(wanted, same) {
				p.change(Lift, numbers, h)
			}
		}
		switch {
		case len(p.changes) == before:
			p.Unchanged++
		case len(held) == 0:
			p.Added += size(numbers)
		default:
			p.Changed++
		}
		rows = rows[end:]
	}
}

// liftUnnamed lifts what the source stops and its full list does not name, and counts what the source stopped before.
func (p *planner) liftUnnamed() (held int) {
	rows := p.listing.rows
	p.table.each(func(numbers number.Range, set uint32) bool {
		orders := p.held(set)
		if len(orders) == 0 {
			return true
		}
		held += size(numbers)
		for len(rows) > 0 && compareRanges(rows[0].numbers, numbers) < 0 {
			rows = rows[1:]
		}
		if len(rows) > 0 && rows[0].numbers == numbers {
			return true
		}
		for _, o := range orders {
			p.change(Lift, numbers, o)
		}
		p.Lifted += size(numbers)
		return true
	})
	return held
}

// held is the source's own orders in a set.
func (p *planner) held(set uint32) []Order {
	orders := p.table.ordersOf(set)
	return slices.DeleteFunc(orders, func(o Order) bool { return o.Source != p.listing.Source })
}

func (p *planner) change(op Op, numbers number.Range, o Order) {
	p.changes = append(p.changes, Change{op, numbers, o.ID})
}

// newOrders are those that a change adds and the table does not hold.
func (p *planner) newOrders() []Order {
	used := map[string]bool{}
	for _, c := range p.changes {
		if c.Op == Add {
			used[c.Order] = true
		}
	}
	var orders []Order
	for _, o := range p.listing.orders {
		if _, known := p.table.byID[o.ID]; used[o.ID] && !known {
			orders = append(orders, o)
		}
	}
	return orders
}

func (p *planner) approve(limits Limits, held int) {
	if p.Added > limits.Added {
		p.Approval = append(p.Approval, fmt.Sprintf("adds %d numbers, more than %d", p.Added, limits.Added))
	}
	if p.Lifted > limits.Lifted {
		p.Approval = append(p.Approval, fmt.Sprintf("lifts %d numbers, more than %d", p.Lifted, limits.Lifted))
	}
	if held >= shrinkFrom && p.Lifted*100 > held*limits.ShrinkPercent {
		p.Approval = append(p.Approval, fmt.Sprintf("the full list leaves out %d of the %d numbers that the source had, more than %d %%: is the file cut short?",
			p.Lifted, held, limits.ShrinkPercent))
	}
}

// size saturates: a count for people and limits.
func size(r number.Range) int { return int(min(r.Size(), 1<<40)) }
