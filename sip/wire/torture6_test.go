package wire

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every message of RFC 5118. The RFC's own files end their lines in LF; here they have CR LF, and the Content-Length
// of that. All are accepted but the one that s4.2 calls invalid.
var torture6 = []struct {
	name   string
	status int
	why    string
	holds  func(*Message) bool
}{
	{"ipv6-good", 0, "s4.1: references in Request-URI, Via and Contact", func(m *Message) bool {
		return m.RequestURI.Host == "[2001:db8::10]" && m.Via[0].Host == "[2001:db8::9:1]" && m.Contact[0].URI.Host == "[2001:db8::1]" &&
			m.Contact[0].Display == "Caller"
	}},
	{"ipv6-bad", 400, "s4.2: no brackets around the address of the Request-URI", nil},
	{"port-ambiguous", 0, "s4.3: what may be meant as a port stands inside the brackets, and is a part of the address", func(m *Message) bool {
		return m.RequestURI.Host == "[2001:db8::10:5070]" && m.RequestURI.Port == 0
	}},
	{"port-unambiguous", 0, "s4.4: the port stands outside the brackets", func(m *Message) bool {
		return m.RequestURI.Host == "[2001:db8::10]" && m.RequestURI.Port == 5070
	}},
	{"via-received-param-with-delim", 0, "s4.5: received with brackets, which the grammar has not; only read, never used", func(m *Message) bool {
		r, ok := m.Via[0].Param("received")
		return ok && r == "[2001:db8::9:255]" && m.Via[0].Branch == "z9hG4bKas3-111"
	}},
	{"via-received-param-no-delim", 0, "s4.5: received as the grammar has it", func(m *Message) bool {
		r, ok := m.Via[0].Param("received")
		return ok && r == "2001:db8::9:255" && m.Via[0].Branch == "z9hG4bKas3"
	}},
	{"ipv6-in-sdp", 0, "s4.6: addresses in the body, which is for the server", func(m *Message) bool {
		return m.To.URI.Host == "[2001:db8::10]" && strings.Contains(string(m.Body), "\r\nc=IN IP6 2001:db8::20\r\n")
	}},
	{"mult-ip-in-header", 0, "s4.7: both families among the Vias", func(m *Message) bool {
		received, _ := m.Via[2].Param("received")
		return len(m.Via) == 3 && m.Via[0].Host == "[2001:db8::9:1]" && m.Via[0].Port == 6050 && m.Via[1].Host == "192.0.2.1" &&
			m.Via[2].Host == "[2001:db8::9:255]" && m.Via[2].Transport == "TCP" && received == "192.0.2.200"
	}},
	{"mult-ip-in-sdp", 0, "s4.8: both families in the body, which is for the server", func(m *Message) bool {
		return strings.Contains(string(m.Body), "c=IN IP4 192.0.2.1\r\n") && strings.Contains(string(m.Body), "c=IN IP6 2001:db8::1\r\n")
	}},
	{"ipv4-mapped-ipv6", 0, "s4.9: mapped addresses in Via, Contact and body", func(m *Message) bool {
		return m.Via[0].Host == "[::ffff:192.0.2.10]" && m.Via[0].Port == 19823 && m.Via[1].Host == "[::ffff:192.0.2.2]" &&
			m.Contact[0].URI.Host == "[::ffff:192.0.2.2]" && m.Contact[0].Display == "T. desk phone"
	}},
	{"ipv6-bug-abnf-3-colons", 0, "s4.10: the third colon that RFC 3261's grammar has is tolerated", func(m *Message) bool {
		return m.RequestURI.Host == "[2001:db8:::192.0.2.1]" && m.To.URI.Host == m.RequestURI.Host
	}},
	{"ipv6-correct-abnf-2-colons", 0, "s4.10: as it should be", func(m *Message) bool {
		return m.RequestURI.Host == "[2001:db8::192.0.2.1]" && m.To.URI.Host == m.RequestURI.Host
	}},
}

