package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"tonegate/stoplist"
)

// ErrForgotten is a log that no longer holds a revision that it had: a database that failed over to an old copy.
var ErrForgotten = errors.New("the log has forgotten or changed a revision that is in force here")

// Poll is how often a follower asks for news without a Hint.
const Poll = time.Second

// Follower keeps a List at the head of a log. It is the only writer of that list.
type Follower struct {
	store   stoplist.Store
	list    *stoplist.List
	applied func(*stoplist.Table, stoplist.ChangeSet)
	chain   stoplist.Chain
	status  atomic.Pointer[Status]
	hints   chan struct{}
}

// Status is how far a follower is, and how sure.
type Status struct {
	stoplist.Head           // applied
	AppliedAt     time.Time // when the last change set was put in force here; zero before the first
	CheckedAt     time.Time // when the log was last read to its end; zero before the first time
	Err           error     // why the last attempt failed, nil if it did not
}

// NewFollower follows a log into a list that is still empty.
// After each change set is in force, applied is called with the new table, if it is not nil; it must not block.
func NewFollower(s stoplist.Store, list *stoplist.List, applied func(*stoplist.Table, stoplist.ChangeSet)) *Follower {
	f := &Follower{store: s, list: list, applied: applied, hints: make(chan struct{}, 1)}
	f.status.Store(&Status{})
	return f
}

// Status may be called at any time.
func (f *Follower) Status() Status { return *f.status.Load() }

// Hint asks for a look at the log now. It never blocks.
func (f *Follower) Hint() {
	select {
	case f.hints <- struct{}{}:
	default:
	}
}

// Run follows until ctx ends. A store that fails changes nothing but Status: the table stays in force.
func (f *Follower) Run(ctx context.Context) {
	tick := time.NewTicker(Poll)
	defer tick.Stop()
	for {
		_ = f.CatchUp(ctx) // kept in Status
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-f.hints:
		}
	}
}

// CatchUp reads the log to its end once: before the first socket is bound, and then by Run alone.
func (f *Follower) CatchUp(ctx context.Context) error {
	err := f.catchUp(ctx)
	next := f.Status()
	if next.Err = err; err == nil {
		next.CheckedAt = time.Now()
	}
	f.status.Store(&next)
	return err
}

func (f *Follower) catchUp(ctx context.Context) error {
	head, err := f.store.Head(ctx)
	if err != nil {
		return err
	}
	table := f.list.Load()
	mine := stoplist.Head{Revision: table.Revision(), Chain: f.chain}
	if head == mine {
		return nil
	}
	if chain, err := f.store.Chain(ctx, mine.Revision); err != nil {
		return err
	} else if chain != mine.Chain {
		return fmt.Errorf("revision %d is in force, the log ends at %d: %w", mine.Revision, head.Revision, ErrForgotten)
	}
	for cs, err := range f.store.Since(ctx, table.Revision()) {
		if err != nil {
			return err
		}
		if table, err = table.Apply(cs); err != nil {
			return err
		}
		f.publish(table, cs)
	}
	return nil
}

func (f *Follower) publish(table *stoplist.Table, cs stoplist.ChangeSet) {
	f.list.Publish(table)
	f.chain = cs.Chain
	next := f.Status()
	next.Head, next.AppliedAt = stoplist.Head{Revision: cs.Revision, Chain: cs.Chain}, time.Now()
	f.status.Store(&next)
	if f.applied != nil {
		f.applied(table, cs)
	}
}
