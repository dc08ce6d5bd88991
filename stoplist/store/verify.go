package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"tonegate/stoplist"
)

// ErrAltered is a log that is not what was committed.
var ErrAltered = errors.New("the log has been altered")

// Verify reads the whole log and computes its hashes anew. It returns the last revision that is sound.
func (l *Log) Verify(ctx context.Context) (stoplist.Head, error) {
	var head stoplist.Head
	for {
		page, err := l.page(ctx, head.Revision)
		if err != nil {
			return head, fmt.Errorf("verify the log after revision %d: %w", head.Revision, err)
		}
		if len(page) == 0 {
			return head, nil
		}
		for _, row := range page {
			if row.Revision != head.Revision+1 {
				return head, fmt.Errorf("revision %d follows %d: %w", row.Revision, head.Revision, ErrAltered)
			}
			if err := l.verify(ctx, head, row); err != nil {
				return head, fmt.Errorf("revision %d: %w", row.Revision, err)
			}
			head = stoplist.Head{Revision: row.Revision, Chain: row.Chain}
		}
	}
}

func (l *Log) verify(ctx context.Context, head stoplist.Head, row changeRow) error {
	cs, bodies, err := l.fill(ctx, row.ChangeSet)
	if err != nil {
		return errors.Join(ErrAltered, err)
	}
	digest := digestOf(cs.Orders, bodies)
	if !bytes.Equal(digest[:], row.digest) {
		return fmt.Errorf("orders or numbers differ from the digest: %w", ErrAltered)
	}
	if link(head.Chain, cs, digest) != row.Chain {
		return fmt.Errorf("the chain is broken: %w", ErrAltered)
	}
	return nil
}
