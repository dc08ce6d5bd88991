package store

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"tonegate/number"
	"tonegate/stoplist"
)

// A body is up to chunkSize changes, ordered by number, as varints: the orders that they name (count; length and
// text of each), the count of changes, the first numbers (each less the one before), the sizes of the ranges less one, and
// op + 2*order (both as runs: count, value). Consecutive changes are alike, so that a body compresses to about a byte a number.

const (
	chunkSize = 1 << 16
	maxBody   = 16 << 20 // bytes of a body; 65,536 changes with an order each are 7 MB
)

var errBody = errors.New("body of a change set is damaged")

// encode writes changes, at most chunkSize.
func encode(changes []stoplist.Change) []byte {
	place := map[string]uint64{}
	var orders []string
	for _, c := range changes {
		if _, known := place[c.Order]; !known {
			place[c.Order] = uint64(len(orders))
			orders = append(orders, c.Order)
		}
	}
	b := binary.AppendUvarint(nil, uint64(len(orders)))
	for _, id := range orders {
		b = append(binary.AppendUvarint(b, uint64(len(id))), id...)
	}
	b = binary.AppendUvarint(b, uint64(len(changes)))
	var before uint64
	for _, c := range changes {
		key := c.Numbers.First.Key()
		b = binary.AppendVarint(b, int64(key-before)) // single numbers come before ranges, so one step may go back
		before = key
	}
	b = appendRuns(b, changes, func(c stoplist.Change) uint64 { return c.Numbers.Last.Key() - c.Numbers.First.Key() })
	return appendRuns(b, changes, func(c stoplist.Change) uint64 { return uint64(c.Op) + 2*place[c.Order] })
}

func appendRuns(b []byte, changes []stoplist.Change, value func(stoplist.Change) uint64) []byte {
	for i := 0; i < len(changes); {
		v, run := value(changes[i]), i
		for run < len(changes) && value(changes[run]) == v {
			run++
		}
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(run-i)), v)
		i = run
	}
	return b
}

// decode reads what encode wrote. It is safe on any input.
func decode(body []byte) ([]stoplist.Change, error) {
	r := &reader{b: body}
	count := r.count(chunkSize)
	orders := make([]string, 0, min(count, len(r.b)))
	for range cap(orders) {
		orders = append(orders, string(r.take(r.count(1024))))
	}
	return r.changes(orders)
}

type reader struct {
	b   []byte
	err error
}

func (r *reader) uvarint() uint64 {
	v, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.err, r.b = errBody, nil
		return 0
	}
	r.b = r.b[size:]
	return v
}

func (r *reader) varint() int64 {
	v, size := binary.Varint(r.b)
	if size <= 0 {
		r.err, r.b = errBody, nil
		return 0
	}
	r.b = r.b[size:]
	return v
}

// count reads a number of things that cannot be more than limit.
func (r *reader) count(limit uint64) int {
	v := r.uvarint()
	if v > limit {
		r.err, r.b = errBody, nil
		return 0
	}
	return int(v)
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.err, r.b = errBody, nil
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) changes(orders []string) ([]stoplist.Change, error) {
	count := r.count(chunkSize)
	changes := make([]stoplist.Change, min(count, len(r.b)))
	keys := make([]uint64, len(changes))
	var key uint64
	for i := range keys {
		key += uint64(r.varint())
		keys[i] = key
	}
	r.runs(len(changes), func(i int, size uint64) {
		first, err := number.FromKey(keys[i])
		if err == nil {
			var last number.Number
			if last, err = number.FromKey(keys[i] + size); err == nil {
				changes[i].Numbers, err = number.NewRange(first, last)
			}
		}
		if err != nil && r.err == nil {
			r.err = fmt.Errorf("%w: %w", errBody, err)
		}
	})
	r.runs(len(changes), func(i int, v uint64) {
		if v/2 >= uint64(len(orders)) {
			r.err = errBody
			return
		}
		changes[i].Op, changes[i].Order = stoplist.Op(v%2), orders[v/2]
	})
	if r.err == nil && len(r.b) > 0 {
		r.err = errBody
	}
	if r.err != nil {
		return nil, r.err
	}
	return changes, nil
}

// runs calls f for 0 to n-1.
func (r *reader) runs(n int, f func(i int, v uint64)) {
	for i := 0; i < n && r.err == nil; {
		run, v := r.count(uint64(n-i)), r.uvarint()
		if run == 0 {
			r.err = errBody
		}
		for range run {
			f(i, v)
			i++
		}
	}
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression) // fails on an unknown level only
	_, _ = w.Write(body)                                  // a bytes.Buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

func decompress(b []byte) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(b)), maxBody+1))
	if err != nil || len(body) > maxBody {
		return nil, errBody
	}
	return body, nil
}
