package sip

import (
	"strings"
	"testing"
	"time"

	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
)

// RFC 3261 s17.1.1.3: "The ACK request constructed by the client transaction MUST contain values for the Call-ID, From,
// and Request-URI that are equal to the values of those header fields in the request passed to the transport by the
// client transaction (call this the "original request"). The To header field in the ACK MUST equal the To header field
// in the response being acknowledged". And: "The ACK MUST contain a single Via header field, and this MUST be equal to
// the top Via header field of the original request. The CSeq header field in the ACK MUST contain the same value for
// the sequence number as was present in the original request, but the method parameter MUST be equal to "ACK"."
// s17.1.1.2: "The ACK MUST be sent to the same address, port, and transport to which the original request was sent."
func TestRFC3261S17_1_1_3ACKOfAFailure(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		sent := w.tap(hostPBX)
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Respond(486, []string{"Contact: <sip:elsewhere@127.0.0.4:5060>", "Record-Route: <sip:127.0.0.4:5060;lr>"}, "")
		a.Expect(486)
		time.Sleep(20 * time.Millisecond)
		ack := sent.one(t, "ACK")
		w.same(ack, b.Invite, "Call-ID", "From", "Via")
		w.header(ack, "CSeq", "1 ACK")
		w.header(ack, "Route", "")
		if ack.URI != b.Invite.URI || len(ack.Headers("Via")) != 1 || ack.Body != "" {
			t.Errorf("ACK\n%s", ack.Raw)
		}
		if siptest.URI(ack.Header("To")) != siptest.URI(b.Invite.Header("To")) || ack.ToTag() == "" {
			t.Errorf("To %q", ack.Header("To"))
		}
		if n := w.spare.Received(); n != 0 {
			t.Errorf("%d messages to the Contact of a failure", n)
		}
		w.want("busy far_end_refused 486")
	})
}

// RFC 3261 s17.1.1.3, of a re-INVITE: "If the INVITE request whose response is being acknowledged had Route header
// fields, those header fields MUST appear in the ACK." s9.1: "If the request being cancelled contains a Route header
// field, the CANCEL request MUST include that Route header field's values."
func TestRFC3261S17_1_1_3RoutesOfAReINVITE(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.pbx.Lenient = true }), func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Respond(200, []string{"Record-Route: <sip:p1.example.jp;lr>;x=y, <sip:127.0.0.3:5060;lr>"}, described(w.pbxVoice, "", 0))
		a.Expect(200)
		a.Ack("")
		b.ExpectRequest("ACK")
		sent := w.tap(hostPBX)
		a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		invite := b.ExpectRequest("INVITE")
		if routes := invite.Headers("Route"); strings.Join(routes, " ") != "<sip:127.0.0.3:5060;lr> <sip:p1.example.jp;lr>;x=y" {
			t.Errorf("Route %q", routes)
		}
		b.Respond(180, nil, "")
		time.Sleep(10 * time.Millisecond)
		a.Cancel().Expect(200)
		a.Expect(487)
		time.Sleep(10 * time.Millisecond)
		for _, m := range []*siptest.Message{sent.one(t, "CANCEL"), sent.one(t, "ACK")} {
			w.same(m, invite.Message, "Route", "Via", "From", "Call-ID")
			if m.URI != invite.URI {
				t.Errorf("%s for INVITE %s", m, invite.URI)
			}
		}
		w.done(a, b)
	})
}

// RFC 3261 s17.1.1.2: "Any retransmissions of the final response that are received while in the "Completed" state MUST
// cause the ACK to be re-passed to the transport layer for retransmission, but the newly received response MUST NOT be
// passed up to the TU."
func TestRFC3261S17_1_1_2ACKAgain(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		lost := 0
		sent := &tap{}
		w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
			if p.To.Addr() == hostPBX && strings.HasPrefix(string(p.Data), "ACK ") {
				sent.take(p)
				if lost++; lost <= 3 {
					return simnet.Drop
				}
			}
			return simnet.Pass
		})
		a, b := w.ring(plain)
		b.Respond(486, nil, "")
		a.Expect(486)
		time.Sleep(40 * time.Second)
		acks := sent.all("ACK")
		if len(acks) != 4 {
			t.Fatalf("%d ACKs of four times the same response", len(acks))
		}
		for _, m := range acks {
			if string(m.Raw) != string(acks[0].Raw) {
				t.Errorf("another ACK:\n%s", m.Raw)
			}
		}
		if n := len(a.Responses()); n != 3 {
			t.Errorf("%d responses to the caller", n)
		}
		w.want("busy far_end_refused 486")
	})
}

