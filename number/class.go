package number

import "fmt"

// Class is what kind of number it is in the Japanese numbering plan.
type Class uint8

const (
	Unreadable    Class = iota // the zero Number: absent, or no number could be read
	Fixed                      // 0AB-J
	IP                         // 050
	Mobile                     // 060 (not 0600), 070, 080 (not 0800), 090
	FMC                        // 0600
	M2M                        // 020 and the 14-digit 0200
	Pager                      // 0204
	Free                       // 0120, 0800
	Navi                       // 0570
	Premium                    // 0170, 0180, 0990 and 091 special connection
	Service                    // 1XY
	Emergency                  // 110, 118, 119
	International              // any country code but 81
	Anonymous                  // the caller withheld the number; spelled "withheld"
	classes       = iota
)

var classNames = [classes]string{
	"unreadable", "fixed", "ip", "mobile", "fmc", "m2m", "pager", "free", "navi",
	"premium", "service", "emergency", "international", "withheld",
}

// String gives the name used in the configuration file, for instance "fixed".
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// ParseClass reads a name as String writes it.
func ParseClass(s string) (Class, error) {
	for c, name := range classNames {
		if name == s {
			return Class(c), nil
		}
	}
	return Unreadable, fmt.Errorf("unknown number class %q", s)
}
