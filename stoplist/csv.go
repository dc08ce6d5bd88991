package stoplist

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
)

const (
	maxLine    = 64 << 10 // bytes
	maxColumns = 64
)

// ReadOptions say whose list a file is and how it is meant.
type ReadOptions struct {
	Source   string
	Mode     Mode
	Default  Order // reason, reference, holder and window of the lines that do not say
	Guard    Guard
	Progress func(done int64) // called now and then with the bytes read; nil for none
}

var headings = []string{"number", "from_number", "to_number", "reason", "reference", "holder", "from", "until"}

// ReadCSV reads a list: a heading row of the columns number, or from_number and to_number, and any of reason, reference,
// holder, from, until; or one column of numbers without a heading. UTF-8 or Shift_JIS, as the whole file decides; the
// habits of spreadsheets are understood. A list with anything wrong is refused as a whole with a *Refusal.
func ReadCSV(file io.ReadSeeker, o ReadOptions) (*Listing, error) {
	shiftJIS, err := decideEncoding(file)
	if err != nil {
		return nil, err
	}
	c := &csvReader{builder: newBuilder(o), options: o, shiftJIS: shiftJIS, known: map[string]uint32{}}
	lines := bufio.NewReaderSize(file, maxLine)
	var done int64
	for at := 1; ; at++ {
		line, err := lines.ReadSlice('\n')
		done += int64(len(line))
		if errors.Is(err, bufio.ErrBufferFull) {
			c.refusal.add(Problem{Line: at, Reason: "line longer than 65,536 bytes: not a list"})
			break
		}
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("read list: %w", err)
		}
		if at == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(line) > 0 {
			c.line(at, bytes.TrimRight(line, "\r\n"))
		}
		if err == io.EOF || c.unusable {
			break
		}
		if o.Progress != nil && at%4096 == 0 {
			o.Progress(done)
		}
	}
	if o.Progress != nil {
		o.Progress(done)
	}
	return c.finish()
}

// decideEncoding reads the file to its end and comes back to where it began.
func decideEncoding(file io.ReadSeeker) (shiftJIS bool, err error) {
	begin, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return false, fmt.Errorf("read list: %w", err)
	}
	buffer := make([]byte, 256<<10)
	held := 0 // bytes of a character that the next read completes
	for first := true; ; first = false {
		n, err := io.ReadFull(file, buffer[held:])
		part := buffer[:held+n]
		if first && (bytes.HasPrefix(part, []byte{0xff, 0xfe}) || bytes.HasPrefix(part, []byte{0xfe, 0xff})) {
			return false, &Refusal{[]Problem{{Reason: "the file is UTF-16: save it as CSV UTF-8"}}, 1}
		}
		last := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !last {
			return false, fmt.Errorf("read list: %w", err)
		}
		end := len(part)
		if !last {
			for end > len(part)-utf8.UTFMax && !utf8.RuneStart(part[end-1]) {
				end--
			}
			end-- // of the last character, whole or not
		}
		if !utf8.Valid(part[:end]) {
			shiftJIS = true
		}
		if last || shiftJIS {
			_, err = file.Seek(begin, io.SeekStart)
			return shiftJIS, err
		}
		held = copy(buffer, part[end:])
	}
}

var errEncoding = errors.New("neither UTF-8 nor Shift_JIS")

func (c *csvReader) text(field []byte) (string, error) {
	ascii := !slices.ContainsFunc(field, func(b byte) bool { return b >= utf8.RuneSelf })
	if !c.shiftJIS || ascii {
		return string(field), nil
	}
	text, err := japanese.ShiftJIS.NewDecoder().Bytes(field)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return "", errEncoding
	}
	return string(text), nil
}
