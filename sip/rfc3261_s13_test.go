package sip

import (
	"testing"
	"time"

	"tonegate/internal/siptest"
)

// RFC 3261 s13.2.1: "The UAC MUST treat the first session description it receives as the answer, and MUST ignore any
// session descriptions in subsequent responses to the initial INVITE." We do not, by choice: callees change between an
// early description that nobody acknowledged and their answer, and then only the answer is right.
func TestRFC3261S13_2_1TheDescriptionOfThe2xxCounts(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Respond(183, nil, described(w.pbxVoice, "sendonly", 1))
		early, _ := siptest.ParseSDP(a.Expect(183).Body)
		b.Respond(200, nil, described(w.pbxVoice, "sendrecv", 2))
		answer, err := siptest.ParseSDP(a.Expect(200).Body)
		if early.Direction != "sendonly" || answer.Direction != "sendrecv" || err != nil {
			t.Errorf("%s, then %s, %v", early.Direction, answer.Direction, err)
		}
		a.Ack("")
		b.ExpectRequest("ACK")
		w.done(a, b)
	})
}

// RFC 3261 s13.2.2.1: "Provisional responses for an INVITE request can create "early dialogs"." s13.2.2.3: "All early
// dialogs are considered terminated upon reception of the non-2xx final response." And: "Subsequent final responses
// (which would only arrive under error conditions) MUST be ignored."
func TestRFC3261S13_2_2_3OneFailureEndsAllForks(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.pbx.Lenient = true }), func(w *world) {
		answers := w.tap(hostCarrier)
		a, b := w.ring(plain)
		other := b.Fork()
		other.Respond(180, nil, "")
		b.Respond(486, nil, "")
		a.Expect(486)
		other.Respond(503, nil, "")
		other.Respond(200, nil, described(w.pbxVoice, "", 1)) // against the rules
		time.Sleep(5 * time.Second)
		if n := len(answers.all("SIP/2.0 4")) + len(answers.all("SIP/2.0 5")) + len(answers.all("SIP/2.0 200")); n != 1 {
			t.Errorf("%d final responses to the caller", n)
		}
		other.Bye().Expect(200, 481)
		w.want("busy far_end_refused 486")
	})
}

// RFC 3261 s13.2.2.4: "Multiple 2xx responses may arrive at the UAC for a single INVITE request due to a forking
// proxy." And: "The UAC core MUST generate an ACK request for each 2xx received from the transaction layer." And: "If,
// after acknowledging any 2xx response to an INVITE, the UAC does not want to continue with that dialog, then the UAC
// MUST terminate the dialog by sending a BYE request as described in Section 15."
func TestRFC3261S13_2_2_4Each2xxIsAcknowledged(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.ring(plain)
		var forks []*siptest.Call
		for range 20 { // more than we remember early dialogs of
			forks = append(forks, b.Fork())
		}
		for _, f := range forks {
			f.Respond(180, nil, "")
		}
		b.Answer()
		a.Expect(200)
		a.Ack("")
		w.header(b.ExpectRequest("ACK").Message, "CSeq", "1 ACK")
		for i, f := range forks {
			time.Sleep(time.Second)
			f.Answer()
			if ack := f.ExpectRequest("ACK"); ack.ToTag() == b.Invite.ToTag() || ack.FromTag() != b.Invite.FromTag() {
				t.Errorf("ACK of fork %d: To %q, From %q", i, ack.Header("To"), ack.Header("From"))
			}
			w.header(f.ExpectRequest("BYE").Message, "CSeq", "2 BYE")
		}
		w.done(a, b)
	})
}

// RFC 3261 s13.2.2.4: "The UAC core considers the INVITE transaction completed 64*T1 seconds after the reception of the
// first 2xx response." And: "Once the INVITE transaction is considered completed by the UAC core, no more new 2xx
// responses are expected to arrive."
func TestRFC3261S13_2_2_4ForksUntil64T1(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.pbx.Faults.NeverRepeat = true }), func(w *world) {
		a, b := w.ring(plain)
		early, late := b.Fork(), b.Fork()
		b.Answer()
		a.Expect(200)
		a.Ack("")
		b.ExpectRequest("ACK")
		time.Sleep(31 * time.Second)
		early.Answer()
		early.ExpectRequest("ACK")
		early.ExpectRequest("BYE")
		time.Sleep(2 * time.Second)
		late.Answer()
		w.pbx.Quiet(5 * time.Second)
		w.done(a, b)
	})
}

// RFC 3261 s13.2.2.4: "The ACK MUST be passed to the client transport every time a retransmission of the 2xx final
// response that triggered the ACK arrives."
func TestRFC3261S13_2_2_4ACKForEachRepetition(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		sent := w.tap(hostPBX)
		a, b := w.connect(plain)
		for n := 1; n < 5; n++ {
			acks := sent.all("ACK")
			if len(acks) != n || string(acks[0].Raw) != string(acks[n-1].Raw) {
				t.Fatalf("%d ACKs after %d answers, or not the same", len(acks), n)
			}
			b.Respond(200, nil, described(w.pbxVoice, "", 0)) // as if its ACK had been lost
			time.Sleep(20 * time.Millisecond)
		}
		w.done(a, b)
	})
}

