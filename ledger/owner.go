package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	writeEvery = 20 * time.Millisecond  // how long lines are gathered; what a killed process can lose
	syncEvery  = 100 * time.Millisecond // group commit, the gathering included; what a power failure can lose
	retryEvery = time.Second
	pruneEvery = time.Hour
	maxBatch   = 1 << 20 // bytes encoded before a write, whatever the time
)

// owner is the goroutine that writes: nothing else touches the files or the chain.
type owner struct {
	Options
	open     func(path string) (file, error)
	counters *counters

	end              // what the newest file holds, the batches not included
	file     file    // of end.day; nil before the first write and after a failure
	batches  []batch // encoded, not written yet; each of a day of its own
	line     []byte  // the one being encoded
	writeDue <-chan time.Time
	syncDue  <-chan time.Time
	retry    <-chan time.Time
	noted    uint64 // drops that were logged
}

// batch is the lines of one day that go into its file with one write.
type batch struct {
	day   string
	lines []byte
	last  link
	count uint64
}

// run writes what comes until queue is closed and empty, or abandon is closed.
func (o *owner) run(queue <-chan entry, abandon <-chan struct{}) error {
	o.prune()
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	for {
		in := queue
		if o.retry != nil { // what the disk refused comes first
			in = nil
		}
		select {
		case e, more := <-in:
			if more {
				o.encode(e)
			}
			switch {
			case !more || o.gather(queue) >= maxBatch:
				o.write()
			case o.writeDue == nil:
				o.writeDue = time.After(writeEvery)
			}
			if o.syncDue == nil {
				o.syncDue = time.After(syncEvery)
			}
			if !more && o.retry == nil {
				return o.finish()
			}
		case <-o.writeDue:
			o.write()
		case <-o.syncDue:
			if o.retry == nil {
				o.write()
			}
			o.sync()
			o.noteDrops()
		case <-o.retry:
			o.write()
			o.noteDrops()
		case <-prune.C:
			o.prune()
		case <-abandon:
			return o.giveUp(queue)
		}
	}
}

// gather encodes what else waits, and returns the bytes of all that is encoded and not written.
func (o *owner) gather(queue <-chan entry) int {
	for o.encoded() < maxBatch {
		select {
		case e, more := <-queue:
			if !more {
				return o.encoded()
			}
			o.encode(e)
		default:
			return o.encoded()
		}
	}
	return o.encoded()
}

func (o *owner) encoded() int {
	bytes := 0
	for _, b := range o.batches {
		bytes += len(b.lines)
	}
	return bytes
}

// encode appends a record to the batch of its day. A clock that was set back
// does not reopen a day: files in the order of their names are the chain.
func (o *owner) encode(e entry) {
	day := max(e.at.UTC().Format(time.DateOnly), o.day)
	if n := len(o.batches); n > 0 {
		day = max(day, o.batches[n-1].day)
	}
	prev := o.last
	if n := len(o.batches); n > 0 {
		prev = o.batches[n-1].last
	}
	record, err := marshal(e.record)
	if err == nil {
		o.line, prev, err = appendLine(o.line[:0], prev, e.at, record)
	}
	if err != nil {
		if n := o.counters.unencodable.Add(1); n&(n-1) == 0 { // the 1st, 2nd, 4th, 8th, …
			o.Log.Error("call records: not written", "type", fmt.Sprintf("%T", e.record), "error", err, "so_far", n)
		}
		return
	}
	if n := len(o.batches); n == 0 || o.batches[n-1].day != day {
		o.batches = append(o.batches, batch{day: day})
	}
	b := &o.batches[len(o.batches)-1]
	b.lines, b.last, b.count = append(b.lines, o.line...), prev, b.count+1
}

// marshal is the fence around the record's own methods.
func marshal(record any) (text []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return json.Marshal(record)
}

