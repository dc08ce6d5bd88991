package wire

import (
	"net/netip"
	"strings"
	"testing"
)

func request(b *Builder) *Builder {
	return b.Via("UDP", "192.0.2.10:5060", "z9hG4bKours").Add("From", "<sip:a@b>;tag=1").Add("To", "<sip:c@d>").
		Add("Call-ID", "id1").Add("CSeq", "5 "+string(b.method)).Add("Contact", "<sip:192.0.2.10>")
}

func TestRequestRoundTrip(t *testing.T) {
	out, err := request(NewRequest(INVITE, "sip:+81312340002@192.0.2.20;user=phone")).
		Add("Max-Forwards", "69").Add("P-Asserted-Identity", "<tel:+81312340001>").
		Add("Route", "<sip:192.0.2.20;lr>").Body("application/sdp", []byte("v=0\r\n")).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	m := accept(t, string(out))
	if m.Method != INVITE || m.RequestURI.User != "+81312340002" || m.Via[0].Branch != "z9hG4bKours" || !m.Via[0].RPort ||
		m.From.Tag != "1" || m.To.URI.Host != "d" || m.CallID != "id1" || m.CSeq != 5 || m.MaxForwards != 69 ||
		m.Value("p-asserted-identity") != "<tel:+81312340001>" || m.Route[0] != "<sip:192.0.2.20;lr>" || string(m.Body) != "v=0\r\n" ||
		m.ContentType != "application/sdp" || len(m.Values("Content-Length")) != 1 {
		t.Fatalf("%s\n%+v", out, m)
	}
}

func TestMaxForwardsIs70UnlessGiven(t *testing.T) {
	out, err := request(NewRequest(BYE, "sip:c@d")).Bytes()
	if m := accept(t, string(out)); err != nil || m.MaxForwards != 70 {
		t.Fatalf("%v %+v", err, m)
	}
}

// Each value that leaves is tried with each octet that would end its line.
func TestInjectionIsRefused(t *testing.T) {
	req := accept(t, lines(invite))
	for _, evil := range []string{"x\r\nEvil: 1", "x\nEvil: 1", "x\rEvil: 1", "x\x00", "\r\n\r\nbody"} {
		for name, b := range map[string]*Builder{
			"Request-URI":  request(NewRequest(INVITE, "sip:"+evil+"@b")),
			"method":       request(NewRequest(Method(evil), "sip:a@b")),
			"Via":          request(NewRequest(INVITE, "sip:a@b").Via("UDP", evil, "b")),
			"Via branch":   request(NewRequest(INVITE, "sip:a@b").Via("UDP", "h", evil)),
			"Via network":  request(NewRequest(INVITE, "sip:a@b").Via(evil, "h", "b")),
			"Subject":      request(NewRequest(INVITE, "sip:a@b")).Add("Subject", evil),
			"field name":   request(NewRequest(INVITE, "sip:a@b")).Add(evil, "x"),
			"Content-Type": request(NewRequest(INVITE, "sip:a@b")).Body(evil, []byte("x")),
			"reason":       NewResponse(req, 486, evil, "t"),
			"To":           NewResponse(req, 486, "", evil),
			"Record-Route": NewResponse(req, 200, "", "t").RecordRoute(evil),
		} {
			out, err := b.Bytes()
			if err == nil || out != nil {
				t.Fatalf("%s %q: %q", name, evil, out)
			}
			if field, _, _ := strings.Cut(name, " "); !strings.Contains(err.Error(), field) {
				t.Errorf("%s: the error does not name it: %v", name, err)
			}
		}
		i := Invite{URI: "sip:a@b", Via: "SIP/2.0/UDP h;branch=z9hG4bKa", From: "<sip:a@b>;tag=1", To: "<sip:c@d>", CallID: "x", CSeq: 1}
		if i.Ack(evil) != nil {
			t.Fatal("ACK")
		}
		if i.CallID = evil; i.Cancel("") != nil {
			t.Fatal("CANCEL")
		}
	}
}

func TestBuilderMistakes(t *testing.T) {
	req := accept(t, lines(invite))
	for name, b := range map[string]*Builder{
		"no Via":                NewRequest(BYE, "sip:a@b").Add("From", "<sip:a@b>").Add("To", "<sip:a@b>").Add("Call-ID", "x").Add("CSeq", "1 BYE"),
		"From twice":            request(NewRequest(BYE, "sip:a@b")).Add("f", "<sip:x@y>"),
		"CSeq of another":       NewRequest(BYE, "sip:a@b").Add("CSeq", "1 INVITE"),
		"Content-Length by Add": request(NewRequest(BYE, "sip:a@b")).Add("l", "5"),
		"body without type":     request(NewRequest(BYE, "sip:a@b")).Body("", []byte("x")),
		"over 64 KiB":           request(NewRequest(BYE, "sip:a@b")).Body("a/b", make([]byte, 64<<10)),
		"response without tag":  NewResponse(req, 180, "", ""),
		"status 99":             NewResponse(req, 99, "", "t"),
		"Via in a response":     NewResponse(req, 200, "", "t").Via("UDP", "h", "b"),
		"From in a response":    NewResponse(req, 200, "", "t").Add("From", "<sip:x@y>"),
	} {
		if out, err := b.Bytes(); err == nil {
			t.Errorf("%s: %s", name, out)
		}
	}
	b := request(NewRequest(BYE, "sip:a@b"))
	first, _ := b.Bytes()
	again, err := b.Bytes()
	if err != nil || string(first) != string(again) {
		t.Error("Bytes is not the same twice")
	}
	if _, err := b.Add("X", "y").Bytes(); err == nil {
		t.Error("Add after Bytes")
	}
}

