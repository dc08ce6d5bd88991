package wire

import "strconv"

// Invite is what an INVITE of ours must repeat in the ACK of a final response other than 2xx (RFC 3261 s17.1.1.3)
// and in its CANCEL (s9.1). Every field is the value as it stands, or will stand, in the INVITE.
type Invite struct {
	URI    string // Request-URI
	Via    string // the one Via value
	From   string
	To     string
	CallID string
	CSeq   uint32
	Routes []string // Route values, in order
}

// NewInvite writes the Via as Builder.Via does; the other fields are for the caller to fill in.
func NewInvite(uri, network, sentBy, branch string) Invite {
	return Invite{URI: uri, Via: viaText(network, sentBy, branch)}
}

// Request starts the INVITE itself, to be completed with Add and Body.
func (i Invite) Request() *Builder { return i.start(INVITE, i.To) }

// Ack is the ACK for a response other than 2xx; to is that response's To value. It is nil when a value is unfit.
func (i Invite) Ack(to string) []byte { return i.bare(ACK, to, "") }

// Cancel is the CANCEL, to be sent once a provisional response has come, with a Reason (RFC 3326) or "" for none.
// It is nil when a value is unfit.
func (i Invite) Cancel(reason string) []byte { return i.bare(CANCEL, i.To, reason) }

func (i Invite) bare(m Method, to, reason string) []byte {
	b := i.start(m, to)
	if reason != "" {
		b.Add("Reason", reason)
	}
	out, err := b.Bytes()
	if err != nil {
		return nil
	}
	return out
}

func (i Invite) start(m Method, to string) *Builder {
	b := NewRequest(m, i.URI).Add("Via", i.Via)
	for _, r := range i.Routes {
		b.Add("Route", r)
	}
	return b.Add("From", i.From).Add("To", to).Add("Call-ID", i.CallID).
		Add("CSeq", strconv.FormatUint(uint64(i.CSeq), 10)+" "+string(m))
}
