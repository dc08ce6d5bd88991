package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// minimal has every required key and no other. Each line is a key of its own, so that a test can replace it.
const minimal = `node: tg1
listen:
  sip: [udp://127.0.0.1:5060]
media:
  address: 127.0.0.1
trunks:
  a:
    peers: [udp://127.0.0.2:5060]
    accept: [127.0.0.2/32]
    leg: pstn
    presentation: {unchecked: "a test"}
  b:
    peers: [udp://127.0.0.3:5060]
    accept: [127.0.0.3/32]
    leg: internet
    presentation: {numbers: ["+81312340000"]}
routes:
  - {from: a, to: b}
notices:
  assets:
    t: {synth: "600/200"}
  rules:
    - when: {}
      none: "a test"
`

func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse("c.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	sipForm     = "; allowed: udp://ADDRESS:PORT, tcp://ADDRESS:PORT or tls://ADDRESS:PORT?cert=FILE&key=FILE[&client_ca=FILE], e.g. udp://192.0.2.1:5060"
	peerForm    = "; allowed: udp://ADDRESS:PORT, tcp://ADDRESS:PORT or tls://ADDRESS:PORT[?name=HOST&ca=FILE], e.g. udp://192.0.2.1:5060"
	nameForm    = "; allowed: a name of up to 63 letters, digits, - and _"
	portForm    = "; allowed: an even port, -, an odd port, both from 1024 to 65535, e.g. 20000-29999"
	networkForm = "; allowed: a network, e.g. 192.0.2.1/32 for one machine or 192.0.2.0/24"
	machineForm = "; allowed: one IP address of this machine, e.g. 192.0.2.1"
	storeText   = "; allowed: sqlite:PATH, ${NAME} of the environment, file:PATH of a file that holds it"
	keepForm    = "; allowed: a duration from 24h to 175200h, e.g. 60s, 5m or 4320h"
	tell        = `; allowed: presentation: {numbers: ["+81312340000-+81312349999"], otherwise: reject} with the caller numbers that this trunk may present, or presentation: {unchecked: "why nobody needs to check its caller numbers"}`
)

// bad replaces old by new in minimal; old "" appends new. want is the error, all of it.
type bad struct{ name, old, new, want string }

