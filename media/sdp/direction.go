package sdp

// Direction is the direction attribute of a description, seen from the side that wrote it (RFC 8866 s6.7).
type Direction uint8

// SendRecv is what a description without a direction attribute means.
const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

var directions = [...]string{SendRecv: "sendrecv", SendOnly: "sendonly", RecvOnly: "recvonly", Inactive: "inactive"}

// String is the attribute name: "sendrecv", "sendonly", "recvonly" or "inactive".
func (d Direction) String() string {
	if int(d) < len(directions) {
		return directions[d]
	}
	return directions[Inactive]
}

// Sends reports whether the describing side sends.
func (d Direction) Sends() bool { return d == SendRecv || d == SendOnly }

// Receives reports whether the describing side wants to receive.
func (d Direction) Receives() bool { return d == SendRecv || d == RecvOnly }

// Reverse is the same stream seen from the other side (RFC 3264 s6.1).
func (d Direction) Reverse() Direction { return direction(d.Receives(), d.Sends()) }

// within is the part of d that the answer to offer may say: it sends only what is received, and the reverse.
func (d Direction) within(offer Direction) Direction {
	return direction(d.Sends() && offer.Receives(), d.Receives() && offer.Sends())
}

func direction(sends, receives bool) Direction {
	switch {
	case sends && receives:
		return SendRecv
	case sends:
		return SendOnly
	case receives:
		return RecvOnly
	}
	return Inactive
}

// directionOf reads an attribute name.
func directionOf(attribute string) (Direction, bool) {
	switch attribute {
	case "sendrecv":
		return SendRecv, true
	case "sendonly":
		return SendOnly, true
	case "recvonly":
		return RecvOnly, true
	case "inactive":
		return Inactive, true
	}
	return SendRecv, false
}
