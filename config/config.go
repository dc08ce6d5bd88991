package config

import (
	"log/slog"
	"net/netip"
	"time"
)

// Config is the whole configuration of one node, with the defaults filled in. Its fields mirror the file.
type Config struct {
	Node     string // names this node in records and metrics
	Listen   Listen
	Media    Media
	Store    Store
	Trunks   []Trunk // in the order of the file
	Routes   []Route // first match wins
	Notices  Notices
	Stoplist Stoplist
	Limits   Limits
	Records  Records
	Log      Log

	file      string
	positions map[string]position
}

// Listen names the sockets that the node opens.
type Listen struct {
	SIP  []Listener
	HTTP netip.AddrPort
}

// Media says where RTP is received.
type Media struct {
	Address netip.Addr    // written into SDP where a trunk names no other
	Ports   PortRange     // even RTP, odd RTCP
	Timeout time.Duration // without RTP from either side for so long, the call ends
	Rest    time.Duration // of a port after its call
}

// Limits are refused beyond with 503; emergency calls never count.
type Limits struct {
	Calls            int
	InvitesPerSecond int
}

// Records says where call records go and how long they stay.
type Records struct {
	Keep      time.Duration
	Directory string
}

// Log says what is logged, and how.
type Log struct {
	Level  slog.Level
	Format Format
}

func (c *Config) read(v value) {
	v.object(keys{
		"node":     into(&c.Node, name),
		"listen":   c.Listen.read,
		"media":    c.Media.read,
		"store":    c.Store.read,
		"trunks":   c.readTrunks,
		"routes":   list(&c.Routes, (*Route).read),
		"notices":  c.Notices.read,
		"stoplist": c.Stoplist.read,
		"limits":   c.Limits.read,
		"records":  c.Records.read,
		"log":      c.Log.read,
	}, required{
		"node":    name.allowed,
		"listen":  "listen: {sip: [udp://ADDRESS:PORT]}",
		"media":   "media: {address: ADDRESS}",
		"trunks":  "trunks: {NAME: {peers: …, accept: …, leg: …, presentation: …}}",
		"routes":  "routes: [{from: TRUNK, to: TRUNK}]",
		"notices": "notices: {rules: [{when: {}, none: \"why no notice is played\"}]}",
	})
}

func (l *Listen) read(v value) {
	v.object(keys{
		"sip":  set(&l.SIP, listener),
		"http": into(&l.HTTP, endpoint),
	}, required{"sip": listener.allowed})
}

func (m *Media) read(v value) {
	v.object(keys{
		"address": into(&m.Address, address),
		"ports":   into(&m.Ports, portRange),
		"timeout": into(&m.Timeout, duration(time.Second, 24*time.Hour)),
		"rest":    into(&m.Rest, duration(time.Second, time.Hour)),
	}, required{"address": address.allowed})
}

func (l *Limits) read(v value) {
	v.object(keys{
		"calls":              into(&l.Calls, whole(1, 1_000_000)),
		"invites_per_second": into(&l.InvitesPerSecond, whole(1, 1_000_000)),
	}, nil)
}

func (r *Records) read(v value) {
	v.object(keys{
		"keep":      into(&r.Keep, duration(24*time.Hour, 20*365*24*time.Hour)),
		"directory": into(&r.Directory, path),
	}, nil)
}

func (l *Log) read(v value) {
	v.object(keys{
		"level":  into(&l.Level, level),
		"format": into(&l.Format, oneOf(JSON, Text)),
	}, nil)
}