var badFiles = []bad{
	// keys
	{"MisspeltKey", "node: tg1", "nod: tg1", "1:1: nod: unknown key; did you mean node?; allowed: limits, listen, log, media, node, notices, records, routes, stoplist, store, trunks\n1:1: node: missing" + nameForm},
	{"MisspeltNestedKey", "    leg: pstn\n", "    leg: pstn\n    acept: []\n", "11:5: trunks.a.acept: unknown key; did you mean accept?; allowed: accept, auth, keepalive, large_requests, leg, media_address, options, p_early_media, peers, presentation, profile, redirect, refer, register, reliable, session_timer, srtp"},
	{"KeyNothingLike", "", "bandwidth: 1\n", "25:1: bandwidth: unknown key; allowed: limits, listen, log, media, node, notices, records, routes, stoplist, store, trunks"},
	{"KeyTwice", "", "node: tg2\n", "25:1: node: this key stands twice, first on line 1; leave one out"},
	{"TrunkTwice", "  b:\n", "  a:\n", "12:3: trunks.a: this key stands twice, first on line 7; leave one out\n18:19: routes[0].to: no trunk is named \"b\"; allowed: a"},
	{"StrangeKey", "", "\"a\\nb\": 1\n", "25:1: \"a\\nb\": unknown key; allowed: limits, listen, log, media, node, notices, records, routes, stoplist, store, trunks"},
	{"ListForObject", "  address: 127.0.0.1\n", "  - 127.0.0.1\n", "4:1: media: a list where keys with values are expected"},
	{"ObjectForList", "routes:\n  - {from: a, to: b}\n", "routes: {from: a, to: b}\n", "17:1: routes: keys with values where a list is expected; write [a, b]"},
	{"ObjectForText", "node: tg1", "node: {a: b}", "1:1: node: keys with values where a single value is expected; quote a value that holds a colon" + nameForm},
	{"NothingForText", "node: tg1", "node:", "1:1: node: nothing where a single value is expected" + nameForm},
	{"EmptyList", "[udp://127.0.0.1:5060]", "[]", "3:3: listen.sip: the list is empty; write at least one"},
	// YAML
	{"Anchor", "node: tg1", "node: &x tg1", "1:7: \"&\": anchors, aliases, tags, directives and ? keys are not used here; write the value out"},
	{"Alias", "node: tg1", "node: *x", "1:7: \"*\": anchors, aliases, tags, directives and ? keys are not used here; write the value out"},
	{"Tag", "node: tg1", "node: !!str tg1", "1:7: \"!!str\": anchors, aliases, tags, directives and ? keys are not used here; write the value out"},
	{"SecondDocument", "", "---\nnode: x\n", "25:1: \"---\": the file is one document; leave this line out"},
	{"OpenBracket", "[udp://127.0.0.1:5060]", "[udp://127.0.0.1:5060", "4:1: ',' or ']' must be specified"},
	{"Tab", "  address:", "\taddress:", "5:1: found character 'tab' that cannot start any token"},
	{"NotUTF8", "node: tg1", "# \x93\xfa\nnode: tg1", "1: not UTF-8 text; save the file as UTF-8"},
	{"NestedTooDeeply", "node: tg1", "node: " + strings.Repeat("[", 17), "1:23: nested too deeply"},
	{"TooManyKeys", "", strings.Repeat("node: x\n", maxKeys), "9997:5: too many keys; allowed: 10000"},
	// node, listen, media
	{"NodeBadLetter", "node: tg1", "node: tg 1", "1:7: node: \"tg 1\": ' ' may not stand in a name" + nameForm},
	{"ListenMissing", "listen:\n  sip: [udp://127.0.0.1:5060]\n", "", "1:1: listen: missing; allowed: listen: {sip: [udp://ADDRESS:PORT]}"},
	{"SIPMissing", "  sip: [udp://127.0.0.1:5060]", "  http: 127.0.0.1:8080", "2:1: listen.sip: missing" + sipForm + "\n"},
	{"PortZero", "[udp://127.0.0.1:5060]", "[udp://127.0.0.1:0]", "3:9: listen.sip[0]: \"udp://127.0.0.1:0\": port 0 would be a different port at every start" + sipForm},
	{"PortMissing", "[udp://127.0.0.1:5060]", "[udp://127.0.0.1]", "3:9: listen.sip[0]: \"udp://127.0.0.1\": no port at the end" + sipForm},
	{"PortTooLarge", "[udp://127.0.0.1:5060]", "[udp://127.0.0.1:65536]", "3:9: listen.sip[0]: \"udp://127.0.0.1:65536\": the port is not a number from 1 to 65535" + sipForm},
	{"EveryAddress", "[udp://127.0.0.1:5060]", "[udp://0.0.0.0:5060]", "3:9: listen.sip[0]: \"udp://0.0.0.0:5060\": not the address of one machine" + sipForm},
	{"TransportMissing", "[udp://127.0.0.1:5060]", "[127.0.0.1:5060]", "3:9: listen.sip[0]: \"127.0.0.1:5060\": no transport in front" + sipForm},
	{"TransportUnknown", "[udp://127.0.0.1:5060]", "[sctp://127.0.0.1:5060]", "3:9: listen.sip[0]: \"sctp://127.0.0.1:5060\": \"sctp\" is not a transport" + sipForm},
	{"TLSWithoutCertificate", "[udp://127.0.0.1:5060]", "['tls://127.0.0.1:5061?key=k']", "3:9: listen.sip[0]: \"tls://127.0.0.1:5061?key=k\": cert is missing" + sipForm},
	{"TLSWithoutKey", "[udp://127.0.0.1:5060]", "['tls://127.0.0.1:5061?cert=c']", "3:9: listen.sip[0]: \"tls://127.0.0.1:5061?cert=c\": key is missing" + sipForm},
	{"TLSWithoutSettings", "[udp://127.0.0.1:5060]", "['tls://127.0.0.1:5061']", "3:9: listen.sip[0]: \"tls://127.0.0.1:5061\": cert is missing" + sipForm},
	{"TLSEmptyCertificate", "[udp://127.0.0.1:5060]", "['tls://127.0.0.1:5061?cert=&key=k']", "3:9: listen.sip[0]: \"tls://127.0.0.1:5061?cert=&key=k\": cert: empty" + sipForm},
	{"TLSSettingTwice", "[udp://127.0.0.1:5060]", "['tls://127.0.0.1:5061?cert=c&key=k&cert=d']", "3:9: listen.sip[0]: \"tls://127.0.0.1:5061?cert=c&key=k&cert=d\": cert stands twice" + sipForm},
	{"TLSSettingMisspelt", "[udp://127.0.0.1:5060]", "['tls://127.0.0.1:5061?crt=c&key=k']", "3:9: listen.sip[0]: \"tls://127.0.0.1:5061?crt=c&key=k\": \"crt\" is not a setting; did you mean cert?" + sipForm},
	{"TLSSettingOfAPeer", "[udp://127.0.0.1:5060]", "['tls://127.0.0.1:5061?cert=c&key=k&ca=x']", "3:9: listen.sip[0]: \"tls://127.0.0.1:5061?cert=c&key=k&ca=x\": \"ca\" is not a setting" + sipForm},
	{"TLSSettingWithoutName", "[udp://127.0.0.1:5060]", "['tls://127.0.0.1:5061?cert=c&&key=k']", "3:9: listen.sip[0]: \"tls://127.0.0.1:5061?cert=c&&key=k\": \"\" is not a setting" + sipForm},
	{"TLSPath", "[udp://127.0.0.1:5060]", "['tls://127.0.0.1:5061/x?cert=c&key=k']", "3:9: listen.sip[0]: \"tls://127.0.0.1:5061/x?cert=c&key=k\": something stands around the address and port" + sipForm},
	{"WebSocketListener", "[udp://127.0.0.1:5060]", "['wss://127.0.0.1:443']", "3:9: listen.sip[0]: \"wss://127.0.0.1:443\": wss is not available yet" + sipForm},
	{"TLSAndTCPOnOnePort", "[udp://127.0.0.1:5060]", "[udp://127.0.0.1:5060, tcp://127.0.0.1:5060, 'tls://127.0.0.1:5060?cert=c&key=k']", "3:53: listen.sip[2]: listen.sip[1] stands on the same port; choose another"},
	{"TLSTwiceOnOnePort", "[udp://127.0.0.1:5060]", "[udp://127.0.0.1:5060, 'tls://127.0.0.1:5061?cert=c&key=k', 'tls://127.0.0.1:5061?cert=d&key=k']", "3:68: listen.sip[2]: listen.sip[1] stands on the same port; choose another"},
	{"HTTPAndTLSOnOnePort", "[udp://127.0.0.1:5060]", "[udp://127.0.0.1:5060, 'tls://127.0.0.1:8080?cert=c&key=k']", "3:31: listen.sip[1]: listen.http stands on the same port; choose another"},
	{"ListenParameters", "[udp://127.0.0.1:5060]", "['udp://127.0.0.1:5060?a=b']", "3:9: listen.sip[0]: \"udp://127.0.0.1:5060?a=b\": only tls:// has settings after a question mark" + sipForm},
	{"IPv6WithoutBrackets", "[udp://127.0.0.1:5060]", "['udp://::1:5060']", "3:9: listen.sip[0]: \"udp://::1:5060\": an IPv6 address stands in [ ], an IPv4 address does not" + sipForm},
	{"NotAnAddress", "[udp://127.0.0.1:5060]", "[udp://127.0.0.256:5060]", "3:9: listen.sip[0]: \"udp://127.0.0.256:5060\": not an IP address" + sipForm},
	{"ListenTwice", "[udp://127.0.0.1:5060]", "[udp://127.0.0.1:5060, udp://127.0.0.1:5060]", "3:31: listen.sip[1]: listed twice, first on line 3; leave one out"},
	{"ListenTwiceInAnotherSpelling", "[udp://127.0.0.1:5060]", "[udp://127.0.0.1:5060, 'udp://[::ffff:127.0.0.1]:5060']", "3:31: listen.sip[1]: listed twice, first on line 3; leave one out"},
	{"HTTPPortZero", "media:\n", "  http: 127.0.0.1:0\nmedia:\n", "4:9: listen.http: \"127.0.0.1:0\": port 0 would be a different port at every start; allowed: ADDRESS:PORT, e.g. 127.0.0.1:8080"},
	{"HTTPAndSIPOnOnePort", "[udp://127.0.0.1:5060]", "[udp://127.0.0.1:5060, tcp://127.0.0.1:8080]", "3:31: listen.sip[1]: listen.http stands on the same port; choose another"},
	{"SIPInsideMediaPorts", "[udp://127.0.0.1:5060]", "[udp://127.0.0.1:20000]", "3:9: listen.sip[0]: port 20000 lies in media.ports 20000-29999; choose another"},
	{"MediaMissing", "media:\n  address: 127.0.0.1\n", "", "1:1: media: missing; allowed: media: {address: ADDRESS}"},
	{"MediaAddressMissing", "  address: 127.0.0.1", "  timeout: 60s", "4:1: media.address: missing" + machineForm},
	{"MediaAddressAny", "  address: 127.0.0.1", "  address: 0.0.0.0", "5:12: media.address: \"0.0.0.0\": not the address of one machine" + machineForm},
	{"MediaAddressName", "  address: 127.0.0.1", "  address: sbc.example.jp", "5:12: media.address: \"sbc.example.jp\": host names are not available yet" + machineForm},
	{"PortsBeginOdd", "trunks:", "  ports: 20001-29999\ntrunks:", "6:10: media.ports: \"20001-29999\": begins with an odd port" + portForm},
	{"PortsEndEven", "trunks:", "  ports: 20000-30000\ntrunks:", "6:10: media.ports: \"20000-30000\": ends with an even port" + portForm},
	{"PortsShort", "trunks:", "  ports: 20000-20001\ntrunks:", "6:10: media.ports: \"20000-20001\": too short: one call takes 4 ports" + portForm},
	{"PortsReversed", "trunks:", "  ports: 30000-20001\ntrunks:", "6:10: media.ports: \"30000-20001\": ends before it begins" + portForm},
	{"PortsPrivileged", "trunks:", "  ports: 1000-2001\ntrunks:", "6:10: media.ports: \"1000-2001\": not two ports that media may use" + portForm},
	{"PortsNoRange", "trunks:", "  ports: 20000\ntrunks:", "6:10: media.ports: \"20000\": not a range" + portForm},
	{"TimeoutWithoutUnit", "trunks:", "  timeout: 60\ntrunks:", "6:12: media.timeout: \"60\": not a duration; allowed: a duration from 1s to 24h, e.g. 60s, 5m or 4320h"},
	{"TimeoutZero", "trunks:", "  timeout: 0s\ntrunks:", "6:12: media.timeout: \"0s\": out of range; allowed: a duration from 1s to 24h, e.g. 60s, 5m or 4320h"},
	{"RestZero", "trunks:", "  rest: 0s\ntrunks:", "6:9: media.rest: \"0s\": out of range; allowed: a duration from 1s to 1h, e.g. 60s, 5m or 4320h"},
	// store
	{"Postgres", "", "store: postgres://user:hunter2@host/db\n", "25:8: store: postgres:// is not available yet" + storeText},
	{"StoreUnknown", "", "store: mysql:hunter2\n", "25:8: store: not a store" + storeText},
	{"StoreEmptyPath", "", "store: 'sqlite:'\n", "25:8: store: not the path of a file after sqlite:" + storeText},
	{"StoreParameters", "", "store: sqlite:a.db?mode=memory\n", "25:8: store: not the path of a file after sqlite:" + storeText},
	{"StoreVariableUnset", "", "store: ${TONEGATE_TEST_UNSET}\n", "25:8: store: environment variable TONEGATE_TEST_UNSET is not set" + storeText},
	{"StoreVariableOpen", "", "store: sqlite:${HOME\n", "25:8: store: an environment variable is written ${NAME}" + storeText},
	{"StoreFileMissing", "", "store: file:/nonexistent/secret\n", "25:8: store: secret in a file: stat /nonexistent/secret: no such file or directory" + storeText},
	{"StoreFileIsDevice", "", "store: file:/dev/zero\n", "25:8: store: secret in a file: /dev/zero is not a file of at most 64 KiB" + storeText},
	// trunks
	{"NoTrunks", minimal[strings.Index(minimal, "trunks:"):strings.Index(minimal, "routes:")], "trunks: {}\n", "6:1: trunks: no trunk; write at least one\n8:12: routes[0].from: no trunk is named \"a\"; none is defined\n8:19: routes[0].to: no trunk is named \"b\"; none is defined"},
	{"TrunkBadName", "  b:\n", "  b c:\n", "12:3: trunks.\"b c\": ' ' may not stand in a name" + nameForm + "\n18:19: routes[0].to: no trunk is named \"b\"; allowed: a, b c"},
	{"PeersMissing", "    peers: [udp://127.0.0.2:5060]\n", "", "7:3: trunks.a.peers: missing" + peerForm},
	{"PeerHostName", "udp://127.0.0.2:5060", "udp://sip.example.jp:5060", "8:13: trunks.a.peers[0]: \"udp://sip.example.jp:5060\": host names are not available yet" + peerForm},
	{"PeerTLSWithoutListener", "udp://127.0.0.2:5060", "tls://127.0.0.2:5061", "8:13: trunks.a.peers[0]: no tls listener on IPv4 in listen.sip; add one, or use another peer"},
	{"PeerTLSName", "[udp://127.0.0.2:5060]", "['tls://127.0.0.2:5061?name=a..b']", "8:13: trunks.a.peers[0]: \"tls://127.0.0.2:5061?name=a..b\": name: not a host name" + peerForm},
	{"PeerTLSNameWithPort", "[udp://127.0.0.2:5060]", "['tls://127.0.0.2:5061?name=sip.example.jp:5061']", "8:13: trunks.a.peers[0]: \"tls://127.0.0.2:5061?name=sip.example.jp:5061\": name: not a host name" + peerForm},
	{"PeerTLSEmptyCA", "[udp://127.0.0.2:5060]", "['tls://127.0.0.2:5061?ca=']", "8:13: trunks.a.peers[0]: \"tls://127.0.0.2:5061?ca=\": ca: empty" + peerForm},
	{"PeerTLSSettingOfAListener", "[udp://127.0.0.2:5060]", "['tls://127.0.0.2:5061?cert=c']", "8:13: trunks.a.peers[0]: \"tls://127.0.0.2:5061?cert=c\": \"cert\" is not a setting" + peerForm},
	{"PeerSettings", "[udp://127.0.0.2:5060]", "['tcp://127.0.0.2:5060?name=a']", "8:13: trunks.a.peers[0]: \"tcp://127.0.0.2:5060?name=a\": only tls:// has settings after a question mark" + peerForm},
	{"PeerTLSTwoNames", minimal[strings.Index(minimal, "  sip:"):strings.Index(minimal, "    presentation: {numbers")], strings.NewReplacer("[udp://127.0.0.1:5060]", "['tls://127.0.0.1:5061?cert=c&key=k']", "[udp://127.0.0.2:5060]", "['tls://127.0.0.2:5061?name=a']", "[udp://127.0.0.3:5060]", "['tls://127.0.0.2:5061?name=b']").Replace(minimal[strings.Index(minimal, "  sip:"):strings.Index(minimal, "    presentation: {numbers")]), "13:13: trunks.b.peers[0]: another name or ca than that of trunks.a.peers[0], which is the same address; write both alike"},
	{"PeerIPv6MediaIPv4", minimal[strings.Index(minimal, "  sip:"):strings.Index(minimal, "    accept: [127.0.0.2")], strings.NewReplacer("[udp://127.0.0.1:5060]", "['udp://127.0.0.1:5060', 'udp://[::1]:5060']", "[udp://127.0.0.2:5060]", "['udp://[2001:db8::2]:5060']").Replace(minimal[strings.Index(minimal, "  sip:"):strings.Index(minimal, "    accept: [127.0.0.2")]), "8:5: trunks.a.media_address: missing: the peers have IPv6, media.address is IPv4" + machineForm},
	{"PeerPortZero", "udp://127.0.0.2:5060", "udp://127.0.0.2:0", "8:13: trunks.a.peers[0]: \"udp://127.0.0.2:0\": port 0 would be a different port at every start" + peerForm},
	{"PeerTwice", "udp://127.0.0.2:5060", "udp://127.0.0.2:5060, udp://127.0.0.2:5060", "8:35: trunks.a.peers[1]: listed twice, first on line 8; leave one out"},
	{"PeerWithoutListener", "udp://127.0.0.2:5060", "tcp://127.0.0.2:5060", "8:13: trunks.a.peers[0]: no tcp listener on IPv4 in listen.sip; add one, or use another peer"},
	{"PeerUnquotedInBraces", "\n    peers: [udp://127.0.0.2:5060]\n    accept: [127.0.0.2/32]\n    leg: pstn\n    presentation: {unchecked: \"a test\"}\n", " {peers: [udp://127.0.0.2:5060], accept: [127.0.0.2/32], leg: pstn, presentation: {unchecked: \"a test\"}}\n", "7:15: trunks.a.peers[0]: keys with values where a single value is expected; quote a value that holds a colon" + peerForm},
	{"AcceptMissing", "    accept: [127.0.0.2/32]\n", "", "7:3: trunks.a.accept: missing" + networkForm},
	{"AcceptWithoutLength", "127.0.0.2/32", "127.0.0.2", "9:14: trunks.a.accept[0]: \"127.0.0.2\": no length; did you mean 127.0.0.2/32?" + networkForm},
	{"AcceptHostBits", "127.0.0.2/32", "192.0.2.7/24", "9:14: trunks.a.accept[0]: \"192.0.2.7/24\": bits are set beyond the length; did you mean 192.0.2.0/24?" + networkForm},
	{"AcceptNoNetwork", "127.0.0.2/32", "localhost", "9:14: trunks.a.accept[0]: \"localhost\": not a network" + networkForm},
	{"AcceptOverlaps", "127.0.0.3/32", "127.0.0.0/24", "14:14: trunks.b.accept[0]: 127.0.0.0/24 overlaps 127.0.0.2/32 of trunk a; a source belongs to one trunk"},
	{"LegMissing", "    leg: pstn\n", "", "7:3: trunks.a.leg: missing; allowed: pstn, managed, internet"},
	{"LegUnknown", "leg: pstn", "leg: isdn", "10:10: trunks.a.leg: \"isdn\": not known; allowed: pstn, managed, internet"},
	{"TrunkMediaAddress", "    leg: pstn\n", "    leg: pstn\n    media_address: \"::\"\n", "11:20: trunks.a.media_address: \"::\": not the address of one machine" + machineForm},
	{"PresentationMissing", "    presentation: {unchecked: \"a test\"}\n", "", "7:3: trunks.a.presentation: missing" + tell},
	{"PresentationEmpty", "{unchecked: \"a test\"}", "{}", "11:5: trunks.a.presentation: either numbers or unchecked is needed" + tell},
	{"PresentationBoth", "{unchecked: \"a test\"}", "{unchecked: \"a test\", numbers: [fixed]}", "11:5: trunks.a.presentation: either numbers or unchecked is needed" + tell},
	{"PresentationWithoutReason", "{unchecked: \"a test\"}", "{unchecked: true}", "11:31: trunks.a.presentation.unchecked: \"true\": says nothing; allowed: a reason in words"},
	{"OtherwiseUnchecked", "{unchecked: \"a test\"}", "{unchecked: \"a test\", otherwise: reject}", "11:5: trunks.a.presentation: otherwise has no meaning beside unchecked; leave it out"},
	{"OtherwiseUnknown", "{numbers: [\"+81312340000\"]}", "{numbers: [\"+81312340000\"], otherwise: drop}", "16:58: trunks.b.presentation.otherwise: \"drop\": not known; allowed: reject, withhold"},
	{"PresentationNoNumbers", "{numbers: [\"+81312340000\"]}", "{numbers: []}", "16:20: trunks.b.presentation.numbers: the list is empty; write at least one"},
	{"Register", "    leg: pstn\n", "    leg: pstn\n    register: {aor: \"sip:a@example.jp\", password: hunter2}\n", "11:5: trunks.a.register: not available yet; leave it out"},
	{"Auth", "    leg: pstn\n", "    leg: pstn\n    auth: {username: u}\n", "11:5: trunks.a.auth: not available yet; leave it out"},
	{"SessionTimer", "    leg: pstn\n", "    leg: pstn\n    session_timer: 60s\n", "11:20: trunks.a.session_timer: \"60s\": out of range; allowed: a duration from 1m30s to 24h, e.g. 60s, 5m or 4320h"},
	{"Options", "    leg: pstn\n", "    leg: pstn\n    options: 5s\n", "11:14: trunks.a.options: \"5s\": out of range; allowed: 0 for never, or a duration from 10s to 1h, e.g. 30s"},
	{"Keepalive", "    leg: pstn\n", "    leg: pstn\n    keepalive: off\n", "11:16: trunks.a.keepalive: \"off\": not a duration; allowed: 0 for never, or a duration from 15s to 1h, e.g. 30s"},
	{"LargeRequests", "    leg: pstn\n", "    leg: pstn\n    large_requests: tls\n", "11:21: trunks.a.large_requests: \"tls\": not known; allowed: udp, tcp"},
	{"LargeRequestsWithoutListener", "    leg: pstn\n", "    leg: pstn\n    large_requests: tcp\n", "11:21: trunks.a.large_requests: no tcp listener on IPv4 in listen.sip; add one, or leave this out"},
	{"ReliableUnknown", "    leg: pstn\n", "    leg: pstn\n    reliable: yes\n", "11:15: trunks.a.reliable: \"yes\": not known; allowed: supported, required, off"},
	{"ReferUnknown", "    leg: pstn\n", "    leg: pstn\n    refer: maybe\n", "11:12: trunks.a.refer: \"maybe\": not known; allowed: accept, refuse"},
	{"RedirectUnknown", "    leg: pstn\n", "    leg: pstn\n    redirect: yes\n", "11:15: trunks.a.redirect: \"yes\": not known; allowed: follow, refuse"},
	{"EarlyMediaUnknown", "    leg: pstn\n", "    leg: pstn\n    p_early_media: on\n", "11:20: trunks.a.p_early_media: \"on\": not known; allowed: supported, off"},
	{"SRTP", "    leg: pstn\n", "    leg: pstn\n    srtp: sdes\n", "11:11: trunks.a.srtp: \"sdes\": not available yet; allowed: off"},
	{"ProfileCalled", "    leg: pstn\n", "    leg: pstn\n    profile: {called: to}\n", "11:23: trunks.a.profile.called: \"to\": not available yet; allowed: request-uri"},
	{"ProfileCaller", "    leg: pstn\n", "    leg: pstn\n    profile: {caller: ppi}\n", "11:23: trunks.a.profile.caller: \"ppi\": not available yet; allowed: pai, from"},
	{"ProfileDiversionPart", "    leg: pstn\n", "    leg: pstn\n    profile: {diversion: [diversion]}\n", "11:15: trunks.a.profile.diversion: any other choice or order is not available yet; allowed: [diversion, history-info]"},
	{"ProfileDiversionUnknown", "    leg: pstn\n", "    leg: pstn\n    profile: {diversion: [cc-diversion]}\n", "11:27: trunks.a.profile.diversion[0]: \"cc-diversion\": not known; allowed: diversion, history-info"},
	// routes
	{"RoutesMissing", "routes:\n  - {from: a, to: b}\n", "", "1:1: routes: missing; allowed: routes: [{from: TRUNK, to: TRUNK}]"},
	{"RouteFromMissing", "{from: a, to: b}", "{to: b}", "18:5: routes[0].from: missing; allowed: the name of a trunk"},
	{"RouteToMissing", "{from: a, to: b}", "{from: a}", "18:5: routes[0].to: missing; allowed: the name of a trunk, or a list tried in order"},
	{"RouteFromUnknown", "{from: a, to: b}", "{from: c, to: b}", "18:12: routes[0].from: no trunk is named \"c\"; allowed: a, b"},
	{"RouteToUnknown", "{from: a, to: b}", "{from: a, to: [b, pbx]}", "18:23: routes[0].to[1]: no trunk is named \"pbx\"; allowed: a, b"},
	{"RouteToTwice", "{from: a, to: b}", "{from: a, to: [b, b]}", "18:23: routes[0].to[1]: listed twice, first on line 18; leave one out"},
	{"RouteCalledEmpty", "{from: a, to: b}", "{from: a, to: b, called: \"\"}", "18:30: routes[0].called: \"\": empty; allowed: a text on one line"},
	{"RouteNeverReached", "{from: a, to: b}", "{from: a, to: b}\n  - {from: a, to: b, called: fixed}", "19:5: routes[1]: never reached: the route on line 18 takes every call from a; put it above"},
	// notices
	{"NoticesMissing", minimal[strings.Index(minimal, "notices:"):], "", "1:1: notices: missing; allowed: notices: {rules: [{when: {}, none: \"why no notice is played\"}]}"},
	{"RulesMissing", minimal[strings.Index(minimal, "  rules:"):], "", "19:1: notices.rules: missing; allowed: [{when: {}, none: \"why no notice is played\"}]"},
	{"OnFailureUnknown", "notices:\n", "notices:\n  on_failure: stop\n", "20:15: notices.on_failure: \"stop\": not known; allowed: continue, release"},
	{"AssetBadName", "    t:", "    t.x:", "21:5: notices.assets.\"t.x\": '.' may not stand in a name" + nameForm},
	{"AssetEmpty", "{synth: \"600/200\"}", "{}", "21:5: notices.assets.t: either synth or file is needed; allowed: {synth: SPEC, level: LEVEL}, {file: PATH, sha256: DIGEST}"},
	{"AssetBoth", "{synth: \"600/200\"}", "{synth: \"600/200\", file: a.wav}", "21:5: notices.assets.t: either synth or file is needed; allowed: {synth: SPEC, level: LEVEL}, {file: PATH, sha256: DIGEST}"},
	{"LevelOfFile", "{synth: \"600/200\"}", "{file: a.wav, level: -16dBm0}", "21:5: notices.assets.t: level belongs to synth; leave it out"},
	{"StandardOfSynth", "{synth: \"600/200\"}", "{synth: \"600/200\", standard: jusa}", "21:5: notices.assets.t: sha256, standard and licence belong to file; leave them out"},
	{"StandardUnknown", "{synth: \"600/200\"}", "{file: a.wav, standard: itu}", "21:5: notices.assets.t: a standard asset needs its sha256 and its licence: {holder, number, from, until}\n21:32: notices.assets.t.standard: \"itu\": not known; allowed: jusa"},
	{"StandardWithoutLicence", "{synth: \"600/200\"}", "{file: a.wav, standard: jusa}", "21:5: notices.assets.t: a standard asset needs its sha256 and its licence: {holder, number, from, until}"},
	{"DigestShort", "{synth: \"600/200\"}", "{file: a.wav, sha256: abcd}", "21:30: notices.assets.t.sha256: \"abcd\": not a SHA-256; allowed: the 64 hexadecimal digits that sha256sum prints"},
	{"LicenceEnded", "{synth: \"600/200\"}", "{file: a.wav, licence: {holder: h, number: n, from: 2026-04-01, until: 2026-03-31}}", "21:22: notices.assets.t.licence: ends on 2026-03-31, before it begins on 2026-04-01"},
	{"LicenceNoDay", "{synth: \"600/200\"}", "{file: a.wav, licence: {holder: h, number: n, from: 2026-02-30, until: 2026-03-31}}", "21:60: notices.assets.t.licence.from: \"2026-02-30\": not a day; allowed: a day, e.g. 2026-04-01"},
	{"LicenceIncomplete", "{synth: \"600/200\"}", "{file: a.wav, licence: {holder: h, from: 2026-02-28, until: 2026-03-31}}", "21:22: notices.assets.t.licence.number: missing; allowed: a text on one line"},
	{"LicenceMissingDays", "{synth: \"600/200\"}", "{file: a.wav, licence: {number: n}}", "21:22: notices.assets.t.licence.from: missing; allowed: a day, e.g. 2026-04-01\n21:22: notices.assets.t.licence.holder: missing; allowed: a text on one line\n21:22: notices.assets.t.licence.until: missing; allowed: a day, e.g. 2026-04-01"},
	{"SynthEmpty", "{synth: \"600/200\"}", "{synth: ~}", "21:9: notices.assets.t.synth: nothing where a single value is expected; allowed: a text on one line"},
	{"LevelTwoLines", "{synth: \"600/200\"}", "{synth: \"600/200\", level: \"a\\nb\"}", "21:34: notices.assets.t.level: \"a\\nb\": holds a control character; allowed: a text on one line"},
	{"FileList", "{synth: \"600/200\"}", "{file: [a.wav]}", "21:9: notices.assets.t.file: a list where a single value is expected; allowed: a path, from the directory where tonegate is started"},
	{"ClassEmpty", "when: {}", "when: {class: [fixed, \"\"]}", "23:29: notices.rules[0].when.class[1]: \"\": empty; allowed: a text on one line"},
	{"BeforeCalleeUnknown", "none: \"a test\"", "before: {callee: t2}", "24:24: notices.rules[0].before.callee: no asset is named \"t2\"; allowed: t"},
	{"AnswerCallerUnknown", "none: \"a test\"", "answer: {caller: t2}", "24:24: notices.rules[0].answer.caller: no asset is named \"t2\"; allowed: t"},
	{"WhenMissing", "    - when: {}\n      none: \"a test\"\n", "    - none: \"a test\"\n", "23:7: notices.rules[0].when: missing; allowed: {} for every call, or conditions, e.g. {forwarded: true}"},
	{"WhenNothing", "when: {}", "when:", "23:7: notices.rules[0].when: nothing where keys with values are expected"},
	{"NoneEmpty", "none: \"a test\"", "none: \"\"", "24:13: notices.rules[0].none: \"\": says nothing; allowed: a reason in words"},
	{"NoneIsNoReason", "none: \"a test\"", "none: true", "24:13: notices.rules[0].none: \"true\": says nothing; allowed: a reason in words"},
	{"RuleDoesNothing", "      none: \"a test\"\n", "", "23:7: notices.rules[0]: the rule does nothing; write before or answer, or none: \"why no notice is played\""},
	{"RuleDoesBoth", "      none: \"a test\"\n", "      none: \"a test\"\n      answer: {caller: t}\n", "23:7: notices.rules[0]: none stands beside before or answer; leave one out"},
	{"EmergencyNotBoolean", "when: {}", "when: {emergency: maybe}", "23:25: notices.rules[0].when.emergency: \"maybe\": not known; allowed: true, false"},
	{"ForwardedNotBoolean", "when: {}", "when: {forwarded: 1}", "23:25: notices.rules[0].when.forwarded: \"1\": not known; allowed: true, false"},
	{"FarLegUnknown", "when: {}", "when: {far_leg: [pstn, isdn]}", "23:30: notices.rules[0].when.far_leg[1]: \"isdn\": not known; allowed: pstn, managed, internet"},
	{"RuleTrunkUnknown", "when: {}", "when: {from_trunk: x1, to_trunk: [a, x2]}", "23:26: notices.rules[0].when.from_trunk: no trunk is named \"x1\"; allowed: a, b\n23:44: notices.rules[0].when.to_trunk[1]: no trunk is named \"x2\"; allowed: a, b"},
	{"BeforeAssetUnknown", "none: \"a test\"", "before: {caller: tone}", "24:24: notices.rules[0].before.caller: no asset is named \"tone\"; allowed: t"},
	{"AnswerAssetUnknown", "none: \"a test\"", "answer: {callee: tone}", "24:24: notices.rules[0].answer.callee: no asset is named \"tone\"; allowed: t"},
	{"BeforeNobody", "none: \"a test\"", "before: {mode: early}", "24:7: notices.rules[0].before: nobody hears it; write caller: ASSET or callee: ASSET"},
	{"AnswerNobody", "none: \"a test\"", "answer: {}", "24:7: notices.rules[0].answer: nobody hears it; write caller: ASSET or callee: ASSET"},
	{"ModeUnknown", "none: \"a test\"", "before: {caller: t, mode: late}", "24:33: notices.rules[0].before.mode: \"late\": not known; allowed: early, answered"},
	{"Overlap", "none: \"a test\"", "before: {caller: t, overlap: maybe}", "24:36: notices.rules[0].before.overlap: \"maybe\": not known; allowed: true, false"},
	{"RuleNeverReached", "", "    - when: {forwarded: true}\n      answer: {caller: t}\n", "25:7: notices.rules[1]: never reached: the rule on line 23 takes every call; put it above"},
	// stoplist
	{"RefuseCode", "", "stoplist: {refuse: {code: 200}}\n", "25:27: stoplist.refuse.code: \"200\": out of range; allowed: a whole number from 400 to 699"},
	{"RefuseCause", "", "stoplist: {refuse: {cause: 128}}\n", "25:28: stoplist.refuse.cause: \"128\": out of range; allowed: a whole number from 1 to 127"},
	{"RefuseAnnounceUnknown", "", "stoplist: {refuse: {announce: x9}}\n", "25:31: stoplist.refuse.announce: no asset is named \"x9\"; allowed: t"},
	{"LiveCallsUnknown", "", "stoplist: {live_calls: stop}\n", "25:24: stoplist.live_calls: \"stop\": not known; allowed: end, keep"},
	{"UnreadableUnknown", "", "stoplist: {unreadable: deny}\n", "25:24: stoplist.unreadable: \"deny\": not known; allowed: allow, refuse"},
	{"ApprovalAdded", "", "stoplist: {approval: {added: -1}}\n", "25:30: stoplist.approval.added: \"-1\": out of range; allowed: a whole number from 0 to 100000000"},
	{"ApprovalLifted", "", "stoplist: {approval: {lifted: 1e3}}\n", "25:31: stoplist.approval.lifted: \"1e3\": not a whole number; allowed: a whole number from 0 to 100000000"},
	// limits, records, log
	{"LimitsCalls", "", "limits: {calls: 0}\n", "25:17: limits.calls: \"0\": out of range; allowed: a whole number from 1 to 1000000"},
	{"LimitsInvites", "", "limits: {invites_per_second: many}\n", "25:30: limits.invites_per_second: \"many\": not a whole number; allowed: a whole number from 1 to 1000000"},
	{"RecordsKeep", "", "records: {keep: 180d}\n", "25:17: records.keep: \"180d\": not a duration" + keepForm},
	{"RecordsKeepShort", "", "records: {keep: 1h}\n", "25:17: records.keep: \"1h\": out of range" + keepForm},
	{"RecordsDirectory", "", "records: {directory: \"\"}\n", "25:22: records.directory: \"\": empty; allowed: a path, from the directory where tonegate is started"},
	{"LogLevel", "", "log: {level: verbose}\n", "25:14: log.level: \"verbose\": not known; allowed: debug, info, warn, error"},
	{"LogFormat", "", "log: {format: xml}\n", "25:15: log.format: \"xml\": not known; allowed: json, text"},
}

