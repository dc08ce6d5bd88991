package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestLoadNamesTheFileItCannotRead(t *testing.T) {
	_, err := Load("nonexistent.yaml")
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "nonexistent.yaml") {
		t.Error(err)
	}
}

func TestLoadRefusesALargeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(minimal+strings.Repeat("#\n", maxFile)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "too large; allowed: 256 KiB") {
		t.Error(err)
	}
}

func TestAtNamesFileLineAndKey(t *testing.T) {
	const spread = "routes:\n  - from: a\n    to: b\n    called:\n      - fixed\n      - nonsense\n"
	c := mustParse(t, strings.Replace(minimal, "routes:\n  - {from: a, to: b}\n", spread, 1))
	broken := errors.New("not a class")
	for path, want := range map[string]string{
		"routes[0].called[1]":              "c.yaml:22: routes[0].called[1]: not a class",
		"routes[0].from":                   "c.yaml:18: routes[0].from: not a class",
		"notices.assets.t.synth":           "c.yaml:25: notices.assets.t.synth: not a class",
		"notices.assets.t.level":           "c.yaml:25: notices.assets.t.level: not a class",
		"trunks.b.presentation.numbers[0]": "c.yaml:16: trunks.b.presentation.numbers[0]: not a class",
		"trunks.b":                         "c.yaml:12: trunks.b: not a class",
		"notices.rules[0].when.class[0]":   "c.yaml:27: notices.rules[0].when.class[0]: not a class",
		"store":                            "c.yaml:1: store: not a class",
		"":                                 "c.yaml:1: not a class",
	} {
		err := c.At(path, broken)
		if err.Error() != want {
			t.Errorf("got  %s\nwant %s", err, want)
		}
		if !errors.Is(err, broken) {
			t.Errorf("%s: the cause is lost", path)
		}
	}
	if err := c.At("routes[0].to", nil); err != nil {
		t.Errorf("no error became %v", err)
	}
	if err := new(Config).At("store", broken); err.Error() != "store: not a class" {
		t.Errorf("without a file: %v", err)
	}
}

