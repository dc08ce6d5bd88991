package sip

import (
	"strings"
	"testing"
	"time"

	"tonegate/internal/siptest"
)

// RFC 3261 s8.2.3: "If the request contained content encodings not understood by the UAS, the response MUST contain an
// Accept-Encoding header field listing the encodings understood by the UAS."
func TestRFC3261S8_2_3AcceptEncoding(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		o := plain
		o.Body, o.Headers = audio, []string{"Content-Encoding: gzip"}
		w.header(w.carrier.Invite(o).Expect(415), "Accept-Encoding", "identity")
		w.want("refused session_description 415")
		a, b := w.connect(plain)
		w.header(a.Reinvite("\x1f\x8b", "Content-Type: application/sdp", "Content-Encoding: gzip").Expect(415), "Accept-Encoding", "identity")
		w.done(a, b)
	})
}

// RFC 3261 s8.2.3: a body that is not understood is refused only if "that body part is not optional (as indicated by
// the Content-Disposition header field)". s13.2.1: "If the Content-Disposition header field is missing, bodies of
// Content-Type application/sdp imply the disposition "session", while other content types imply "render"."
func TestRFC3261S8_2_3OptionalBody(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		o := plain
		o.Body, o.Headers = "a picture", []string{"Content-Type: image/jpeg", "Content-Disposition: icon;handling=optional"}
		a := w.carrier.Invite(o)
		b := w.pbx.Accept()
		if b.Invite.Body != "" {
			t.Errorf("an offer from nowhere:\n%s", b.Invite.Body)
		}
		w.busy(a, b)
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

// RFC 3261 s12.1.2: "A UAC MUST be prepared to receive a response without a tag in the To field, in which case the tag
// is considered to have a value of null." At the least the caller must not wait for ever.
func TestRFC3261S12_1_2AnswerWithoutATag(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.pbx.Lenient = true }), func(w *world) {
		began := time.Now()
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Respond(200, []string{"To: " + b.Invite.Header("To")}, described(w.pbxVoice, "", 1))
		m := a.Expect(200, 408, 500, 502, 504)
		if took := m.At.Sub(began); took > time.Minute {
			t.Errorf("%s after %v", m, took)
		}
		if m.Code == 200 {
			a.Ack("")
			a.Bye().Expect(200)
		}
		w.lossy = true // what becomes of the call is open
	})
}

// RFC 3261 s12.2.2: "Requests sent within a dialog, as any other requests, are atomic. If a particular request is
// accepted by the UAS, all the state changes associated with it are performed. If the request is rejected, none of the
// state changes are performed."
func TestRFC3261S12_2_2ARejectedReINVITEChangesNothing(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.carrier.Lenient, s.pbx.Lenient = true, true }), func(w *world) {
		a, b := w.connect(plain)
		a.Reinvite("hello", "Content-Type: text/plain", "Contact: <sip:gone@127.0.0.2:5060>").Expect(415)
		a.Reinvite(described(w.carrierVoice, "sendonly", 1), "Contact: <sip:gone@127.0.0.2:5060>")
		b.ExpectRequest("INVITE")
		b.Respond(488, nil, "")
		a.Expect(488)
		bye := b.Bye()
		if m := a.ExpectRequest("BYE"); m.URI != "sip:carrier@127.0.0.2:5060" {
			t.Errorf("BYE %s: a re-INVITE that was refused moved the target", m.URI)
		}
		bye.Expect(200)
		w.lossy = true // the phone holds the Contact for its own that was refused
	})
}

// RFC 3261 s13.3.1: "If the request is an INVITE that contains an Expires header field, the UAS core sets a timer for
// the number of seconds indicated in the header field value." And: "If the invitation expires before the UAS has
// generated a final response, a 487 (Request Terminated) response SHOULD be generated."
func TestRFC3261S13_3_1Expires(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		o := plain
		o.Headers = []string{"Expires: 20"}
		began := time.Now()
		a, b := w.ring(o)
		w.about("the end of the invitation", a.Expect(487).At.Sub(began), 20*time.Second+10*time.Millisecond)
		b.ExpectRequest("CANCEL")
		w.lossy = true // what the record calls it is open
	})
}

