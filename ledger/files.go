package ledger

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// file is what the owner needs of an *os.File.
type file interface {
	io.WriteCloser
	Stat() (fs.FileInfo, error)
	Sync() error
	Truncate(size int64) error
}

func openFile(path string) (file, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

const (
	prefix = "records-"
	suffix = ".jsonl"
)

func fileName(day string) string { return prefix + day + suffix }

// days are the days (2026-11-21, UTC) that have a file in dir, oldest first.
func days(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var days []string
	for _, e := range entries {
		name := e.Name()
		if len(name) != len(prefix)+len(time.DateOnly)+len(suffix) {
			continue
		}
		day := name[len(prefix) : len(name)-len(suffix)]
		if _, err := time.Parse(time.DateOnly, day); err == nil && name == fileName(day) && e.Type().IsRegular() {
			days = append(days, day)
		}
	}
	slices.Sort(days)
	return days, nil
}

// expired are the days all of whose records are older than keep; current is the day being written.
func expired(days []string, current string, now time.Time, keep time.Duration) []string {
	return slices.DeleteFunc(slices.Clone(days), func(day string) bool {
		begin, err := time.Parse(time.DateOnly, day)
		end := begin.AddDate(0, 0, 1)
		return err != nil || day >= current || now.Sub(end) < keep
	})
}

// lock makes sure that one process writes to dir: two would tear the chain. The lock ends with the process.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "records.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another process writes to %s: %w", dir, err)
	}
	return f, nil
}

// syncDirectory makes the name of a new file durable.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
