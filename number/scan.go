package number

import (
	"strings"
	"unicode/utf8"
)

const (
	maxInput  = 512 // bytes of a URI
	maxDigits = 32  // 122, 184, 0091XY, 010, 81, 0 and 13 digits are 31
)

// scan is the digits of one input, free of separators, and what stood around them.
type scan struct {
	digits    [maxDigits]byte // 0..9, not characters
	n         int
	plus      int // digits before the plus sign, -1 without one
	anonymous bool
	context   string // phone-context, "" without one
}

func (sc *scan) digit(d byte) error {
	if sc.n == maxDigits {
		return errTooLong
	}
	sc.digits[sc.n] = d
	sc.n++
	return nil
}

// run takes the plain digits at the head of s, as many as there is room for, and tells how many.
func (sc *scan) run(s string) int {
	room := sc.digits[sc.n:]
	i := 0
	for i < len(s) && i < len(room) {
		d := s[i] - '0'
		if d > 9 {
			break
		}
		room[i] = d
		i++
	}
	sc.n += i
	return i
}

// read takes plain digits with or without a leading plus in one pass; anything else is left to uri.
func (sc *scan) read(s string) error {
	if len(s) > maxInput {
		return errTooLong
	}
	sc.plus = -1
	i := 0
	if len(s) > 0 && s[0] == '+' {
		sc.plus = 0
		i = 1
	}
	if i += sc.run(s[i:]); i < len(s) {
		if err := sc.uri(s, i); err != nil {
			return err
		}
	}
	if sc.n == 0 && !sc.anonymous {
		return errEmpty
	}
	return nil
}

// uri goes on at s[at], the first byte that is not a plain digit: schemes, words, separators, parameters, host.
func (sc *scan) uri(s string, at int) error {
	if at == 0 && letter(s[0]) {
		var err error
		if s, err = user(s); err != nil {
			return err
		}
		if s != "" && letter(s[0]) && anonymous(s) {
			sc.anonymous = true
			return nil
		}
	}
	for at < len(s) {
		c := s[at]
		switch {
		case c-'0' <= 9:
			size := sc.run(s[at:])
			if size == 0 {
				return errTooLong
			}
			at += size
		case c == '-' || c == ' ' || c == '.':
			at++
		case c == ';':
			sc.context = phoneContext(s[at:])
			return nil
		case c == '@' || c == ':':
			return nil
		default:
			size, err := sc.mark(s[at:])
			if err != nil {
				return err
			}
			at += size
		}
	}
	return nil
}

// mark takes the one character at the head of s that is not an ASCII digit and gives its length in bytes.
func (sc *scan) mark(s string) (int, error) {
	r, size := utf8.DecodeRuneInString(s)
	if r == '%' {
		if len(s) < 3 {
			return 0, errCharacter
		}
		high, low := hex(s[1]), hex(s[2])
		if high > 7 || low > 15 { // beyond ASCII nothing escaped can stand in a number
			return 0, errCharacter
		}
		r, size = rune(high<<4|low), 3
	}
	switch {
	case r >= '0' && r <= '9':
		return size, sc.digit(byte(r - '0'))
	case r >= '０' && r <= '９':
		return size, sc.digit(byte(r - '０'))
	case r == '+' || r == '＋':
		if sc.plus >= 0 {
			return 0, errPlus
		}
		sc.plus = sc.n
		return size, nil
	case separator(r):
		return size, nil
	}
	return 0, errCharacter
}

// separator reports what people and spreadsheets put between digits, marks of no width included.
func separator(r rune) bool {
	switch r {
	case '-', '.', '(', ')', ' ', '\t', '/', // RFC 3966 s3 visual separators and two more
		'‐', '‑', '‒', '–', '—', '―', '−', '﹣', '－', 'ー', 'ｰ', // hyphens, dashes, minus, long vowel marks
		'（', '）', '．', '／', '・', '\u3000', '\u00a0', '\u00ad',
		'\u200b', '\u200e', '\u200f', '\u202a', '\u202b', '\u202c', '\u202d', '\u202e', '\u2060', '\u2066', '\u2067', '\u2068', '\u2069', '\ufeff':
		return true
	}
	return false
}

func hex(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}

func letter(c byte) bool { return c|0x20-'a' < 26 }

// user cuts the scheme off a tel URI, scheme and host off a SIP URI.
func user(s string) (string, error) {
	colon := strings.IndexByte(s, ':')
	if colon < 0 {
		return s, nil
	}
	switch scheme, rest := s[:colon], s[colon+1:]; {
	case strings.EqualFold(scheme, "tel"):
		return rest, nil
	case strings.EqualFold(scheme, "sip"), strings.EqualFold(scheme, "sips"):
		if end := strings.IndexByte(rest, '@'); end > 0 {
			return rest[:end], nil
		}
		return "", errUser
	}
	return s, nil
}

func anonymous(s string) bool {
	if end := strings.IndexAny(s, "@;"); end >= 0 {
		s = s[:end]
	}
	switch len(s) {
	case len("withheld"), len("anonymous"), len("restricted"), len("unavailable"):
		return strings.EqualFold(s, "anonymous") || strings.EqualFold(s, "withheld") ||
			strings.EqualFold(s, "restricted") || strings.EqualFold(s, "unavailable")
	}
	return false
}

// phoneContext finds the parameter among those of a user part or tel URI, which begin with ';' and end with the host's '@'.
func phoneContext(s string) string {
	if end := strings.IndexByte(s, '@'); end >= 0 {
		s = s[:end]
	}
	for s != "" {
		s = s[1:]
		end := strings.IndexByte(s, ';')
		if end < 0 {
			end = len(s)
		}
		if value, ok := cutFold(s[:end], "phone-context="); ok {
			return value
		}
		s = s[end:]
	}
	return ""
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
