package wire

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// What sipgo v1.7.2 loses, misreads or drops, each as we handle it.

func TestDefaultParserIsLeftAlone(t *testing.T) {
	before := len(sip.DefaultHeadersParser())
	NewParser()
	if len(sip.DefaultHeadersParser()) != before {
		t.Fatal("the map that the process shares has changed")
	}
}

func TestParametersInAnyCaseAndSpacing(t *testing.T) {
	m := accept(t, with("From", "From: <sip:a@b>; TAG = x1 "))
	if m.From.Tag != "x1" {
		t.Fatalf("%+v", m.From)
	}
	m = accept(t, with("Via: SIP/2.0/UDP 192.0.2.1", "Via: SIP / 2.0 / UDP  proxy.example.jp : 5070 ; x=\"y;branch=evil\" ;BRANCH=z9hG4bKa ; RPort"))
	v := m.Via[0]
	if v.Branch != "z9hG4bKa" || v.Port != 5070 || v.Host != "proxy.example.jp" || !v.RPort || v.Transport != "UDP" {
		t.Fatalf("%+v", v)
	}
	if x, ok := v.Param("X"); !ok || x != "y;branch=evil" {
		t.Fatalf("x = %q", x)
	}
}

func TestQuotedParameterIsNotSplit(t *testing.T) {
	m := accept(t, with("From", `From: <sip:a@b>;x="a;tag=evil";tag=good`))
	if m.From.Tag != "good" {
		t.Fatalf("%+v", m.From)
	}
}

func TestViaListWithoutParameters(t *testing.T) {
	m := accept(t, with("Via: SIP/2.0/UDP 192.0.2.1", "Via: SIP/2.0/UDP one.example.jp, SIP/2.0/TCP [2001:db8::2]:5061;branch=z9hG4bKb"))
	if len(m.Via) != 3 || m.Via[0].Host != "one.example.jp" || m.Via[1].Host != "[2001:db8::2]" || m.Via[1].Port != 5061 ||
		m.Via[2].Branch != "z9hG4bKupstream" {
		t.Fatalf("%+v", m.Via)
	}
}

