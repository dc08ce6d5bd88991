package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

type call struct {
	ID     string `json:"id"`
	Result string `json:"result"`
}

// clock is a clock that the test sets.
type clock struct{ nanos atomic.Int64 }

func (c *clock) now() time.Time    { return time.Unix(0, c.nanos.Load()) }
func (c *clock) set(at time.Time)  { c.nanos.Store(at.UnixNano()) }
func date(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }

func at(t time.Time) *clock {
	c := new(clock)
	c.set(t)
	return c
}

func mustOpen(t testing.TB, o Options) *Ledger {
	t.Helper()
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustClose(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// fill writes n records at one time and closes.
func fill(t testing.TB, dir string, when time.Time, n int) {
	t.Helper()
	l := mustOpen(t, Options{Directory: dir, Now: at(when).now})
	for i := range n {
		if !l.Append(call{fmt.Sprint(i), "answered"}) {
			t.Fatal("refused")
		}
	}
	mustClose(t, l)
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	found, err := days(dir)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func readLines(t testing.TB, dir, day string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, fileName(day)))
	if err != nil {
		t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(string(data), "\n"), "\n")
}

func TestChainRunsOverMidnightAndRestarts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "records")
	c := at(date(21, 23))
	l := mustOpen(t, Options{Directory: dir, Now: c.now})
	l.Append(call{"a", "answered"})
	c.set(date(22, 0))
	l.Append(call{"b", "busy"})
	l.Append(call{"c", "suspended"})
	mustClose(t, l)
	fill(t, dir, date(22, 1), 2)
	fill(t, dir, date(24, 1), 1)
	if got, want := files(t, dir), []string{"2026-11-21", "2026-11-22", "2026-11-24"}; !reflect.DeepEqual(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	chain, err := Verify(dir)
	if err != nil {
		t.Fatal(err)
	}
	if chain.Files != 3 || chain.Records != 6 || chain.First != 1 || chain.Last != 6 || chain.Unfinished != 0 {
		t.Errorf("%+v", chain)
	}
	var l1 struct {
		Seq    uint64
		At     time.Time
		Prev   string
		Record call
		Hash   string
	}
	if err := json.Unmarshal([]byte(readLines(t, dir, "2026-11-21")[0]), &l1); err != nil {
		t.Fatal(err)
	}
	if l1.Seq != 1 || !l1.At.Equal(date(21, 23)) || l1.Prev != genesis || l1.Record != (call{"a", "answered"}) || len(l1.Hash) != 64 {
		t.Errorf("%+v", l1)
	}
}

// The hash can be checked without this package: SHA-256 of prev, then of the line without its hash member.
func TestHashIsAsDocumented(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, date(21, 1), 2)
	text := strings.TrimSuffix(readLines(t, dir, "2026-11-21")[1], "\n")
	var l struct{ Prev, Hash string }
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatal(err)
	}
	without := strings.Replace(text, `,"hash":"`+l.Hash+`"`, "", 1)
	if want := fmt.Sprintf("%x", sha256.Sum256([]byte(l.Prev+without))); l.Hash != want {
		t.Errorf("hash %s, want %s", l.Hash, want)
	}
}

// A clock that goes back at midnight does not break the order of the files.
func TestClockSetBackKeepsTheChain(t *testing.T) {
	dir := t.TempDir()
	c := at(date(22, 0))
	l := mustOpen(t, Options{Directory: dir, Now: c.now})
	l.Append(call{ID: "a"})
	c.set(date(21, 23))
	l.Append(call{ID: "b"})
	mustClose(t, l)
	fill(t, dir, date(20, 0), 1)
	if got := files(t, dir); len(got) != 1 || got[0] != "2026-11-22" {
		t.Errorf("files %v", got)
	}
	if chain, err := Verify(dir); err != nil || chain.Records != 3 {
		t.Error(chain, err)
	}
}

