package sip

import (
	"strings"
	"testing"
	"time"

	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
)

// required makes the PBX's trunk insist on reliable provisional responses.
func required(s *setup) { s.options.Trunks[1].Reliable = ReliableRequired }

// RFC 3261 s9.1: "The Request-URI, Call-ID, To, the numeric part of CSeq, and From header fields in the CANCEL request
// MUST be identical to those in the request being cancelled, including tags. A CANCEL constructed by a client MUST have
// only a single Via header field value matching the top Via value in the request being cancelled." And: "The CANCEL
// request MUST NOT contain any Require or Proxy-Require header fields."
func TestRFC3261S9_1WhatACANCELRepeats(t *testing.T) {
	inWorld(t, both(toneless, required), func(w *world) {
		sent := w.tap(hostPBX)
		a, b := w.ring(plain)
		w.header(b.Invite, "Require", "100rel")
		a.Cancel().Expect(200)
		a.Expect(487)
		b.ExpectRequest("CANCEL")
		cancel := sent.one(t, "CANCEL")
		w.same(cancel, b.Invite, "Call-ID", "To", "From", "Via")
		w.header(cancel, "CSeq", "1 CANCEL")
		w.header(cancel, "Require", "")
		w.header(cancel, "Proxy-Require", "")
		if cancel.URI != b.Invite.URI || len(cancel.Headers("Via")) != 1 {
			t.Errorf("CANCEL %s with Via %q for INVITE %s", cancel.URI, cancel.Headers("Via"), b.Invite.URI)
		}
		w.want("cancelled caller_cancelled 487")
	})
}

// RFC 3261 s9.1: "If no provisional response has been received, the CANCEL request MUST NOT be sent; rather, the client
// MUST wait for the arrival of a provisional response before sending the request."
func TestRFC3261S9_1CANCELWaitsForAProvisional(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.pbx.Faults.NeverTrying = true }), func(w *world) {
		sent := w.tap(hostPBX)
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		a.Cancel().Expect(200)
		a.Expect(487)
		time.Sleep(5 * time.Second)
		if n := len(sent.all("CANCEL")); n != 0 {
			t.Errorf("%d CANCELs before a provisional response", n)
		}
		if n := len(sent.all("INVITE")); n != 4 { // Timer A goes on
			t.Errorf("%d INVITEs in 5 s, want 4", n)
		}
		came := time.Now()
		b.Respond(100, nil, "")
		w.about("the CANCEL", b.ExpectRequest("CANCEL").At.Sub(came), 10*time.Millisecond)
		w.want("cancelled caller_cancelled 487")
	})
}

// RFC 3261 s9.1: "If the original request has generated a final response, the CANCEL SHOULD NOT be sent, as it is an
// effective no-op, since CANCEL has no effect on requests that have already generated a final response."
func TestRFC3261S9_1NoCANCELAfterAFinalResponse(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		sent := w.tap(hostPBX)
		a, b := w.ring(plain)
		b.Respond(486, nil, "")
		time.Sleep(7 * time.Millisecond) // we have it, the caller has it not
		a.Cancel().Expect(200)
		a.Expect(486)
		w.pbx.Quiet(40 * time.Second)
		if n := len(sent.all("CANCEL")); n != 0 {
			t.Errorf("%d CANCELs", n)
		}
		w.want("busy far_end_refused 486")
	})
}

// RFC 3261 s9.1: "The destination address, port, and transport for the CANCEL MUST be identical to those used to send
// the original request." Contact and Record-Route of the provisional response name another.
func TestRFC3261S9_1CANCELGoesWhereItsINVITEWent(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Respond(180, []string{"Contact: <sip:b@127.0.0.4:5060>", "Record-Route: <sip:127.0.0.4:5060;lr>"}, "")
		a.Expect(180)
		a.Cancel().Expect(200)
		a.Expect(487)
		cancel := b.ExpectRequest("CANCEL")
		w.header(cancel.Message, "Route", "")
		if n := w.spare.Received(); n != 0 {
			t.Errorf("%d messages to the Contact", n)
		}
		w.want("cancelled caller_cancelled 487")
	})
}

// RFC 3261 s9.1: "If there is no final response for the original request in 64*T1 seconds (T1 is defined in Section
// 17.1.1.1), the client SHOULD then consider the original transaction cancelled and SHOULD destroy the client
// transaction handling the original request."
func TestRFC3261S9_1CancelledINVITEWithoutFinalResponse(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.ring(plain)
		w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
			if p.From.Addr() == hostPBX && strings.HasPrefix(string(p.Data), "SIP/2.0 487") {
				return simnet.Drop // a UAS of RFC 2543
			}
			return simnet.Pass
		})
		began := time.Now()
		a.Cancel().Expect(200)
		a.Expect(487)
		b.ExpectRequest("CANCEL")
		w.want("cancelled caller_cancelled 487")
		for w.server.Calls() > 0 {
			time.Sleep(10 * time.Millisecond)
		}
		if took := time.Since(began); took < 32*time.Second || took > 33*time.Second {
			t.Errorf("the call was given up after %v, want 64*T1", took)
		}
	})
}