// write brings the batches into their files, or leaves them for the next attempt.
func (o *owner) write() {
	o.retry, o.writeDue = nil, nil
	for len(o.batches) > 0 {
		b := o.batches[0]
		if err := o.writeBatch(b); err != nil {
			o.retry = time.After(retryEvery)
			o.failed("write", err)
			return
		}
		o.counters.written.Add(b.count)
		o.batches = o.batches[1:]
		if o.syncDue == nil {
			o.syncDue = time.After(syncEvery)
		}
	}
	o.batches = nil
}

func (o *owner) writeBatch(b batch) error {
	if o.file == nil || b.day != o.day {
		if err := o.rotate(b.day); err != nil {
			return err
		}
	}
	if _, err := o.file.Write(b.lines); err != nil {
		// Half a batch must not stay: the next attempt writes all of it.
		if cut := o.file.Truncate(o.size); cut != nil {
			o.file.Close()
			o.file = nil
			err = errors.Join(err, cut)
		}
		return err
	}
	o.size += int64(len(b.lines))
	o.last = b.last
	return nil
}

// rotate opens the file of a day: a new one, or the present one again, cut to what is known to be whole.
func (o *owner) rotate(day string) error {
	if o.file != nil {
		if err := o.sync(); err != nil {
			return err
		}
		o.file.Close()
		o.file = nil
	}
	f, err := o.open(filepath.Join(o.Directory, fileName(day)))
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	size := info.Size()
	if day == o.day && size > o.size {
		size = o.size
		err = f.Truncate(size)
	}
	if err == nil {
		err = syncDirectory(o.Directory)
	}
	if err != nil {
		f.Close()
		return err
	}
	o.file, o.day, o.size = f, day, size
	o.prune()
	return nil
}

// sync makes durable what was written. After a failure it is repeated.
func (o *owner) sync() error {
	if o.syncDue == nil || o.file == nil {
		o.syncDue = nil
		return nil
	}
	if err := o.file.Sync(); err != nil {
		o.syncDue = time.After(retryEvery)
		o.failed("sync", err)
		return err
	}
	o.syncDue = nil
	if len(o.batches) == 0 && o.counters.failing.Swap(false) {
		o.Log.Info("call records: written again")
	}
	return nil
}

// failed counts every failure and logs the first of a row.
func (o *owner) failed(what string, err error) {
	o.counters.diskErrors.Add(1)
	if !o.counters.failing.Swap(true) {
		o.Log.Error("call records: disk failure; trying again every second", "attempt", what, "error", err)
	}
}

func (o *owner) noteDrops() {
	if dropped := o.counters.dropped.Load(); dropped > o.noted {
		o.Log.Error("call records: dropped, the queue was full", "count", dropped-o.noted)
		o.noted = dropped
	}
}

// prune deletes the files whose whole day is older than Keep.
func (o *owner) prune() {
	if o.Keep <= 0 {
		return
	}
	found, err := days(o.Directory)
	for _, day := range expired(found, o.day, o.Now(), o.Keep) {
		if err = os.Remove(filepath.Join(o.Directory, fileName(day))); err != nil {
			break
		}
		o.Log.Info("call records: deleted after their time", "day", day)
	}
	if err != nil {
		o.counters.diskErrors.Add(1)
		o.Log.Error("call records: old files not deleted", "error", err)
	}
}

// finish ends an owner that has written everything.
func (o *owner) finish() error {
	o.noteDrops()
	if o.file == nil {
		return nil
	}
	err := o.sync()
	if err := errors.Join(err, o.file.Close()); err != nil {
		return fmt.Errorf("close call records: %w", err)
	}
	return nil
}

// giveUp makes one more attempt, and ends whatever comes of it.
func (o *owner) giveUp(queue <-chan entry) error {
	for e := range queue {
		o.encode(e)
	}
	o.write()
	lost := uint64(0)
	for _, b := range o.batches {
		lost += b.count
	}
	o.batches = nil
	err := o.finish()
	if lost > 0 {
		o.Log.Error("call records: lost at the end", "count", lost)
		err = errors.Join(fmt.Errorf("close call records: %d lost, the disk fails", lost), err)
	}
	return err
}