func TestTortureIPv6(t *testing.T) {
	files, err := filepath.Glob("../../testdata/torture6/*.dat")
	if err != nil || len(files) != len(torture6) {
		t.Fatalf("%d files for %d verdicts (%v)", len(files), len(torture6), err)
	}
	for _, tt := range torture6 {
		t.Run(tt.name, func(t *testing.T) {
			data, err := os.ReadFile("../../testdata/torture6/" + tt.name + ".dat")
			if err != nil {
				t.Fatal(err)
			}
			m, p := receive(t, string(data))
			if tt.status != 0 {
				if p == nil || p.Status != tt.status || p.Reason != "Bad Request-URI" {
					t.Fatalf("%v, want %d: %s", p, tt.status, tt.why)
				}
				if a := accept(t, string(Refuse(m, p, ""))); a.Status != tt.status || a.Via[0].Host != "[2001:db8::9:1]" {
					t.Fatalf("answer %+v", a)
				}
				return
			}
			if p != nil {
				t.Fatalf("%v: %s", p, tt.why)
			}
			if !tt.holds(m) {
				t.Errorf("%s: %+v", tt.why, m)
			}
			m.Source = netip.MustParseAddrPort("[2001:db8::77]:5080")
			out, err := NewResponse(m, 200, "", "ours").Bytes()
			if err != nil {
				t.Fatal(err)
			}
			res, p := Parse(out, UDP, source)
			if p != nil && p.Reason != "More than one Via" {
				t.Fatalf("%v: %s", p, out)
			}
			if received, _ := res.Via[0].Param("received"); received != "2001:db8::77" || res.Via[0].Host != m.Via[0].Host {
				t.Errorf("received %q in %s", received, out)
			}
		})
	}
}

func TestIPv6References(t *testing.T) {
	for host, ok := range map[string]bool{
		"[::]": true, "[::1]": true, "[2001:DB8:0:0:8:800:200C:417A]": true, "[::ffff:192.0.2.1]": true,
		"[0000:0000:0000:0000:0000:ffff:192.168.100.228]": true, "[2001:db8:::192.0.2.1]": true, "[:::192.0.2.1]": true,
		"[]": false, "[": false, "[:]": false, "[:::]": false, "[2001:db8:::1]": false, "[2001:db8:::1:192.0.2.1]": false,
		"[2001:db8::::192.0.2.1]": false, "[1::2::3]": false, "[1:2:3:4:5:6:7]": false, "[1:2:3:4:5:6:7:8:9]": false, "[12345::]": false,
		"[fe80::1%25eth0]": false, "[fe80::1%eth0]": false, // a zone means nothing to another host
		"[192.0.2.1]": false, "[::1": false, "::1": false, "[[::1]]": false, "[example.jp]": false, "[::g]": false, "[::1.2.3]": false,
	} {
		for text, parse := range map[string]func(string) (string, int, error){
			"sip:%": uriHost, "sip:%:5070;lr": uriHost, "sip:0312340001@%": uriHost, "sip:0312340001@%:5070?a=b": uriHost, "SIP/2.0/UDP %;branch=z9hG4bKx": viaHost,
			"SIP/2.0/UDP % : 5070;branch=z9hG4bKx": viaHost, `"x" <sip:0312340001@%:5070>;tag=1`: contactHost,
		} {
			text = strings.Replace(text, "%", host, 1)
			got, port, err := parse(text)
			if (err == nil) != ok {
				t.Errorf("%s: %v", text, err)
			}
			if err == nil && (got != host || (port == 5070) != strings.Contains(text, "5070")) {
				t.Errorf("%s: host %s, port %d", text, got, port)
			}
		}
	}
}

func uriHost(s string) (string, int, error) {
	u, err := ParseURI(s)
	return u.Host, u.Port, err
}

func viaHost(s string) (string, int, error) {
	v, err := parseVia(s)
	return v.Host, v.Port, err
}

func contactHost(s string) (string, int, error) {
	a, err := ParseAddress(s)
	return a.URI.Host, a.URI.Port, err
}

// The source of a link-local packet has a zone, which is ours alone.
func TestReceivedHasNoZoneAndNoBrackets(t *testing.T) {
	for _, tt := range []struct{ host, source, want string }{
		{"[fe80::1]", "[fe80::1%eth0]:5060", ""},
		{"[fe80::2]", "[fe80::1%eth0]:5060", ";received=fe80::1"},
		{"[::ffff:192.0.2.77]", "192.0.2.77:5060", ""},
		{"192.0.2.77", "[::ffff:192.0.2.77]:5060", ""},
		{"[2001:db8:::192.0.2.1]", "[2001:db8::192.0.2.1]:5060", ";received=2001:db8::c000:201"},
	} {
		v, err := parseVia("SIP/2.0/UDP " + tt.host)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(v.appendReceived(nil, netip.MustParseAddrPort(tt.source))); got != "SIP/2.0/UDP "+tt.host+tt.want {
			t.Error(got)
		}
	}
}
