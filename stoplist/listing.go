package stoplist

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tonegate/number"
)

//tonegate:pure

const (
	maxRows   = 50_000_000
	maxOrders = 100_000 // different ones in a file
	maxText   = 200     // characters of a reason, reference, holder
)

// Guard is what no list may touch.
type Guard struct {
	Own         number.Set // our own numbers
	Bodies      number.Set // numbers of the emergency bodies
	WholeBlocks bool       // the right to stop all 10,000 numbers of a block
}

// Listing is one source's list, checked, ordered by number and free of repetitions.
type Listing struct {
	Source   string
	Mode     Mode
	Repeated int // lines that a later line of the same number and reference replaced

	rows   []row
	orders []Order
}

type row struct {
	numbers number.Range
	order   uint32 // into orders
}

// Entries counts the lines that remain: single numbers and ranges.
func (l *Listing) Entries() int { return len(l.rows) }

// builder makes a Listing from lines.
type builder struct {
	Listing
	guard   Guard
	refusal Refusal
	byID    map[string]uint32
}

func newBuilder(o ReadOptions) *builder {
	b := &builder{Listing: Listing{Source: o.Source, Mode: o.Mode}, guard: o.Guard, byID: map[string]uint32{}}
	if err := checkText(o.Source); err != nil || o.Source == "" {
		b.refusal.add(Problem{Field: "source", Reason: "the source needs a name of at most 200 printable characters"})
	}
	return b
}

// order checks and interns one order.
func (b *builder) order(o Order) (uint32, *Problem) {
	for _, f := range []struct{ name, text string }{{"reason", o.Reason}, {"reference", o.Reference}, {"holder", o.Holder}} {
		if err := checkText(f.text); err != nil {
			return 0, &Problem{Field: f.name, Text: f.text, Reason: err.Error()}
		}
	}
	if !o.Until.IsZero() && !o.From.Before(o.Until) {
		return 0, &Problem{Field: "until", Text: o.Until.In(JST).Format("2006-01-02 15:04"), Reason: "ends before it begins"}
	}
	o.Source = b.Source
	o = o.Identified()
	id, known := b.byID[o.ID]
	if !known {
		if len(b.orders) == maxOrders {
			return 0, &Problem{Reason: "more than 100,000 different orders in one list"}
		}
		id = uint32(len(b.orders))
		b.byID[o.ID] = id
		b.orders = append(b.orders, o)
	}
	return id, nil
}

// add takes one line's numbers. A whole block in one line is refused here, one in many lines by finish.
func (b *builder) add(numbers number.Range, order uint32) error {
	if err := listable(numbers); err != nil {
		return err
	}
	if b.Mode != LiftOnly {
		switch {
		case b.guard.Own.Overlaps(numbers):
			return fmt.Errorf("our own number")
		case b.guard.Bodies.Overlaps(numbers):
			return fmt.Errorf("number of an emergency body")
		case !b.guard.WholeBlocks && holdsBlock(numbers.First.Key(), numbers.Last.Key()):
			return errBlock
		}
	}
	if len(b.rows) == maxRows {
		return fmt.Errorf("more than %d lines in one list", maxRows)
	}
	b.rows = append(b.rows, row{numbers, order})
	return nil
}

var errBlock = fmt.Errorf("a whole block of 10,000 numbers: a contract holder rarely has all of it, and stopping it needs the right to")

func holdsBlock(first, last uint64) bool { return (first+block-1)/block*block+block-1 <= last }

// finish orders the lines, drops repetitions, and looks at the whole.
func (b *builder) finish() (*Listing, error) {
	if b.refusal.Count == 0 && len(b.rows) == 0 {
		b.refusal.add(Problem{Reason: "the list holds no number"})
	}
	byNumber := func(x, y row) int {
		if c := compareRanges(x.numbers, y.numbers); c != 0 || x.order == y.order {
			return c
		}
		return strings.Compare(b.orders[x.order].Reference, b.orders[y.order].Reference)
	}
	if !slices.IsSortedFunc(b.rows, byNumber) {
		slices.SortStableFunc(b.rows, byNumber)
	}
	kept := b.rows[:0]
	for i, r := range b.rows {
		if i+1 < len(b.rows) && byNumber(r, b.rows[i+1]) == 0 { // the last word wins
			b.Repeated++
			continue
		}
		kept = append(kept, r)
	}
	b.rows = kept
	if b.Mode != LiftOnly && !b.guard.WholeBlocks {
		b.refuseEnumeratedBlocks()
	}
	if err := b.refusal.err(); err != nil {
		return nil, err
	}
	return &b.Listing, nil
}

// refuseEnumeratedBlocks finds blocks that many lines cover together.
func (b *builder) refuseEnumeratedBlocks() {
	covered := slices.Clone(b.rows)
	byFirst := func(x, y row) int { return compareKeys(x.numbers.First, y.numbers.First) }
	if !slices.IsSortedFunc(covered, byFirst) {
		slices.SortFunc(covered, byFirst)
	}
	var first, last uint64
	for i, r := range covered {
		if next := r.numbers.First.Key(); i == 0 || next > last+1 {
			first, last = next, next
		}
		last = max(last, r.numbers.Last.Key())
		if holdsBlock(first, last) {
			b.refusal.add(Problem{Text: r.numbers.First.String(), Reason: "many lines together are " + errBlock.Error()})
			first = last // once a block
		}
	}
}

// checkText bounds what is kept for ever and shown on terminals and pages.
func checkText(s string) error {
	if utf8.RuneCountInString(s) > maxText {
		return fmt.Errorf("longer than %d characters", maxText)
	}
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) && r != '\u3000' {
			return fmt.Errorf("holds a character that cannot be printed")
		}
	}
	return nil
}