func TestCompactFormsAndDuplicatesOfCase(t *testing.T) {
	text := lines(`INVITE sip:a@b SIP/2.0
v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa
f: <sip:a@b>;tag=1
t: <sip:a@b>
i: x
CSEQ: 1 INVITE
m: <sip:a@c>
k: timer
c: application/sdp
r: <sip:r@b>
b: <sip:by@b>
s: subject
o: presence
x: 300;refresher=uac
u: talk
e: gzip
a: *
j: *
y: sig
n: <https://example.jp>
d: proxy
p-asserted-IDENTITY: <tel:+81312340001>
P-Asserted-Identity: <sip:+81312340001@b>
l: 0

`)
	m := accept(t, text)
	for name, want := range map[string]string{
		"Refer-To": "<sip:r@b>", "Referred-By": "<sip:by@b>", "Subject": "subject", "Event": "presence",
		"Session-Expires": "300;refresher=uac", "session-expires": "300;refresher=uac", "x": "300;refresher=uac",
		"Allow-Events": "talk", "Content-Encoding": "gzip", "Accept-Contact": "*", "Reject-Contact": "*",
		"Identity": "sig", "Identity-Info": "<https://example.jp>", "Request-Disposition": "proxy", "Call-ID": "x",
	} {
		if got := m.Value(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := m.Values("P-ASSERTED-identity"); len(got) != 2 {
		t.Errorf("a field spelled in two ways hides: %q", got)
	}
	if m.Supported[0] != "timer" || m.ContentType != "application/sdp" || len(m.Contact) != 1 || m.MaxForwards != -1 {
		t.Errorf("%+v", m)
	}
}

func TestDuplicatesAreRefused(t *testing.T) {
	for line, again := range map[string]string{
		"From": "f: <sip:evil@b>;tag=2", "To": "TO: <sip:evil@b>", "Call-ID": "i: other", "CSeq": "cseq: 2 INVITE",
		"Max-Forwards": "Max-Forwards: 1", "Content-Length": "l: 5", "Content-Type": "c: text/plain",
	} {
		for l := range strings.SplitSeq(invite, "\n") {
			if !strings.HasPrefix(l, line+":") {
				continue
			}
			_, p := receive(t, with(line+":", l+"\n"+again))
			if p == nil || p.Status != 400 || p.Reason != "Duplicate "+line || p.Close != (line == "Content-Length") {
				t.Errorf("%s: %v", line, p)
			}
		}
	}
}

func TestFirstContactIsFirst(t *testing.T) {
	m := accept(t, with("Contact", "Contact: <sip:one@b>;q=0.9, \"Two, 2\" <sip:two@b>\nm: sip:three@b"))
	if len(m.Contact) != 3 || m.Contact[0].URI.User != "one" || m.Contact[1].Display != "Two, 2" || m.Contact[2].URI.User != "three" {
		t.Fatalf("%+v", m.Contact)
	}
}

func TestRecordRouteKeepsItsParameters(t *testing.T) {
	m := accept(t, lines(invite))
	if len(m.RecordRoute) != 2 || m.RecordRoute[0] != "<sip:192.0.2.1;lr>" || m.RecordRoute[1] != "<sip:192.0.2.9;lr>;info=x" {
		t.Fatalf("%q", m.RecordRoute)
	}
}

func TestRequestURIHeadersAreNotDoubled(t *testing.T) {
	m := accept(t, with("INVITE", "INVITE sip:a@b;lr?Subject=x&Route=%3Csip:evil%3E SIP/2.0"))
	if s := m.RequestURI.String(); s != "sip:a@b;lr" {
		t.Fatal(s)
	}
}

// The table of what sipgo does with bad input, each with our answer. -1: accepted.
func TestBadInputIsAnsweredNotDropped(t *testing.T) {
	for _, tt := range []struct {
		name, line, by string
		status         int
	}{
		{"no Via", "Via", "", 400},
		{"no From", "From", "", 400},
		{"no To", "To", "", 400},
		{"no Call-ID", "Call-ID", "", 400},
		{"no CSeq", "CSeq", "", 400},
		{"no Contact is the dialog's matter", "Contact", "", -1},
		{"no Max-Forwards, as in RFC 2543", "Max-Forwards", "", -1},
		{"no Content-Length over UDP", "Content-Length", "", -1},
		{"no From tag, as in RFC 2543", "From", "From: <sip:a@b>", -1},
		{"negative CSeq", "CSeq", "CSeq: -1 INVITE", 400},
		{"CSeq over 2^31", "CSeq", "CSeq: 2147483648 INVITE", 400},
		{"CSeq of 2^31-1", "CSeq", "CSeq: 2147483647 INVITE", -1},
		{"CSeq of another method", "CSeq", "CSeq: 1 BYE", 400},
		{"negative Content-Length", "Content-Length", "Content-Length: -5", 400},
		{"Content-Length in letters", "Content-Length", "Content-Length: five", 400},
		{"Content-Length too big", "Content-Length", "Content-Length: 6", 400},
		{"Content-Length beyond any message", "Content-Length", "Content-Length: 99999999999999999999", 400},
		{"Content-Length with a sign", "Content-Length", "Content-Length: +5", 400},
		{"Content-Length folded", "Content-Length", "Content-Length:\n 5", -1},
		{"body cut short by Content-Length", "Content-Length", "Content-Length: 1", -1},
		{"bad From", "From", "From: <sip:a", 400},
		{"bad Contact", "Contact", "Contact: <sip:a", 400},
		{"broken Route", "Contact", "Route: <sip:broken", 400},
		{"Route without brackets", "Contact", "Route: sip:a@b;lr", 400},
		{"field without colon", "Supported", "Supported", 400},
		{"field name with a space", "Supported", "Sup ported: x", 400},
		{"Max-Forwards in letters", "Max-Forwards", "Max-Forwards: abc", 400},
		{"Max-Forwards 0", "Max-Forwards", "Max-Forwards: 0", 483},
		{"Max-Forwards 256", "Max-Forwards", "Max-Forwards: 256", 400},
		{"no Request-URI", "INVITE", "INVITE SIP/2.0", 400},
		{"Request-URI with a bad port", "INVITE", "INVITE sip:a@b:port SIP/2.0", 400},
		{"Request-URI with an open bracket", "INVITE", "INVITE sip:a@[::1 SIP/2.0", 400},
		{"Request-URI too long", "INVITE", "INVITE sip:" + strings.Repeat("a", 1024) + "@b SIP/2.0", 414},
		{"unknown scheme", "INVITE", "INVITE foo:bar SIP/2.0", 416},
		{"tel", "INVITE", "INVITE tel:+81312340002 SIP/2.0", -1},
		{"sips", "INVITE", "INVITE sips:a@b SIP/2.0", -1},
		{"SIP/7.0", "INVITE", "INVITE sip:a@b SIP/7.0", 505},
		{"SIP/2.0 in small letters", "INVITE", "INVITE sip:a@b sip/2.0", -1},
		{"small letters in the method", "INVITE", "invite sip:a@b SIP/2.0", -1},
		{"unknown Require is the server's matter", "Supported", "Require: foo", -1},
		{"Via over another transport", "Via: SIP/2.0/UDP 192.0.2.1", "Via: SIP/2.0/XYZ 192.0.2.1;branch=z9hG4bKx", -1},
		{"Via of SIP/3.0", "Via: SIP/2.0/UDP 192.0.2.1", "Via: SIP/3.0/UDP 192.0.2.1;branch=z9hG4bKx", 400},
		{"Via with two branches", "Via: SIP/2.0/UDP 192.0.2.1", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx;Branch=z9hG4bKy", 400},
		{"From with two tags", "From", "From: <sip:a@b>;tag=1;TAG=2", 400},
		{"From with two addresses", "From", "From: <sip:a@b>;tag=1, <sip:c@d>", 400},
		{"field over 8 KiB", "Supported", "X: " + strings.Repeat("x", 8<<10), 513},
		{"field over 8 KiB in folds", "Supported", "X: a" + strings.Repeat("\n "+strings.Repeat("x", 1000), 9), 513},
		{"over 200 lines", "Supported", strings.TrimSuffix(strings.Repeat("X: 1\n", 201), "\n"), 513},
		{"over 100 Vias", "Supported", "Via: SIP/2.0/UDP a" + strings.Repeat(",SIP/2.0/UDP a", 99), 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := with(tt.line, tt.by)
			m, p := receive(t, text)
			if tt.status == -1 {
				if p != nil {
					t.Fatal(p)
				}
				return
			}
			if p == nil || p.Status != tt.status || p.Reason == "" {
				t.Fatalf("%v, want %d", p, tt.status)
			}
			reply := Refuse(m, p, "tag9")
			hopeless := tt.name == "no Via" || tt.name == "no CSeq"
			if (reply == nil) != hopeless {
				t.Fatalf("answer %q", reply)
			}
		})
	}
}

// Octets that no line of the INVITE can show.
func TestDatagramsThatAreNoMessage(t *testing.T) {
	good := lines(invite)
	for _, tt := range []struct {
		name, text string
		status     int // 0: drop
		answered   bool
	}{
		{"bare LF throughout", invite, 400, true},
		{"one bare LF", strings.Replace(good, "Supported: 100rel", "Supported: 100rel\nInjected: yes", 1), 400, true},
		{"bare CR", strings.Replace(good, "100rel,", "100rel,\r", 1), 400, true},
		{"NUL in a field", strings.Replace(good, "100rel", "100\x00rel", 1), 400, true},
		{"NUL in a field to copy", strings.Replace(good, "Bob", "B\x00ob", 1), 400, false},
		{"no empty line", strings.TrimSuffix(good, "\r\nv=0\r\n"), 400, true},
		{"cut inside a field", good[:200], 400, false},
		{"folded line first", strings.Replace(good, "\r\nVia", "\r\n Via", 1), 400, true},
		{"over 64 KiB", good + strings.Repeat("x", 64<<10), 513, true},
		{"NULs", "\x00\x00\x00\x00\x00", 0, false},
		{"HTTP", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, false},
		{"response with bare LF", "SIP/2.0 200 OK\nVia: SIP/2.0/UDP a\n\n", 0, false},
		{"response without reason and space", "SIP/2.0 200\r\n\r\n", 0, false},
		{"response that sipgo takes for a request", "SIP/2.0 200 SIPpy\r\n\r\n", 0, false},
		{"ACK with bare LF", "ACK sip:a@b SIP/2.0\nVia: SIP/2.0/UDP a\nCSeq: 1 ACK\n\n", 0, false},
		{"three octets", "abc", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, p := receive(t, tt.text)
			if p == nil || p.Status != tt.status {
				t.Fatalf("%v, want %d", p, tt.status)
			}
			reply := Refuse(m, p, "")
			if (reply != nil) != tt.answered {
				t.Fatalf("answer %q", reply)
			}
			if reply == nil {
				return
			}
			if _, p := receive(t, string(reply)); p != nil && p.Reason != "More than one Via" {
				t.Fatalf("answer %q: %v", reply, p)
			}
		})
	}
}

func TestKeepalives(t *testing.T) {
	for _, s := range []string{"", "\r\n", "\r\n\r\n", "\n"} {
		if !Keepalive([]byte(s)) {
			t.Errorf("%q", s)
		}
	}
}

func TestResponsesAndACKsAreNeverAnswered(t *testing.T) {
	for _, text := range []string{
		lines("SIP/2.0 200 OK\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\nCSeq: 1 INVITE\n\n"),
		lines("SIP/2.0 999 OK\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\nCSeq: 1 INVITE\n\n"),
		lines("SIP/7.0 200 OK\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\nCSeq: 1 INVITE\n\n"),
		lines("ACK sip:a@b SIP/2.0\nVia: SIP/2.0/UDP a;branch=z9hG4bKa\nCSeq: 1 ACK\n\n"),
	} {
		m, p := receive(t, text)
		if p == nil || p.Status != 0 || Refuse(m, p, "") != nil || Refuse(m, bad("x", ""), "") != nil {
			t.Errorf("%v: %q", p, text)
		}
	}
}

func TestACKAndCANCELWithMaxForwards0Arrive(t *testing.T) {
	for _, method := range []string{"ACK", "CANCEL"} {
		accept(t, strings.ReplaceAll(with("Max-Forwards", "Max-Forwards: 0"), "INVITE", method))
	}
}

func TestMethodIsSpelledAsItWasSent(t *testing.T) {
	if m := accept(t, strings.ReplaceAll(lines(invite), "INVITE", "invite")); m.Method != "invite" {
		t.Fatal(m.Method) // RFC 3261 s7.1: not INVITE; the server answers 405
	}
}

// s7.5 asks it of streams; nothing speaks against it in a datagram.
func TestCRLFBeforeTheStartLineIsIgnored(t *testing.T) {
	if m := accept(t, "\r\n\r\n"+lines(invite)); m.Method != INVITE || string(m.Body) != "v=0\r\n" {
		t.Fatalf("%+v", m)
	}
	if _, p := receive(t, "\n"+lines(invite)); p == nil {
		t.Fatal("a bare LF before the start line accepted")
	}
}
