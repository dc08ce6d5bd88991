package wire

import (
	"strings"
	"testing"
)

var uris = []struct {
	name, text string
	want       URI
}{
	{"host", "sip:example.jp", URI{Scheme: "sip", Host: "example.jp"}},
	{"all parts", "SIPS:bob:pw@example.jp:5061;transport=tcp;lr?Subject=x&Route=%3Csip:evil%3E",
		URI{Scheme: "sips", User: "bob", Password: "pw", Host: "example.jp", Port: 5061, Params: "transport=tcp;lr", Headers: "Subject=x&Route=%3Csip:evil%3E"}},
	{"lr before headers", "sip:a@b;lr?Subject=x", URI{Scheme: "sip", User: "a", Host: "b", Params: "lr", Headers: "Subject=x"}},
	{"number with its own parameters", "sip:+81312340001;npdi;rn=+81312340002@example.jp;user=phone",
		URI{Scheme: "sip", User: "+81312340001;npdi;rn=+81312340002", Host: "example.jp", Params: "user=phone"}},
	{"question mark in the user", "sip:a?b@c", URI{Scheme: "sip", User: "a?b", Host: "c"}},
	{"IPv6", "sip:a@[2001:db8::1]:5080;lr", URI{Scheme: "sip", User: "a", Host: "[2001:db8::1]", Port: 5080, Params: "lr"}},
	{"IPv6 without user", "sip:[2001:db8::1]", URI{Scheme: "sip", Host: "[2001:db8::1]"}},
	{"IPv6 in a parameter", "sip:[2001:db8::1];maddr=[2001:db8::2]", URI{Scheme: "sip", Host: "[2001:db8::1]", Params: "maddr=[2001:db8::2]"}},
	{"tel", "tel:03-1234-0001;phone-context=+81", URI{Scheme: "tel", User: "03-1234-0001", Params: "phone-context=+81"}},
	{"other scheme", "urn:service:sos", URI{Scheme: "urn", Opaque: "service:sos"}},
	{"feature code", "sip:*67#03@example.jp", URI{Scheme: "sip", User: "*67#03", Host: "example.jp"}},
	{"empty password", "sip:a:@b", URI{Scheme: "sip", User: "a", Host: "b"}},
}

func TestURI(t *testing.T) {
	for _, tt := range uris {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseURI(tt.text)
			if err != nil || got != tt.want {
				t.Fatalf("%+v, %v", got, err)
			}
			if s := got.String(); strings.Contains(s, "Subject") {
				t.Fatalf("headers written: %s", s)
			}
		})
	}
}

func TestURIRefused(t *testing.T) {
	for _, s := range []string{
		"", "*", "example.jp", ":x", "1sip:x", "sip:", "sip:@b", "sip:a@", "sip:a b@c", "sip:a@b c", "sip:a@b@c",
		"sip:a@b:0", "sip:a@b:65536", "sip:a@b:99999999999999999999", "sip:a@b:x", "sip:a@b:", "sip:a@[::1", "sip:a@::1",
		"sip:a@[fe80::1%25eth0]", "sip:a@[1.2.3.4]", "sip:a@b;", "sip:a@b;;lr", "sip:a@b;=x", "sip:a%zz@b", "sip:a@b%4",
		"sip:<a@b>", "sip:a\"@b", "sip:a\x00@b", "sip:a\r\n@b", "sip:山@b", "sip:a[@b", "sip://b",
		"tel:", "tel:;x", "urn:", "sip:a@" + strings.Repeat("b", 256), "sip:" + strings.Repeat("a", 1024) + "@b",
	} {
		if u, err := ParseURI(s); err == nil {
			t.Errorf("%q read as %+v", s, u)
		}
	}
}

func TestSubscriber(t *testing.T) {
	for _, tt := range []struct{ uri, number, params string }{
		{"sip:%2B81312340001;npdi@h", "+81312340001", "npdi"},
		{"sip:0312340001@h", "0312340001", ""},
		{"tel:+81312340001;rn=+81312340002", "+81312340001", "rn=+81312340002"},
		{"sip:a%00b%0d%4@h", "", ""},
		{"sip:a%00b%0D@h", "a%00b%0D", ""},
	} {
		u, err := ParseURI(tt.uri)
		if tt.number == "" {
			if err == nil {
				t.Errorf("%s accepted", tt.uri)
			}
			continue
		}
		if number, params := u.Subscriber(); err != nil || number != tt.number || params != tt.params {
			t.Errorf("%s: %q %q %v", tt.uri, number, params, err)
		}
	}
}