// RFC 3261 s17.2.1: "The server transaction MUST generate a 100 (Trying) response unless it knows that the TU will
// generate a provisional or final response within 200 ms". And: "If a request retransmission is received while in the
// "Proceeding" state, the most recent provisional response that was received from the TU MUST be passed to the
// transport layer for retransmission."
func TestRFC3261S17_2_1RepeatedINVITE(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.pbx.Faults.NeverTrying = true }), func(w *world) {
		answers := w.tap(hostCarrier)
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		a.Expect(100)
		again := func() {
			w.carrier.SendRaw(a.Invite.Raw)
			time.Sleep(20 * time.Millisecond)
		}
		again()
		if n := len(answers.all("SIP/2.0 100")); n != 2 {
			t.Errorf("%d times 100 for two INVITEs", n)
		}
		b.Respond(180, nil, "")
		a.Expect(180)
		again()
		if n := len(answers.all("SIP/2.0 180")); n != 2 {
			t.Errorf("%d times 180 for two INVITEs", n)
		}
		b.Respond(486, nil, "")
		a.Expect(486)
		again() // its ACK was sent: absorbed
		if n := len(answers.all("SIP/2.0 486")); n != 1 {
			t.Errorf("%d times 486 after the ACK", n)
		}
		w.pbx.Quiet(time.Second) // it never is a new call
		w.want("busy far_end_refused 486")
	})
}

// RFC 3261 s17.2.3, without the magic cookie: "The INVITE request matches a transaction if the Request-URI, To tag,
// From tag, Call-ID, CSeq, and top Via header field match those of the INVITE request which created the transaction."
func TestRFC3261S17_2_3PeerOfRFC2543(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.carrier.Lenient = true }), func(w *world) {
		for n, via := range []string{"SIP/2.0/UDP 127.0.0.2:5060", "SIP/2.0/UDP 127.0.0.2:5060;branch=1", "SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bK"} {
			answers := w.tap(hostCarrier)
			old := func(method, to string) []byte {
				raw := string(request(method+" sip:0312340001@127.0.0.1 SIP/2.0", "1 "+method, "", ""))
				lines := strings.Split(raw, "\r\n")
				lines[1] = "Via: " + via
				raw = strings.Replace(strings.Join(lines, "\r\n"), "Call-ID: hand", "Call-ID: old"+string(rune('a'+n)), 1)
				return []byte(strings.Replace(raw, "To: <sip:0312340001@127.0.0.1>", "To: "+to, 1))
			}
			invite := old("INVITE", "<sip:0312340001@127.0.0.1>")
			w.carrier.SendRaw(invite)
			b := w.pbx.Accept()
			w.carrier.SendRaw(invite)
			time.Sleep(20 * time.Millisecond)
			b.Respond(486, nil, "")
			time.Sleep(700 * time.Millisecond)
			busy := answers.all("SIP/2.0 486")
			if len(busy) != 2 {
				t.Fatalf("%s: 486 was sent %d times in 700 ms, want twice", via, len(busy))
			}
			w.carrier.SendRaw(old("ACK", busy[0].Header("To")))
			w.pbx.Quiet(40 * time.Second)
			if n := len(answers.all("SIP/2.0 486")); n != 2 {
				t.Errorf("%s: the ACK was not matched: 486 %d times", via, n)
			}
			w.want("busy far_end_refused 486")
		}
	})
}

// RFC 6026 s8.8: "the server transaction SHOULD inform the TU that a failure has occurred, and MUST remain in the
// current state." s7.1: "This allows retransmissions of the INVITE to be absorbed instead of being processed as a new
// request."
func TestRFC6026S8_8ResponseThatCannotBeSent(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		dumb := w.reopened(hostCarrier)
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		a.Expect(100)
		dumb.Store(true)
		b.Respond(486, nil, "")
		time.Sleep(100 * time.Millisecond)
		w.carrier.SendRaw(a.Invite.Raw)
		time.Sleep(100 * time.Millisecond)
		dumb.Store(false)
		a.Expect(486) // Timer G
		w.pbx.Quiet(5 * time.Second)
		w.want("busy far_end_refused 486")
	})
}
