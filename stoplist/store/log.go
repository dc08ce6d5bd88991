package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"iter"
	"time"

	"tonegate/stoplist"
)

// Commit appends the change set in one transaction: when it returns without an error, the change is on the disk.
func (l *Log) Commit(ctx context.Context, base stoplist.Revision, cs stoplist.ChangeSet) (stoplist.Head, error) {
	head, err := l.commit(ctx, base, cs)
	if err != nil {
		return stoplist.Head{}, fmt.Errorf("commit to revision %d: %w", base, err)
	}
	return head, nil
}

func (l *Log) commit(ctx context.Context, base stoplist.Revision, cs stoplist.ChangeSet) (stoplist.Head, error) {
	if len(cs.Changes) == 0 {
		return stoplist.Head{}, errors.New("a change set without a change")
	}
	bodies := [][]byte{} // before the transaction: others wait for it
	var packed [][]byte
	for changes := cs.Changes; len(changes) > 0; {
		n := min(len(changes), chunkSize)
		body := encode(changes[:n])
		bodies, packed = append(bodies, body), append(packed, compress(body))
		changes = changes[n:]
	}
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return stoplist.Head{}, err
	}
	defer func() { _ = tx.Rollback() }() // without effect once committed
	head, err := readHead(ctx, tx)
	if err != nil {
		return stoplist.Head{}, err
	}
	if head.Revision != base {
		return stoplist.Head{}, fmt.Errorf("the log is at revision %d: %w", head.Revision, stoplist.ErrConflict)
	}
	cs.Revision = base + 1
	cs.MadeAt = time.Unix(0, cs.MadeAt.UnixNano()).UTC()
	if cs.Orders, err = unknown(ctx, tx, cs.Orders); err != nil {
		return stoplist.Head{}, err
	}
	digest := digestOf(cs.Orders, bodies)
	next := stoplist.Head{Revision: cs.Revision, Chain: link(head.Chain, cs, digest)}
	if _, err := tx.ExecContext(ctx, `insert into change (rev, made_at, actor, approver, source, reference, added, lifted, digest, chain)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, cs.Revision, cs.MadeAt.UnixNano(), cs.Actor, cs.Approver, cs.Source,
		cs.Reference, cs.Added, cs.Lifted, digest[:], next.Chain[:]); err != nil {
		return stoplist.Head{}, err
	}
	if err := insertOrders(ctx, tx, cs); err != nil {
		return stoplist.Head{}, err
	}
	if err := insertChunks(ctx, tx, cs, packed); err != nil {
		return stoplist.Head{}, err
	}
	return next, tx.Commit()
}

// unknown leaves the orders that the log does not hold yet.
func unknown(ctx context.Context, tx *sql.Tx, orders []stoplist.Order) ([]stoplist.Order, error) {
	var left []stoplist.Order
	for _, o := range orders {
		o = o.Identified()
		var known int
		if err := tx.QueryRowContext(ctx, `select count(*) from stop_order where id = $1`, o.ID).Scan(&known); err != nil {
			return nil, err
		}
		if known == 0 {
			left = append(left, o)
		}
	}
	return left, nil
}

func insertOrders(ctx context.Context, tx *sql.Tx, cs stoplist.ChangeSet) error {
	for i, o := range cs.Orders {
		if _, err := tx.ExecContext(ctx, `insert into stop_order (id, rev, place, reason, reference, source, holder, from_at, until_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, o.ID, cs.Revision, i, o.Reason, o.Reference, o.Source, o.Holder,
			bound(o.From), bound(o.Until)); err != nil {
			return err
		}
	}
	return nil
}

func insertChunks(ctx context.Context, tx *sql.Tx, cs stoplist.ChangeSet, packed [][]byte) error {
	changes := cs.Changes
	for i, body := range packed {
		n := min(len(changes), chunkSize)
		lo, hi := changes[0].Numbers.First.Key(), uint64(0)
		for _, c := range changes[:n] {
			lo, hi = min(lo, c.Numbers.First.Key()), max(hi, c.Numbers.Last.Key())
		}
		if _, err := tx.ExecContext(ctx, `insert into chunk (rev, place, lo, hi, body) values ($1, $2, $3, $4, $5)`,
			cs.Revision, i, lo, hi, body); err != nil {
			return err
		}
		changes = changes[n:]
	}
	return nil
}

func bound(at time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: at.Unix(), Valid: !at.IsZero()}
}

func timeOf(b sql.NullInt64) time.Time {
	if !b.Valid {
		return time.Time{}
	}
	return time.Unix(b.Int64, 0).UTC()
}

// Head is the end of the log; revision 0 of an empty one.
func (l *Log) Head(ctx context.Context) (stoplist.Head, error) {
	head, err := readHead(ctx, l.db)
	if err != nil {
		return head, fmt.Errorf("read the log's head: %w", err)
	}
	return head, nil
}

// Chain is the hash of the log up to a revision, zero where the log does not hold it.
func (l *Log) Chain(ctx context.Context, at stoplist.Revision) (stoplist.Chain, error) {
	var chain []byte
	err := l.db.QueryRowContext(ctx, `select chain from change where rev = $1`, at).Scan(&chain)
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && len(chain) != len(stoplist.Chain{}):
		return stoplist.Chain{}, nil
	case err != nil:
		return stoplist.Chain{}, fmt.Errorf("read the log's chain at revision %d: %w", at, err)
	}
	return stoplist.Chain(chain), nil
}

