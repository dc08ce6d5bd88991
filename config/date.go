package config

import (
	"errors"
	"time"
)

// Date is a calendar day. The zero Date is none.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// Start is the first moment of the day in loc.
func (d Date) Start(loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
}

// End is the first moment after the day in loc: a licence until a day covers that day.
func (d Date) End(loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day+1, 0, 0, 0, 0, loc)
}

func (d Date) String() string { return d.Start(time.UTC).Format(time.DateOnly) }

var date = kind[Date]{allowed: "a day, e.g. 2026-04-01", parse: func(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, errors.New("not a day")
	}
	return Date{t.Year(), t.Month(), t.Day()}, nil
}}