func (b bad) text(t *testing.T) string {
	t.Helper()
	if b.old == "" {
		return minimal + b.new
	}
	if strings.Count(minimal, b.old) == 0 {
		t.Fatalf("%q is not in the file", b.old)
	}
	return strings.Replace(minimal, b.old, b.new, 1)
}

func TestBadFiles(t *testing.T) {
	for _, test := range badFiles {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("c.yaml", []byte(test.text(t)))
			if err == nil {
				t.Fatal("accepted")
			}
			want := "c.yaml:" + strings.ReplaceAll(strings.TrimSuffix(test.want, "\n"), "\n", "\nc.yaml:")
			if err.Error() != want {
				t.Errorf("got:\n%s\nwant:\n%s", err, want)
			}
		})
	}
}

// Every key that the reader knows has a file in the table above that gets its value wrong or leaves it out.
func TestEveryKeyHasABadFile(t *testing.T) {
	tested := map[string]bool{}
	index := regexp.MustCompile(`\[\d+\]`)
	instance := regexp.MustCompile(`^(trunks|notices\.assets)\.[^.]+`)
	for _, test := range badFiles {
		_, err := Parse("c.yaml", []byte(test.text(t)))
		var problems Problems
		if !errors.As(err, &problems) {
			t.Fatalf("%s: %v", test.name, err)
		}
		for _, p := range problems {
			key := instance.ReplaceAllString(index.ReplaceAllString(p.Key, ""), "$1.*")
			for ; key != ""; key = key[:max(strings.LastIndexByte(key, '.'), 0)] {
				tested[key] = true
			}
		}
	}
	for key := range knownKeys(t) {
		if !tested[key] {
			t.Errorf("no bad file for %s", key)
		}
	}
}

