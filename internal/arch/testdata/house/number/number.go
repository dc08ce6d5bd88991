package number

import (
	"net/netip"
	"time"
)

// Calendar has a method that only shares its name with the clock's.
type Calendar struct{}

// Now is no clock.
func (Calendar) Now() int { return 0 }

// Late takes its time as an argument, and mentions time.Now only here.
func Late(now, due time.Time, from netip.Addr) bool {
	return Calendar{}.Now() == 0 && now.Sub(due) > time.Second && from.IsValid()
}