func TestS8_2_6_2ResponseCopies(t *testing.T) {
	req := accept(t, with("Supported", "Timestamp: 54\nSupported: timer"))
	out, err := NewResponse(req, 180, "", "ours").RecordRoute().Add("Contact", "<sip:192.0.2.10>").Bytes()
	if err != nil {
		t.Fatal(err)
	}
	want := lines(`SIP/2.0 180 Ringing
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKnashds8;received=192.0.2.77;rport=5080
Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKupstream
From: "Bob" <sip:+81312340001@example.jp>;tag=a73kszlfl
To: <sip:+81312340002@example.jp>;tag=ours
Call-ID: 1j9FpLxk3uxtm8tn@example.jp
CSeq: 1 INVITE
Record-Route: <sip:192.0.2.1;lr>
Record-Route: <sip:192.0.2.9;lr>;info=x
Contact: <sip:192.0.2.10>
Content-Length: 0

`)
	if string(out) != want {
		t.Fatalf("got\n%s\nwant\n%s", out, want)
	}
	out, err = NewResponse(req, 100, "", "").Bytes()
	if s := string(out); err != nil || strings.Contains(s, "ours") || !strings.Contains(s, "Timestamp: 54\r\n") ||
		strings.Contains(s, "Record-Route") || strings.Contains(s, "Supported") {
		t.Fatalf("100: %v\n%s", err, out)
	}
}

func TestToTagOfTheRequestStays(t *testing.T) {
	req := accept(t, with("To", "To: sip:a@b;tag=theirs"))
	out, err := NewResponse(req, 200, "", "ours").Bytes()
	if err != nil || !strings.Contains(string(out), "To: sip:a@b;tag=theirs\r\n") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestS18_2_1Received(t *testing.T) {
	for _, tt := range []struct{ name, via, source, want string }{
		{"same address, no rport", "192.0.2.77:5080;branch=b", "192.0.2.77:5080", "192.0.2.77:5080;branch=b"},
		{"other address", "10.0.0.1;branch=b", "192.0.2.77:5080", "10.0.0.1;branch=b;received=192.0.2.77"},
		{"host name", "h.example.jp;branch=b", "192.0.2.77:5080", "h.example.jp;branch=b;received=192.0.2.77"},
		{"rport, same address", "192.0.2.77;rport;branch=b", "192.0.2.77:5080", "192.0.2.77;branch=b;received=192.0.2.77;rport=5080"},
		{"what the sender claims is dropped", "10.0.0.1;received=10.9.9.9;rport=9;branch=b", "192.0.2.77:5080",
			"10.0.0.1;branch=b;received=192.0.2.77;rport=5080"},
		{"IPv6 in another spelling", "[2001:DB8:0::1];branch=b", "[2001:db8::1]:5060", "[2001:DB8:0::1];branch=b"},
		{"IPv6", "[2001:db8::2];branch=b", "[2001:db8::1]:5060", "[2001:db8::2];branch=b;received=2001:db8::1"},
		{"IPv4 in an IPv6 socket", "10.0.0.1;branch=b", "[::ffff:192.0.2.77]:5080", "10.0.0.1;branch=b;received=192.0.2.77"},
		{"quotes stay", `h;x="a;b";branch=b`, "192.0.2.77:5080", `h;x="a;b";branch=b;received=192.0.2.77`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := parseVia("SIP/2.0/UDP " + tt.via)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(v.appendReceived(nil, netip.MustParseAddrPort(tt.source))); got != "SIP/2.0/UDP "+tt.want {
				t.Fatal(got)
			}
		})
	}
}

func TestS17_1_1_3ACKAndS9_1CANCELRepeatTheINVITE(t *testing.T) {
	i := NewInvite("sip:+81312340002@192.0.2.20", "UDP", "192.0.2.10:5060", "z9hG4bKours")
	i.From, i.To, i.CallID, i.CSeq = "<sip:a@b>;tag=1", "<sip:c@d>", "id1", 7
	i.Routes = []string{"<sip:192.0.2.20;lr>", "<sip:192.0.2.21;lr>"}
	out, err := i.Request().Add("Contact", "<sip:192.0.2.10>").Body("application/sdp", []byte("v=0\r\n")).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	sent := accept(t, string(out))
	for method, got := range map[Method]*Message{ACK: accept(t, string(i.Ack("<sip:c@d>;tag=2"))), CANCEL: accept(t, string(i.Cancel("")))} {
		if got.Method != method || got.RequestURI != sent.RequestURI || len(got.Via) != 1 || got.Via[0] != sent.Via[0] ||
			got.From != sent.From || got.CallID != sent.CallID || got.CSeq != sent.CSeq || strings.Join(got.Route, ",") != strings.Join(sent.Route, ",") ||
			got.MaxForwards != 70 || len(got.Body) != 0 || got.Value("Contact") != "" {
			t.Errorf("%s: %+v", method, got)
		}
		if wantTag := map[Method]string{ACK: "2", CANCEL: ""}[method]; got.To.Tag != wantTag {
			t.Errorf("%s: To tag %q", method, got.To.Tag)
		}
	}
}

func TestStatelessTagIsTheSameForARepetition(t *testing.T) {
	m, p := receive(t, with("Max-Forwards", "Max-Forwards: 0"))
	one, two := Refuse(m, p, ""), Refuse(m, p, "")
	res := accept(t, string(Refuse(accept(t, with("Via: SIP/2.0/UDP 192.0.2.9", "")), p, "")))
	if string(one) != string(two) || res.To.Tag == "" || res.Status != 483 || res.Reason != "Too Many Hops" {
		t.Fatalf("%s", one)
	}
	if v, _ := res.Via[0].Param("rport"); v != "5080" {
		t.Fatalf("rport %q", v)
	}
}
