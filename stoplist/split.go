package stoplist

import (
	"bytes"
	"errors"
)

//tonegate:pure

var (
	errQuote   = errors.New("quotation mark that is not closed on its line")
	errAfter   = errors.New("text after a closing quotation mark")
	errColumns = errors.New("more than 64 fields")
)

// split cuts a line at its commas. It works on Shift_JIS as it stands: no second byte of it is a comma or a quotation mark.
func split(line []byte, fields [][]byte) ([][]byte, error) {
	for {
		if len(fields) == maxColumns {
			return fields, errColumns
		}
		if len(line) == 0 || line[0] != '"' {
			end := bytes.IndexByte(line, ',')
			if end < 0 {
				return append(fields, line), nil
			}
			fields, line = append(fields, line[:end]), line[end+1:]
			continue
		}
		field, rest, err := quoted(line[1:])
		if err != nil {
			return fields, err
		}
		fields = append(fields, field)
		switch {
		case len(rest) == 0:
			return fields, nil
		case rest[0] != ',':
			return fields, errAfter
		}
		line = rest[1:]
	}
}

// quoted reads a field after its opening mark; two marks stand for one.
func quoted(s []byte) (field, rest []byte, err error) {
	for from := 0; ; {
		end := bytes.IndexByte(s[from:], '"')
		if end < 0 {
			return nil, nil, errQuote
		}
		end += from
		if end+1 == len(s) || s[end+1] != '"' {
			return bytes.ReplaceAll(s[:end], []byte(`""`), []byte(`"`)), s[end+1:], nil
		}
		from = end + 2
	}
}