// knownKeys asks the reader: it puts an unknown key into every object and collects what is said to be allowed.
func knownKeys(t *testing.T) map[string]bool {
	t.Helper()
	const every = `x: 1
listen: {x: 1}
media: {x: 1}
trunks: {"*": {x: 1, presentation: {x: 1}, profile: {x: 1}}}
routes: [{x: 1}]
notices: {x: 1, assets: {"*": {x: 1, licence: {x: 1}}}, rules: [{x: 1, when: {x: 1}, before: {x: 1}, answer: {x: 1}}]}
stoplist: {x: 1, refuse: {x: 1}, approval: {x: 1}}
limits: {x: 1}
records: {x: 1}
log: {x: 1}
`
	_, err := Parse("c.yaml", []byte(every))
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, p := range problems {
		_, allowed, ok := strings.Cut(p.Err.Error(), "allowed: ")
		if !ok || !strings.HasPrefix(p.Err.Error(), "unknown key") {
			continue
		}
		for _, name := range strings.Split(allowed, ", ") {
			key := strings.NewReplacer("[0]", "", `"*"`, "*").Replace(strings.TrimSuffix(p.Key, "x") + name)
			known[key] = true
		}
	}
	return known
}

func TestAllProblemsInOneGo(t *testing.T) {
	text := strings.NewReplacer("leg: pstn", "leg: isdn", "node: tg1", "nodes: tg1", "to: b", "to: c").Replace(minimal)
	_, err := Parse("c.yaml", []byte(text))
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	var got []string
	for _, p := range problems {
		got = append(got, fmt.Sprintf("%d %s", p.Line, p.Key))
	}
	if want := "1 node, 1 nodes, 10 trunks.a.leg, 18 routes[0].to"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
	if !errors.Is(problems, problems[2]) {
		t.Error("a problem is not found among the problems")
	}
}

func TestEmptyFileNamesEveryRequiredKey(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "\ufeff"} {
		_, err := Parse("c.yaml", []byte(text))
		var problems Problems
		if !errors.As(err, &problems) || len(problems) != 6 {
			t.Errorf("%q: %v", text, err)
		}
	}
}