// RFC 3261 s14.1: "If a UA receives a non-2xx final response to a re-INVITE, the session parameters MUST remain
// unchanged, as if no re-INVITE had been issued." The next refresh of ours shows what we hold for the session.
func TestRFC3261S14_1AFailedReINVITEChangesNothing(t *testing.T) {
	inWorld(t, both(toneless, timers), func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Answer("Session-Expires: 300;refresher=uac", "Require: timer")
		a.Expect(200)
		a.Ack("")
		b.ExpectRequest("ACK")
		a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		b.Respond(488, nil, "")
		a.Expect(488)
		again := b.ExpectRequest("INVITE")
		if offer, err := siptest.ParseSDP(again.Body); err != nil || offer.Direction == "sendonly" {
			t.Errorf("the refresh offers what was refused, %v:\n%s", err, again.Body)
		}
		b.Answer("Session-Expires: 300;refresher=uac", "Require: timer")
		b.ExpectRequest("ACK")
		w.done(a, b)
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

// RFC 3262 s3: "If the UAS does send a final response when reliable responses are still unacknowledged, it SHOULD NOT
// continue to retransmit the unacknowledged reliable provisional responses, but it MUST be prepared to process PRACK
// requests for those outstanding responses."
func TestRFC3262S3PRACKCrossesTheFinalResponse(t *testing.T) {
	inWorld(t, both(toneless, reliable), func(w *world) {
		sent := w.tap(hostCarrier)
		a := w.carrier.Invite(acknowledging(plain))
		b := w.pbx.Accept()
		b.Respond(183, nil, described(w.pbxVoice, "", 1))
		early := a.Expect(183)
		b.Respond(486, nil, "")
		a.Expect(486)
		a.Prack(early, "").Expect(200)
		before := len(sent.all("SIP/2.0 183"))
		time.Sleep(5 * time.Second)
		if n := len(sent.all("SIP/2.0 183")) - before; n != 0 {
			t.Errorf("%d repetitions after the final response", n)
		}
		w.want("busy far_end_refused 486")
	})
}

// RFC 3311 s5.2: "Similarly, if an UPDATE is received that contains an offer, and the UAS has received an offer (in an
// UPDATE, PRACK, or INVITE) to which it has not yet generated an answer, the UAS MUST reject the UPDATE with a 500
// response, and MUST include a Retry-After header field with a randomly chosen value between 0 and 10 seconds." The
// offer is in a re-INVITE.
func TestRFC3311S5_2OfferWithinAReINVITE(t *testing.T) {
	inWorld(t, both(toneless, updating), func(w *world) {
		a, b := w.connect(plain)
		first := a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		after(t, a.Request("UPDATE", nil, described(w.carrierVoice, "sendrecv", 2)).Expect(500))
		b.Answer()
		first.Expect(200)
		a.Ack("")
		b.ExpectRequest("ACK")
		w.done(a, b)
	})
}

// RFC 3311 s5.2: "the UAS MUST reject the UPDATE with a 500 response, and MUST include a Retry-After header field with
// a randomly chosen value between 0 and 10 seconds." The offer is in the first INVITE, which is answered by the 2xx
// only.
func TestRFC3311S5_2OfferWithinTheINVITE(t *testing.T) {
	inWorld(t, both(toneless, updating), func(w *world) {
		a, b := w.ring(plain)
		after(t, a.Request("UPDATE", nil, described(w.carrierVoice, "sendrecv", 2)).Expect(500))
		w.busy(a, b)
	})
}

// RFC 3264 s4: "it MUST NOT generate a new offer if it has generated a prior offer for which it has not yet received an
// answer or a rejection." A peer that does so by re-INVITE within its UPDATE gets a final response to both.
func TestRFC3311S5_2ReINVITEWithinAnUPDATE(t *testing.T) {
	inWorld(t, both(toneless, updating), func(w *world) {
		a, b := w.connect(plain)
		update := a.Request("UPDATE", nil, described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		a.Reinvite(described(w.carrierVoice, "sendrecv", 2)).Expect(491, 500)
		b.Answer()
		b.ExpectRequest("ACK")
		update.Expect(200)
		w.done(a, b)
	})
}

// RFC 4028 s7.2: "To do this, the UAC follows the procedures defined in this specification as if the Session-Expires
// header field were in the 2xx response, and its value was the same as that in the request, but with a refresher
// parameter of 'uac'." The request had asked for more than the trunk is set to, after a 422.
func TestRFC4028S7_2PeerWithoutTimers(t *testing.T) {
	inWorld(t, both(toneless, timers), func(w *world) {
		a := w.carrier.Invite(plain)
		w.pbx.Accept().Respond(422, []string{"Min-SE: 600"}, "")
		b := w.pbx.Accept()
		w.header(b.Invite, "Session-Expires", "600")
		b.Answer()
		ok := a.Expect(200)
		a.Ack("")
		b.ExpectRequest("ACK")
		time.Sleep(160 * time.Second)
		again := b.ExpectRequest("INVITE")
		w.about("our refresh", again.At.Sub(ok.At), 300*time.Second)
		w.header(again.Message, "Session-Expires", "600;refresher=uac")
		b.Answer()
		b.ExpectRequest("ACK")
		w.done(a, b)
	})
}

// RFC 4028 s7.4: "The value of the Min-SE header field present in a session refresh request MUST be the largest value
// among all Min-SE header field values returned in all 422 responses or received in session refresh requests, on the
// same dialog, if a dialog has been established." The caller's INVITE had one.
func TestRFC4028S7_4MinSEOfTheDialog(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b, ok := w.timed(asking("Session-Expires: 1000;refresher=uas", "Min-SE: 600"))
		w.header(ok, "Session-Expires", "1000;refresher=uas")
		time.Sleep(350 * time.Second)
		again := a.ExpectRequest("INVITE")
		w.header(again.Message, "Session-Expires", "1000;refresher=uac")
		w.header(again.Message, "Min-SE", "600")
		a.Answer("Session-Expires: 1000;refresher=uac", "Require: timer")
		a.ExpectRequest("ACK")
		w.done(a, b)
	})
}

// RFC 4028 s9: "If the refresher parameter in the 2xx response has a value of 'uas' and the Supported header field in
// the request contained the value 'timer', the UAS SHOULD place a Require header field into the response with the value
// 'timer'."
func TestRFC4028S9RequireWhenWeRefresh(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b, ok := w.timed(asking("Session-Expires: 1800;refresher=uas"))
		w.header(ok, "Session-Expires", "1800;refresher=uas")
		w.header(ok, "Require", "timer")
		w.done(a, b)
	})
}

