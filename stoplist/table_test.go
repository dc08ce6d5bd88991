package stoplist

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tonegate/number"
)

var noon = time.Date(2026, 4, 1, 3, 0, 0, 0, time.UTC)

func num(t testing.TB, s string) number.Number {
	t.Helper()
	n, err := number.Parse(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return n
}

func span(t testing.TB, s string) number.Range {
	t.Helper()
	r, err := number.ParseRange(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return r
}

func order(reference string) Order {
	return Order{Reason: "fraud", Reference: reference, Source: "carrier-a"}.Identified()
}

// set is the next change set of t: each pair is numbers and the order that is put on them.
func set(t testing.TB, on *Table, orders []Order, changes ...Change) ChangeSet {
	t.Helper()
	return ChangeSet{Revision: on.Revision() + 1, Orders: orders, Changes: changes}
}

func apply(t testing.TB, on *Table, orders []Order, changes ...Change) *Table {
	t.Helper()
	next, err := on.Apply(set(t, on, orders, changes...))
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestTwoOrdersOnOneNumber(t *testing.T) {
	a, b := order("A-1"), order("B-1")
	n := span(t, "0312349001")
	one := apply(t, &Table{}, []Order{a, b}, Change{Add, n, a.ID}, Change{Add, n, b.ID})
	if got := one.Find(n.First, noon); len(got) != 2 || got[0].Revision != 1 {
		t.Fatalf("orders in force: %+v", got)
	}
	two := apply(t, one, nil, Change{Lift, n, a.ID})
	if got := two.Find(n.First, noon); len(got) != 1 || got[0].ID != b.ID {
		t.Fatalf("after lifting A: %+v", got)
	}
	three := apply(t, two, nil, Change{Lift, n, b.ID})
	if got := three.Find(n.First, noon); got != nil || three.Numbers() != 0 {
		t.Fatalf("after lifting both: %+v, %d numbers", got, three.Numbers())
	}
	if got := one.Find(n.First, noon); len(got) != 2 || one.Numbers() != 1 {
		t.Fatal("an earlier table changed")
	}
}

func TestWindowIsComparedAtLookUp(t *testing.T) {
	o := order("W")
	o.From, o.Until = noon, noon.Add(time.Hour)
	o = o.Identified()
	n := span(t, "05012340001")
	table := apply(t, &Table{}, []Order{o}, Change{Add, n, o.ID})
	for at, want := range map[time.Time]int{
		noon.Add(-time.Nanosecond): -1, noon: 0, noon.Add(time.Hour - time.Nanosecond): 0, noon.Add(time.Hour): -1,
	} {
		if v := table.FindAll([]number.Number{n.First}, at); v.Stopped != want || v.Revision != 1 {
			t.Errorf("at %v: %+v", at, v)
		}
		if got := len(table.Find(n.First, at)); got != want+1 {
			t.Errorf("at %v: %d orders", at, got)
		}
	}
}

func TestLapsedOrderDoesNotHideTheRange(t *testing.T) {
	lapsed, standing := order("lapsed"), order("standing")
	lapsed.Until = noon.Add(-time.Hour)
	lapsed = lapsed.Identified()
	table := apply(t, &Table{}, []Order{lapsed, standing},
		Change{Add, span(t, "0312349005"), lapsed.ID}, Change{Add, span(t, "0312349000-0312349099"), standing.ID})
	if v := table.FindAll([]number.Number{num(t, "0312349005")}, noon); v.Stopped != 0 {
		t.Error("the range's order is hidden by a lapsed one on the number itself")
	}
}

func TestFindAllNamesTheFirstHit(t *testing.T) {
	o := order("F")
	table := apply(t, &Table{}, []Order{o}, Change{Add, span(t, "0312349001"), o.ID}, Change{Add, span(t, "+442079460000-+442079460999"), o.ID})
	for _, tc := range []struct {
		numbers []string
		want    int
	}{
		{[]string{"0312349000", "0312349001"}, 1},
		{[]string{"+442079460500", "0312349001"}, 0},
		{[]string{"+442079461000", "110", "anonymous"}, -1},
		{nil, -1},
	} {
		var ns []number.Number
		for _, s := range tc.numbers {
			ns = append(ns, num(t, s))
		}
		if v := table.FindAll(append(ns, number.Number{}), noon); v.Stopped != tc.want {
			t.Errorf("%v: %+v", tc.numbers, v)
		}
	}
}

func TestEmergencyIsNeverListed(t *testing.T) {
	o := order("E")
	for _, s := range []string{"110", "118", "119", "104"} {
		_, err := (&Table{}).Apply(set(t, &Table{}, []Order{o}, Change{Add, span(t, s), o.ID}))
		if !errors.Is(err, ErrEmergency) {
			t.Errorf("%s: %v", s, err)
		}
	}
	if _, err := (&Table{}).Apply(set(t, &Table{}, []Order{o}, Change{Order: o.ID})); err == nil {
		t.Error("no number at all was listed")
	}
	// Even a table that was made otherwise does not match them.
	table := &Table{orders: []Order{o}, sets: sets{list: [][]uint32{nil, {0}}},
		leaves: map[uint64]*leaf{0: {[]uint16{0, 110, 118, 119}, []uint32{1, 1, 1, 1}}},
		ranges: ranges{segments: []segment{{0, 1<<64 - 1, 1}}}}
	for _, s := range []string{"110", "118", "119", "184110", "anonymous"} {
		n := num(t, s)
		if v := table.FindAll([]number.Number{n}, noon); v.Stopped != -1 || table.Find(n, noon) != nil {
			t.Errorf("%s is stopped", s)
		}
	}
}

func TestChangeSetMustFollow(t *testing.T) {
	for _, rev := range []Revision{0, 2, 3} {
		if _, err := (&Table{}).Apply(ChangeSet{Revision: rev}); !errors.Is(err, ErrGap) {
			t.Errorf("revision %d on 0: %v", rev, err)
		}
	}
	if _, err := (&Table{}).Apply(ChangeSet{Revision: 1, Changes: []Change{{Add, span(t, "0312349001"), "nobody's"}}}); err == nil {
		t.Error("an unknown order was accepted")
	}
}

func TestRangeDoesNotReachIntoAnotherClass(t *testing.T) {
	o := order("C")
	table := apply(t, &Table{}, []Order{o}, Change{Add, span(t, "0569999999-0571000000"), o.ID})
	if v := table.FindAll([]number.Number{num(t, "0570123456")}, noon); v.Stopped != -1 {
		t.Error("a range of fixed numbers stops an 0570 number")
	}
}

func TestTooManyOverlapsAreRefused(t *testing.T) {
	o := order("O")
	var changes []Change
	for i := range maxOverlap + 1 {
		changes = append(changes, Change{Add, span(t, fmt.Sprintf("03123400%02d-0312349999", i)), o.ID})
	}
	if _, err := (&Table{}).Apply(set(t, &Table{}, []Order{o}, changes...)); !errors.Is(err, errOverlap) {
		t.Errorf("%d overlapping ranges: %v", len(changes), err)
	}
	apply(t, &Table{}, []Order{o}, changes[1:]...)
}

// TestTableAgainstModel applies random change sets and compares every answer with a list that is searched from end to end.
func TestTableAgainstModel(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	orders := []Order{order("1"), order("2"), order("3")}
	type held struct {
		numbers number.Range
		order   string
	}
	model := map[held]bool{}
	table := &Table{}
	var points []number.Number // across the end of a block
	for i := range 200 {
		points = append(points, num(t, fmt.Sprintf("03123%05d", 49900+i)))
	}
	for range 60 {
		var changes []Change
		for range 1 + r.IntN(20) {
			first := r.IntN(200)
			last := first
			if r.IntN(3) == 0 {
				last = min(199, first+r.IntN(40))
			}
			c := Change{Op(r.IntN(2)), number.Range{First: points[first], Last: points[last]}, orders[r.IntN(3)].ID}
			changes = append(changes, c)
		}
		slices.SortStableFunc(changes, func(a, b Change) int { return compareRanges(a.Numbers, b.Numbers) })
		for _, c := range changes {
			if c.Op == Add {
				model[held{c.Numbers, c.Order}] = true
			} else {
				delete(model, held{c.Numbers, c.Order})
			}
		}
		next, err := table.Apply(set(t, table, orders, changes...))
		if errors.Is(err, errOverlap) {
			t.Fatal("the model's ranges overlap too often")
		}
		if err != nil {
			t.Fatal(err)
		}
		table = next
		for i := range 200 {
			want := map[string]bool{}
			for h := range model {
				if h.numbers.Contains(points[i]) {
					want[h.order] = true
				}
			}
			got := table.Find(points[i], noon)
			if len(got) != len(want) {
				t.Fatalf("revision %d, number %d: %d orders, want %d", table.Revision(), i, len(got), len(want))
			}
			for _, o := range got {
				if !want[o.ID] {
					t.Fatalf("revision %d, number %d: order %s", table.Revision(), i, o.Reference)
				}
			}
			if v := table.FindAll([]number.Number{points[i]}, noon); (v.Stopped == 0) != (len(want) > 0) {
				t.Fatalf("revision %d, number %d: %+v", table.Revision(), i, v)
			}
		}
		entries := 0
		for e := range table.Entries() {
			for _, o := range e.Orders {
				if entries++; !model[held{e.Numbers, o.ID}] {
					t.Fatalf("entry that the model does not have: %v", e)
				}
			}
		}
		if entries != len(model) {
			t.Fatalf("%d entries, want %d", entries, len(model))
		}
		if table.Revision()%15 == 0 { // keep the ranges few
			for h := range model {
				delete(model, h)
			}
			table = &Table{revision: table.revision}
		}
	}
}

func big(b testing.TB, size int) *Table {
	o := order("big")
	r := rand.New(rand.NewPCG(5, 6))
	changes := make([]Change, 0, size)
	for range size {
		n, err := number.FromKey(81_90_1000_0000 + r.Uint64N(8_000_0000))
		if err != nil {
			b.Fatal(err)
		}
		changes = append(changes, Change{Add, number.Range{First: n, Last: n}, o.ID})
	}
	table, err := (&Table{}).Apply(ChangeSet{Revision: 1, Orders: []Order{o}, Changes: changes})
	if err != nil {
		b.Fatal(err)
	}
	return table
}

func TestFindAllAllocatesNothing(t *testing.T) {
	o := order("A")
	table := apply(t, big(t, 10_000), []Order{o}, Change{Add, span(t, "0312349000-0312349999"), o.ID})
	ns := []number.Number{num(t, "0312340001"), num(t, "09012345678"), num(t, "110"), num(t, "05012345678"), {}, num(t, "0312349500")}
	var v Verdict
	if a := testing.AllocsPerRun(100, func() { v = table.FindAll(ns, noon) }); a != 0 || v.Stopped < 0 {
		t.Errorf("%v allocations, %+v", a, v)
	}
}

func TestListBeforeFirstPublish(t *testing.T) {
	var l List
	if v := l.Load().FindAll([]number.Number{num(t, "0312349001")}, noon); v.Stopped != -1 || v.Revision != 0 {
		t.Errorf("%+v", v)
	}
	table := big(t, 10)
	l.Publish(table)
	if l.Load() != table {
		t.Error("not published")
	}
}

func BenchmarkFindAllSixOf1M(b *testing.B) {
	table := big(b, 1_000_000)
	r := rand.New(rand.NewPCG(7, 8))
	ns := make([]number.Number, 6*1024)
	for i := range ns {
		ns[i], _ = number.FromKey(81_90_1000_0000 + r.Uint64N(8_000_0000)) // one of 80 is listed; most calls look at all six
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		table.FindAll(ns[i:i+6], noon)
		i = (i + 6) % (len(ns) - 6)
	}
}

func BenchmarkApply100To1M(b *testing.B) {
	table := big(b, 1_000_000)
	o := order("small")
	cs := ChangeSet{Revision: 2, Orders: []Order{o}}
	r := rand.New(rand.NewPCG(9, 10))
	for range 100 {
		n, _ := number.FromKey(81_90_1000_0000 + r.Uint64N(8_000_0000))
		cs.Changes = append(cs.Changes, Change{Add, number.Range{First: n, Last: n}, o.ID})
	}
	slices.SortFunc(cs.Changes, func(a, b Change) int { return compareRanges(a.Numbers, b.Numbers) })
	b.ReportAllocs()
	for b.Loop() {
		if _, err := table.Apply(cs); err != nil {
			b.Fatal(err)
		}
	}
}
