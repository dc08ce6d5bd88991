package stoplist

import (
	"fmt"
	"strings"
	"testing"

	"tonegate/number"
)

var free = Limits{Added: 1 << 30, Lifted: 1 << 30, ShrinkPercent: 100}

func load(t testing.TB, on *Table, source, text string, mode Mode, limits Limits) (*Table, Plan) {
	t.Helper()
	l, err := ReadCSV(strings.NewReader(text), ReadOptions{Source: source, Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	p, err := on.Plan(l, limits, By{At: noon, Actor: "clerk"})
	if err != nil {
		t.Fatal(err)
	}
	cs := p.ChangeSet
	cs.Revision = on.Revision() + 1
	next, err := on.Apply(cs)
	if err != nil {
		t.Fatal(err)
	}
	return next, p
}

func stopped(t testing.TB, table *Table, s string) bool {
	t.Helper()
	return table.FindAll([]number.Number{num(t, s)}, noon).Stopped == 0
}

func counts(p Plan) string {
	return fmt.Sprintf("+%d -%d ~%d =%d ?%d", p.Added, p.Lifted, p.Changed, p.Unchanged, p.Unknown)
}

func TestFullListReplacesOnlyItsOwnSource(t *testing.T) {
	table, _ := load(t, &Table{}, "a", "0312349001\n0312349002\n", Full, free)
	table, _ = load(t, table, "b", "0312349002\n0312349003\n", Full, free)
	table, p := load(t, table, "a", "0312349001\n0312349004\n", Full, free)
	if counts(p) != "+1 -1 ~0 =1 ?0" || len(p.ChangeSet.Changes) != 2 {
		t.Errorf("plan %s, %v", counts(p), p.ChangeSet.Changes)
	}
	for s, want := range map[string]bool{"0312349001": true, "0312349002": true, "0312349003": true, "0312349004": true} {
		if stopped(t, table, s) != want {
			t.Errorf("%s: %v", s, !want)
		}
	}
	if got := table.Find(num(t, "0312349002"), noon); len(got) != 1 || got[0].Source != "b" {
		t.Errorf("0312349002: %v", got)
	}
}

func TestSameFullListChangesNothing(t *testing.T) {
	table, _ := load(t, &Table{}, "a", string(imports(t, "ranges.csv")), Full, free)
	_, p := load(t, table, "a", string(imports(t, "ranges.csv")), Full, free)
	if len(p.ChangeSet.Changes) != 0 || len(p.ChangeSet.Orders) != 0 || p.Unchanged != 3 {
		t.Errorf("%s %v", counts(p), p.ChangeSet.Changes)
	}
}

func TestDeltaAddsBesideAndReplacesSameReference(t *testing.T) {
	h := "number,reference,holder\n"
	table, _ := load(t, &Table{}, "a", h+"0312349001,R1,old\n", Delta, free)
	table, p := load(t, table, "a", h+"0312349001,R1,new\n", Delta, free)
	if counts(p) != "+0 -0 ~1 =0 ?0" {
		t.Errorf("same reference: %s", counts(p))
	}
	table, _ = load(t, table, "a", h+"0312349001,R2,new\n", Delta, free)
	if got := table.Find(num(t, "0312349001"), noon); len(got) != 2 || got[0].Holder != "new" || got[1].Reference != "R2" {
		t.Errorf("%+v", got)
	}
	table, p = load(t, table, "a", "number,reference\n0312349001,R1\n", LiftOnly, free)
	if counts(p) != "+0 -1 ~0 =0 ?0" || !stopped(t, table, "0312349001") {
		t.Errorf("lifting R1: %s", counts(p))
	}
	table, _ = load(t, table, "a", "0312349001\n", LiftOnly, free)
	if stopped(t, table, "0312349001") {
		t.Error("lifting without a reference left R2")
	}
}

func TestLiftTakesPartsOutOfRanges(t *testing.T) {
	table, _ := load(t, &Table{}, "a", "from_number,to_number\n0312349000,0312349099\n0312349200,0312349209\n0312349005,\n", Full, free)
	table, _ = load(t, table, "b", "0312349050\n", Full, free)
	table, p := load(t, table, "a", "from_number,to_number\n0312349005,\n0312349050,0312349059\n0312349050,0312349050\n0312349200,0312349300\n0312349999,\n", LiftOnly, free)
	if p.Unknown != 1 || p.Lifted != 1+11+10 { // the number listed by itself, 11 of the first range, all of the second
		t.Errorf("%s", counts(p))
	}
	for i := range 1000 {
		s := fmt.Sprintf("031234%04d", 9000+i)
		want := i < 100 && i != 5 && (i < 50 || i > 59) || i == 50 // 50 is b's
		if stopped(t, table, s) != want {
			t.Errorf("%s: %v", s, !want)
		}
	}
}

func TestApproval(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "031234%04d\n", 9000+i)
		}
		return b.String()
	}
	limits := Limits{Added: 50, Lifted: 20, ShrinkPercent: 20}
	table, p := load(t, &Table{}, "a", many(50), Full, limits)
	if p.Approval != nil {
		t.Errorf("50 added: %v", p.Approval)
	}
	if _, p := load(t, table, "a", many(101), Full, limits); len(p.Approval) != 1 || !strings.Contains(p.Approval[0], "adds 51") {
		t.Errorf("51 added: %v", p.Approval)
	}
	if _, p := load(t, table, "b", "from_number,to_number\n0312340000,0312340050\n", Delta, limits); len(p.Approval) != 1 {
		t.Errorf("a range of 51: %v", p.Approval)
	}
	if _, p := load(t, table, "a", many(40), Full, limits); p.Approval != nil {
		t.Errorf("a fifth left out: %v", p.Approval)
	}
	if _, p := load(t, table, "a", many(39), Full, limits); len(p.Approval) != 1 || !strings.Contains(p.Approval[0], "cut short") {
		t.Errorf("more than a fifth left out: %v", p.Approval)
	}
	if _, p := load(t, table, "a", many(21), LiftOnly, limits); len(p.Approval) != 1 || !strings.Contains(p.Approval[0], "lifts 21") {
		t.Errorf("21 lifted: %v", p.Approval)
	}
}
