package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// PortRange is a range of UDP ports, First and Last included. First is even and Last odd: RTP takes an even
// port and RTCP the odd one above (RFC 3550 s11).
type PortRange struct{ First, Last uint16 }

func (r PortRange) String() string { return fmt.Sprintf("%d-%d", r.First, r.Last) }

// Contains reports whether port lies in the range.
func (r PortRange) Contains(port uint16) bool { return r.First <= port && port <= r.Last }

// Calls is how many calls at a time the range has ports for.
func (r PortRange) Calls() int { return (int(r.Last) - int(r.First) + 1) / portsPerCall }

// portsPerCall is the ports of one call: RTP and RTCP on each of two legs.
const portsPerCall = 4

var portRange = kind[PortRange]{
	allowed: "an even port, -, an odd port, both from 1024 to 65535, e.g. 20000-29999",
	parse: func(s string) (PortRange, error) {
		low, high, ok := strings.Cut(s, "-")
		if !ok {
			return PortRange{}, errors.New("not a range")
		}
		first, err1 := strconv.ParseUint(low, 10, 16)
		last, err2 := strconv.ParseUint(high, 10, 16)
		switch {
		case err1 != nil || err2 != nil || first < 1024:
			return PortRange{}, errors.New("not two ports that media may use")
		case last < first:
			return PortRange{}, errors.New("ends before it begins")
		case first%2 != 0:
			return PortRange{}, errors.New("begins with an odd port")
		case last%2 != 1:
			return PortRange{}, errors.New("ends with an even port")
		case last-first+1 < portsPerCall:
			return PortRange{}, fmt.Errorf("too short: one call takes %d ports", portsPerCall)
		}
		return PortRange{uint16(first), uint16(last)}, nil
	},
}
