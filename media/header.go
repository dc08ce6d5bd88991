package media

import "encoding/binary"

// headerSize is that of an RTP header without CSRCs and extension.
const headerSize = 12

// header is what we read of an RTP packet (RFC 3550 s5.1).
type header struct {
	payload uint8 // payload type
	marker  bool
	seq     uint16
	ts      uint32
	ssrc    uint32
	octets  int // of the payload, without padding
}

// isRTP and isRTCP tell datagrams apart by their first two octets: RFC 7983 s7 gives 128-191 to both, RFC 5761 s4 gives
// the second octets 192-223 to RTCP, and therefore bars the payload types 64-95: with a marker they would look like it.
func isRTP(b []byte) bool  { return len(b) >= 2 && b[0]>>6 == 2 && (b[1]&0x7f < 64 || b[1]&0x7f > 95) }
func isRTCP(b []byte) bool { return len(b) >= 2 && b[0]>>6 == 2 && b[1] >= 192 && b[1] <= 223 }

// readHeader reads and checks a header (RFC 3550 A.1): the lengths it claims must be within the datagram.
func readHeader(b []byte) (h header, ok bool) {
	if len(b) < headerSize || !isRTP(b) {
		return header{}, false
	}
	size := headerSize + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 { // extension
		if len(b) < size+4 {
			return header{}, false
		}
		size += 4 + 4*int(binary.BigEndian.Uint16(b[size+2:]))
	}
	padding := 0
	if b[0]&0x20 != 0 {
		padding = int(b[len(b)-1])
		if padding == 0 {
			return header{}, false
		}
	}
	if len(b) < size+padding {
		return header{}, false
	}
	return header{
		payload: b[1] & 0x7f,
		marker:  b[1]&0x80 != 0,
		seq:     binary.BigEndian.Uint16(b[2:]),
		ts:      binary.BigEndian.Uint32(b[4:]),
		ssrc:    binary.BigEndian.Uint32(b[8:]),
		octets:  len(b) - size - padding,
	}, true
}

// write puts the fields into the packet; its first octet and what follows the fixed header stay.
func (h header) write(b []byte) {
	b[1] = h.payload & 0x7f
	if h.marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], h.seq)
	binary.BigEndian.PutUint32(b[4:], h.ts)
	binary.BigEndian.PutUint32(b[8:], h.ssrc)
}
