package stoplist

import (
	"errors"
	"fmt"
	"time"

	"tonegate/number"
)

//tonegate:pure

// Op is what a change does.
type Op uint8

const (
	Add  Op = iota // puts the order on the numbers
	Lift           // takes that order off them; nothing if it is not on exactly them
)

// Change puts one order on one number or range, or takes it off.
type Change struct {
	Op      Op
	Numbers number.Range // one number: First == Last
	Order   string       // Order.ID
}

// ChangeSet is one entry of the log: all of it takes effect at once, or nothing.
type ChangeSet struct {
	Revision  Revision // 0 until it is committed
	Chain     Chain    // zero until it is committed
	MadeAt    time.Time
	Actor     string
	Approver  string // the second person, "" where none was needed
	Source    string
	Reference string   // what the actor gave for the whole of it, a ticket or the name of a file
	Orders    []Order  // that the changes add and the log does not hold yet
	Changes   []Change // ordered by number
	Added     int      // numbers stopped that this source did not stop before
	Lifted    int      // numbers that this source stops no more
}

// Chain hashes everything up to a change set: two logs with one chain are one log.
type Chain [32]byte

// Head is the end of a log.
type Head struct {
	Revision Revision
	Chain    Chain
}

// ErrEmergency refuses a list that would stop 110, 118, 119 or another service code.
var ErrEmergency = errors.New("emergency and service numbers cannot be stopped")

// listable reports why numbers can never be on the list, whatever the log says.
func listable(r number.Range) error {
	if r.First.Key() == 0 || r.Last.Key() == 0 {
		if r.First.Class() == number.Emergency || r.First.Class() == number.Service {
			return ErrEmergency
		}
		return errors.New("no number")
	}
	if _, err := number.NewRange(r.First, r.Last); err != nil {
		return err
	}
	return nil
}

// compareRanges orders single numbers before ranges, each by number.
func compareRanges(a, b number.Range) int {
	aRange, bRange := a.First != a.Last, b.First != b.Last
	switch {
	case aRange != bRange && bRange:
		return -1
	case aRange != bRange:
		return 1
	}
	if c := compareKeys(a.First, b.First); c != 0 {
		return c
	}
	return compareKeys(a.Last, b.Last)
}

func compareKeys(a, b number.Number) int {
	switch x, y := a.Key(), b.Key(); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func (c Change) String() string {
	op := "add"
	if c.Op == Lift {
		op = "lift"
	}
	return fmt.Sprintf("%s %v %s", op, c.Numbers, c.Order)
}
