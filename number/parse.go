package number

import "errors"

// The errors never hold the number itself: they go to logs.
var (
	errEmpty      = errors.New("no number")
	errTooLong    = errors.New("number too long")
	errCharacter  = errors.New("character that cannot stand in a number")
	errPlus       = errors.New("plus sign inside a number")
	errUser       = errors.New("SIP URI without a user part")
	errLength     = errors.New("wrong count of digits for its prefix")
	errUnassigned = errors.New("prefix that the numbering plan does not assign")
	errCountry    = errors.New("no country code after the international prefix")
	errService    = errors.New("service code with too many digits, or a number that lost its leading 0")
	errLocal      = errors.New("local number without its area code")
	errNoPrefix   = errors.New("neither leading 0 nor country code: a leading 0 may be lost")
	errContext    = errors.New("number does not fit its phone-context")
)

// Presentation is what the caller asked with 184 or 186 in front of the number.
type Presentation uint8

const (
	Unspecified Presentation = iota
	Withhold                 // 184
	Present                  // 186
)

// Parse reads one number: a user part, a tel: or sip: URI, or what stands in a list. See the package's tests for the
// spellings. Prefixes that ask something of the network (184, 186, 122, 00XY) are dropped. A local number without its area
// code is an error. The user "anonymous" gives Withheld.
func Parse(s string) (Number, error) {
	n, _, err := ParseDialled(s)
	return n, err
}

// ParseDialled reads as Parse does and also tells what a 184 or 186 asked.
func ParseDialled(s string) (Number, Presentation, error) {
	var sc scan
	if err := sc.read(s); err != nil {
		return Number{}, Unspecified, err
	}
	if sc.anonymous {
		return Withheld, Unspecified, nil
	}
	d := sc.digits[:sc.n]
	if sc.plus == 0 {
		n, err := international(d)
		return n, Unspecified, err
	}
	d, present := prefixes(d)
	if sc.plus > 0 { // 184+8190...: the plus must follow the prefix at once
		if sc.plus != sc.n-len(d) {
			return Number{}, Unspecified, errPlus
		}
		n, err := international(d)
		return n, present, err
	}
	var n Number
	var err error
	if sc.context != "" {
		n, err = inContext(d, sc.context)
	} else {
		n, err = dialled(d)
	}
	return n, present, err
}

// prefixes takes off one 184 or 186 and one 122, in either order, where something follows.
func prefixes(d []byte) ([]byte, Presentation) {
	present, cancelled := Unspecified, false
	for len(d) > 3 && d[0] == 1 {
		switch {
		case d[1] == 8 && d[2] == 4 && present == Unspecified:
			present = Withhold
		case d[1] == 8 && d[2] == 6 && present == Unspecified:
			present = Present
		case d[1] == 2 && d[2] == 2 && !cancelled:
			cancelled = true
		default:
			return d, present
		}
		d = d[3:]
	}
	return d, present
}

// inContext reads a local number by its phone-context (RFC 3966 s5.1.5): digits that complete it, or a name, which says
// nothing about the digits.
func inContext(d []byte, context string) (Number, error) {
	if emergency(d) {
		return dialled(d)
	}
	var sc scan
	if err := sc.read(context); err != nil || sc.plus != 0 || sc.n == 0 {
		return dialled(d)
	}
	japan := sc.n >= 2 && sc.digits[0] == 8 && sc.digits[1] == 1
	if !japan && len(d) > 0 && d[0] == 0 {
		return Number{}, errContext // a prefix of a dialling plan that we do not know
	}
	for _, x := range d {
		if err := sc.digit(x); err != nil {
			return Number{}, err
		}
	}
	n, err := international(sc.digits[:sc.n])
	if err != nil && japan {
		return dialled(d)
	}
	return n, err
}
