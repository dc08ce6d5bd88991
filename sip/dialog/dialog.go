package dialog

import (
	"slices"
	"strconv"
	"strings"

	"tonegate/sip/wire"
)

// Dialog is one dialog, early or confirmed (RFC 3261 s12).
type Dialog struct {
	CallID    string
	LocalTag  string
	RemoteTag string

	Local  string // our From value in requests, tag included
	Remote string // our To value in requests, tag included

	LocalSeq  uint32
	RemoteSeq uint32   // of the last request of the peer, 0 when there was none
	RouteSet  []string // in the order of the Route header
	Target    string   // remote target: the Request-URI of our requests

	// An INVITE under way in either direction rules out another
	// (RFC 3261 s14.1, s14.2).
	InviteIn, InviteOut bool
}

// NewUAS is the dialog that our response with localTag to an INVITE makes
// (RFC 3261 s12.1.1).
func NewUAS(invite *wire.Message, localTag string) Dialog {
	d := Dialog{
		CallID:    invite.CallID,
		LocalTag:  localTag,
		RemoteTag: invite.From.Tag,
		Local:     invite.To.Raw + ";tag=" + localTag,
		Remote:    invite.From.Raw,
		RemoteSeq: invite.CSeq,
		RouteSet:  copied(invite.RecordRoute),
	}
	own(&d.CallID, &d.RemoteTag, &d.Remote)
	d.refresh(invite)
	return d
}

// NewUAC is the dialog that a response to our INVITE makes (RFC 3261 s12.1.2).
func NewUAC(invite *wire.Invite, localTag string, res *wire.Message) Dialog {
	d := Dialog{
		CallID:    invite.CallID,
		LocalTag:  localTag,
		RemoteTag: res.To.Tag,
		Local:     invite.From,
		Remote:    res.To.Raw,
		LocalSeq:  invite.CSeq,
		Target:    invite.URI, // a peer without Contact is reached as it was called
	}
	own(&d.RemoteTag, &d.Remote)
	d.confirm(res)
	return d
}

// own moves strings that are parts of a message into memory of their own: a
// dialog outlives the message, and must not keep all of it.
func own(parts ...*string) {
	var all strings.Builder
	size := 0
	for _, p := range parts {
		size += len(*p)
	}
	all.Grow(size)
	for _, p := range parts {
		at := all.Len()
		all.WriteString(*p)
		*p = all.String()[at:]
	}
}

// copied is a list of such strings in memory of its own.
func copied(list []string) []string {
	list = slices.Clone(list)
	for i := range list {
		list[i] = strings.Clone(list[i])
	}
	return list
}

// confirm takes the route set, and the remote target if one is named, from a
// response to our INVITE. Nothing else of an early dialog is made anew by its
// 2xx (RFC 3261 s13.2.2.4).
func (d *Dialog) confirm(res *wire.Message) {
	d.RouteSet = copied(res.RecordRoute)
	slices.Reverse(d.RouteSet)
	d.refresh(res)
}

// refresh takes the remote target from a Contact (RFC 3261 s12.2.1.2, s12.2.2).
func (d *Dialog) refresh(m *wire.Message) {
	if len(m.Contact) > 0 {
		d.Target = m.Contact[0].URI.String()
	}
}

// Refresh takes the remote target from a target refresh request that is
// accepted, or from the 2xx to ours (RFC 3261 s12.2.2).
func (d *Dialog) Refresh(m *wire.Message) { d.refresh(m) }

// Receive judges a request within the dialog, ACK and CANCEL apart, and takes
// in what it changes. The result is 0, or the status to refuse it with.
func (d *Dialog) Receive(req *wire.Message) int {
	if req.CallID != d.CallID || req.From.Tag != d.RemoteTag || req.To.Tag != d.LocalTag {
		return 481
	}
	if d.RemoteSeq != 0 && req.CSeq < d.RemoteSeq { // RFC 3261 s12.2.2
		return 500
	}
	d.RemoteSeq = req.CSeq
	if req.Method == wire.INVITE {
		switch {
		case d.InviteIn:
			return 500 // with Retry-After, RFC 3261 s14.2
		case d.InviteOut:
			return 491
		}
	}
	return 0
}

// Invite starts a re-INVITE: the facts that its ACK and CANCEL repeat. The
// caller adds Contact and body to its Request.
func (d *Dialog) Invite(network, sentBy, branch string) wire.Invite {
	d.LocalSeq++
	uri, routes := d.route()
	i := wire.NewInvite(uri, network, sentBy, branch)
	i.From, i.To, i.CallID, i.CSeq, i.Routes = d.Local, d.Remote, d.CallID, d.LocalSeq, routes
	return i
}

// Request starts a request within the dialog, CSeq counted up
// (RFC 3261 s12.2.1.1). Each says that we have session timers (RFC 4028 s7.1).
func (d *Dialog) Request(m wire.Method, network, sentBy, branch string) *wire.Builder {
	d.LocalSeq++
	return d.start(m, d.LocalSeq, network, sentBy, branch).Add("Supported", "timer")
}

// Ack starts the ACK of a 2xx. It carries the CSeq number of the INVITE, whatever was sent since
// (RFC 3261 s13.2.2.4).
func (d *Dialog) Ack(seq uint32, network, sentBy, branch string) *wire.Builder {
	return d.start(wire.ACK, seq, network, sentBy, branch)
}

func (d *Dialog) start(m wire.Method, seq uint32, network, sentBy, branch string) *wire.Builder {
	uri, routes := d.route()
	b := wire.NewRequest(m, uri).Via(network, sentBy, branch)
	for _, r := range routes {
		b.Add("Route", r)
	}
	return b.Add("From", d.Local).Add("To", d.Remote).Add("Call-ID", d.CallID).
		Add("CSeq", strconv.FormatUint(uint64(seq), 10)+" "+string(m))
}

// route is the Request-URI and the Route values of a request: the remote
// target and the route set, or, before a strict router, the first route and
// the rest with the target behind (RFC 3261 s12.2.1.1).
func (d *Dialog) route() (string, []string) {
	if len(d.RouteSet) == 0 {
		return d.Target, nil
	}
	first, err := wire.ParseAddress(d.RouteSet[0])
	if err != nil || loose(first.URI) {
		return d.Target, d.RouteSet
	}
	return first.URI.String(), append(slices.Clone(d.RouteSet[1:]), "<"+d.Target+">")
}

func loose(u wire.URI) bool {
	for p := range strings.SplitSeq(u.Params, ";") {
		name, _, _ := strings.Cut(p, "=")
		if strings.EqualFold(name, "lr") {
			return true
		}
	}
	return false
}