func TestRetentionDeletesWholeOldDays(t *testing.T) {
	dir := t.TempDir()
	for day := 1; day <= 5; day++ {
		fill(t, dir, date(day, 12), 1)
	}
	keepsake := filepath.Join(dir, "records-of-last-year.txt")
	if err := os.WriteFile(keepsake, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := at(date(5, 12))
	l := mustOpen(t, Options{Directory: dir, Keep: 48 * time.Hour, Now: c.now})
	l.Append(call{})
	mustClose(t, l)
	// The last record of the 3rd may be 36 hours old: it stays. The 2nd ended 60 hours ago.
	if got, want := files(t, dir), []string{"2026-11-03", "2026-11-04", "2026-11-05"}; !reflect.DeepEqual(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
	chain, err := Verify(dir)
	if err != nil || chain.First != 3 || chain.Records != 4 {
		t.Error(chain, err)
	}
	// A year later the newest day still holds the end of the chain.
	c.set(date(5, 12).AddDate(1, 0, 0))
	l = mustOpen(t, Options{Directory: dir, Keep: 48 * time.Hour, Now: c.now})
	mustClose(t, l)
	if got := files(t, dir); len(got) != 1 || got[0] != "2026-11-05" {
		t.Errorf("files %v", got)
	}
	// The next record makes it deletable.
	l = mustOpen(t, Options{Directory: dir, Keep: 48 * time.Hour, Now: c.now})
	l.Append(call{})
	mustClose(t, l)
	if got := files(t, dir); len(got) != 1 || got[0] != "2027-11-05" {
		t.Errorf("files %v", got)
	}
	if chain, err := Verify(dir); err != nil || chain.First != 7 || chain.Last != 7 {
		t.Error(chain, err)
	}
	if _, err := os.Stat(keepsake); err != nil {
		t.Error("another file was deleted")
	}
}

func TestTamperingIsFound(t *testing.T) {
	const day = "2026-11-21"
	for _, test := range []struct {
		name   string
		change func(lines []string) []string
		want   string
	}{
		{"RecordChanged", func(l []string) []string {
			l[2] = strings.Replace(l[2], "answered", "rejected", 1)
			return l
		}, "records-2026-11-21.jsonl:3: the hash does not fit: the line was changed\nrecords-2026-11-21.jsonl:4: record 4 does not follow record 2: lines were changed, removed or moved"},
		{"LineRemoved", func(l []string) []string { return append(l[:1], l[2:]...) },
			"records-2026-11-21.jsonl:2: record 3 does not follow record 1: lines were changed, removed or moved"},
		{"FirstLineRemoved", func(l []string) []string { return l[1:] }, ""},
		{"LinesSwapped", func(l []string) []string {
			l[3], l[4] = l[4], l[3]
			return l
		}, "records-2026-11-21.jsonl:4: record 5 does not follow record 3: lines were changed, removed or moved\nrecords-2026-11-21.jsonl:5: record 4 does not follow record 5: lines were changed, removed or moved\nrecords-2026-11-21.jsonl:6: record 6 does not follow record 4: lines were changed, removed or moved"},
		{"LineForged", func(l []string) []string {
			_, next, _ := readLine([]byte(strings.TrimSuffix(l[0], "\n")))
			forged, _, _ := appendLine(nil, next, date(21, 1), []byte(`{"id":"forged"}`))
			l[1] = string(forged)
			return l
		}, "records-2026-11-21.jsonl:3: record 3 does not follow record 2: lines were changed, removed or moved"},
		{"LineForgedWithAGap", func(l []string) []string {
			_, end, _ := readLine([]byte(strings.TrimSuffix(l[5], "\n")))
			forged, _, _ := appendLine(nil, link{8, end.hash}, date(21, 1), []byte(`{"id":"forged"}`))
			return append(l, string(forged))
		}, "records-2026-11-21.jsonl:7: record 9 does not follow record 6: lines were changed, removed or moved"},
		{"LineRepeated", func(l []string) []string { return append(l[:2], l[1:]...) },
			"records-2026-11-21.jsonl:3: record 2 does not follow record 2: lines were changed, removed or moved"},
		{"Garbage", func(l []string) []string { return append(l, "\x00\x00\n") },
			"records-2026-11-21.jsonl:7: not a record with a hash"},
		{"LongLine", func(l []string) []string { return append(l, strings.Repeat("x", 2*maxLine)+"\n") },
			"records-2026-11-21.jsonl:7: the line is longer than 1024 KiB"},
		{"NumberChanged", func(l []string) []string {
			l[5] = strings.Replace(l[5], `"seq":6`, `"seq":9`, 1)
			return l
		}, "records-2026-11-21.jsonl:6: the hash does not fit: the line was changed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			fill(t, dir, date(21, 1), 6)
			lines := readLines(t, dir, day)
			lines[len(lines)-1] += "\n"
			changed := test.change(lines)
			if err := os.WriteFile(filepath.Join(dir, fileName(day)), []byte(strings.Join(changed, "")), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Verify(dir)
			if got := fmt.Sprint(err); got != test.want && !(err == nil && test.want == "") {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

func TestRemovedFileIsFound(t *testing.T) {
	dir := t.TempDir()
	for day := 1; day <= 3; day++ {
		fill(t, dir, date(day, 12), 2)
	}
	if err := os.Remove(filepath.Join(dir, fileName("2026-11-02"))); err != nil {
		t.Fatal(err)
	}
	_, err := Verify(dir)
	var b *Break
	if !errors.As(err, &b) || b.File != "records-2026-11-03.jsonl" || b.Line != 1 {
		t.Error(err)
	}
}

func TestUnfinishedLineIsCutOff(t *testing.T) {
	for _, rest := range []string{`{"seq":3,"at":"20`, strings.Repeat("\x00", 5000)} {
		dir := t.TempDir()
		fill(t, dir, date(21, 1), 2)
		path := filepath.Join(dir, fileName("2026-11-21"))
		appendTo(t, path, rest)
		if chain, err := Verify(dir); err != nil || chain.Unfinished != len(rest) {
			t.Errorf("before: %+v %v", chain, err)
		}
		fill(t, dir, date(21, 2), 1)
		if chain, err := Verify(dir); err != nil || chain.Records != 3 || chain.Unfinished != 0 {
			t.Errorf("after: %+v %v", chain, err)
		}
	}
}

// A new day whose only line is unfinished goes on from the day before.
func TestUnfinishedFirstLineOfADay(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, date(21, 1), 2)
	appendTo(t, filepath.Join(dir, fileName("2026-11-22")), `{"seq":3`)
	fill(t, dir, date(22, 1), 1)
	if chain, err := Verify(dir); err != nil || chain.Records != 3 || chain.Files != 2 {
		t.Error(chain, err)
	}
}

func TestDamagedLineIsReportedAndPassed(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir, date(21, 1), 2)
	appendTo(t, filepath.Join(dir, fileName("2026-11-21")), "damaged\n")
	fill(t, dir, date(21, 2), 1)
	chain, err := Verify(dir)
	if err == nil || err.Error() != "records-2026-11-21.jsonl:3: not a record with a hash" || chain.Records != 3 {
		t.Error(chain, err)
	}
}

func TestFileWithoutARecordIsRefused(t *testing.T) {
	dir := t.TempDir()
	appendTo(t, filepath.Join(dir, fileName("2026-11-21")), "damaged\n")
	if _, err := Open(Options{Directory: dir}); err == nil || !strings.Contains(err.Error(), "move the file away") {
		t.Error(err)
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, Options{Directory: dir})
	if _, err := Open(Options{Directory: dir}); err == nil || !strings.Contains(err.Error(), "another process writes") {
		t.Error(err)
	}
	mustClose(t, l)
	mustClose(t, mustOpen(t, Options{Directory: dir}))
}

type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("broken record") }

func TestRecordsThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	l := mustOpen(t, Options{Directory: dir, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: at(date(21, 0)).now})
	for _, record := range []any{call{ID: "first"}, make(chan int), panicking{}, strings.Repeat("x", maxLine), call{ID: "last"}} {
		if !l.Append(record) {
			t.Fatal("refused")
		}
	}
	mustClose(t, l)
	if s := l.Stats(); s.Written != 2 || s.Unencodable != 3 || s.Appended != 5 {
		t.Errorf("%+v", s)
	}
	if chain, err := Verify(dir); err != nil || chain.Records != 2 {
		t.Error(chain, err)
	}
	if !strings.Contains(log.String(), "unsupported type: chan int") || !strings.Contains(log.String(), "panic: broken record") {
		t.Error(log.String())
	}
}

func TestAppendAndCloseFromManyGoroutines(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, Options{Directory: dir, Queue: 64})
	var taken atomic.Uint64
	var senders sync.WaitGroup
	for g := range 8 {
		senders.Go(func() {
			for i := range 500 {
				if l.Append(call{ID: fmt.Sprint(g, "-", i)}) {
					taken.Add(1)
				}
				if g == 0 && i == 400 {
					if err := l.Close(context.Background()); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	senders.Wait()
	s := l.Stats()
	chain, err := Verify(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s.Appended != taken.Load() || s.Written != taken.Load() || uint64(chain.Records) != taken.Load() || s.Appended+s.Dropped != 4000 {
		t.Errorf("taken %d, %+v, %+v", taken.Load(), s, chain)
	}
	if l.Append(call{}) {
		t.Error("taken after Close")
	}
}

func TestOpenNamesTheDirectoryItCannotMake(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	appendTo(t, path, "x")
	if _, err := Open(Options{Directory: filepath.Join(path, "records")}); err == nil || !strings.Contains(err.Error(), path) {
		t.Error(err)
	}
}

func FuzzVerify(f *testing.F) {
	dir := f.TempDir()
	fill(f, dir, date(21, 1), 3)
	f.Add([]byte(strings.Join(readLines(f, dir, "2026-11-21"), "")))
	f.Add([]byte(`,"hash":"` + genesis + `"}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, fileName("2026-11-21")), data, 0o600); err != nil {
			t.Fatal(err)
		}
		before, broken := Verify(dir)
		l, err := Open(Options{Directory: dir, Now: at(date(21, 2)).now})
		if err != nil {
			if broken == nil && before.Records > 0 {
				t.Fatalf("a whole chain is not continued: %v", err)
			}
			return
		}
		l.Append(call{ID: "next"})
		mustClose(t, l)
		after, err := Verify(dir)
		if broken == nil && (err != nil || after.Records != before.Records+1) {
			t.Fatalf("before %+v, after %+v: %v", before, after, err)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	l := mustOpen(b, Options{Directory: b.TempDir(), Queue: 1 << 16})
	record := any(call{"a", "answered"})
	b.ReportAllocs()
	for b.Loop() {
		l.Append(record)
	}
	b.StopTimer()
	mustClose(b, l)
}
