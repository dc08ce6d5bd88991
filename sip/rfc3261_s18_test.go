package sip

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tonegate/internal/siptest"
)

// forged is a response to an INVITE of ours, written by hand.
func forged(invite *siptest.Message, status, via string) []byte {
	return []byte(crlf(fmt.Sprintf(`
SIP/2.0 %s
Via: %s
From: %s
To: %s;tag=forged
Call-ID: %s
CSeq: %s
Contact: <sip:127.0.0.3:5060>
Content-Length: 0

`, status, via, invite.Header("From"), invite.Header("To"), invite.CallID(), invite.Header("CSeq"))))
}

// RFC 6026 s8.9: "Otherwise, any element other than a stateless proxy MUST silently discard the response."
func TestRFC6026S8_9StrayResponses(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.carrier.Lenient, s.pbx.Lenient = true, true }), func(w *world) {
		a, b := w.ring(plain)
		heard := w.carrier.Received() + w.pbx.Received()
		via := b.Invite.Header("Via")
		for _, status := range []string{"100 Trying", "180 Ringing", "200 OK", "302 Moved", "486 Busy Here"} {
			w.pbx.SendRaw(forged(b.Invite, status, strings.Replace(via, b.Invite.Branch(), b.Invite.Branch()+"x", 1)))
			w.pbx.SendRaw([]byte(strings.Replace(string(forged(b.Invite, status, via)), "1 INVITE", "1 INFO", 1)))
			w.carrier.SendRaw(forged(b.Invite, status, via)) // right, from the wrong trunk
		}
		time.Sleep(time.Second)
		if n := w.carrier.Received() + w.pbx.Received() - heard; n != 0 {
			t.Errorf("%d messages came of stray responses", n)
		}
		w.busy(a, b)
	})
}

// RFC 3261 s18.2.1: "If the host portion of the "sent-by" parameter contains a domain name, or if it contains an IP
// address that differs from the packet source address, the server MUST add a "received" parameter to that Via header
// field value. This parameter MUST contain the source address from which the packet was received." s18.2.2: "Otherwise
// (for unreliable unicast transports), if the top Via has a "received" parameter, the response MUST be sent to the
// address in the "received" parameter, using the port indicated in the "sent-by" value, or using port 5060 if none is
// specified explicitly." Without one it is sent there too: we resolve no name, and follow no maddr.
func TestRFC3261S18_2ReceivedAndPort(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.watchElsewhere()
		other := w.listen(hostCarrier, 5080)
		for n, c := range []struct {
			via, received string
			port          uint16
		}{
			{"127.0.0.2:5060", "", 5060},
			{"127.0.0.2", "", 5060},
			{"127.0.0.9:5060", "127.0.0.2", 5060},
			{"carrier.example.jp", "127.0.0.2", 5060},
			{"carrier.example.jp:5080", "127.0.0.2", 5080},
			{"127.0.0.2:5080", "", 5080},
		} {
			raw := strings.Replace(string(request("OPTIONS sip:127.0.0.1 SIP/2.0", "1 OPTIONS", "Max-Forwards: 70\n", "")),
				"127.0.0.2:5060;rport;branch=z9hG4bKhand", fmt.Sprintf("%s;branch=z9hG4bKvia%d", c.via, n), 1)
			w.carrier.SendRaw([]byte(raw))
			var m *siptest.Message
			if c.port == 5060 {
				m = w.carrier.Receive()
			} else {
				b := make([]byte, 2000)
				size, _, err := other.ReadFromUDPAddrPort(b)
				if err != nil {
					t.Fatal(err)
				}
				if m, err = siptest.Parse(b[:size]); err != nil {
					t.Fatal(err)
				}
			}
			if got := siptest.Param(m.Header("Via"), "received"); got != c.received {
				t.Errorf("%s: received=%q, want %q", c.via, got, c.received)
			}
		}
		other.Close()
	})
}

// RFC 3261 s18.3: "If there are additional bytes in the transport packet beyond the end of the body, they MUST be
// discarded." And: "If the message has no Content-Length header field, the message body is assumed to end at the end of
// the transport packet."
func TestRFC3261S18_3BodyOfADatagram(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.carrier.Lenient = true }), func(w *world) {
		invite := string(request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", "Max-Forwards: 70\n", audio))
		length := fmt.Sprintf("Content-Length: %d\r\n", len(audio))
		for n, raw := range []string{
			invite,
			invite + "a=sendonly\r\n",
			invite + strings.Repeat("x", 1000),
			strings.Replace(invite, length, "", 1),
		} {
			raw = strings.ReplaceAll(strings.Replace(raw, "Call-ID: hand", fmt.Sprintf("Call-ID: body%d", n), 1), "z9hG4bKhand", fmt.Sprintf("z9hG4bKbody%d", n))
			sent := w.tap(hostCarrier)
			w.carrier.SendRaw([]byte(raw))
			b := w.pbx.Accept()
			offer, err := siptest.ParseSDP(b.Invite.Body)
			if err != nil || offer.Direction == "sendonly" || len(offer.Codecs) != 1 || strings.Contains(b.Invite.Body, "x") {
				t.Errorf("%d: %v, offer\n%s", n, err, b.Invite.Body)
			}
			b.Respond(486, nil, "")
			time.Sleep(20 * time.Millisecond)
			w.carrier.SendRaw(ackOfFailure(raw, sent.one(t, "SIP/2.0 486")))
			w.want("busy far_end_refused 486")
		}
	})
}

