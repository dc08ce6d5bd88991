package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Listener is a SIP socket that we open. Each names one address of this machine, because it is written into Via and
// Contact (RFC 3261 s18.1.1), where 0.0.0.0 says nothing. The paths are those of a tls listener.
type Listener struct {
	Address
	Cert, Key string // PEM files: the chain that we show, and its key
	ClientCA  string // PEM file of those who sign what peers must show; "": they need show nothing
}

// Peer is a SIP address that we send to. Name and CA are those of a tls peer.
type Peer struct {
	Address
	Name string // that its certificate must be for; "": its address
	CA   string // PEM file of those who may sign it; "": whom the system trusts
}

var listener = kind[Listener]{
	"udp://ADDRESS:PORT, tcp://ADDRESS:PORT or tls://ADDRESS:PORT?cert=FILE&key=FILE[&client_ca=FILE], e.g. udp://192.0.2.1:5060",
	func(s string) (l Listener, err error) {
		var query string
		if l.Address, query, err = parseAddress(s); err != nil || l.Network != "tls" {
			return l, err
		}
		err = settings(query, map[string]setting{"cert": {&l.Cert, line}, "key": {&l.Key, line}, "client_ca": {&l.ClientCA, line}})
		switch {
		case err != nil:
		case l.Cert == "":
			err = errors.New("cert is missing")
		case l.Key == "":
			err = errors.New("key is missing")
		}
		return l, err
	},
}

var peer = kind[Peer]{
	"udp://ADDRESS:PORT, tcp://ADDRESS:PORT or tls://ADDRESS:PORT[?name=HOST&ca=FILE], e.g. udp://192.0.2.1:5060",
	func(s string) (p Peer, err error) {
		var query string
		if p.Address, query, err = parseAddress(s); err != nil {
			return p, err
		}
		return p, settings(query, map[string]setting{"name": {&p.Name, hostName}, "ca": {&p.CA, line}})
	},
}

// setting is where the value of a key=value goes, and how it is read.
type setting struct {
	dst   *string
	parse func(string) (string, error)
}

// settings reads key=value&key=value. Values mean what is written: a path is not decoded.
func settings(query string, known map[string]setting) error {
	if query == "" {
		return nil
	}
	found := map[string]bool{}
	for one := range strings.SplitSeq(query, "&") {
		key, text, _ := strings.Cut(one, "=")
		s, ok := known[key]
		if !ok {
			return fmt.Errorf("%q is not a setting%s", key, suggest(key, slices.Sorted(maps.Keys(known))))
		}
		if found[key] {
			return fmt.Errorf("%s stands twice", key)
		}
		found[key] = true
		value, err := s.parse(text)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		*s.dst = value
	}
	return nil
}

// hostName reads the name or IP address that a certificate is for.
func hostName(s string) (string, error) {
	if a, err := parseHost(s); err == nil {
		return a.String(), nil
	}
	bad := func(label string) bool {
		return label == "" || len(label) > 63 || strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-_") != ""
	}
	if len(s) > 253 || slices.ContainsFunc(strings.Split(s, "."), bad) {
		return "", errors.New("not a host name")
	}
	return s, nil
}
