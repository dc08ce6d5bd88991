package ledger

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxBreaks bounds what Verify reports.
const maxBreaks = 100

// Chain is what Verify found. Retention deletes old files, so First may be above 1; and no chain can show that its
// end was cut off. Whoever notes Last and Head elsewhere can: a later chain must reach them.
type Chain struct {
	Files, Records int
	First, Last    uint64 // numbers of the first and last record
	Head           string // hash of the last record
	Unfinished     int    // bytes behind the last line: being written now, or left by a power failure
}

// Break is one place where the chain does not hold.
type Break struct {
	File string
	Line int
	Err  error
}

func (b *Break) Error() string { return fmt.Sprintf("%s:%d: %v", b.File, b.Line, b.Err) }
func (b *Break) Unwrap() error { return b.Err }

// Verify reads every record in a directory and checks that none was changed, removed or moved. Its error joins a
// Break for each place where that fails, at most 100. It may run beside the process that writes.
func Verify(dir string) (Chain, error) {
	found, err := days(dir)
	if err != nil {
		return Chain{}, fmt.Errorf("verify call records: %w", err)
	}
	v := &verifier{last: start}
	for i, day := range found {
		if err := v.file(filepath.Join(dir, fileName(day)), i == len(found)-1); err != nil {
			return v.chain, fmt.Errorf("verify call records: %w", err)
		}
	}
	v.chain.Last, v.chain.Head = v.last.seq, v.last.hash
	return v.chain, errors.Join(v.breaks...)
}

type verifier struct {
	chain  Chain
	last   link
	breaks []error
}

func (v *verifier) file(path string, newest bool) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	v.chain.Files++
	reader := bufio.NewReaderSize(f, 64<<10)
	for number := 1; ; number++ {
		text, err := readText(reader)
		switch {
		case err == io.EOF && len(text) == 0:
			return nil
		case err == io.EOF && newest:
			v.chain.Unfinished = len(text)
			return nil
		case err == io.EOF:
			v.broken(path, number, errors.New("the line is not finished"))
			return nil
		case err == errLongLine:
			v.broken(path, number, err)
		case err != nil:
			return err
		default:
			v.line(path, number, text)
		}
	}
}

// line checks one line against the one before, and goes on from it even where they do not fit.
func (v *verifier) line(path string, number int, text []byte) {
	l, next, err := readLine(text)
	if err != nil {
		v.broken(path, number, err)
		return
	}
	if v.chain.Records == 0 {
		v.chain.First = l.Seq
		if l.Seq > 1 { // retention deleted what came before
			v.last = link{l.Seq - 1, l.Prev}
		}
	}
	v.chain.Records++
	if l.Seq != v.last.seq+1 || l.Prev != v.last.hash {
		v.broken(path, number, fmt.Errorf("record %d does not follow record %d: lines were changed, removed or moved", l.Seq, v.last.seq))
	}
	v.last = next
}

func (v *verifier) broken(path string, line int, err error) {
	if len(v.breaks) < maxBreaks {
		v.breaks = append(v.breaks, &Break{filepath.Base(path), line, err})
	}
}

var errLongLine = fmt.Errorf("the line is longer than %d KiB", maxLine>>10)

// readText reads a line without its end. At the end of the file it returns what stands there, and io.EOF. A line
// too long to be a record is passed over.
func readText(r *bufio.Reader) ([]byte, error) {
	var text []byte
	long := false
	for {
		part, err := r.ReadSlice('\n')
		if long = long || len(text)+len(part) > maxLine; !long {
			text = append(text, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
		case err != nil:
			return text, err
		case long:
			return nil, errLongLine
		default:
			return bytes.TrimSuffix(text, []byte("\n")), nil
		}
	}
}
