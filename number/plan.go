package number

import "encoding/binary"

// The numbering plan: which digits, with the leading 0 or country code already taken off, make a number of which class.
// The longest prefix wins: 0800 before 080, 0200 before 020, 0600 before 060.

// japanese reads a national significant number: the digits after the leading 0 or after +81.
func japanese(d []byte) (Number, error) {
	if len(d) < 5 {
		return Number{}, errLength
	}
	class, size := Fixed, 9
	switch {
	case d[0] == 0 || d[0] == 1 && d[1] == 0:
		return Number{}, errUnassigned
	case d[1] == 0:
		class, size = wide(d[0], d[2])
	case d[0] == 9 && d[1] == 1: // 091CDE...: special connection, up to 13 digits with the 0
		if len(d) > 12 {
			return Number{}, errLength
		}
		return make81(Premium, d), nil
	case d[2] == 0:
		class = addedFeature(d[0]*10 + d[1])
	}
	if class == Unreadable {
		return Number{}, errUnassigned
	}
	if len(d) != size {
		return Number{}, errLength
	}
	return make81(class, d), nil
}

// wide classifies 0A0C: numbers without a place.
func wide(a, c byte) (Class, int) {
	switch {
	case a == 2 && c == 0:
		return M2M, 13
	case a == 2 && c == 4:
		return Pager, 10
	case a == 2:
		return M2M, 10
	case a == 6 && c == 0:
		return FMC, 10
	case a == 8 && c == 0:
		return Free, 10
	case c == 0:
		return Unreadable, 0
	case a == 5:
		return IP, 10
	case a >= 6:
		return Mobile, 10
	}
	return Unreadable, 0
}

// addedFeature classifies 0AB0; the other AB are area codes such as 0220 and 0270.
func addedFeature(ab byte) Class {
	switch ab {
	case 12:
		return Free
	case 17, 18, 99:
		return Premium
	case 57:
		return Navi
	}
	return Fixed
}

// international reads country code and number. A zero left in after 81 is dropped: +81(0)3 and +8103 are seen in practice.
func international(d []byte) (Number, error) {
	if len(d) == 0 || d[0] == 0 {
		return Number{}, errCountry
	}
	if len(d) > 2 && d[0] == 8 && d[1] == 1 {
		d = d[2:]
		if emergency(d) { // a roaming handset's +81110: read it as what it must mean
			return Number{uint64(Emergency)<<digitBits | value(0, d)}, nil
		}
		if d[0] == 0 {
			d = d[1:]
		}
		return japanese(d)
	}
	if len(d) < 7 || len(d) > 15 { // E.164 s6: at most 15; the shortest in use have 7 (+683 4000)
		return Number{}, errLength
	}
	return Number{uint64(International)<<digitBits | value(0, d)}, nil
}

// dialled reads what a telephone in Japan may dial, prefixes 184, 186 and 122 already taken off.
func dialled(d []byte) (Number, error) {
	switch {
	case emergency(d):
		return Number{uint64(Emergency)<<digitBits | value(0, d)}, nil
	case len(d) < 3:
		return Number{}, errLength
	case d[0] == 1:
		if len(d) > 4 {
			return Number{}, errService
		}
		return Number{uint64(Service)<<digitBits | value(0, d)}, nil
	case d[0] != 0:
		// No call in Japan begins so, but E.164 without its plus does. Less than a whole number is a local one.
		if d[0] == 8 && d[1] == 1 && len(d) >= 11 {
			return japanese(d[2:])
		}
		if len(d) <= 8 {
			return Number{}, errLocal
		}
		return Number{}, errNoPrefix
	case d[1] != 0:
		return domestic(d)
	}
	if rest := d[carrierPrefix(d):]; len(rest) < len(d) {
		if n, err := domestic(rest); err == nil {
			return n, nil
		}
	}
	return international(d[2:])
}

// domestic reads 0... and 010...
func domestic(d []byte) (Number, error) {
	if len(d) > 3 && d[1] == 1 && d[2] == 0 {
		return international(d[3:])
	}
	return japanese(d[1:])
}

// carrierPrefix is the length of a 00XY, 002YZ or 0091XY prefix, 0 if there is none. Only the 0 that must follow it tells
// it from 00 and a country code (0033-03... is a carrier, 0033-1... is France): where both readings are whole numbers
// (Italy keeps a 0 after its country code), the Japanese one holds.
func carrierPrefix(d []byte) int {
	if len(d) < 4 {
		return 0
	}
	size := 4
	switch d[2] {
	case 0:
		return 0
	case 2:
		size = 5
	case 9:
		if d[3] != 1 {
			return 0
		}
		size = 6
	}
	if len(d) < size+3 || d[size] != 0 || d[size+1] == 0 {
		return 0
	}
	return size
}

func emergency(d []byte) bool {
	return len(d) == 3 && d[0] == 1 && d[1] == 1 && (d[2] == 0 || d[2] == 8 || d[2] == 9)
}

// value appends the digits to v, eight at a time where there are so many: neighbours are joined to pairs, fours, eights.
func value(v uint64, d []byte) uint64 {
	if len(d) >= 8 {
		x := binary.LittleEndian.Uint64(d)
		x = x*10 + x>>8
		x = (x&0x00ff_0000_00ff*(100+1_000_000<<32) + x>>16&0x00ff_0000_00ff*(1+10_000<<32)) >> 32
		v = v*100_000_000 + x&0xffff_ffff
		d = d[8:]
	}
	for _, x := range d {
		v = v*10 + uint64(x)
	}
	return v
}