// RFC 3261 s19.1.4 with its own examples.
func TestRFC3261URIComparison(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true},
		{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
		{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5", true},
		{"sip:alice@atlanta.com", "sip:ALICE@AtLanTa.CoM", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
		{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
		{"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;newparam=6", false},
		{"sip:bob@biloxi.com", "sips:bob@biloxi.com", false},
		{"tel:+81312340001", "tel:+81312340001", true},
	} {
		a, errA := ParseURI(tt.a)
		b, errB := ParseURI(tt.b)
		if errA != nil || errB != nil || a.Equal(b) != tt.want || b.Equal(a) != tt.want {
			t.Errorf("%s = %s: want %v (%v %v)", tt.a, tt.b, tt.want, errA, errB)
		}
	}
}

var addresses = []struct {
	name, text        string
	display, uri, tag string
}{
	{"addr-spec", "sip:a@b;tag=1", "", "sip:a@b", "1"},
	{"name-addr", `"A \"B\" \\" <sip:a@b;lr>;TAG = x1 ; y="a;tag=evil"`, `A "B" \`, "sip:a@b;lr", "x1"},
	{"no space before the bracket", `caller<sip:a@b>`, "caller", "sip:a@b", ""},
	{"quoted bracket", `"<sip:evil@x>" <sip:a@b>`, "<sip:evil@x>", "sip:a@b", ""},
	{"quoted value with bracket", `sip:a@b;x="<sip:c@d>"`, "", "sip:a@b", ""},
	{"display in UTF-8 without quotes", `山田 <sip:a@b>`, "山田", "sip:a@b", ""},
	{"tel", `<tel:+81312340001>;tag=2`, "", "tel:+81312340001", "2"},
	{"headers dropped", `<sip:a@b?Replaces=x>`, "", "sip:a@b", ""},
	{"white space everywhere", " sip:a@b ;   tag    = 19 ", "", "sip:a@b", "19"},
}

func TestAddress(t *testing.T) {
	for _, tt := range addresses {
		t.Run(tt.name, func(t *testing.T) {
			a, err := ParseAddress(tt.text)
			if err != nil || a.Display != tt.display || a.URI.String() != tt.uri || a.Tag != tt.tag {
				t.Fatalf("%+v, %v", a, err)
			}
		})
	}
}

func TestAddressRefused(t *testing.T) {
	for _, s := range []string{
		"", "<>", "<sip:a@b", "sip:a@b>", `"A <sip:a@b>`, `A, B <sip:a@b>`, `<sip:a@b> x`, `<sip:a@b>;`, `<sip:a@b>;;x`,
		`<sip:a@b>;tag=`, `<sip:a@b>;tag`, `<sip:a@b>;tag=1;TAG=2`, `<sip:a@b>;tag="a b"`, `< sip:a@b >`, "sip:a@b?x=y",
		"sip:a@b,sip:c@d", "<sip:a@b>\r\nX: y", "<sip:a@b>;x=\"\x00\"", "\"\\\x05\" <sip:a@b>", "\"\x7f\" <sip:a@b>", "A\x01 <sip:a@b>", "<sip:a@b>;x=\x01", "<sip:a@b>\x01;x=y", `"\`, `"A" "B" <sip:a@b>`, "<sip:broken", `<sip:a@b>;x=<y>`,
	} {
		if a, err := ParseAddress(s); err == nil {
			t.Errorf("%q read as %+v", s, a)
		}
	}
}

func TestAddressListOfDiversions(t *testing.T) {
	list, err := ParseAddressList(`"A, B" <sip:+81312340001@h,x>;reason="user-busy, twice" , <sip:+81312340002@h>;privacy=off`)
	if err == nil {
		t.Fatalf("host with a comma: %+v", list)
	}
	list, err = ParseAddressList(`"A, B" <sip:+81312340001@h>;reason="user-busy, twice" , <sip:+81312340002@h?Privacy=history>;privacy=off`)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v %v", list, err)
	}
	if r, ok := list[0].Param("Reason"); !ok || r != "user-busy, twice" {
		t.Fatalf("reason %q", r)
	}
	if p, _ := list[1].Param("privacy"); p != "off" || list[1].URI.Headers != "Privacy=history" {
		t.Fatalf("%+v", list[1])
	}
	if _, err := ParseAddressList(strings.Repeat("<sip:a@b>,", 100) + "<sip:a@b>"); err == nil {
		t.Fatal("101 addresses")
	}
}
