package ledger

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// disk hands out real files that fail when it is told to.
type disk struct {
	opening, writing, syncing, truncating atomic.Bool // which of them fail
	syncs                                 atomic.Int64
}

type flaky struct {
	*os.File
	disk *disk
}

func (d *disk) open(path string) (file, error) {
	if d.opening.Load() {
		return nil, syscall.EIO
	}
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	return flaky{f.(*os.File), d}, nil
}

// Write of a full disk takes half of what it is given.
func (f flaky) Write(p []byte) (int, error) {
	if f.disk.writing.Load() {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, syscall.ENOSPC
	}
	return f.File.Write(p)
}

func (f flaky) Sync() error {
	f.disk.syncs.Add(1)
	if f.disk.syncing.Load() {
		return syscall.EIO
	}
	return f.File.Sync()
}

func (f flaky) Truncate(size int64) error {
	if f.disk.truncating.Load() {
		return syscall.EIO
	}
	return f.File.Truncate(size)
}

func openOn(t *testing.T, d *disk, o Options) *Ledger {
	t.Helper()
	if o.Queue == 0 {
		o.Queue = 100
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	l, err := open(o, d.open)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestDiskFailuresLoseNothing(t *testing.T) {
	for name, fail := range map[string]func(d *disk, broken bool){
		"Open":             func(d *disk, broken bool) { d.opening.Store(broken) },
		"Full":             func(d *disk, broken bool) { d.writing.Store(broken) },
		"FullAndNotCut":    func(d *disk, broken bool) { d.writing.Store(broken); d.truncating.Store(broken) },
		"EverythingBroken": func(d *disk, broken bool) { d.opening.Store(broken); d.writing.Store(broken); d.syncing.Store(broken) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir, d := t.TempDir(), new(disk)
				var log bytes.Buffer
				l := openOn(t, d, Options{Directory: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
				if name != "Open" {
					l.Append(call{ID: "before"})
					time.Sleep(time.Second)
				}
				fail(d, true)
				for range 10 {
					if !l.Append(call{ID: "during"}) {
						t.Fatal("refused")
					}
				}
				time.Sleep(time.Minute)
				if s := l.Stats(); !s.Failing || s.DiskErrors < 50 || s.DiskErrors > 150 {
					t.Errorf("during: %+v", s)
				}
				fail(d, false)
				time.Sleep(2 * time.Second)
				l.Append(call{ID: "after"})
				time.Sleep(2 * time.Second)
				if s := l.Stats(); s.Failing || s.Written != s.Appended {
					t.Errorf("after: %+v", s)
				}
				mustClose(t, l)
				chain, err := Verify(dir)
				if err != nil || uint64(chain.Records) != l.Stats().Appended {
					t.Error(chain, err)
				}
				if n := strings.Count(log.String(), "disk failure"); n != 1 || strings.Count(log.String(), "written again") != 1 {
					t.Errorf("%d failures logged:\n%s", n, log.String())
				}
			})
		})
	}
}

func TestDiskFailureOverMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, d, c := t.TempDir(), new(disk), at(date(21, 23))
		l := openOn(t, d, Options{Directory: dir, Now: c.now})
		l.Append(call{ID: "a"})
		time.Sleep(time.Second)
		d.writing.Store(true)
		d.truncating.Store(true)
		l.Append(call{ID: "b"})
		time.Sleep(time.Second)
		c.set(date(22, 0))
		l.Append(call{ID: "c"})
		time.Sleep(5 * time.Second)
		d.writing.Store(false)
		d.truncating.Store(false)
		time.Sleep(2 * time.Second)
		mustClose(t, l)
		if chain, err := Verify(dir); err != nil || chain.Records != 3 || chain.Files != 2 {
			t.Error(chain, err)
		}
	})
}

func TestFullQueueIsCountedAndReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, d := t.TempDir(), new(disk)
		var log bytes.Buffer
		l := openOn(t, d, Options{Directory: dir, Queue: 8, Log: slog.New(slog.NewTextHandler(&log, nil))})
		d.opening.Store(true)
		l.Append(call{})
		time.Sleep(writeEvery)
		synctest.Wait() // the owner could not write it, and takes no more
		began := time.Now()
		refused := 0
		for range 20 {
			if !l.Append(call{}) {
				refused++
			}
		}
		if time.Since(began) != 0 {
			t.Error("Append waited")
		}
		if s := l.Stats(); refused != 12 || s.Dropped != 12 || s.Queued != 8 {
			t.Errorf("refused %d, %+v", refused, s)
		}
		d.opening.Store(false)
		time.Sleep(2 * time.Second)
		mustClose(t, l)
		if chain, err := Verify(dir); err != nil || chain.Records != 9 {
			t.Error(chain, err)
		}
		if !strings.Contains(log.String(), `"call records: dropped, the queue was full" count=12`) {
			t.Error(log.String())
		}
	})
}

// Ten syncs a second at most, however many records come.
func TestSyncsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		l := openOn(t, d, Options{Directory: t.TempDir()})
		time.Sleep(time.Minute)
		if n := d.syncs.Load(); n != 0 {
			t.Errorf("%d syncs of nothing", n)
		}
		for range 1000 {
			l.Append(call{})
			time.Sleep(time.Millisecond)
		}
		if n := d.syncs.Load(); n < 9 || n > 10 {
			t.Errorf("%d syncs in a second", n)
		}
		time.Sleep(100 * time.Millisecond)
		after := d.syncs.Load()
		time.Sleep(time.Minute)
		if d.syncs.Load() != after {
			t.Error("synced again without a record")
		}
		l.Append(call{})
		mustClose(t, l)
		if d.syncs.Load() != after+1 {
			t.Error("Close did not sync")
		}
	})
}

func TestSyncIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		l := openOn(t, d, Options{Directory: t.TempDir()})
		d.syncing.Store(true)
		l.Append(call{})
		time.Sleep(10 * time.Second)
		if s := l.Stats(); !s.Failing || s.DiskErrors < 9 || s.DiskErrors > 11 || s.Written != 1 {
			t.Errorf("%+v", s)
		}
		d.syncing.Store(false)
		time.Sleep(time.Second)
		if l.Stats().Failing {
			t.Error("still failing")
		}
		d.syncing.Store(true)
		l.Append(call{})
		if err := l.Close(context.Background()); !errors.Is(err, syscall.EIO) {
			t.Errorf("Close hides the failed sync: %v", err)
		}
	})
}

func TestCloseOnAFailingDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, d := t.TempDir(), new(disk)
		l := openOn(t, d, Options{Directory: dir})
		d.opening.Store(true)
		for range 5 {
			l.Append(call{})
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		began := time.Now()
		err := l.Close(ctx)
		if err == nil || !strings.Contains(err.Error(), "5 lost, the disk fails") {
			t.Error(err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("gave up after %s", took)
		}
		if again := l.Close(context.Background()); again == nil || again.Error() != err.Error() {
			t.Errorf("the second Close says %v", again)
		}
		mustClose(t, mustOpen(t, Options{Directory: dir}))
	})
}

// A Close whose context has already ended still writes what a healthy disk takes.
func TestCloseInAHurry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		l := openOn(t, new(disk), Options{Directory: dir, Queue: 500})
		for range 500 {
			l.Append(call{})
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
		if chain, err := Verify(dir); err != nil || uint64(chain.Records) != l.Stats().Appended {
			t.Error(chain, err)
		}
	})
}
