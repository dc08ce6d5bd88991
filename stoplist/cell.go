package stoplist

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tonegate/number"
)

//tonegate:pure

// Cells hold what spreadsheets make of numbers and dates.

// JST is the zone of every date that names none.
var JST = time.FixedZone("JST", 9*60*60)

var (
	errScientific = errors.New("scientific notation: the spreadsheet has lost digits")
	errDecimal    = errors.New("decimal point: the spreadsheet took the number for an amount")
	errLostZero   = errors.New("the leading 0 is missing")
	errWithheld   = errors.New("not a number")
	errDate       = errors.New("not a date such as 2026-03-31 or 2026-03-31T12:00:00+09:00")
	errYear       = errors.New("year outside 2000 to 2199")
)

// plainCell takes off what a spreadsheet needs to leave a cell alone: ="0312349001", a leading apostrophe, blanks.
func plainCell(s string) string {
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, `="`); ok {
		if inner, ok := strings.CutSuffix(rest, `"`); ok {
			s = inner
		}
	}
	for _, mark := range []string{"'", "’", "＇"} {
		s = strings.TrimPrefix(s, mark)
	}
	return strings.TrimSpace(s)
}

// parseCell reads one number that can be listed.
func parseCell(s string) (number.Number, error) {
	s = plainCell(s)
	n, err := number.Parse(s)
	if err != nil {
		return number.Number{}, spreadsheetFault(s, err)
	}
	// 0901234567.0 has as many digits as a number; 03.1234.0000 is one.
	if whole, fraction, found := strings.Cut(s, "."); found && len(whole) > 4 && strings.Trim(fraction, "0") == "" {
		return number.Number{}, errDecimal
	}
	switch n.Class() {
	case number.Emergency, number.Service:
		return number.Number{}, ErrEmergency
	case number.Anonymous:
		return number.Number{}, errWithheld
	}
	return n, nil
}

// spreadsheetFault says what a spreadsheet did to the number, or err where it did nothing.
func spreadsheetFault(s string, err error) error {
	digits, other := 0, ""
	for _, c := range s {
		if c >= '0' && c <= '9' {
			digits++
		} else if len(other) < 8 {
			other += string(c)
		}
	}
	switch strings.ToUpper(other) {
	case ".E+", "E+", ".E", "E":
		return errScientific
	case ".":
		return errDecimal
	case "":
		if (digits == 9 || digits == 10) && s[0] != '0' {
			return fmt.Errorf("%w (%d digits)", errLostZero, digits)
		}
	}
	return err
}

// ParseFrom reads the begin of a window: a time, or a date, which begins at midnight in Japan. "" is no bound.
func ParseFrom(s string) (time.Time, error) {
	at, _, err := parseTime(s)
	return at, err
}

// ParseUntil reads the end of a window: a time, or a date, which is included to its end in Japan. "" is no bound.
func ParseUntil(s string) (time.Time, error) {
	at, day, err := parseTime(s)
	if err == nil && day {
		at = at.AddDate(0, 0, 1)
	}
	return at, err
}

func parseTime(s string) (at time.Time, day bool, err error) {
	s = strings.Map(func(r rune) rune { // full-width forms to ASCII
		if r >= '！' && r <= '～' {
			return r - '！' + '!'
		}
		return r
	}, plainCell(s))
	if s == "" {
		return time.Time{}, false, nil
	}
	for _, layout := range []string{"2006-1-2", "2006/1/2", "2006年1月2日"} {
		if at, err = time.ParseInLocation(layout, s, JST); err == nil {
			return at, true, inYears(at)
		}
	}
	for _, layout := range []string{
		time.RFC3339, "2006-1-2 15:04:05", "2006-1-2 15:04", "2006/1/2 15:04:05", "2006/1/2 15:04", "2006-1-2T15:04:05", "2006-1-2T15:04",
	} {
		if at, err = time.ParseInLocation(layout, s, JST); err == nil {
			return at, false, inYears(at)
		}
	}
	return time.Time{}, false, errDate
}

func inYears(at time.Time) error {
	if y := at.Year(); y < 2000 || y > 2199 {
		return errYear
	}
	return nil
}