// RFC 3261 s13.3.1: "If the INVITE does not contain a session description, the UAS is being asked to participate in a
// session, and the UAC has asked that the UAS provide the offer of the session. It MUST provide the offer in its first
// non-failure reliable message back to the UAC. In this specification, that is a 2xx response to the INVITE."
// s13.2.2.4: "If the 2xx contains an offer (based on the rules above), the ACK MUST carry an answer in its body."
func TestRFC3261S13_3_1OfferOfTheUAS(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		o := plain
		o.NoSDP = true
		a := w.carrier.Invite(o)
		b := w.pbx.Accept()
		b.Respond(183, nil, described(w.pbxVoice, "", 0))
		if m := a.Expect(183); m.Body != "" {
			t.Errorf("an offer in a message that is not reliable:\n%s", m.Body)
		}
		b.Respond(200, nil, described(w.pbxVoice, "", 0))
		offer := a.Expect(200)
		if offer.Body == "" {
			t.Fatal("no offer in the 200")
		}
		a.Ack(siptest.SDP{Address: w.carrierVoice.Addr(), Codecs: []siptest.Codec{siptest.PCMU}}.Answer(offer.Body))
		if b.ExpectRequest("ACK").Body == "" {
			t.Error("no answer in our ACK")
		}
		w.done(a, b)
	})
}

// RFC 3261 s13.3.1.1: "To prevent cancellation, the UAS MUST send a non-100 provisional response at every minute, to
// handle the possibility of lost provisional responses." And: "Each of these MUST indicate the same dialog ID."
func TestRFC3261S13_3_1_1ProvisionalEachMinute(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		answers := w.tap(hostCarrier)
		a, b := w.ring(plain)
		time.Sleep(150 * time.Second)
		rings := answers.all("SIP/2.0 18")
		if len(rings) != 3 {
			t.Fatalf("%d provisional responses in 150 s, want 3", len(rings))
		}
		for i, m := range rings[1:] {
			w.about("the next", m.At.Sub(rings[i].At), time.Minute)
			w.same(m, rings[0], "To", "From", "Call-ID", "CSeq")
		}
		w.busy(a, b)
	})
}

// RFC 3261 s13.3.1.3: "A UAS rejecting an offer contained in an INVITE SHOULD return a 488 (Not Acceptable Here)
// response."
func TestRFC3261S13_3_1_3OfferRejected(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		o := plain
		o.Body = "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=video 4000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"
		w.carrier.Invite(o).Expect(488)
		w.want("refused session_description 488")
	})
}

// RFC 3261 s13.3.1.4: "A 2xx response to an INVITE SHOULD contain the Allow header field and the Supported header
// field". And: "If the INVITE request contained an offer, and the UAS had not yet sent an answer, the 2xx MUST contain
// an answer."
func TestRFC3261S13_3_1_4WhatA2xxCarries(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Answer()
		ok := a.Expect(200)
		w.header(ok, "Allow", allow)
		w.header(ok, "Supported", "timer")
		if ok.Body == "" || len(ok.Headers("Contact")) != 1 {
			t.Errorf("Contact %q, answer\n%s", ok.Headers("Contact"), ok.Body)
		}
		a.Ack("")
		b.ExpectRequest("ACK")
		w.done(a, b)
	})
}

// RFC 3261 s13.3.1.4: "The 2xx response is passed to the transport with an interval that starts at T1 seconds and
// doubles for each retransmission until it reaches T2 seconds". And: "Response retransmissions cease when an ACK
// request for the response is received."
func TestRFC3261S13_3_1_4RepeatedUntilTheACK(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		answers := w.tap(hostCarrier)
		a := w.carrier.Invite(plain)
		w.pbx.Accept().Answer()
		first := a.Expect(200)
		time.Sleep(8 * time.Second)
		a.Ack("")
		time.Sleep(20 * time.Second)
		all := answers.all("SIP/2.0 200")
		want := []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond, 7500 * time.Millisecond}
		if len(all) != len(want) {
			t.Fatalf("sent %d times, want %d", len(all), len(want))
		}
		for i, m := range all {
			w.about("a repetition", m.At.Sub(first.At)+5*time.Millisecond, want[i])
			if string(m.Raw) != string(first.Raw) {
				t.Error("a repetition is another message")
			}
		}
		a.Bye().Expect(200)
		w.want("completed caller_hung_up 200")
	})
}

// RFC 3261 s13.3.1.4: "If the server retransmits the 2xx response for 64*T1 seconds without receiving an ACK, the
// dialog is confirmed, but the session SHOULD be terminated. This is accomplished with a BYE, as described in Section
// 15."
func TestRFC3261S13_3_1_4NoACK(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Answer()
		ok := a.Expect(200)
		w.about("the BYE", a.ExpectRequest("BYE").At.Sub(ok.At), 32*time.Second)
		b.ExpectRequest("BYE")
		w.want("failed no_ack 200")
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
