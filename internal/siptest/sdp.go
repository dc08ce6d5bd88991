package siptest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Codec is a payload format of an audio stream.
type Codec struct {
	Payload uint8
	Name    string // as in rtpmap
	Rate    int    // Hz
	Fmtp    string
}

// The codecs that a phone speaks.
var (
	PCMU = Codec{Payload: 0, Name: "PCMU", Rate: 8000}
	PCMA = Codec{Payload: 8, Name: "PCMA", Rate: 8000}
	DTMF = Codec{Payload: 101, Name: "telephone-event", Rate: 8000, Fmtp: "0-16"}
)

var static = map[uint8]Codec{0: PCMU, 8: PCMA, 9: {Payload: 9, Name: "G722", Rate: 8000}, 18: {Payload: 18, Name: "G729", Rate: 8000}}

// SDP describes one audio stream. The zero value describes nothing and makes empty offers.
type SDP struct {
	Address   netip.AddrPort // port 0: the stream is refused
	Codecs    []Codec
	Direction string   // sendrecv if empty
	Ptime     int      // milliseconds; no line if 0
	Version   int      // of o=, to be raised with each change
	Lines     []string // further lines of the stream, such as "a=rtcp-mux"
	Media     []string // of a parsed one: every m= line
}

// Offer is the description as text, "" for the zero value.
func (s SDP) Offer() string {
	if !s.Address.IsValid() {
		return ""
	}
	return s.session() + s.audio("RTP/AVP")
}

func (s SDP) session() string {
	family := "IP4"
	if s.Address.Addr().Is6() {
		family = "IP6"
	}
	return fmt.Sprintf("v=0\r\no=- 1%d %d IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n", s.Address.Port(), s.Version,
		family, s.Address.Addr(), family, s.Address.Addr())
}

func (s SDP) audio(protocol string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "m=audio %d %s", s.Address.Port(), protocol)
	for _, c := range s.Codecs {
		fmt.Fprintf(&b, " %d", c.Payload)
	}
	b.WriteString("\r\n")
	for _, c := range s.Codecs {
		fmt.Fprintf(&b, "a=rtpmap:%d %s/%d\r\n", c.Payload, c.Name, c.Rate)
		if c.Fmtp != "" {
			fmt.Fprintf(&b, "a=fmtp:%d %s\r\n", c.Payload, c.Fmtp)
		}
	}
	if s.Ptime != 0 {
		fmt.Fprintf(&b, "a=ptime:%d\r\n", s.Ptime)
	}
	for _, line := range s.Lines {
		b.WriteString(line + "\r\n")
	}
	if s.Address.Port() != 0 {
		b.WriteString("a=" + s.direction() + "\r\n")
	}
	return b.String()
}

func (s SDP) direction() string {
	if s.Direction == "" {
		return "sendrecv"
	}
	return s.Direction
}

// Answer is RFC 3264 s6: one m= line for each of the offer's, the first audio stream taken with the codecs that
// both have (in the offer's order, with its payload types), everything else refused.
func (s SDP) Answer(offer string) string {
	if !s.Address.IsValid() {
		return ""
	}
	o, err := ParseSDP(offer)
	if err != nil {
		return ""
	}
	answer := s
	answer.Codecs = s.common(o.Codecs)
	answer.Direction = reply(o.direction(), s.direction())
	if len(answer.Codecs) == 0 || o.Address.Port() == 0 {
		answer.Address = netip.AddrPortFrom(s.Address.Addr(), 0)
		answer.Codecs, answer.Lines, answer.Ptime = o.Codecs, nil, 0
	}
	text, taken := s.session(), false
	for _, line := range o.Media {
		fields := strings.Fields(line)
		if !taken && fields[0] == "m=audio" {
			text += answer.audio(fields[2])
			taken = true
			continue
		}
		fields[1] = "0"
		text += strings.Join(fields, " ") + "\r\n"
	}
	return text
}

func (s SDP) common(offered []Codec) []Codec {
	var common []Codec
	for _, o := range offered {
		if slices.ContainsFunc(s.Codecs, func(c Codec) bool { return strings.EqualFold(c.Name, o.Name) && c.Rate == o.Rate }) {
			common = append(common, o)
		}
	}
	if !slices.ContainsFunc(common, func(c Codec) bool { return c.Name != DTMF.Name }) {
		return nil // nothing to speak with
	}
	return common
}

// reply is what one who wants `own` answers to an offer of direction `theirs`, RFC 3264 s6.1.
func reply(theirs, own string) string {
	send := (theirs == "sendrecv" || theirs == "recvonly") && (own == "sendrecv" || own == "sendonly")
	receive := (theirs == "sendrecv" || theirs == "sendonly") && (own == "sendrecv" || own == "recvonly")
	switch {
	case send && receive:
		return "sendrecv"
	case send:
		return "sendonly"
	case receive:
		return "recvonly"
	}
	return "inactive"
}
