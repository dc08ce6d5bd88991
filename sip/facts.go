package sip

import (
	"strings"

	"tonegate/call"
	"tonegate/number"
	"tonegate/sip/wire"
)

// maxNumbers bounds the numbers of one call; what is beyond counts as unread.
const maxNumbers = 32

// readFacts reads what an INVITE says about who calls whom, and through whom.
func readFacts(m *wire.Message, t *Trunk) call.Facts {
	r := factReader{facts: call.Facts{Trunk: t.Name, FromFirst: t.FromFirst}}
	r.facts.Called = r.number(m.RequestURI)
	if anonymous(m.From.URI) {
		r.facts.Caller = number.Withheld
	} else {
		r.facts.Caller = r.number(m.From.URI)
	}
	for _, a := range r.addresses(m, "P-Asserted-Identity") {
		if n := r.number(a.URI); n != (number.Number{}) {
			r.facts.Asserted = append(r.facts.Asserted, n)
		}
	}
	for _, a := range r.addresses(m, "Diversion") { // RFC 5806: the latest first
		r.diverted(a.URI)
		r.facts.Forwarded = true
	}
	r.history(r.addresses(m, "History-Info"))
	return r.facts
}

type factReader struct {
	facts call.Facts
	count int
}

// number reads one number; one that cannot be read is counted.
func (r *factReader) number(u wire.URI) number.Number {
	if u.User == "" {
		return number.Number{}
	}
	if r.count++; r.count > maxNumbers {
		r.facts.Unread++
		return number.Number{}
	}
	n, err := number.Parse(u.User)
	if err != nil {
		r.facts.Unread++
	}
	return n
}

// addresses reads every value of a field; one that cannot be read is counted.
func (r *factReader) addresses(m *wire.Message, field string) []wire.Address {
	var all []wire.Address
	for _, v := range m.Values(field) {
		list, err := wire.ParseAddressList(v)
		if err != nil {
			r.facts.Unread++
			continue
		}
		all = append(all, list...)
	}
	return all
}

func (r *factReader) diverted(u wire.URI) {
	if n := r.number(u); n != (number.Number{}) {
		r.facts.Diverting = append(r.facts.Diverting, n)
	}
}

// history reads History-Info (RFC 7044): an entry whose URI carries a cause
// (RFC 4458, RFC 8119) or a mapping parameter was diverted to, so that the
// entry before it is the party that diverted (RFC 7544 s3).
func (r *factReader) history(entries []wire.Address) {
	for i := len(entries) - 1; i > 0; i-- {
		if diverted(entries[i]) {
			r.facts.Forwarded = true
			r.diverted(entries[i-1].URI)
		}
	}
}

func diverted(a wire.Address) bool {
	if _, mapped := a.Param("mp"); mapped { // RFC 7044 s5
		return true
	}
	for p := range strings.SplitSeq(a.URI.Params, ";") {
		if name, value, _ := strings.Cut(p, "="); strings.EqualFold(name, "cause") && value != "" {
			return true
		}
	}
	// A Reason inside the URI, "?Reason=SIP%3Bcause%3D302" (RFC 7044 s10.2).
	return strings.Contains(strings.ToLower(a.URI.Headers), "reason=")
}

// anonymous reports a caller who withholds the number (RFC 3323 s4.1.1.3).
func anonymous(u wire.URI) bool {
	return strings.EqualFold(u.User, "anonymous") || strings.EqualFold(u.Host, "anonymous.invalid")
}
