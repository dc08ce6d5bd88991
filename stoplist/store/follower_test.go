package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tonegate/number"
	"tonegate/stoplist"
)

// memory is a log in memory that can fail and forget.
type memory struct {
	mu   sync.Mutex
	sets []stoplist.ChangeSet
	fail error
}

func (m *memory) Commit(_ context.Context, base stoplist.Revision, cs stoplist.ChangeSet) (stoplist.Head, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	cs.Revision = base + 1
	var before stoplist.Chain
	if base > 0 {
		before = m.sets[base-1].Chain
	}
	cs.Chain = link(before, cs, digestOf(cs.Orders, [][]byte{encode(cs.Changes)}))
	m.sets = append(m.sets[:base], cs)
	return stoplist.Head{Revision: cs.Revision, Chain: cs.Chain}, nil
}

func (m *memory) Since(_ context.Context, after stoplist.Revision) iter.Seq2[stoplist.ChangeSet, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	sets, fail := m.sets[after:], m.fail
	return func(yield func(stoplist.ChangeSet, error) bool) {
		for _, cs := range sets {
			if !yield(cs, fail) {
				return
			}
		}
	}
}

func (m *memory) Head(context.Context) (stoplist.Head, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.sets) == 0 {
		return stoplist.Head{}, m.fail
	}
	last := m.sets[len(m.sets)-1]
	return stoplist.Head{Revision: last.Revision, Chain: last.Chain}, m.fail
}

func (m *memory) Chain(_ context.Context, at stoplist.Revision) (stoplist.Chain, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at == 0 || int(at) > len(m.sets) {
		return stoplist.Chain{}, m.fail
	}
	return m.sets[at-1].Chain, m.fail
}

func (m *memory) set(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

func stops(list *stoplist.List, n number.Number) bool {
	return list.Load().FindAll([]number.Number{n}, at).Stopped == 0
}

func TestFollowerPollsEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var list stoplist.List
		var told []stoplist.Revision
		m := &memory{}
		f := NewFollower(m, &list, func(table *stoplist.Table, cs stoplist.ChangeSet) {
			if table.Revision() != cs.Revision || list.Load() != table {
				t.Error("told of a table that is not in force")
			}
			told = append(told, cs.Revision)
		})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); f.Run(ctx) }()
		synctest.Wait()
		n := span(t, "0312349001").First
		commit := func(base stoplist.Revision) {
			if _, err := m.Commit(ctx, base, adding(t, fmt.Sprint("R", base), "0312349001")); err != nil {
				t.Fatal(err)
			}
		}
		commit(0)
		time.Sleep(Poll - time.Millisecond)
		synctest.Wait()
		if stops(&list, n) {
			t.Error("in force before the poll")
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if s := f.Status(); !stops(&list, n) || s.Revision != 1 || s.Chain != m.sets[0].Chain || s.AppliedAt.IsZero() || s.Err != nil {
			t.Errorf("after a poll: %+v", s)
		}
		commit(1)
		commit(2)
		f.Hint()
		f.Hint()
		synctest.Wait()
		if s := f.Status(); s.Revision != 3 || len(told) != 3 {
			t.Errorf("after a hint: %+v, told %v", s, told)
		}
		stop()
		<-done
	})
}

func TestStoreUnreachableKeepsTheTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var list stoplist.List
		m := &memory{}
		if _, err := m.Commit(t.Context(), 0, adding(t, "R", "0312349001")); err != nil {
			t.Fatal(err)
		}
		f := NewFollower(m, &list, nil)
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		checked := f.Status().CheckedAt
		down := errors.New("connection refused")
		m.set(func() { m.fail = down })
		time.Sleep(time.Minute)
		if err := f.CatchUp(t.Context()); !errors.Is(err, down) {
			t.Errorf("%v", err)
		}
		s := f.Status()
		if !stops(&list, span(t, "0312349001").First) || s.Revision != 1 || !s.CheckedAt.Equal(checked) || !errors.Is(s.Err, down) {
			t.Errorf("%+v", s)
		}
		m.set(func() { m.fail = nil })
		if err := f.CatchUp(t.Context()); err != nil || f.Status().Err != nil || time.Since(f.Status().CheckedAt) != 0 {
			t.Errorf("%v, %+v", err, f.Status())
		}
	})
}

func TestForgottenRevisionIsNotObeyed(t *testing.T) {
	for name, forget := range map[string]func(t *testing.T, m *memory){
		"older": func(_ *testing.T, m *memory) { m.sets = m.sets[:1] },
		"empty": func(_ *testing.T, m *memory) { m.sets = nil },
		"as long, but other": func(t *testing.T, m *memory) {
			_, _ = m.Commit(t.Context(), 1, adding(t, "other", "0312349003"))
		},
		"longer, but other": func(t *testing.T, m *memory) {
			_, _ = m.Commit(t.Context(), 1, adding(t, "other", "0312349003"))
			_, _ = m.Commit(t.Context(), 2, adding(t, "and more", "0312349004"))
		},
	} {
		var list stoplist.List
		m := &memory{}
		for i := range 2 {
			if _, err := m.Commit(t.Context(), stoplist.Revision(i), adding(t, fmt.Sprint(i), fmt.Sprintf("031234900%d", i+1))); err != nil {
				t.Fatal(err)
			}
		}
		f := NewFollower(m, &list, nil)
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		forget(t, m)
		if err := f.CatchUp(t.Context()); !errors.Is(err, ErrForgotten) || !errors.Is(f.Status().Err, ErrForgotten) {
			t.Errorf("%s: %v", name, err)
		}
		if list.Load().Revision() != 2 || !stops(&list, span(t, "0312349002").First) || stops(&list, span(t, "0312349003").First) {
			t.Errorf("%s: obeyed", name)
		}
	}
}

func TestTwoProcessesOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.db")
	server, importer := open(t, path), open(t, path)
	var list stoplist.List
	f := NewFollower(server, &list, nil)
	for i := range 3 {
		if _, err := importer.Commit(t.Context(), stoplist.Revision(i), adding(t, fmt.Sprint(i), fmt.Sprintf("031234900%d", i))); err != nil {
			t.Fatal(err)
		}
		if err := f.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := f.Status(); int(s.Revision) != i+1 || !stops(&list, span(t, fmt.Sprintf("031234900%d", i)).First) {
			t.Errorf("%+v", s)
		}
	}
}

func BenchmarkCommitAndApply100(b *testing.B) {
	l := open(b, filepath.Join(b.TempDir(), "t.db"))
	var list stoplist.List
	f := NewFollower(l, &list, nil)
	var numbers []string
	for i := range 100 {
		numbers = append(numbers, fmt.Sprintf("031234%04d", 9000+i))
	}
	cs := adding(b, "bench", numbers...)
	for b.Loop() {
		if _, err := l.Commit(b.Context(), list.Load().Revision(), cs); err != nil {
			b.Fatal(err)
		}
		if err := f.CatchUp(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
