package wire

import (
	"net/netip"
	"strings"
	"testing"
)

var source = netip.MustParseAddrPort("192.0.2.77:5080")

// receive is the way in of a datagram, beside that of a stream.
func receive(t testing.TB, datagram string) (*Message, *Problem) {
	t.Helper()
	data := []byte(datagram)
	m, p := Parse(data, UDP, source)
	if difference := twoWays(m, p, data); difference != "" {
		t.Fatalf("%s\n%q", difference, datagram)
	}
	return m, p
}

func accept(t testing.TB, datagram string) *Message {
	t.Helper()
	m, p := receive(t, datagram)
	if p != nil {
		t.Fatalf("refused: %v\n%s", p, datagram)
	}
	return m
}

const invite = `INVITE sip:+81312340002@127.0.0.1:5060;user=phone SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKnashds8;rport
Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKupstream
Record-Route: <sip:192.0.2.1;lr>,<sip:192.0.2.9;lr>;info=x
Max-Forwards: 70
From: "Bob" <sip:+81312340001@example.jp>;tag=a73kszlfl
To: <sip:+81312340002@example.jp>
Call-ID: 1j9FpLxk3uxtm8tn@example.jp
CSeq: 1 INVITE
Contact: <sip:bob@192.0.2.1>
Supported: 100rel, timer
P-Asserted-Identity: <tel:+81312340001>
Content-Type: application/sdp
Content-Length: 5

v=0
`

// lines writes a message with CR LF for each line end.
func lines(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// with replaces one line of the INVITE, found by its beginning, by others; "" takes it out.
func with(line, by string) string {
	out := make([]string, 0, 20)
	for l := range strings.SplitSeq(invite, "\n") {
		switch {
		case !strings.HasPrefix(l, line):
			out = append(out, l)
		case by != "":
			out = append(out, by)
		}
	}
	return lines(strings.Join(out, "\n"))
}
