package ledger

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
)

// window is how much of a file's end is read to find its last line: more than two batches.
const window = 4 * maxLine

// end is where the chain goes on: its last link, and the newest file with its size.
type end struct {
	last link
	day  string // "" without a file
	size int64
}

// resume finds the end of the chain in dir. A line that a power failure left unfinished is cut off.
func resume(dir string, log *slog.Logger) (end, error) {
	found, err := days(dir)
	if err != nil || len(found) == 0 {
		return end{last: start}, err
	}
	e := end{last: start, day: found[len(found)-1]}
	for _, day := range slices.Backward(found) {
		last, size, err := lastLine(filepath.Join(dir, fileName(day)), log)
		if err != nil {
			return end{}, err
		}
		if day == e.day {
			e.size = size
		}
		if size > 0 {
			e.last = last
			break
		}
	}
	return e, nil
}

// lastLine is the last whole line of a file, and the file's size without an unfinished one behind it.
func lastLine(path string, log *slog.Logger) (link, int64, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return link{}, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return link{}, 0, err
	}
	from := max(info.Size()-window, 0)
	text := make([]byte, info.Size()-from)
	if _, err := io.ReadFull(io.NewSectionReader(f, from, window), text); err != nil {
		return link{}, 0, err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	if unfinished := len(text) - whole; unfinished > 0 && (whole > 0 || from == 0) {
		log.Warn("call records: unfinished line cut off", "file", path, "bytes", unfinished)
		if err := f.Truncate(from + int64(whole)); err != nil {
			return link{}, 0, err
		}
	}
	size := from + int64(whole)
	if size == 0 {
		return start, 0, nil
	}
	lines := bytes.Split(bytes.TrimSuffix(text[:whole], []byte("\n")), []byte("\n"))
	for i, text := range slices.Backward(lines) {
		if _, last, err := readLine(text); err == nil {
			return last, size, nil
		} else if i == len(lines)-1 {
			log.Error("call records: damaged line; tonegate records verify says more", "file", path, "error", err)
		}
	}
	return link{}, 0, fmt.Errorf("no call record at the end of %s; move the file away", path)
}