type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readHead(ctx context.Context, q queryer) (stoplist.Head, error) {
	var head stoplist.Head
	var chain []byte
	err := q.QueryRowContext(ctx, `select rev, chain from change order by rev desc limit 1`).Scan(&head.Revision, &chain)
	if errors.Is(err, sql.ErrNoRows) {
		return head, nil
	}
	copy(head.Chain[:], chain)
	return head, err
}

// Changes gives the heads of the change sets after a revision in order, without orders and changes.
func (l *Log) Changes(ctx context.Context, after stoplist.Revision) iter.Seq2[stoplist.ChangeSet, error] {
	return func(yield func(stoplist.ChangeSet, error) bool) {
		for {
			page, err := l.page(ctx, after)
			if err != nil {
				yield(stoplist.ChangeSet{}, fmt.Errorf("read the log after revision %d: %w", after, err))
				return
			}
			if len(page) == 0 {
				return
			}
			for _, row := range page {
				if !yield(row.ChangeSet, nil) {
					return
				}
				after = row.Revision
			}
		}
	}
}

// Since gives whole change sets after a revision, in order.
func (l *Log) Since(ctx context.Context, after stoplist.Revision) iter.Seq2[stoplist.ChangeSet, error] {
	return func(yield func(stoplist.ChangeSet, error) bool) {
		for cs, err := range l.Changes(ctx, after) {
			if err == nil {
				if cs, _, err = l.fill(ctx, cs); err != nil {
					err = fmt.Errorf("read revision %d: %w", cs.Revision, err)
				}
			}
			if !yield(cs, err) || err != nil {
				return
			}
		}
	}
}

// changeRow is a row of change.
type changeRow struct {
	stoplist.ChangeSet
	digest []byte
}

const pageSize = 256

func (l *Log) page(ctx context.Context, after stoplist.Revision) ([]changeRow, error) {
	rows, err := l.db.QueryContext(ctx, `select rev, made_at, actor, approver, source, reference, added, lifted, digest, chain
		from change where rev > $1 order by rev limit $2`, after, pageSize)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var page []changeRow
	for rows.Next() {
		var r changeRow
		var madeAt int64
		var chain []byte
		if err := rows.Scan(&r.Revision, &madeAt, &r.Actor, &r.Approver, &r.Source, &r.Reference, &r.Added, &r.Lifted, &r.digest, &chain); err != nil {
			return nil, err
		}
		r.MadeAt = time.Unix(0, madeAt).UTC()
		copy(r.Chain[:], chain)
		page = append(page, r)
	}
	return page, rows.Err()
}

// fill reads the orders and changes of a change set, and the bodies as they were encoded.
func (l *Log) fill(ctx context.Context, cs stoplist.ChangeSet) (stoplist.ChangeSet, [][]byte, error) {
	rows, err := l.db.QueryContext(ctx, `select id, reason, reference, source, holder, from_at, until_at from stop_order where rev = $1 order by place`, cs.Revision)
	if err != nil {
		return cs, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		o := stoplist.Order{Revision: cs.Revision}
		var from, until sql.NullInt64
		if err := rows.Scan(&o.ID, &o.Reason, &o.Reference, &o.Source, &o.Holder, &from, &until); err != nil {
			return cs, nil, err
		}
		o.From, o.Until = timeOf(from), timeOf(until)
		cs.Orders = append(cs.Orders, o)
	}
	if err := rows.Err(); err != nil {
		return cs, nil, err
	}
	chunks, err := l.db.QueryContext(ctx, `select body from chunk where rev = $1 order by place`, cs.Revision)
	if err != nil {
		return cs, nil, err
	}
	defer chunks.Close()
	var bodies [][]byte
	for chunks.Next() {
		var packed sql.RawBytes
		if err := chunks.Scan(&packed); err != nil {
			return cs, nil, err
		}
		body, err := decompress(packed)
		if err != nil {
			return cs, nil, err
		}
		changes, err := decode(body)
		if err != nil {
			return cs, nil, err
		}
		bodies, cs.Changes = append(bodies, body), append(cs.Changes, changes...)
	}
	return cs, bodies, chunks.Err()
}

// digestOf hashes what a change set does, as it was before compression.
func digestOf(orders []stoplist.Order, bodies [][]byte) [32]byte {
	h := sha256.New()
	for _, o := range orders {
		put(h, o.ID, o.Reason, o.Reference, o.Source, o.Holder)
		put(h, fmt.Sprint(bound(o.From)), fmt.Sprint(bound(o.Until)))
	}
	put(h, "bodies")
	for _, body := range bodies {
		put(h, string(body))
	}
	return [32]byte(h.Sum(nil))
}

// link hashes the chain so far, who made the change set and what it does.
func link(chain stoplist.Chain, cs stoplist.ChangeSet, digest [32]byte) stoplist.Chain {
	h := sha256.New()
	put(h, string(chain[:]), string(digest[:]), cs.Actor, cs.Approver, cs.Source, cs.Reference)
	put(h, fmt.Sprint(cs.Revision, cs.MadeAt.UnixNano(), cs.Added, cs.Lifted))
	return stoplist.Chain(h.Sum(nil))
}

// put writes each part behind its length, so that no two sequences of parts hash alike.
func put(h hash.Hash, parts ...string) {
	var size [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(size[:], uint64(len(p)))
		h.Write(size[:])
		h.Write([]byte(p))
	}
}
