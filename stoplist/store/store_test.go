package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"tonegate/number"
	"tonegate/stoplist"
)

var at = time.Date(2026, 4, 1, 3, 0, 0, 123456789, time.UTC)

func open(t testing.TB, path string) *Log {
	t.Helper()
	l, err := Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func span(t testing.TB, s string) number.Range {
	t.Helper()
	r, err := number.ParseRange(s)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return r
}

func order(reference string) stoplist.Order {
	return stoplist.Order{Reason: "fraud", Reference: reference, Source: "a", Holder: "Example Holdings", From: at, Until: at.AddDate(1, 0, 0)}.Identified()
}

// adding is a change set that puts a fresh order on the numbers.
func adding(t testing.TB, reference string, numbers ...string) stoplist.ChangeSet {
	t.Helper()
	o := order(reference)
	cs := stoplist.ChangeSet{MadeAt: at, Actor: "clerk", Source: "a", Reference: reference, Orders: []stoplist.Order{o}, Added: len(numbers)}
	for _, s := range numbers {
		cs.Changes = append(cs.Changes, stoplist.Change{Op: stoplist.Add, Numbers: span(t, s), Order: o.ID})
	}
	return cs
}

func all(t testing.TB, l *Log, after stoplist.Revision) []stoplist.ChangeSet {
	t.Helper()
	var sets []stoplist.ChangeSet
	for cs, err := range l.Since(t.Context(), after) {
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, cs)
	}
	return sets
}

func TestWhatIsCommittedIsReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "directory", "tonegate.db")
	l := open(t, path)
	if head, err := l.Head(t.Context()); err != nil || head != (stoplist.Head{}) {
		t.Fatalf("empty log: %v, %v", head, err)
	}
	one := adding(t, "R1", "0312349001", "02001234567890", "+442079460000", "0312349100-0312349199")
	first, err := l.Commit(t.Context(), 0, one)
	if err != nil {
		t.Fatal(err)
	}
	two := adding(t, "R2", "0312349002")
	two.Orders = append(two.Orders, one.Orders...) // known already: not taken again
	two.Changes = append(two.Changes, stoplist.Change{Op: stoplist.Lift, Numbers: span(t, "0312349001"), Order: one.Orders[0].ID})
	second, err := l.Commit(t.Context(), 1, two)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, path)
	one.Revision, one.Chain, two.Revision, two.Chain, two.Orders = 1, first.Chain, 2, second.Chain, two.Orders[:1]
	one.Orders[0].Revision, two.Orders[0].Revision = 1, 2
	if got := all(t, l, 0); !reflect.DeepEqual(got, []stoplist.ChangeSet{one, two}) {
		t.Errorf("read back\n%+v\nwant\n%+v", got, []stoplist.ChangeSet{one, two})
	}
	if got := all(t, l, 1); len(got) != 1 || got[0].Revision != 2 {
		t.Errorf("after 1: %+v", got)
	}
	if head, err := l.Verify(t.Context()); err != nil || head != second {
		t.Errorf("verify: %v, %v", head, err)
	}
}

func TestCommitAgainstAnOldHeadIsRefused(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "t.db"))
	for _, base := range []stoplist.Revision{1, 7} {
		if _, err := l.Commit(t.Context(), base, adding(t, "R", "0312349001")); !errors.Is(err, stoplist.ErrConflict) {
			t.Errorf("base %d of an empty log: %v", base, err)
		}
	}
	if _, err := l.Commit(t.Context(), 0, stoplist.ChangeSet{}); err == nil {
		t.Error("an empty change set was committed")
	}
	if got := all(t, l, 0); got != nil {
		t.Errorf("a refused commit left %v", got)
	}
}

func TestManyWritersMakeOneGapFreeLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	const writers, each = 4, 5
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			l, err := Open(t.Context(), "sqlite:"+path) // as separate processes do, on an empty file
			if err != nil {
				t.Error(err)
				return
			}
			defer l.Close()
			for i := range each {
				for {
					head, err := l.Head(t.Context())
					if err == nil {
						_, err = l.Commit(t.Context(), head.Revision, adding(t, fmt.Sprint(w, "-", i), "0312349001"))
					}
					if err == nil {
						break
					}
					if !errors.Is(err, stoplist.ErrConflict) {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	l := open(t, path)
	if head, err := l.Verify(t.Context()); err != nil || head.Revision != writers*each {
		t.Errorf("%v, %v", head, err)
	}
}

func TestVerifyFindsEveryAlteration(t *testing.T) {
	for name, sql := range map[string]string{
		"actor":     `update change set actor = 'someone else' where rev = 2`,
		"approver":  `update change set approver = 'a second person' where rev = 2`,
		"time":      `update change set made_at = made_at + 1 where rev = 2`,
		"counts":    `update change set lifted = 9 where rev = 2`,
		"chain":     `update change set chain = zeroblob(32) where rev = 2`,
		"window":    `update stop_order set until_at = null where rev = 2`,
		"holder":    `update stop_order set holder = 'someone else' where rev = 2`,
		"order":     `delete from stop_order where rev = 2`,
		"body":      `update chunk set body = (select body from chunk where rev = 1) where rev = 2`,
		"junk":      `update chunk set body = x'00ff' where rev = 2`,
		"numbers":   `delete from chunk where rev = 2`,
		"revision":  `delete from change where rev = 2`,
		"beginning": `delete from change where rev = 1`,
	} {
		l := open(t, filepath.Join(t.TempDir(), "t.db"))
		for i := range 3 {
			if _, err := l.Commit(t.Context(), stoplist.Revision(i), adding(t, fmt.Sprint("R", i), fmt.Sprintf("031234900%d", i))); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.db.Exec(sql); err == nil {
			t.Errorf("%s: the log let itself be altered", name)
		}
		for _, table := range []string{"change", "stop_order", "chunk"} {
			for _, trigger := range []string{"stays", "remains"} {
				if _, err := l.db.Exec("drop trigger " + table + "_" + trigger); err != nil {
					t.Fatal(err)
				}
			}
		}
		conn, err := l.db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{`pragma foreign_keys = 0`, sql} {
			if _, err := conn.ExecContext(t.Context(), s); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		head, err := l.Verify(t.Context())
		if !errors.Is(err, ErrAltered) || head.Revision > 1 {
			t.Errorf("%s: %v, %v", name, head.Revision, err)
		}
	}
}

func TestOpenRefusals(t *testing.T) {
	for _, address := range []string{"", "sqlite:", "mysql:x", "sqlite:a?mode=memory", "postgres://user:secret@host/db"} {
		if l, err := Open(t.Context(), address); err == nil {
			t.Errorf("%q opened", address)
			_ = l.Close()
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error shows the password", address)
		}
	}
	if _, err := Open(t.Context(), "postgres://host/db"); !errors.Is(err, ErrNotYet) {
		t.Errorf("postgres: %v", err)
	}
	path := filepath.Join(t.TempDir(), "not a database")
	if err := os.WriteFile(path, []byte(strings.Repeat("junk", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := Open(ctx, "sqlite:"+path); err == nil {
		t.Error("junk opened as a database")
	}
}

func TestBodyKeepsEveryChange(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	orders := []string{order("1").ID, order("2").ID, "x"}
	for range 200 {
		var changes []stoplist.Change
		for range r.IntN(300) {
			first := 81312340000 + r.Uint64N(5000)
			last := first
			if r.IntN(4) == 0 {
				last += r.Uint64N(5000)
			}
			c := stoplist.Change{Op: stoplist.Op(r.IntN(2)), Order: orders[r.IntN(3)]}
			c.Numbers.First, _ = number.FromKey(first)
			c.Numbers.Last, _ = number.FromKey(last)
			changes = append(changes, c)
		}
		got, err := decode(encode(changes))
		if err != nil || len(got) != len(changes) || len(got) > 0 && !reflect.DeepEqual(got, changes) {
			t.Fatalf("%d changes became %d: %v", len(changes), len(got), err)
		}
	}
}

func TestBigChangeSetIsSmallInTheLog(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "t.db"))
	cs := adding(t, "big")
	r := rand.New(rand.NewPCG(3, 4))
	key := uint64(819010000000)
	const count = 200_000
	for range count {
		key += 1 + r.Uint64N(40)
		n, err := number.FromKey(key)
		if err != nil {
			t.Fatal(err)
		}
		cs.Changes = append(cs.Changes, stoplist.Change{Numbers: number.Range{First: n, Last: n}, Order: cs.Orders[0].ID})
	}
	if _, err := l.Commit(t.Context(), 0, cs); err != nil {
		t.Fatal(err)
	}
	if got := all(t, l, 0); len(got) != 1 || !reflect.DeepEqual(got[0].Changes, cs.Changes) {
		t.Fatal("the changes differ")
	}
	var bytes, chunks int
	if err := l.db.QueryRow(`select sum(length(body)), count(*) from chunk`).Scan(&bytes, &chunks); err != nil {
		t.Fatal(err)
	}
	if bytes > 2*count || chunks != 4 {
		t.Errorf("%d bytes in %d chunks for %d numbers", bytes, chunks, count)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(nil))
	o := order("f").ID
	f.Add(encode([]stoplist.Change{{Op: stoplist.Add, Numbers: span(f, "0312349001"), Order: o}, {Op: stoplist.Lift, Numbers: span(f, "0312349000-0312349100"), Order: o}}))
	f.Fuzz(func(t *testing.T, body []byte) {
		changes, err := decode(body)
		if err != nil {
			return
		}
		again, err := decode(encode(changes))
		if err != nil || len(again) != len(changes) || len(again) > 0 && !reflect.DeepEqual(again, changes) {
			t.Fatalf("%v became %v, %v", changes, again, err)
		}
		_, _ = decompress(body)
	})
}
