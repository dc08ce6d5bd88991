package number

import (
	"net/netip"
	"time"
)

// Now is a method of another type that only shares its name with the clock's.
type calendar struct{}

func (calendar) Now() int { return 0 }

// Late takes its time as an argument, and mentions time.Now only here.
func Late(now, due time.Time, from netip.Addr) bool {
	return calendar{}.Now() == 0 && now.Sub(due) > time.Second && from.IsValid()
}
