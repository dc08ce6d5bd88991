package number

import (
	"fmt"
	"strconv"
)

// Number is one telephone number. Equal numbers compare equal with == whatever their spelling.
// The zero value is an absent or unreadable number. Every way of formatting it redacts; only E164 and National do not.
type Number struct {
	// v holds the class in the top byte and the digits below it as an integer: with country code (at most 15 digits),
	// or a service code's own digits. Numbers of one class and length are therefore ordered by v.
	v uint64
}

const digitBits = 56

// Withheld is the caller who did not present a number.
var Withheld = Number{uint64(Anonymous) << digitBits}

func make81(c Class, nsn []byte) Number { return Number{uint64(c)<<digitBits | value(81, nsn)} }

func (n Number) digits() uint64 { return n.v & (1<<digitBits - 1) }

// Class tells which part of the numbering plan the number belongs to.
func (n Number) Class() Class { return Class(n.v >> digitBits) }

// Emergency reports 110, 118 or 119.
func (n Number) Emergency() bool { return n.Class() == Emergency }

// Key is the number's E.164 digits as an integer, country code first; 0 for service codes, withheld and unreadable numbers.
func (n Number) Key() uint64 {
	switch n.Class() {
	case Unreadable, Service, Emergency, Anonymous:
		return 0
	}
	return n.digits()
}

// E164 gives "+81312345678", a service code as dialled ("110"), or "" where there is no number.
func (n Number) E164() string {
	switch n.Class() {
	case Unreadable, Anonymous:
		return ""
	case Service, Emergency:
		return strconv.FormatUint(n.digits(), 10)
	}
	return "+" + strconv.FormatUint(n.digits(), 10)
}

// National gives the number as dialled in Japan: "0312345678", "010" and the country code for a foreign one, "110",
// or "" where there is no number.
func (n Number) National() string {
	switch c := n.Class(); c {
	case Unreadable, Anonymous, Service, Emergency:
		return n.E164()
	case International:
		return "010" + n.E164()[1:]
	}
	return "0" + n.E164()[len("+81"):]
}

// String redacts: "+8131234****". Service codes are nobody's own and are shown; the rest is "withheld" or "unreadable".
func (n Number) String() string {
	switch c := n.Class(); c {
	case Unreadable, Anonymous:
		return c.String()
	case Service, Emergency:
		return n.E164()
	}
	s := n.E164()
	return s[:len(s)-4] + "****"
}

// Format writes String for every verb, so that no format ("%d", "%#v") can print the digits.
func (n Number) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(n.String())) }

// MarshalText redacts as String does; a marshalled number cannot be read back.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// FromKey gives the number whose Key is key.
func FromKey(key uint64) (Number, error) {
	var d [20]byte
	i := len(d)
	for rest := key; rest > 0; rest /= 10 {
		i--
		d[i] = byte(rest % 10)
	}
	n, err := international(d[i:])
	if err == nil && n.Key() != key {
		return Number{}, errUnassigned
	}
	return n, err
}