// RFC 4028 s10: "However, the UAC SHOULD NOT continuously retry the request if the server indicates the same error
// response."
func TestRFC4028S10RefreshThatIsRefused(t *testing.T) {
	inWorld(t, both(toneless, timers), func(w *world) {
		a, b, _ := w.timed(plain, "Session-Expires: 300;refresher=uac", "Require: timer")
		sent := w.tap(hostPBX)
		for began := time.Now(); time.Since(began) < 290*time.Second; time.Sleep(100 * time.Millisecond) {
			if n := len(sent.all("INVITE")); n > len(sent.all("ACK")) {
				b.ExpectRequest("INVITE")
				b.Respond(488, nil, "")
			}
		}
		if n := len(sent.all("INVITE")); n < 1 || n > 5 {
			t.Errorf("%d refreshes were sent, all but the first after a 488", n)
		}
		b.ExpectRequest("BYE")
		a.ExpectRequest("BYE")
		w.want("failed session_expired 200")
	})
}

// RFC 4028 s6: a 422 says that the interval of the request was too small. The caller asked for none; what the callee
// thinks of ours is not the caller's to mend.
func TestRFC4028S7_3A422IsNotPassedOn(t *testing.T) {
	inWorld(t, both(toneless, timers), func(w *world) {
		a, b, _ := w.timed(plain, "Session-Expires: 300;refresher=uac", "Require: timer")
		a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		b.Respond(422, []string{"Min-SE: 600"}, "")
		if m := a.Expect(200, 422, 488, 500, 503); m.Code == 422 && m.Header("Min-SE") == "" {
			t.Errorf("the caller gets %s without Min-SE", m)
		}
		w.done(a, b)
	})
}

// RFC 3264 s6: "The answer MUST contain exactly the same number of "m=" lines as the offer." A callee that leaves lines
// out is no reason for us to do so towards the caller.
func TestRFC3264S6AnswerOfACalleeThatLeavesLinesOut(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		o := plain
		o.Body = described(w.carrierVoice, "", 0) + picture
		a := w.carrier.Invite(o)
		b := w.pbx.Accept()
		b.Respond(200, nil, described(w.pbxVoice, "", 0)) // one line only
		m := a.Expect(200, 502)
		if m.Code == 200 {
			if n := strings.Count(m.Body, "m="); n != 2 {
				t.Errorf("%d lines in the answer to two:\n%s", n, m.Body)
			}
			a.Ack("")
			a.Bye().Expect(200)
		}
		w.lossy = true // refused or mended
	})
}
