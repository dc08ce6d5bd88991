package sip

import (
	"strings"

	"tonegate/sip/wire"
)

// identity is what leg B is told of who calls: an allow-list, each value read
// and found whole before. Nothing else of leg A's message leaves on leg B.
type identity struct {
	display  string
	user     string // of From, "" when withheld
	called   string // user part of the Request-URI
	asserted []string
	diverted []string // Diversion values
	history  []string // History-Info values
	privacy  string
	referrer string // Referred-By (RFC 3892)
	hops     int    // Max-Forwards
}

func readIdentity(m *wire.Message, withhold bool) identity {
	id := identity{display: m.From.Display, user: m.From.URI.User, called: m.RequestURI.User, privacy: m.Value("Privacy"), hops: m.MaxForwards}
	id.diverted = rawAddresses(m, "Diversion")
	id.history = rawAddresses(m, "History-Info")
	id.asserted = rawAddresses(m, "P-Asserted-Identity")
	if anonymous(m.From.URI) {
		id.display, id.user = "Anonymous", ""
	}
	if withhold {
		id.withhold()
	}
	return id
}

// withhold keeps the caller's number from leaving.
func (id *identity) withhold() {
	id.display, id.user, id.asserted, id.privacy = "Anonymous", "", nil, "id"
}

// divert says that a user of ours has sent the call on (RFC 5806 s9.1).
func (id *identity) divert(user, sentBy, reason string) {
	if user != "" {
		id.diverted = append([]string{"<sip:" + user + "@" + sentBy + ">;reason=" + reason + ";counter=1"}, id.diverted...)
	}
}

// referredBy keeps who asked for a transfer.
func (id *identity) referredBy(m *wire.Message) {
	id.referrer = ""
	if said := rawAddresses(m, "Referred-By"); len(said) == 1 {
		id.referrer = said[0]
	}
}

// rawAddresses are the values of a field that read as addresses.
func rawAddresses(m *wire.Message, field string) []string {
	var raw []string
	for _, v := range m.Values(field) {
		list, err := wire.ParseAddressList(v)
		if err != nil {
			continue
		}
		for _, a := range list {
			if len(raw) < maxNumbers {
				raw = append(raw, a.Raw)
			}
		}
	}
	return raw
}

// from is leg B's From value, without its tag.
func (id *identity) from(sentBy string) string {
	uri := "<sip:anonymous@anonymous.invalid>"
	if id.user != "" {
		uri = "<sip:" + id.user + "@" + sentBy + ">"
	}
	if id.display == "" {
		return uri
	}
	return `"` + quoter.Replace(id.display) + `" ` + uri
}

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// uri names the called number at an address.
func (id *identity) uri(at string) string {
	if id.called == "" {
		return "sip:" + at
	}
	return "sip:" + id.called + "@" + at
}

// add writes the identity headers of an INVITE.
func (id *identity) add(b *wire.Builder) {
	for _, v := range id.asserted {
		b.Add("P-Asserted-Identity", v)
	}
	for _, v := range id.diverted {
		b.Add("Diversion", v)
	}
	for _, v := range id.history {
		b.Add("History-Info", v)
	}
	if id.privacy != "" {
		b.Add("Privacy", id.privacy)
	}
	if id.referrer != "" {
		b.Add("Referred-By", id.referrer)
	}
}