// ackOfFailure is the ACK that an INVITE written by hand owes.
func ackOfFailure(invite string, m *siptest.Message) []byte {
	head, _, _ := strings.Cut(invite, "\r\n\r\n")
	var lines []string
	for l := range strings.SplitSeq(head, "\r\n") {
		switch {
		case strings.HasPrefix(l, "INVITE "):
			l = strings.Replace(l, "INVITE", "ACK", 1)
		case strings.HasPrefix(l, "CSeq:"):
			l = strings.Replace(l, "INVITE", "ACK", 1)
		case strings.HasPrefix(l, "To:"):
			l = "To: " + m.Header("To")
		case strings.HasPrefix(l, "Content-"):
			continue
		}
		lines = append(lines, l)
	}
	return []byte(strings.Join(lines, "\r\n") + "\r\nContent-Length: 0\r\n\r\n")
}

// RFC 3261 s18.3: "If the transport packet ends before the end of the message body, this is considered an error. If the
// message is a response, it MUST be discarded. If the message is a request, the element SHOULD generate a 400 (Bad
// Request) response."
func TestRFC3261S18_3BodyCutShort(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.pbx.Lenient = true }), func(w *world) {
		invite := string(request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", "Max-Forwards: 70\n", audio))
		w.carrier.SendRaw([]byte(invite[:len(invite)-1]))
		if m := w.carrier.Receive(); m.Code != 400 {
			t.Errorf("answered %s", m)
		}
		a, b := w.ring(plain)
		busy := string(forged(b.Invite, "486 Busy Here", b.Invite.Header("Via")))
		w.pbx.SendRaw([]byte(strings.Replace(busy, "Content-Length: 0", "Content-Length: 10", 1)))
		a.Quiet(time.Second)
		w.busy(a, b)
	})
}

// RFC 3261 s18.3: "The Content-Length header field MUST be used with stream oriented transports." s7.5:
// "Implementations processing SIP messages over stream-oriented transports MUST ignore any CRLF appearing before the
// start-line". What lengths in doubt come to is in TestDoubtfulLengthEndsTheConnection.
func TestRFC3261S18_3Stream(t *testing.T) {
	l := onLoopback(t, nil)
	c := l.dial(hostCarrier)
	r := bufio.NewReader(c)
	body := strings.Replace(options(2, l.at, "Content-Type: text/plain\n"), "Content-Length: 0\r\n\r\n", "Content-Length: 9\r\n\r\nOPTIONS s", 1)
	io.WriteString(c, "\r\n\r\n"+options(1, l.at, "")+"\r\n"+body+options(3, l.at, ""))
	for range 3 {
		hears(t, c, r, "200")
	}
	for _, octet := range options(4, l.at, "") { // however it is cut
		io.WriteString(c, string(octet))
	}
	hears(t, c, r, "200")
}

// RFC 3261 s18.2.2: "If the "sent-protocol" is a reliable transport protocol such as TCP or SCTP, or TLS over those,
// the response MUST be sent using the existing connection to the source of the original request that created the
// transaction, if that connection is still open." Two connections of one peer each get their own.
func TestRFC3261S18_2_2ResponseOnItsConnection(t *testing.T) {
	l := onLoopback(t, nil)
	first, second := l.dial(hostCarrier), l.dial(hostCarrier)
	elsewhere := netip.MustParseAddrPort("127.0.0.2:9") // what the Via says
	r1, r2 := bufio.NewReader(first), bufio.NewReader(second)
	for n := range 5 {
		io.WriteString(second, options(2*n, elsewhere, ""))
		hears(t, second, r2, "200")
		io.WriteString(first, options(2*n+1, elsewhere, ""))
		hears(t, first, r1, "200")
	}
}

// RFC 3261 s18.4: "If the transport user asks for a request to be sent over a reliable transport, and the result is a
// connection failure, the transport layer SHOULD inform the transport user of a failure in sending." The next target
// shows that it was told; see TestAPeerThatIsDownIsPassedOver for a TCP connection.
func TestRFC3261S18_4FailureIsTold(t *testing.T) {
	inWorld(t, both(toneless, twoTargets), func(w *world) {
		w.reopened(hostPBX).Store(true)
		w.busy(w.carrier.Invite(plain), w.spare.Accept())
	})
}

// RFC 3261 s18.1.2: "If the value of the "sent-by" parameter in that header field value does not correspond to a value
// that the client transport is configured to insert into requests, the response MUST be silently discarded."
func TestRFC3261S18_1_2SentByOfAResponse(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.pbx.Lenient = true }), func(w *world) {
		a, b := w.ring(plain)
		via := b.Invite.Header("Via")
		for _, other := range []string{"127.0.0.9:5060", "127.0.0.1:5070", "example.jp"} {
			w.pbx.SendRaw(forged(b.Invite, "486 Busy Here", strings.Replace(via, "127.0.0.1:5060", other, 1)))
		}
		a.Quiet(time.Second)
		b.Respond(480, nil, "")
		a.Expect(480)
		w.want("no_answer far_end_refused 480")
	})
}
