package siptest

import (
	"bufio"
	"bytes"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"tonegate/internal/simnet"
)

func hostPortOf(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

func TestParse(t *testing.T) {
	raw := "INVITE sip:0312340001@example.jp SIP/2.0\r\n" +
		"v: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa, SIP/2.0/TCP 10.0.0.9;branch=z9hG4bKb\r\n" +
		"Via : SIP/2.0/UDP 10.0.0.8;branch=z9hG4bKc\r\n" +
		"f: \"Smith, \\\"J\\\"; <x>\" <sip:a@b;tag=no>\r\n\t;x=1 ;TAG = yes\r\n" +
		"t: sip:c@d;tag=two\r\ni: id\r\nCSeq: 4294967295  INVITE\r\nl: 4\r\n\r\nbody and more"
	m, err := Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, got, want string }{
		{"method", m.Method, "INVITE"}, {"uri", m.URI, "sip:0312340001@example.jp"}, {"branch", m.Branch(), "z9hG4bKa"},
		{"from-tag", m.FromTag(), "yes"}, {"to-tag", m.ToTag(), "two"}, {"call-id", m.CallID(), "id"}, {"body", m.Body, "body"},
		{"from uri", URI(m.Header("From")), "sip:a@b;tag=no"}, {"to uri", URI(m.Header("To")), "sip:c@d"},
		{"vias", strings.Join(m.Headers("Via"), "|"), "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa|SIP/2.0/TCP 10.0.0.9;branch=z9hG4bKb|SIP/2.0/UDP 10.0.0.8;branch=z9hG4bKc"},
		{"without tag", withoutTag(m.Header("To")), "sip:c@d"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
	if n, method := m.CSeq(); n != 4294967295 || method != "INVITE" {
		t.Errorf("CSeq %d %q", n, method)
	}
}

func TestParseRefusals(t *testing.T) {
	for raw, want := range map[string]string{
		"":                                 "no empty line",
		"SIP/2.0 42 x\r\n\r\n":             "status line",
		"INVITE sip:a SIP/3.0\r\n\r\n":     "start line",
		"INVITE sip:a\r\n\r\n":             "start line",
		"A b SIP/2.0\r\n folded\r\n\r\n":   "line 2 continues nothing",
		"A b SIP/2.0\r\nnothing\r\n\r\n":   `line 2 "nothing" is not a header`,
		"A b SIP/2.0\r\nl: 9\r\n\r\nshort": "body of 5 octets",
		"A b SIP/2.0\r\nl: -1\r\n\r\n":     "Content-Length",
	} {
		if _, err := Parse([]byte(raw)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", raw, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1;rport\r\nFrom: \"a,\\\"\" <sip:a@b>;tag=1\r\nTo: <sip:b@[::1]:5>\r\nCSeq: 1 INVITE\r\nRecord-Route: <sip:x;lr>\r\nl: 0\r\n\r\n"))
	f.Add([]byte("0 0 SIP/2.0\r\nV:\xf5;rport; rport \r\n\r\n"))
	f.Add([]byte("SIP/2.0 200 OK\r\nVia:;;\r\nTo: <\r\n\tb\r\n\r\nv=0"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Parse(raw)
		if err != nil {
			return
		}
		for _, name := range []string{"Via", "From", "To", "Record-Route"} {
			for _, value := range m.Headers(name) {
				withoutTag(value)
				hostPort(URI(value))
				hostPort(viaHost(value))
				isLoose(value)
			}
		}
		m.CSeq()
		(&Request{Message: m, phone: &Phone{}}).response(200, nil, "")
	})
}

// FuzzReceive throws messages at a phone in a call: whatever comes, it goes on.
func FuzzReceive(f *testing.F) {
	const head = " sip:bob@10.0.0.2:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=A\r\nTo: <sip:b@c>\r\nCall-ID: x\r\n"
	for _, method := range []string{"INVITE", "CANCEL", "ACK", "BYE", "PRACK", "UPDATE", "OPTIONS"} {
		f.Add([]byte(method+head+"CSeq: 1 "+method+"\r\nRAck: 1 1 INVITE\r\n\r\n"), true)
	}
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.2:5060;branch=BRANCH\r\nTo: <sip:b@c>;tag=T\r\nCSeq: 1 INVITE\r\n\r\nv=0"), false)
	f.Fuzz(func(t *testing.T, data []byte, inDialog bool) {
		n := simnet.New(simnet.Conditions{})
		defer n.Close()
		conn, err := n.Listen(hostPortOf("10.0.0.2:5060"))
		if err != nil {
			t.Fatal(err)
		}
		p := NewPhone(conn, Options{Peer: hostPortOf("10.0.0.1:5060"), TB: t, Lenient: true, SDP: SDP{Address: hostPortOf("10.0.0.2:4000"), Codecs: []Codec{PCMU}}})
		defer p.Close()
		from := path{addr: hostPortOf("10.0.0.1:5060")}
		ours := p.Invite(InviteOptions{To: "0312340001"})
		p.receive([]byte("INVITE"+head+"CSeq: 1 INVITE\r\nContact: <sip:a@b>\r\n\r\n"), from)
		ring := p.Accept()
		ring.RespondReliably(183, nil, "")
		data = bytes.ReplaceAll(data, []byte("BRANCH"), []byte(ours.Invite.Branch()))
		if inDialog {
			data = bytes.ReplaceAll(data, []byte("To: <sip:b@c>"), []byte("To: <sip:b@c>;tag="+ring.localTag))
		}
		p.receive(data, from)
		p.receive(data, from)
	})
}

func TestReadFramed(t *testing.T) {
	one := "OPTIONS sip:a SIP/2.0\r\nContent-Length: 3\r\n\r\nabc"
	r := bufio.NewReader(strings.NewReader("\r\n\r\n" + one + one))
	for range 2 {
		if got, err := readFramed(r); err != nil || string(got) != one {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	if _, err := readFramed(bufio.NewReader(bytes.NewReader([]byte("A b SIP/2.0\r\nl: 99999999\r\n\r\n")))); err == nil {
		t.Error("a body of 99999999 octets was accepted")
	}
}

func TestAnswer(t *testing.T) {
	us := SDP{Address: hostPortOf("10.0.0.2:4000"), Codecs: []Codec{PCMA, PCMU, DTMF}, Ptime: 20}
	offer := "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\na=sendonly\r\n" +
		"m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" +
		"m=audio 4000 RTP/AVP 18 0 8 97\r\na=rtpmap:97 telephone-event/8000\r\na=fmtp:97 0-15\r\nm=audio 4010 RTP/AVP 0\r\n"
	answer := us.Answer(offer)
	got, err := ParseSDP(answer[:strings.LastIndex(answer, "m=audio")])
	if err != nil {
		t.Fatal(err)
	}
	if want := []Codec{PCMU, PCMA, {97, "telephone-event", 8000, "0-15"}}; !reflect.DeepEqual(got.Codecs, want) {
		t.Errorf("codecs %v, want %v", got.Codecs, want)
	}
	if got.Direction != "recvonly" || got.Address != us.Address {
		t.Errorf("answer %+v", got)
	}
	for _, line := range []string{"m=video 0 RTP/AVP 96\r\n", "m=audio 0 RTP/AVP 0\r\n"} {
		if !strings.Contains(answer, line) {
			t.Errorf("no %q in %q", line, answer)
		}
	}
	refused, err := ParseSDP(us.Answer("v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 18 101\r\na=rtpmap:101 telephone-event/8000\r\n"))
	if err != nil || refused.Address.Port() != 0 {
		t.Errorf("no codec in common, but %+v, %v", refused, err)
	}
}

func TestOfferIsParsedBack(t *testing.T) {
	for _, s := range []SDP{
		{Address: hostPortOf("10.0.0.2:4000"), Codecs: []Codec{PCMA, DTMF}, Ptime: 40, Direction: "sendonly", Lines: []string{"a=rtcp-mux"}},
		{Address: hostPortOf("[2001:db8::1]:4000"), Codecs: []Codec{PCMU}, Direction: "sendrecv"},
	} {
		got, err := ParseSDP(s.Offer())
		got.Media = nil
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("%+v, %v\nwant %+v", got, err, s)
		}
	}
}

func TestParseSDPRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"v=0\r\n":                        "no audio",
		"m=audio 4000 RTP/AVP 0\r\n":     "no c= line",
		"m=audio x RTP/AVP 0\r\n":        "port",
		"m=audio 70000 RTP/AVP 0\r\n":    "port",
		"m=audio 4000 RTP/AVP 300\r\n":   "payload type",
		"m=audio\r\n":                    "m=audio",
		"c=IN IP4 host\r\nm=audio 1 a 0": "c=IN IP4 host",
		"c=\r\nm=audio 1 a 0":            "c=",
	} {
		if _, err := ParseSDP(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzParseSDP(f *testing.F) {
	f.Add(SDP{Address: hostPortOf("10.0.0.2:4000"), Codecs: []Codec{PCMA, DTMF}, Ptime: 40}.Offer())
	us := SDP{Address: hostPortOf("10.0.0.2:4000"), Codecs: []Codec{PCMA, PCMU, DTMF}}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseSDP(text)
		answer := us.Answer(text)
		if err != nil {
			if answer != "" {
				t.Errorf("an answer to what cannot be read: %q", answer)
			}
			return
		}
		if got := strings.Count(answer, "\nm="); got != len(d.Media) {
			t.Errorf("%d streams answered, %d offered", got, len(d.Media))
		}
	})
}
