package stoplist

import (
	"context"
	"errors"
	"iter"
)

// ErrConflict is a commit against a list that somebody has changed meanwhile: compare again with the new one.
var ErrConflict = errors.New("the list has changed meanwhile")

// Store is the log of change sets.
type Store interface {
	// Commit appends the change set durably and returns its place, or ErrConflict if the head is not base.
	Commit(ctx context.Context, base Revision, cs ChangeSet) (Head, error)
	// Since gives the change sets after a revision, in order.
	Since(ctx context.Context, after Revision) iter.Seq2[ChangeSet, error]
	// Head is the end of the log.
	Head(ctx context.Context) (Head, error)
	// Chain is the hash of the log up to a revision, zero where the log does not hold it.
	Chain(ctx context.Context, at Revision) (Chain, error)
}
