package sip

import (
	"net/netip"
	"strings"
	"testing"

	"tonegate/number"
	"tonegate/sip/wire"
)

// parseInvite reads an INVITE whose From, Request-URI user and extra lines are given.
func parseInvite(t testing.TB, from, called string, extra ...string) *wire.Message {
	t.Helper()
	lines := append([]string{
		"INVITE sip:" + called + "@192.0.2.1 SIP/2.0",
		"Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKa",
		"Max-Forwards: 70",
		"From: " + from + ";tag=a",
		"To: <sip:" + called + "@192.0.2.1>",
		"Call-ID: c@192.0.2.9",
		"CSeq: 1 INVITE",
		"Contact: <sip:192.0.2.9:5060>",
	}, extra...)
	raw := strings.Join(append(lines, "Content-Length: 0", "", ""), "\r\n")
	msg, err := wire.NewParser().ParseSIP([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	m, problem := wire.Read(msg, wire.UDP, netip.MustParseAddrPort("192.0.2.9:5060"))
	if problem != nil {
		t.Fatal(problem)
	}
	return m
}

func TestFactsOfAnInvite(t *testing.T) {
	for _, c := range []struct {
		name, from, called string
		extra              []string
		caller, asserted   string
		diverting          string
		forwarded          bool
		unread             int
	}{
		{name: "plain", from: "<sip:05012340001@x.example>", called: "0312340001", caller: "+815012340001"},
		{name: "withheld", from: `"Anonymous" <sip:anonymous@anonymous.invalid>`, called: "0312340001", caller: "withheld",
			extra: []string{"P-Asserted-Identity: <tel:+81501234-0001>", "Privacy: id"}, asserted: "+815012340001"},
		{name: "display name alone withholds nothing", from: `"Anonymous" <sip:05012340001@x.example>`, called: "0312340001", caller: "+815012340001"},
		{name: "two identities in one line", from: "<sip:05012340001@x.example>", called: "0312340001", caller: "+815012340001",
			extra: []string{"P-Asserted-Identity: <sip:+815012340002@x.example>, <tel:+815012340003>"}, asserted: "+815012340002 +815012340003"},
		{name: "Diversion, latest first", from: "<sip:05012340001@x.example>", called: "0312340001", caller: "+815012340001", forwarded: true,
			extra:     []string{"Diversion: <sip:0312340002@x.example>;reason=no-answer, <sip:+81312340003@x.example>;reason=unconditional"},
			diverting: "+81312340002 +81312340003"},
		{name: "Diversion that cannot be read", from: "<sip:05012340001@x.example>", called: "0312340001", caller: "+815012340001", forwarded: true, unread: 1,
			extra: []string{"Diversion: <sip:pilot@x.example>;reason=deflection"}},
		{name: "History-Info with causes", from: "<sip:05012340001@x.example>", called: "0312340001", caller: "+815012340001", forwarded: true,
			extra: []string{"History-Info: <sip:0312340009@x.example>;index=1", "History-Info: <sip:0312340008@x.example;cause=302>;index=1.1,<sip:0312340001@x.example;cause=408>;index=1.1.1;mp=1.1"},
			// the party that diverted stands before the entry with the cause
			diverting: "+81312340008 +81312340009"},
		{name: "History-Info with an embedded Reason", from: "<sip:05012340001@x.example>", called: "0312340001", caller: "+815012340001", forwarded: true,
			extra: []string{"History-Info: <sip:0312340009@x.example?Reason=SIP%3Bcause%3D486>;index=1,<sip:0312340001@x.example?Reason=SIP%3Bcause%3D302>;index=1.1"}, diverting: "+81312340009"},
		{name: "History-Info without a diversion", from: "<sip:05012340001@x.example>", called: "0312340001", caller: "+815012340001",
			extra: []string{"History-Info: <sip:0312340001@x.example>;index=1"}},
		{name: "a name instead of a number", from: "<sip:alice@x.example>", called: "0312340001", caller: "unreadable", unread: 1},
		{name: "broken identity", from: "<sip:05012340001@x.example>", called: "0312340001", caller: "+815012340001", unread: 1,
			extra: []string{"P-Asserted-Identity: <sip:05012340001@x.example"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := readFacts(parseInvite(t, c.from, c.called, c.extra...), &Trunk{Name: "carrier"})
			if spelled(f.Caller) != c.caller || strings.Join(spelledAll(f.Asserted), " ") != c.asserted || strings.Join(spelledAll(f.Diverting), " ") != c.diverting ||
				f.Forwarded != c.forwarded || f.Unread != c.unread || spelled(f.Called) != "+81312340001" {
				t.Errorf("caller %s, asserted %v, called %s, diverting %v, forwarded %v, unread %d",
					spelled(f.Caller), spelledAll(f.Asserted), spelled(f.Called), spelledAll(f.Diverting), f.Forwarded, f.Unread)
			}
		})
	}
}

// A message with hundreds of numbers costs a bounded number of look-ups.
func TestFactsAreBounded(t *testing.T) {
	var extra []string
	for range 150 {
		extra = append(extra, "Diversion: <sip:0312340002@x.example>;reason=unknown")
	}
	f := readFacts(parseInvite(t, "<sip:05012340001@x.example>", "0312340001", extra...), &Trunk{Name: "carrier"})
	if n := len(f.Numbers(nil)); n > maxNumbers || f.Unread != 150+2-maxNumbers {
		t.Errorf("%d numbers looked up, %d unread", n, f.Unread)
	}
}

func TestIdentityIsAnAllowList(t *testing.T) {
	m := parseInvite(t, `"Doe \"J\"" <sip:05012340001@x.example>`, "0312340001",
		"P-Asserted-Identity: <tel:+815012340001>", "Diversion: <sip:0312340002@x.example>;reason=no-answer",
		"X-Secret: 1", "Route: <sip:evil.example;lr>", "Alert-Info: <http://evil.example>")
	id := readIdentity(m, false)
	o := wire.NewInvite(id.uri("192.0.2.3:5060"), "UDP", "192.0.2.1:5060", "z9hG4bKx")
	o.From, o.To, o.CallID, o.CSeq = id.from("192.0.2.1:5060")+";tag=t", "<sip:x@192.0.2.3>", "c", 1
	b := o.Request()
	id.add(b)
	out, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	text := string(out)
	for _, want := range []string{"INVITE sip:0312340001@192.0.2.3:5060 SIP/2.0\r\n", `From: "Doe \"J\"" <sip:05012340001@192.0.2.1:5060>;tag=t` + "\r\n",
		"P-Asserted-Identity: <tel:+815012340001>\r\n", "Diversion: <sip:0312340002@x.example>;reason=no-answer\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, never := range []string{"X-Secret", "evil.example", "Route:", "Alert-Info"} {
		if strings.Contains(text, never) {
			t.Errorf("%q left on leg B:\n%s", never, text)
		}
	}
}

func TestWithheldIdentityNamesNobody(t *testing.T) {
	m := parseInvite(t, `"Doe" <sip:0355550001@x.example>`, "09012345678", "P-Asserted-Identity: <tel:+81355550001>")
	id := readIdentity(m, true)
	if id.from("192.0.2.1") != `"Anonymous" <sip:anonymous@anonymous.invalid>` || id.asserted != nil || id.privacy != "id" {
		t.Errorf("%+v", id)
	}
}

func TestCauseOfReason(t *testing.T) {
	for reason, want := range map[string]int{
		"Q.850;cause=17": 17,
		`SIP ;cause=486 ;text="Busy", q.850;cause=17 ;text="User busy"`: 17,
		"SIP;cause=200":   0,
		"Q.850;cause=900": 0,
		"Q.850;cause=x":   0,
		"Q.850":           0,
	} {
		if got := causeOf(parseInvite(t, "<sip:a@x.example>", "0312340001", "Reason: "+reason)); got != want {
			t.Errorf("%q: %d, want %d", reason, got, want)
		}
	}
}

func TestTrunkOfASource(t *testing.T) {
	trunks := []Trunk{
		{Name: "wide", Accept: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
		{Name: "narrow", Accept: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}},
	}
	for addr, want := range map[string]string{"10.1.2.3": "narrow", "10.2.2.3": "wide", "192.0.2.1": ""} {
		got := ""
		if trunk := trunkOf(trunks, netip.MustParseAddr(addr)); trunk != nil {
			got = trunk.Name
		}
		if got != want {
			t.Errorf("%s belongs to %q, want %q", addr, got, want)
		}
	}
}

// A reply goes to where the request came from, whatever it says of itself.
func TestReplyFlow(t *testing.T) {
	l := &listener{Listen: Listen{Network: wire.UDP}}
	for via, want := range map[string]string{
		"SIP/2.0/UDP evil.example:9999;branch=z9hG4bKa;rport":            "192.0.2.9:5060",
		"SIP/2.0/UDP evil.example:9999;branch=z9hG4bKa":                  "192.0.2.9:9999",
		"SIP/2.0/UDP evil.example;branch=z9hG4bKa;maddr=203.0.113.1":     "192.0.2.9:5060",
		"SIP/2.0/UDP 203.0.113.1:7;branch=z9hG4bKa;received=203.0.113.2": "192.0.2.9:7",
	} {
		m := parseInvite(t, "<sip:a@x.example>", "0312340001")
		parsed := *m
		v := parseVia(t, via)
		parsed.Via = []wire.Via{v}
		if got := replyFlow(l, &parsed, &Trunk{}).remote.String(); got != want {
			t.Errorf("%s: reply to %s, want %s", via, got, want)
		}
	}
}

func parseVia(t *testing.T, via string) wire.Via {
	t.Helper()
	raw := "OPTIONS sip:x@192.0.2.1 SIP/2.0\r\nVia: " + via + "\r\nMax-Forwards: 1\r\nFrom: <sip:a@x>;tag=a\r\nTo: <sip:x@x>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
	msg, err := wire.NewParser().ParseSIP([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	m, problem := wire.Read(msg, wire.UDP, netip.MustParseAddrPort("192.0.2.9:5060"))
	if problem != nil {
		t.Fatal(problem)
	}
	return m.Via[0]
}

func TestSpelledNeverRedacts(t *testing.T) {
	n, err := number.Parse("0312340001")
	if err != nil {
		t.Fatal(err)
	}
	if spelled(n) != "+81312340001" {
		t.Error(spelled(n))
	}
}
