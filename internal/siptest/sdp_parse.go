package siptest

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ParseSDP reads the first audio stream of a description. Of what it is not asked about it reads only the m= lines.
func ParseSDP(text string) (SDP, error) {
	r := sdpReader{maps: make(map[uint8]Codec), in: inSession}
	for line := range strings.Lines(text) {
		if err := r.line(strings.TrimRight(line, "\r\n")); err != nil {
			return SDP{}, fmt.Errorf("parse sdp: %w", err)
		}
	}
	switch {
	case r.payloads == nil:
		return SDP{}, errors.New("parse sdp: no audio")
	case !r.host.IsValid():
		return SDP{}, errors.New("parse sdp: no c= line for the audio")
	}
	r.Address = netip.AddrPortFrom(r.host, r.port)
	for _, payload := range r.payloads {
		c := r.maps[payload]
		if c.Name == "" {
			c.Payload, c.Name, c.Rate = payload, static[payload].Name, static[payload].Rate
		}
		r.Codecs = append(r.Codecs, c)
	}
	return r.SDP, nil
}

type sdpSection int

const (
	inSession sdpSection = iota
	inAudio
	inOther
)

type sdpReader struct {
	SDP
	in       sdpSection
	host     netip.Addr
	port     uint16
	payloads []uint8
	maps     map[uint8]Codec
}

func (r *sdpReader) line(line string) error {
	switch {
	case strings.HasPrefix(line, "m="):
		return r.stream(line)
	case r.in == inOther:
	case strings.HasPrefix(line, "c="):
		fields := strings.Fields(line)
		addr, err := netip.ParseAddr(fields[len(fields)-1])
		if err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
		r.host = addr
	case strings.HasPrefix(line, "a="):
		r.attribute(line)
	}
	return nil
}

func (r *sdpReader) stream(line string) error {
	fields := strings.Fields(line)
	if len(fields) < 4 {
		return fmt.Errorf("%q has %d fields", line, len(fields))
	}
	r.Media = append(r.Media, line)
	if fields[0] != "m=audio" || r.payloads != nil {
		r.in = inOther
		return nil
	}
	r.in = inAudio
	port, err := strconv.ParseUint(fields[1], 10, 16)
	if err != nil {
		return fmt.Errorf("port in %q: %w", line, err)
	}
	r.port = uint16(port)
	for _, text := range fields[3:] {
		payload, err := strconv.ParseUint(text, 10, 7)
		if err != nil {
			return fmt.Errorf("payload type in %q: %w", line, err)
		}
		r.payloads = append(r.payloads, uint8(payload))
	}
	return nil
}

func (r *sdpReader) attribute(line string) {
	name, value, _ := strings.Cut(strings.TrimPrefix(line, "a="), ":")
	switch name {
	case "sendrecv", "sendonly", "recvonly", "inactive":
		r.Direction = name
	case "ptime":
		r.Ptime, _ = strconv.Atoi(value)
	case "rtpmap", "fmtp":
		r.format(name, value)
	default:
		if r.in == inAudio {
			r.Lines = append(r.Lines, line)
		}
	}
}

func (r *sdpReader) format(name, value string) {
	text, rest, _ := strings.Cut(value, " ")
	payload, err := strconv.ParseUint(text, 10, 7)
	if err != nil {
		return
	}
	c := r.maps[uint8(payload)]
	c.Payload = uint8(payload)
	if name == "fmtp" {
		c.Fmtp = rest
	} else {
		encoding, rate, _ := strings.Cut(rest, "/")
		rate, _, _ = strings.Cut(rate, "/")
		c.Name = encoding
		c.Rate, _ = strconv.Atoi(rate)
	}
	r.maps[c.Payload] = c
}
