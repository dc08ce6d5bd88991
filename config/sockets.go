package config

import (
	"fmt"
	"net/netip"
	"slices"
)

// checkSockets finds addresses and ports that cannot serve two purposes, and trunks that nothing can reach.
func (d *document) checkSockets(c *Config) {
	for i, l := range c.Listen.SIP {
		d.checkListener(c, fmt.Sprintf("listen.sip[%d]", i), l, c.Listen.SIP[:i])
	}
	secure := map[Address]secured{}
	for i, t := range c.Trunks {
		for j, p := range t.Peers {
			key := fmt.Sprintf("trunks.%s.peers[%d]", t.Name, j)
			d.checkPeer(c, key, p.Address)
			d.checkSecured(secure, key, p)
		}
		d.checkMedia(c, t)
		d.checkLarge(c, t)
		for j, network := range t.Accept {
			d.checkAccept(c.Trunks[:i], fmt.Sprintf("trunks.%s.accept[%d]", t.Name, j), network)
		}
	}
}

// checkListener wants every socket for itself. TLS stands on the TCP ports.
func (d *document) checkListener(c *Config, key string, l Listener, above []Listener) {
	if l.Network == "udp" && c.Media.Ports.Contains(l.Port) {
		d.problem(d.positions[key], key, "port %d lies in media.ports %s; choose another", l.Port, c.Media.Ports)
	}
	http := c.Listen.HTTP
	if l.Network != "udp" && l.Port == http.Port() && (l.Host == http.Addr() || http.Addr().IsUnspecified()) {
		d.problem(d.positions[key], key, "listen.http stands on the same port; choose another")
	}
	for i, other := range above {
		// Of those that are the same in all, set has told already.
		if l != other && l.Port != 0 && l.AddrPort() == other.AddrPort() && (l.Network == "udp") == (other.Network == "udp") {
			d.problem(d.positions[key], key, "listen.sip[%d] stands on the same port; choose another", i)
		}
	}
}

// checkPeer wants a listener of the peer's network and family: requests leave from it, and come back to it.
func (d *document) checkPeer(c *Config, key string, p Address) {
	reaches := func(l Listener) bool { return l.Network == p.Network && l.Host.Is4() == p.Host.Is4() }
	if p.Network == "" || d.hasProblem("listen") || slices.ContainsFunc(c.Listen.SIP, reaches) {
		return
	}
	d.problem(d.positions[key], key, "no %s listener on %s in listen.sip; add one, or use another peer", p.Network, family(p.Host))
}

// secured is a peer over TLS and where it stands.
type secured struct {
	key  string
	peer Peer
}

// checkSecured wants one name and one ca for one address: its connection is shared by all that goes there.
func (d *document) checkSecured(known map[Address]secured, key string, p Peer) {
	if p.Network != "tls" {
		return
	}
	if first, ok := known[p.Address]; !ok {
		known[p.Address] = secured{key, p}
	} else if first.peer != p {
		d.problem(d.positions[key], key, "another name or ca than that of %s, which is the same address; write both alike", first.key)
	}
}

// checkMedia wants a trunk whose peers are all of one family to be told an address of that family, unless its own
// media_address says otherwise.
func (d *document) checkMedia(c *Config, t Trunk) {
	key := "trunks." + t.Name
	if _, own := d.positions[key+".media_address"]; own || !c.Media.Address.IsValid() || d.hasProblem(key+".peers") {
		return
	}
	alike := func(p Peer) bool { return p.Host.Is4() == c.Media.Address.Is4() }
	if len(t.Peers) > 0 && !slices.ContainsFunc(t.Peers, alike) {
		d.problem(d.positions[key+".peers"], key+".media_address", "missing: the peers have %s, media.address is %s; allowed: %s",
			family(t.Peers[0].Host), family(c.Media.Address), address.allowed)
	}
}

func family(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// checkAccept wants every source to belong to one trunk.
func (d *document) checkAccept(above []Trunk, key string, network netip.Prefix) {
	for _, t := range above {
		for _, other := range t.Accept {
			if network.IsValid() && other.IsValid() && network.Overlaps(other) {
				d.problem(d.positions[key], key, "%s overlaps %s of trunk %s; a source belongs to one trunk", network, other, t.Name)
			}
		}
	}
}
