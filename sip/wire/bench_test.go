package wire

import (
	"fmt"
	"strings"
	"testing"
)

const description = `v=0
o=- 3901234567 3901234567 IN IP4 192.0.2.1
s=-
c=IN IP4 192.0.2.1
t=0 0
m=audio 20000 RTP/AVP 0 8 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=sendrecv
`

// samples are the messages that a server receives in a call, with the fields that carriers send.
var samples = []struct{ name, text string }{
	{"INVITE", sample("INVITE sip:+81312340002@192.0.2.10:5060;user=phone SIP/2.0", `Record-Route: <sip:192.0.2.1;lr>
From: "0312340001" <sip:+81312340001@example.jp;user=phone>;tag=a73kszlfl
To: <sip:+81312340002@example.jp;user=phone>
CSeq: 1 INVITE
Contact: <sip:+81312340001@192.0.2.1:5060>
Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, OPTIONS
Supported: 100rel, timer
Session-Expires: 300;refresher=uac
Min-SE: 90
P-Asserted-Identity: <tel:+81312340001>
Privacy: none
User-Agent: carrier/1.0
Content-Type: application/sdp
`, lines(description))},
	{"180", sample("SIP/2.0 180 Ringing", `From: <sip:+81312340001@192.0.2.10>;tag=2f8e1c
To: <sip:+81312340002@example.jp>;tag=b7713
CSeq: 1 INVITE
Contact: <sip:+81312340002@192.0.2.1:5060>
`, "")},
	{"200", sample("SIP/2.0 200 OK", `Record-Route: <sip:192.0.2.1;lr>
From: <sip:+81312340001@192.0.2.10>;tag=2f8e1c
To: <sip:+81312340002@example.jp>;tag=b7713
CSeq: 1 INVITE
Contact: <sip:+81312340002@192.0.2.1:5060>
Allow: INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, OPTIONS
Supported: timer
Session-Expires: 300;refresher=uas
Content-Type: application/sdp
`, lines(description))},
	{"ACK", sample("ACK sip:192.0.2.10:5060 SIP/2.0", `From: "0312340001" <sip:+81312340001@example.jp;user=phone>;tag=a73kszlfl
To: <sip:+81312340002@example.jp;user=phone>;tag=c01
CSeq: 1 ACK
`, "")},
	{"BYE", sample("BYE sip:192.0.2.10:5060 SIP/2.0", `From: "0312340001" <sip:+81312340001@example.jp;user=phone>;tag=a73kszlfl
To: <sip:+81312340002@example.jp;user=phone>;tag=c01
CSeq: 2 BYE
Reason: Q.850;cause=16
`, "")},
}

func sample(start, fields, body string) string {
	via := "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKnashds8;rport\n"
	if !strings.HasPrefix(start, "SIP/") {
		via += "Max-Forwards: 70\n"
	}
	return lines(start+"\n"+via+fields+fmt.Sprintf("Call-ID: 1j9FpLxk3uxtm8tn@192.0.2.1\nContent-Length: %d\n\n", len(body))) + body
}

func BenchmarkParse(b *testing.B) {
	for _, s := range samples {
		b.Run(s.name, func(b *testing.B) {
			data := []byte(s.text)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, p := Parse(data, UDP, source); p != nil {
					b.Fatal(p)
				}
			}
		})
	}
}

// BenchmarkParseAndRead is sipgo's parser and Read, as streams have it.
func BenchmarkParseAndRead(b *testing.B) {
	parser := NewParser()
	for _, s := range samples {
		b.Run(s.name, func(b *testing.B) {
			data := []byte(s.text)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				msg, err := parser.ParseSIP(data)
				if err != nil {
					b.Fatal(err)
				}
				if _, p := Read(msg, TCP, source); p != nil {
					b.Fatal(p)
				}
			}
		})
	}
}

func BenchmarkBuild(b *testing.B) {
	req, p := Parse([]byte(samples[0].text), UDP, source)
	bye, q := Parse([]byte(samples[4].text), UDP, source)
	if p != nil || q != nil {
		b.Fatal(p, q)
	}
	body := []byte(lines(description))
	invite := NewInvite("sip:+81312340002@192.0.2.20:5060;user=phone", "UDP", "192.0.2.10:5060", "z9hG4bK0a1b2c3d4e5f6a7b")
	invite.From, invite.To = "<sip:+81312340001@192.0.2.10:5060>;tag=1f0a9c2b3d4e5f60", "<sip:+81312340002@192.0.2.20:5060>"
	invite.CallID, invite.CSeq = "0a1b2c3d4e5f6a7b8c9d@192.0.2.10", 1
	for _, c := range []struct {
		name  string
		build func() *Builder
	}{
		{"100", func() *Builder { return NewResponse(req, 100, "", "") }},
		{"180", func() *Builder {
			return NewResponse(req, 180, "", "0a1b2c3d4e5f6a7b").RecordRoute().Add("Contact", "<sip:192.0.2.10:5060>")
		}},
		{"200", func() *Builder {
			return NewResponse(req, 200, "", "0a1b2c3d4e5f6a7b").RecordRoute().Add("Contact", "<sip:192.0.2.10:5060>").
				Add("Allow", "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, OPTIONS").Add("Supported", "timer").
				Add("Session-Expires", "300;refresher=uac").Body("application/sdp", body)
		}},
		{"200 to BYE", func() *Builder { return NewResponse(bye, 200, "", "") }},
		{"INVITE", func() *Builder {
			return invite.Request().Add("Contact", "<sip:192.0.2.10:5060>").Add("Max-Forwards", "69").
				Add("Allow", "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, OPTIONS").Add("Supported", "timer, 100rel").
				Add("Session-Expires", "300").Add("P-Asserted-Identity", "<tel:+81312340001>").Body("application/sdp", body)
		}},
		{"BYE", func() *Builder {
			return NewRequest(BYE, "sip:+81312340002@192.0.2.20:5060").Via("UDP", "192.0.2.10:5060", "z9hG4bK0a1b2c3d4e5f6a7b").
				Add("From", invite.From).Add("To", invite.To).Add("Call-ID", invite.CallID).Add("CSeq", "2 BYE").Add("Reason", "Q.850;cause=16")
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.build().Bytes(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
