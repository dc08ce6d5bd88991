package sip

import (
	"strings"
	"testing"
	"time"

	"tonegate/internal/siptest"
)

// updating lets the scripts answer UPDATE themselves.
func updating(s *setup) { s.carrier.Manual, s.pbx.Manual = []string{"UPDATE"}, []string{"UPDATE"} }

// RFC 3311 s4: "However, a UAC compliant to this specification SHOULD also include an Allow header field in the INVITE
// request, listing the method UPDATE, to indicate its ability to receive an UPDATE request." And: "a 2xx response
// SHOULD contain an Allow header field listing the UPDATE method."
func TestRFC3311S4Allow(t *testing.T) {
	inWorld(t, both(toneless, reliable), func(w *world) {
		a := w.carrier.Invite(acknowledging(plain))
		b := w.pbx.Accept()
		b.Respond(183, nil, described(w.pbxVoice, "", 1))
		early := a.Expect(183)
		a.Prack(early, "").Expect(200)
		b.Answer()
		for _, m := range []*siptest.Message{b.Invite, early, a.Expect(200)} {
			if !strings.Contains(m.Header("Allow"), "UPDATE") {
				t.Errorf("Allow of %s is %q", m, m.Header("Allow"))
			}
		}
		a.Ack("")
		w.done(a, b)
	})
}

// RFC 3311 s5.1: "UPDATE is a target refresh request. As specified in RFC 3261 [1], this means that it can update the
// remote target of a dialog." s5.2: "The UPDATE is processed as any other mid-dialog target refresh request".
func TestRFC3311S5_1TargetRefresh(t *testing.T) {
	inWorld(t, both(toneless, updating, func(s *setup) { s.carrier.Lenient = true }), func(w *world) {
		a, b := w.connect(plain)
		ok := a.Request("UPDATE", []string{"Contact: <sip:moved@127.0.0.2:5060>"}, "").Expect(200)
		w.header(ok, "Contact", "<sip:127.0.0.1:5060>")
		if ok.Body != "" {
			t.Errorf("an answer without an offer:\n%s", ok.Body)
		}
		b.Request("INFO", nil, "").Expect(200)
		if m := a.ExpectRequest("INFO"); m.URI != "sip:moved@127.0.0.2:5060" {
			t.Errorf("INFO %s", m.URI)
		}
		w.done(a, b)
	})
}

// RFC 3311 s5.2: "A UAS that receives an UPDATE before it has generated a final response to a previous UPDATE on the
// same dialog MUST return a 500 response to the new UPDATE, and MUST include a Retry-After header field with a randomly
// chosen value between 0 and 10 seconds."
func TestRFC3311S5_2SecondUPDATE(t *testing.T) {
	inWorld(t, both(toneless, updating), func(w *world) {
		a, b := w.connect(plain)
		first := a.Request("UPDATE", nil, described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		after(t, a.Request("UPDATE", nil, described(w.carrierVoice, "sendrecv", 2)).Expect(500))
		after(t, a.Request("UPDATE", nil, "").Expect(500))
		b.Answer()
		b.ExpectRequest("ACK")
		first.Expect(200)
		w.done(a, b)
	})
}

// RFC 3311 s5.2: "If an UPDATE is received that contains an offer, and the UAS has generated an offer (in an UPDATE,
// PRACK or INVITE) to which it has not yet received an answer, the UAS MUST reject the UPDATE with a 491 response."
// First the offer is in our re-INVITE, then in our 200.
func TestRFC3311S5_2Glare(t *testing.T) {
	inWorld(t, both(toneless, updating), func(w *world) {
		a, b := w.connect(plain)
		a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		ours := b.ExpectRequest("INVITE")
		b.Request("UPDATE", nil, described(w.pbxVoice, "sendonly", 1)).Expect(491)
		b.Request("UPDATE", nil, "").Expect(200) // without an offer there is no glare
		ours.Respond(200, nil, described(w.pbxVoice, "recvonly", 2))
		a.Expect(200)
		a.Ack("")
		b.ExpectRequest("ACK")

		a.Reinvite("")
		b.ExpectRequest("INVITE").Respond(200, nil, described(w.pbxVoice, "", 3))
		offer := a.Expect(200)
		a.Request("UPDATE", nil, described(w.carrierVoice, "sendonly", 4)).Expect(491)
		w.carrier.SendRaw(lateAck(a, offer, siptest.SDP{Address: w.carrierVoice.Addr(), Codecs: []siptest.Codec{siptest.PCMU}}.Answer(offer.Body)))
		b.ExpectRequest("ACK")
		w.done(a, b)
	})
}

// lateAck is the ACK of a re-INVITE's 2xx, with the answer.
func lateAck(a *siptest.Call, ok *siptest.Message, answer string) []byte {
	n, _, _ := strings.Cut(ok.Header("CSeq"), " ")
	raw := strings.Replace(string(ackOf(a)), "CSeq: 1 ACK", "CSeq: "+n+" ACK", 1)
	return measured([]byte(strings.Replace(raw, "Content-Length: 0\r\n", "Content-Type: application/sdp\r\nContent-Length: 0\r\n", 1) + answer))
}

// RFC 3311 s5.2: "If the session description has changed, the UAS MUST adjust the session parameters accordingly and
// generate an answer in the 2xx response."
func TestRFC3311S5_2Answer(t *testing.T) {
	inWorld(t, both(toneless, updating), func(w *world) {
		a, b := w.connect(plain)
		for n, c := range [][2]string{{"sendonly", "recvonly"}, {"inactive", "inactive"}, {"sendrecv", "sendrecv"}} {
			held := a.Request("UPDATE", nil, described(w.carrierVoice, c[0], 1+n))
			b.ExpectRequest("INVITE")
			b.Answer()
			b.ExpectRequest("ACK")
			if answer, err := siptest.ParseSDP(held.Expect(200).Body); err != nil || answer.Direction != c[1] {
				t.Errorf("%s is answered %q, %v", c[0], answer.Direction, err)
			}
		}
		w.done(a, b)
	})
}

// RFC 3311 s5.2: "If the new session description is not acceptable, the UAS can reject it by returning a 488 (Not
// Acceptable Here) response for the UPDATE." Ours, or the other leg's; the session stays as it is.
func TestRFC3311S5_2Rejected(t *testing.T) {
	inWorld(t, both(toneless, updating), func(w *world) {
		a, b := w.connect(plain)
		a.Request("UPDATE", nil, "v=0\r\nnonsense").Expect(488)
		b.Quiet(time.Second)
		held := a.Request("UPDATE", nil, described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		b.Respond(488, nil, "")
		held.Expect(488)
		w.pbxVoice.Say(make([]int16, 1600))
		w.pbxVoice.Wait()
		time.Sleep(50 * time.Millisecond)
		if n := w.carrierVoice.Report().Packets; n != 10 {
			t.Errorf("the caller hears %d of 10 packets after a hold that was refused", n)
		}
		w.done(a, b)
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
