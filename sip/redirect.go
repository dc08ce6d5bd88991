package sip

import (
	"slices"
	"strconv"

	"tonegate/call"
	"tonegate/number"
	"tonegate/sip/wire"
)

// maxContacts bounds the contacts of one redirection that are looked at.
const maxContacts = 5

// redirected follows a redirection (RFC 3261 s8.1.3.4): each contact is
// screened and planned like a new call by whoever redirects. Only its number
// is used; where it goes is for our routes to say.
func (a *agent) redirected(l *leg, m *wire.Message) {
	contacts := slices.Clone(m.Contact)
	slices.SortStableFunc(contacts, func(x, y wire.Address) int {
		switch qx, qy := preference(x), preference(y); {
		case qx > qy:
			return -1
		case qx < qy:
			return 1
		}
		return 0
	})
	from := a.way()
	var plans []*call.Plan
	for _, c := range contacts[:min(len(contacts), maxContacts)] {
		w := a.onward(from, l, c.URI)
		w.from, w.transfer = from, from.transfer
		if said := rawAddresses(m, "Diversion"); len(said) > 0 { // RFC 5806 s4: it may say itself why
			w.identity.diverted = append(said, from.identity.diverted...)
		} else {
			reason := "unconditional"
			if a.call.Ringing() {
				reason = "deflection"
			}
			w.identity.divert(from.identity.called, l.flow.through.sentBy, reason)
		}
		plans = append(plans, a.take(w))
	}
	a.feed(call.Redirected{Status: m.Status, Plans: plans})
}

// preference is a contact's q value (RFC 3261 s20.10); 1 when it names none.
func preference(c wire.Address) float64 {
	if text, ok := c.Param("q"); ok {
		if q, err := strconv.ParseFloat(text, 64); err == nil && q >= 0 && q <= 1 {
			return q
		}
		return 0
	}
	return 1
}

// onward reads who calls whom when leg l sends its call on to an address.
func (a *agent) onward(from *way, l *leg, to wire.URI) *way {
	was := &from.plan.Facts
	r := factReader{facts: call.Facts{Trunk: l.trunk.Name, Caller: was.Caller, Asserted: was.Asserted, FromFirst: was.FromFirst,
		Forwarded: true, Unread: was.Unread, Urgent: from.plan.Emergency}}
	r.facts.Called = r.number(to)
	by := was.Called
	if l.side == call.A { // who stays is the one who was called
		r.facts.Caller, r.facts.Asserted, by = was.Called, nil, was.Presented()
	}
	r.facts.Diverting = append([]number.Number{by}, was.Diverting...)
	if len(r.facts.Diverting) > maxNumbers {
		r.facts.Diverting = r.facts.Diverting[:maxNumbers]
		r.facts.Unread++
	}
	w := &way{identity: from.identity, only: from.only}
	w.plan.Facts = r.facts
	w.identity.called = to.User
	w.identity.hops = max(0, from.identity.hops-1)
	return w
}

// take plans a way, and keeps it with those of the call.
func (a *agent) take(w *way) *call.Plan {
	facts := w.plan.Facts
	w.plan = a.shard.server.plan(facts, a.shard.screen(&facts))
	if w.plan.Withhold {
		w.identity.withhold()
	}
	if peer := a.legs[call.A].peer; peer != nil && w.only == nil {
		w.narrowTo(peer)
	}
	a.ways = append(a.ways, w)
	return &w.plan
}
