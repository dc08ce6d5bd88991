package config

import (
	"fmt"
	"net/netip"
	"slices"
)

// checkSockets finds addresses and ports that cannot serve two purposes, and trunks that nothing can reach.
func (d *document) checkSockets(c *Config) {
	for i, l := range c.Listen.SIP {
		key := fmt.Sprintf("listen.sip[%d]", i)
		if l.Network == "udp" && c.Media.Ports.Contains(l.Port) {
			d.problem(d.positions[key], key, "port %d lies in media.ports %s; choose another", l.Port, c.Media.Ports)
		}
		http := c.Listen.HTTP
		if l.Network == "tcp" && l.Port == http.Port() && (l.Host == http.Addr() || http.Addr().IsUnspecified()) {
			d.problem(d.positions[key], key, "listen.http stands on the same port; choose another")
		}
	}
	for i, t := range c.Trunks {
		for j, p := range t.Peers {
			d.checkPeer(c, fmt.Sprintf("trunks.%s.peers[%d]", t.Name, j), p)
		}
		for j, network := range t.Accept {
			d.checkAccept(c.Trunks[:i], fmt.Sprintf("trunks.%s.accept[%d]", t.Name, j), network)
		}
	}
}

// checkPeer wants a listener of the peer's network and family: requests leave from it, and come back to it.
func (d *document) checkPeer(c *Config, key string, p Address) {
	reaches := func(l Address) bool { return l.Network == p.Network && l.Host.Is4() == p.Host.Is4() }
	if p.Network == "" || d.hasProblem("listen") || slices.ContainsFunc(c.Listen.SIP, reaches) {
		return
	}
	family := "IPv6"
	if p.Host.Is4() {
		family = "IPv4"
	}
	d.problem(d.positions[key], key, "no %s listener on %s in listen.sip; add one, or use another peer", p.Network, family)
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
