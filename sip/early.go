package sip

import (
	"strings"

	"tonegate/call"
	"tonegate/sip/wire"
)

// Early media is authorized, where a trunk's network wants that, by the
// P-Early-Media header (RFC 5009).

// direction is what a provisional response says of its early media, "" when it
// says nothing.
func direction(m *wire.Message) string {
	for _, t := range tokens(m.Values("P-Early-Media")) {
		switch t = strings.ToLower(t); t {
		case "sendrecv", "sendonly", "recvonly", "inactive":
			return t
		}
	}
	return ""
}

// authorize is the header that goes with a description of early media
// (RFC 5009 s8): towards the caller only, for a notice of ours; what the
// callee says of its own.
func (a *agent) authorize(b call.Body) string {
	if out := a.legs[call.B].out; b.From == call.Peer && out != nil && out.early != "" {
		return out.early
	}
	return "sendonly"
}

// tokens are the elements of comma-separated fields.
func tokens(values []string) []string {
	var all []string
	for _, v := range values {
		for t := range strings.SplitSeq(v, ",") {
			if t = strings.TrimSpace(t); t != "" {
				all = append(all, t)
			}
		}
	}
	return all
}