// RFC 3261 s9.2: "If the UAS did not find a matching transaction for the CANCEL according to the procedure above, it
// SHOULD respond to the CANCEL with a 481 (Call Leg/Transaction Does Not Exist)."
func TestRFC3261S9_2CANCELOfNothing(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.ring(plain)
		cancel := string(request("CANCEL sip:0312340001@127.0.0.1 SIP/2.0", "1 CANCEL", "Max-Forwards: 70\n", ""))
		w.carrier.SendRaw([]byte(cancel))
		if m := w.carrier.Receive(); m.Code != 481 {
			t.Errorf("answered %s", m)
		}
		w.busy(a, b) // another INVITE is none of its business
	})
}

// RFC 3261 s9.2: "If the original request was an INVITE, the UAS SHOULD immediately respond to the INVITE with a 487
// (Request Terminated)." And: "Regardless of the method of the original request, as long as the CANCEL matched an
// existing transaction, the UAS answers the CANCEL request itself with a 200 (OK) response. This response is
// constructed following the procedures described in Section 8.2.6 noting that the To tag of the response to the CANCEL
// and the To tag in the response to the original request SHOULD be the same."
func TestRFC3261S9_2CANCELOfAnINVITE(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.ring(plain)
		began := time.Now()
		ok, gone := a.Cancel().Expect(200), a.Expect(487)
		w.about("the 200 to the CANCEL", ok.At.Sub(began), 10*time.Millisecond)
		w.about("the 487 to the INVITE", gone.At.Sub(began), 10*time.Millisecond)
		w.same(ok, gone, "To", "From", "Call-ID", "Via")
		w.header(ok, "CSeq", "1 CANCEL")
		b.ExpectRequest("CANCEL")
		w.want("cancelled caller_cancelled 487")
	})
}

// RFC 3261 s9.2, after a final response: "If it has, the CANCEL request has no effect on the processing of the original
// request, no effect on any session state, and no effect on the responses generated for the original request."
func TestRFC3261S9_2CANCELAfterTheFinalResponse(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		w.carrier.SetFaults(siptest.Faults{CancelAtOnce: true})
		a, b := w.ring(plain)
		b.Answer()
		a.Expect(200)
		a.Cancel().Expect(200) // not acknowledged yet
		time.Sleep(600 * time.Millisecond)
		a.Ack("")
		b.ExpectRequest("ACK")
		a.Cancel().Expect(200) // acknowledged
		b.Quiet(time.Second)
		w.done(a, b)

		a, b = w.ring(plain)
		b.Respond(486, nil, "")
		a.Expect(486)
		a.Cancel().Expect(200) // refused: the transaction absorbs ACKs
		a.Quiet(time.Second)
		w.want("busy far_end_refused 486")
	})
}

// RFC 3261 s9.1: "If no provisional response has been received, the CANCEL request MUST NOT be sent; rather, the client
// MUST wait for the arrival of a provisional response before sending the request." A re-INVITE is no exception.
func TestRFC3261S9_1CANCELOfAReINVITEWaits(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.connect(plain)
		w.pbx.SetFaults(siptest.Faults{NeverTrying: true})
		sent := w.tap(hostPBX)
		a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		a.Cancel().Expect(200)
		time.Sleep(5 * time.Second)
		if n := len(sent.all("CANCEL")); n != 0 {
			t.Errorf("%d CANCELs before a provisional response", n)
		}
		b.Respond(100, nil, "")
		b.ExpectRequest("CANCEL")
		a.Expect(487)
		w.done(a, b)
	})
}

// RFC 3261 s9.2: "Regardless of the method of the original request, as long as the CANCEL matched an existing
// transaction, the UAS answers the CANCEL request itself with a 200 (OK) response." A re-INVITE that was refused at
// once is one, and so is a request that is no INVITE.
func TestRFC3261S9_2CANCELMatchesAnyTransaction(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.carrier.Lenient = true }), func(w *world) {
		a, b := w.connect(plain)
		a.Reinvite("hello", "Content-Type: text/plain").Expect(415)
		a.Cancel().Expect(200)
		w.done(a, b)
		options := string(request("OPTIONS sip:127.0.0.1 SIP/2.0", "1 OPTIONS", "Max-Forwards: 70\n", ""))
		w.carrier.SendRaw([]byte(options))
		w.carrier.Receive()
		w.carrier.SendRaw([]byte(strings.Replace(strings.Replace(options, "OPTIONS sip", "CANCEL sip", 1), "1 OPTIONS", "1 CANCEL", 1)))
		if m := w.carrier.Receive(); m.Code != 200 {
			t.Errorf("a CANCEL of OPTIONS is answered %s", m)
		}
	})
}