func TestEveryValueIsRead(t *testing.T) {
	const text = `node: tg-9
listen: {sip: ["udp://[2001:db8::1]:5060", "tcp://192.0.2.1:5062", "tls://192.0.2.1:5061?key=certs/tg.key&cert=certs/t=g%20.pem&client_ca=ca.pem"], http: "[::]:9090"}
media: {address: 192.0.2.1, ports: 30000-30099, timeout: 90s, rest: 5s}
store: sqlite:/var/lib/tonegate.db
trunks:
  z:
    peers: ["udp://[2001:db8::2]:5060", tcp://192.0.2.2:5060]
    accept: [2001:db8::/64, 192.0.2.2/32]
    leg: managed
    media_address: 2001:db8::1
    reliable: off
    session_timer: 300s
    refer: accept
    redirect: follow
    p_early_media: supported
    srtp: "off"
    options: 30s
    keepalive: 15s
    presentation: {numbers: [0312340000, free], otherwise: withhold}
    profile: {called: request-uri, caller: from, diversion: [diversion, history-info]}
  y: {large_requests: tcp, options: 0, peers: ["tcp://192.0.2.3:5060", "tls://192.0.2.3:5061?name=sip.example.jp&ca=ca.pem", "tls://192.0.2.4:5061"], accept: [192.0.2.3/32], leg: internet, presentation: {unchecked: 検査済み}}
routes:
  - {from: z, to: [y, z], called: [fixed, +81312340000, "+81312340000-+81312349999"]}
  - {from: y, to: z, called: 0312340000}
notices:
  assets:
    guide: {file: a.wav, sha256: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", standard: jusa, licence: {holder: H, number: 007, from: 2026-04-01, until: 2026-04-01}}
    tone: {synth: "600/200", level: -20dBm0}
  on_failure: release
  rules:
    - {when: {emergency: false, forwarded: true, class: [fixed, ip], far_leg: pstn, from_trunk: z, to_trunk: [y, z]}, before: {caller: guide, callee: tone, mode: answered}}
    - {when: {}, answer: {caller: tone, callee: guide}}
stoplist: {refuse: {code: 603, cause: 21, announce: guide}, live_calls: keep, unreadable: refuse, approval: {added: 0, lifted: 7}}
limits: {calls: 12, invites_per_second: 34}
records: {keep: 48h, directory: /var/records}
log: {level: debug, format: text}
`
	c := mustParse(t, text)
	c.positions, c.file = nil, ""
	yes, no := true, false
	day := Date{2026, time.April, 1}
	hash := Digest{}
	for i := range hash {
		hash[i] = byte(i)
	}
	ip := netip.MustParseAddr
	diversion := []string{"diversion", "history-info"}
	want := &Config{
		Node: "tg-9",
		Listen: Listen{
			SIP: []Listener{{Address: Address{"udp", ip("2001:db8::1"), 5060}}, {Address: Address{"tcp", ip("192.0.2.1"), 5062}},
				{Address{"tls", ip("192.0.2.1"), 5061}, "certs/t=g%20.pem", "certs/tg.key", "ca.pem"}},
			HTTP: netip.MustParseAddrPort("[::]:9090"),
		},
		Media: Media{ip("192.0.2.1"), PortRange{30000, 30099}, 90 * time.Second, 5 * time.Second},
		Store: Store{SQLite, Secret{"/var/lib/tonegate.db"}},
		Trunks: []Trunk{{
			Name:         "z",
			Peers:        []Peer{{Address: Address{"udp", ip("2001:db8::2"), 5060}}, {Address: Address{"tcp", ip("192.0.2.2"), 5060}}},
			Accept:       []netip.Prefix{netip.MustParsePrefix("2001:db8::/64"), netip.MustParsePrefix("192.0.2.2/32")},
			Leg:          Managed,
			MediaAddress: ip("2001:db8::1"),
			Presentation: Presentation{Numbers: []string{"0312340000", "free"}, Otherwise: Withhold},
			Reliable:     Off,
			Refer:        ReferAccept,
			Redirect:     RedirectFollow,
			EarlyMedia:   EarlyMediaSupported,
			SessionTimer: 300 * time.Second,
			Profile:      Profile{"request-uri", From, diversion},
			Large:        UDP,
			Keepalive:    15 * time.Second,
			Options:      30 * time.Second,
		}, {
			Name:         "y",
			Peers:        []Peer{{Address: Address{"tcp", ip("192.0.2.3"), 5060}}, {Address{"tls", ip("192.0.2.3"), 5061}, "sip.example.jp", "ca.pem"}, {Address: Address{"tls", ip("192.0.2.4"), 5061}}},
			Accept:       []netip.Prefix{netip.MustParsePrefix("192.0.2.3/32")},
			Leg:          Internet,
			MediaAddress: ip("192.0.2.1"),
			Presentation: Presentation{Unchecked: "検査済み", Otherwise: Reject},
			Reliable:     Supported,
			Refer:        ReferRefuse,
			Redirect:     RedirectRefuse,
			EarlyMedia:   EarlyMediaOff,
			Profile:      Profile{"request-uri", PAI, diversion},
			Large:        TCP,
		}},
		Routes: []Route{
			{"z", []string{"y", "z"}, []string{"fixed", "+81312340000", "+81312340000-+81312349999"}},
			{"y", []string{"z"}, []string{"0312340000"}},
		},
		Notices: Notices{
			Assets: []Asset{
				{Name: "guide", File: "a.wav", SHA256: hash, Standard: "jusa", Licence: Licence{"H", "007", day, day}},
				{Name: "tone", Synth: "600/200", Level: "-20dBm0"},
			},
			OnFailure: Release,
			Rules: []Rule{
				{
					When:   When{&no, &yes, []string{"fixed", "ip"}, []Leg{PSTN}, []string{"z"}, []string{"y", "z"}},
					Before: Before{"guide", "tone", Answered, false},
				},
				{Answer: Answer{"tone", "guide"}},
			},
		},
		Stoplist: Stoplist{Refuse{603, 21, "guide"}, Keep, Forbid, Approval{0, 7}},
		Limits:   Limits{12, 34},
		Records:  Records{48 * time.Hour, "/var/records"},
		Log:      Log{slog.LevelDebug, Text},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestExcelAndWindowsLineEndsAreRead(t *testing.T) {
	mustParse(t, "\ufeff"+strings.ReplaceAll(minimal, "\n", "\r\n"))
}

func TestLicenceCoversItsLastDay(t *testing.T) {
	jst := time.FixedZone("JST", 9*60*60)
	last := Date{2026, time.December, 31}
	if got := last.End(jst); !got.Equal(time.Date(2026, 12, 31, 15, 0, 0, 0, time.UTC)) {
		t.Errorf("ends at %s", got)
	}
	if got := last.Start(jst); !got.Equal(time.Date(2026, 12, 30, 15, 0, 0, 0, time.UTC)) {
		t.Errorf("starts at %s", got)
	}
}

func TestStoreFromTheEnvironmentAndAFile(t *testing.T) {
	t.Setenv("TG_STORE", "sqlite:hunter2.db")
	t.Setenv("TG_NAME", "hunter2")
	path := filepath.Join(t.TempDir(), "store")
	if err := os.WriteFile(path, []byte("sqlite:hunter2.db\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"${TG_STORE}", "sqlite:${TG_NAME}.db", "file:" + path} {
		c := mustParse(t, minimal+"store: "+text+"\n")
		if got := c.Store.Source.Reveal(); got != "hunter2.db" {
			t.Errorf("%s is %s", text, got)
		}
	}
}

func TestSecretNeverPrintsItself(t *testing.T) {
	t.Setenv("TG_STORE", "postgres://user:hunter2@host/db")
	_, err := Parse("c.yaml", []byte(minimal+"store: ${TG_STORE}\n"))
	outputs := []string{err.Error()}
	c := mustParse(t, minimal+"store: sqlite:hunter2\n")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		outputs = append(outputs, fmt.Sprintf(verb, c), fmt.Sprintf(verb, c.Store), fmt.Sprintf(verb, &c.Store.Source))
	}
	encoded, err := json.Marshal(c.Store)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "store", c.Store, "source", c.Store.Source)
	slog.New(slog.NewTextHandler(&log, nil)).Info("start", "store", c.Store, "source", c.Store.Source)
	for _, out := range append(outputs, string(encoded), log.String(), c.Store.Source.String()) {
		if strings.Contains(out, "hunter2") || strings.Contains(out, "68756e746572") {
			t.Errorf("the secret shows in %s", out)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	for _, path := range []string{sample, "testdata/contract.yaml"} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, test := range badFiles {
		f.Add([]byte(minimal + test.new))
		if test.old != "" {
			f.Add([]byte(strings.Replace(minimal, test.old, test.new, 1)))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("c.yaml", data)
		if (c == nil) != (err != nil) {
			t.Fatalf("config %v, error %v", c, err)
		}
		if err == nil {
			if len(c.Trunks) == 0 || len(c.Routes) == 0 || len(c.Listen.SIP) == 0 || len(c.Notices.Rules) == 0 {
				t.Fatalf("accepted without what is required: %+v", c)
			}
			for _, tr := range c.Trunks {
				if tr.Presentation.Unchecked == "" && len(tr.Presentation.Numbers) == 0 {
					t.Fatalf("trunk %s may present anything", tr.Name)
				}
			}
			return
		}
		for _, line := range strings.Split(err.Error(), "\n") {
			if !strings.HasPrefix(line, "c.yaml:") {
				t.Fatalf("error without file and line: %q", line)
			}
		}
	})
}
