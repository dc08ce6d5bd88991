package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Options say where records go. Only Directory is required.
type Options struct {
	Directory string
	Keep      time.Duration // files whose whole day is older are deleted; 0 keeps all
	Queue     int           // records that may wait for the disk; default 4096
	Log       *slog.Logger
	Now       func() time.Time
}

// Ledger is an open directory of records. One goroutine owns its files.
type Ledger struct {
	now     func() time.Time
	lock    *os.File
	queue   chan entry
	done    chan struct{} // closed when the owner has ended
	abandon chan struct{} // closed when Close waits no longer

	mu     sync.RWMutex // keeps queue from being closed under a sender
	closed bool

	counters counters
	err      error // of the owner's end; read after done
}

type entry struct {
	at     time.Time
	record any
}

type counters struct {
	appended, dropped, written, unencodable, diskErrors atomic.Uint64
	failing                                             atomic.Bool
}

// Stats are counts since Open. Appended = Written + Unencodable + those still waiting.
type Stats struct {
	Appended    uint64 // taken by Append
	Dropped     uint64 // refused by Append: the queue was full, or the ledger closed
	Written     uint64 // in a file; durable 100 ms later
	Unencodable uint64 // no JSON could be made of the record, or more than 1 MiB
	DiskErrors  uint64 // failed attempts to write, sync or delete
	Queued      int    // waiting in the queue now
	Failing     bool   // the last attempt to write failed; it is repeated every second
}

// Open continues the chain in a directory, which it creates. A directory takes one process at a time.
func Open(o Options) (*Ledger, error) {
	if o.Queue <= 0 {
		o.Queue = 4096
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return open(o, openFile)
}

func open(o Options, openFile func(string) (file, error)) (*Ledger, error) {
	if err := os.MkdirAll(o.Directory, 0o700); err != nil {
		return nil, fmt.Errorf("open call records: %w", err)
	}
	held, err := lock(o.Directory)
	if err != nil {
		return nil, fmt.Errorf("open call records: %w", err)
	}
	at, err := resume(o.Directory, o.Log)
	if err != nil {
		held.Close()
		return nil, fmt.Errorf("open call records: %w", err)
	}
	l := &Ledger{
		now:     o.Now,
		lock:    held,
		queue:   make(chan entry, o.Queue),
		done:    make(chan struct{}),
		abandon: make(chan struct{}),
	}
	w := &owner{Options: o, open: openFile, counters: &l.counters, end: at}
	go func() {
		defer close(l.done)
		l.err = w.run(l.queue, l.abandon)
	}()
	return l, nil
}

// Append hands a record over to be written as JSON, and never waits. It is false when the queue was full or the
// ledger is closed: the record is lost, and counted. The record must not change afterwards.
func (l *Ledger) Append(record any) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if !l.closed {
		select {
		case l.queue <- entry{l.now(), record}:
			l.counters.appended.Add(1)
			return true
		default:
		}
	}
	l.counters.dropped.Add(1)
	return false
}

// grace is how long Close waits, after its context has ended, for a disk that may be hanging.
const grace = 5 * time.Second

// Close writes and syncs what waits. While the disk fails it keeps trying until ctx ends; then its error says how
// many records were lost. A second Close returns what the first did.
func (l *Ledger) Close(ctx context.Context) error {
	l.mu.Lock()
	first := !l.closed
	if first {
		l.closed = true
		close(l.queue)
	}
	l.mu.Unlock()
	select {
	case <-l.done:
	case <-ctx.Done():
		if first {
			close(l.abandon)
		}
		// A disk that answers lets the owner end now; one that hangs in a system call must not hang us too.
		select {
		case <-l.done:
		case <-time.After(grace):
			return fmt.Errorf("close call records: the disk does not answer: %w", ctx.Err())
		}
	}
	if first {
		l.lock.Close()
	}
	return l.err
}

// Stats is a snapshot; its counts may be a record apart.
func (l *Ledger) Stats() Stats {
	c := &l.counters
	return Stats{
		Appended:    c.appended.Load(),
		Dropped:     c.dropped.Load(),
		Written:     c.written.Load(),
		Unencodable: c.unencodable.Load(),
		DiskErrors:  c.diskErrors.Load(),
		Queued:      len(l.queue),
		Failing:     c.failing.Load(),
	}
}
