package config

import (
	"net/netip"
	"slices"
	"time"
)

// Trunk is a peer that we know.
type Trunk struct {
	Name         string
	Peers        []Peer         // tried in order
	Accept       []netip.Prefix // source networks of its requests
	Leg          Leg
	MediaAddress netip.Addr // Media.Address where the file names no other
	Presentation Presentation
	Reliable     Reliable
	Refer        Refer
	Redirect     Redirect
	EarlyMedia   EarlyMedia
	SessionTimer time.Duration // the session interval that we ask for; 0 asks for none
	Profile      Profile
	Large        Transport     // of requests too large for UDP, to peers that are reached over it
	Keepalive    time.Duration // how often the way to it is kept open; 0 never
	Options      time.Duration // how often its peers are asked whether they are there; 0 never
}

// Presentation says which caller numbers a trunk may present: Numbers, or anything for the reason Unchecked.
type Presentation struct {
	Unchecked string
	Numbers   []string // classes, numbers, ranges
	Otherwise Otherwise
}

// Profile says where a trunk's numbers stand.
type Profile struct {
	Called    string
	Caller    Caller
	Diversion []string // headers, in order of trust
}

const presentationForm = `presentation: {numbers: ["+81312340000-+81312349999"], otherwise: reject} ` +
	`with the caller numbers that this trunk may present, or ` +
	`presentation: {unchecked: "why nobody needs to check its caller numbers"}`

func (c *Config) readTrunks(v value) {
	ok := v.entries(func(key string, v value) {
		if _, err := name.parse(key); err != nil {
			v.problem("%w; allowed: %s", err, name.allowed)
		}
		t := defaultTrunk(key)
		t.read(v)
		c.Trunks = append(c.Trunks, t)
	})
	if ok && len(c.Trunks) == 0 {
		v.problem("no trunk; write at least one")
	}
}

func (t *Trunk) read(v value) {
	v.object(keys{
		"peers":          set(&t.Peers, peer),
		"accept":         set(&t.Accept, network),
		"leg":            into(&t.Leg, legs),
		"media_address":  into(&t.MediaAddress, address),
		"presentation":   t.Presentation.read,
		"profile":        t.Profile.read,
		"reliable":       into(&t.Reliable, oneOf(Supported, Required, Off)),
		"srtp":           into(new(string), oneOfNow([]string{"off"}, []string{"sdes"})),
		"register":       later,
		"auth":           later,
		"session_timer":  into(&t.SessionTimer, duration(90*time.Second, 24*time.Hour)),
		"options":        into(&t.Options, interval(10*time.Second, time.Hour)),
		"keepalive":      into(&t.Keepalive, interval(15*time.Second, time.Hour)),
		"large_requests": into(&t.Large, oneOf(UDP, TCP)),
		"refer":          into(&t.Refer, oneOf(ReferAccept, ReferRefuse)),
		"redirect":       into(&t.Redirect, oneOf(RedirectFollow, RedirectRefuse)),
		"p_early_media":  into(&t.EarlyMedia, oneOf(EarlyMediaSupported, EarlyMediaOff)),
	}, required{
		"peers":        peer.allowed,
		"accept":       network.allowed,
		"leg":          legs.allowed,
		"presentation": presentationForm,
	})
}

var legs = oneOf(PSTN, Managed, Internet)

func (p *Presentation) read(v value) {
	p.Otherwise = defaultOtherwise
	before := len(v.doc.problems)
	found := v.object(keys{
		"unchecked": into(&p.Unchecked, reason),
		"numbers":   oneOrMore(&p.Numbers, words),
		"otherwise": into(&p.Otherwise, oneOf(Reject, Withhold)),
	}, nil)
	switch {
	case len(v.doc.problems) > before:
	case found["unchecked"] == found["numbers"]:
		v.problem("either numbers or unchecked is needed; allowed: %s", presentationForm)
	case found["unchecked"] && found["otherwise"]:
		v.problem("otherwise has no meaning beside unchecked; leave it out")
	}
}

func (p *Profile) read(v value) {
	v.object(keys{
		"called":    into(&p.Called, oneOfNow([]string{p.Called}, []string{"to", "p-called-party-id", "alert-info"})),
		"caller":    into(&p.Caller, oneOfNow([]Caller{PAI, From}, []Caller{"ppi"})),
		"diversion": p.readDiversion,
	}, nil)
}

// checkLarge wants a TCP listener of the family of each peer that large requests are to reach over TCP.
func (d *document) checkLarge(c *Config, t Trunk) {
	if t.Large != TCP || d.hasProblem("listen") {
		return
	}
	for _, p := range t.Peers {
		reaches := func(l Listener) bool { return l.Network == "tcp" && l.Host.Is4() == p.Host.Is4() }
		if p.Network == "udp" && !slices.ContainsFunc(c.Listen.SIP, reaches) {
			key := "trunks." + t.Name + ".large_requests"
			d.problem(d.positions[key], key, "no tcp listener on %s in listen.sip; add one, or leave this out", family(p.Host))
			return
		}
	}
}

// readDiversion knows one setting: both headers, in the order of trust that is built in.
func (p *Profile) readDiversion(v value) {
	var headers []string
	before := len(v.doc.problems)
	set(&headers, oneOf(p.Diversion...))(v)
	if len(v.doc.problems) > before {
		return
	}
	for i, header := range p.Diversion {
		if i >= len(headers) || headers[i] != header {
			v.problem("any other choice or order is %w; allowed: [diversion, history-info]", errLater)
			return
		}
	}
}
