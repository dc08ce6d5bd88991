package sip

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"tonegate/internal/siptest"
)

// reliably is a provisional response of the PBX with an RSeq of the script's choice.
func reliably(b *siptest.Call, code int, rseq uint32, body string) {
	b.Respond(code, []string{"Require: 100rel", fmt.Sprintf("RSeq: %d", rseq)}, body)
}

// RFC 3262 s3: "In addition, it MUST contain a Require header field containing the option tag 100rel, and MUST include
// an RSeq header field. The value of the header field for the first reliable provisional response in a transaction MUST
// be between 1 and 2**31 - 1." And: "The value of the RSeq in each subsequent reliable provisional response for the
// same request MUST be greater by exactly one." A caller that requires 100rel gets every response but the 100 so.
func TestRFC3262S3RSeq(t *testing.T) {
	inWorld(t, both(toneless, reliable), func(w *world) {
		o := plain
		o.Headers = []string{"Require: 100rel"}
		a := w.carrier.Invite(o)
		b := w.pbx.Accept()
		if m := a.Expect(100); m.Header("RSeq") != "" || m.Header("Require") != "" {
			t.Errorf("the 100 is reliable: %q", m.Raw)
		}
		last := uint64(0)
		for _, code := range []int{180, 183, 180, 181} {
			body := ""
			if code == 183 {
				body = described(w.pbxVoice, "", 1)
			}
			b.Respond(code, nil, body)
			m := a.Expect(code)
			w.header(m, "Require", "100rel")
			rseq, err := strconv.ParseUint(m.Header("RSeq"), 10, 32)
			if err != nil || rseq < 1 || last == 0 && rseq > 1<<31-1 || last != 0 && rseq != last+1 {
				t.Errorf("RSeq %s after %d", m.Header("RSeq"), last)
			}
			last = rseq
			a.Prack(m, "").Expect(200)
		}
		w.busy(a, b)
	})
}

// RFC 3262 s3: "The reliable provisional response is passed to the transaction layer periodically with an interval that
// starts at T1 seconds and doubles for each retransmission". And: "The UAS MUST NOT send a second reliable provisional
// response until the first is acknowledged." And: "It SHOULD cease retransmissions of the reliable provisional
// response".
func TestRFC3262S3OneAtATime(t *testing.T) {
	inWorld(t, both(toneless, reliable), func(w *world) {
		sent := w.tap(hostCarrier)
		a := w.carrier.Invite(acknowledging(plain))
		b := w.pbx.Accept()
		b.Respond(183, nil, described(w.pbxVoice, "", 1))
		first := a.Expect(183)
		b.Respond(183, nil, described(w.pbxVoice, "sendonly", 2))
		time.Sleep(4 * time.Second)
		all := sent.all("SIP/2.0 183")
		if len(all) != 4 {
			t.Fatalf("%d times 183 in 4 s, want 4", len(all))
		}
		for i, want := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second} {
			w.about("a repetition", all[i+1].At.Sub(all[i].At), want)
			if string(all[i+1].Raw) != string(first.Raw) {
				t.Errorf("another response before the PRACK of the first:\n%s", all[i+1].Raw)
			}
		}
		a.Prack(first, "").Expect(200)
		second := a.Expect(183)
		a.Prack(second, "").Expect(200)
		before := len(sent.all("SIP/2.0 183"))
		time.Sleep(10 * time.Second)
		if n := len(sent.all("SIP/2.0 183")) - before; n != 0 {
			t.Errorf("%d repetitions after the PRACK", n)
		}
		w.busy(a, b)
	})
}

// RFC 3262 s3: "If a PRACK request is received by the UA core that does not match any unacknowledged reliable
// provisional response, the UAS MUST respond to the PRACK with a 481 response. If the PRACK does match an
// unacknowledged reliable provisional response, it MUST be responded to with a 2xx response."
func TestRFC3262S3PRACKOfAnotherResponse(t *testing.T) {
	inWorld(t, both(toneless, reliable), func(w *world) {
		a := w.carrier.Invite(acknowledging(plain))
		b := w.pbx.Accept()
		b.Respond(183, nil, described(w.pbxVoice, "", 1))
		early := a.Expect(183)
		rseq, _ := strconv.Atoi(early.Header("RSeq"))
		for _, rack := range []string{fmt.Sprintf("%d 1 INVITE", rseq+1), fmt.Sprintf("%d 2 INVITE", rseq), fmt.Sprintf("%d 1 UPDATE", rseq), "x", ""} {
			a.Request("PRACK", []string{"To: " + early.Header("To"), "RAck: " + rack}, "").Expect(481)
		}
		a.Prack(early, "").Expect(200)
		a.Prack(early, "").Expect(481)
		w.busy(a, b)
	})
}

// RFC 3262 s5: "If the UAS had placed a session description in any reliable provisional response that is unacknowledged
// when the INVITE is accepted, the UAS MUST delay sending the 2xx until the provisional response is acknowledged." s3:
// without one it "MAY send a final response to the initial request before having received PRACKs".
func TestRFC3262S5The2xxWaits(t *testing.T) {
	inWorld(t, both(toneless, reliable), func(w *world) {
		a := w.carrier.Invite(acknowledging(plain))
		b := w.pbx.Accept()
		b.Respond(183, nil, described(w.pbxVoice, "", 1))
		early := a.Expect(183)
		b.Answer()
		b.ExpectRequest("ACK")
		time.Sleep(3 * time.Second)
		if n := len(a.Responses()); n != 2 {
			t.Errorf("%d responses before the PRACK, want 100 and 183", n)
		}
		a.Prack(early, "").Expect(200)
		a.Expect(200)
		a.Ack("")
		w.done(a, b)

		o := plain
		o.Headers = []string{"Require: 100rel"}
		a = w.carrier.Invite(o)
		b = w.pbx.Accept()
		b.Respond(180, nil, "")
		a.Expect(180)
		b.Answer()
		a.Expect(200)
		a.Ack("")
		b.ExpectRequest("ACK")
		w.done(a, b)
	})
}

// RFC 3262 s3: "it MUST be prepared to process PRACK requests for those outstanding responses." The final response is a
// 2xx here, which did not have to wait.
func TestRFC3262S3PRACKCrossesThe2xx(t *testing.T) {
	inWorld(t, both(toneless, reliable), func(w *world) {
		o := plain
		o.Headers = []string{"Require: 100rel"}
		a := w.carrier.Invite(o)
		b := w.pbx.Accept()
		b.Respond(180, nil, "")
		early := a.Expect(180)
		b.Answer()
		a.Expect(200)
		a.Prack(early, "").Expect(200)
		a.Ack("")
		b.ExpectRequest("ACK")
		w.done(a, b)
	})
}

// RFC 3262 s4: "If the UAC does not wish to insist on usage of reliable provisional responses, but merely indicate that
// it supports them if the UAS needs to send one, a Supported header MUST be included in the request with the option tag
// 100rel." And: "A Require header with the value 100rel MUST NOT be present in any requests excepting INVITE".
func TestRFC3262S4WhatWeAskFor(t *testing.T) {
	for name, c := range map[string]struct {
		change             func(*setup)
		supported, require bool
	}{
		"supported": {reliable, true, false},
		"required":  {required, true, true},
		"off":       {func(*setup) {}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, both(toneless, c.change), func(w *world) {
				sent := w.tap(hostPBX)
				a := w.carrier.Invite(plain)
				b := w.pbx.Accept()
				if got := strings.Contains(b.Invite.Header("Supported"), "100rel"); got != c.supported {
					t.Errorf("Supported: %q", b.Invite.Header("Supported"))
				}
				if got := b.Invite.Header("Require") == "100rel"; got != c.require {
					t.Errorf("Require: %q", b.Invite.Header("Require"))
				}
				if c.supported {
					b.RespondReliably(183, nil, described(w.pbxVoice, "", 1))
					b.ExpectRequest("PRACK")
				}
				b.Answer()
				a.Expect(200)
				a.Ack("")
				b.ExpectRequest("ACK")
				w.done(a, b)
				for _, m := range sent.all("") {
					if m.IsRequest() && m.Method != "INVITE" && m.Header("Require") != "" {
						t.Errorf("%s requires %s", m, m.Header("Require"))
					}
				}
			})
		})
	}
}

// RFC 3262 s4: "If the response is a 100 (Trying) (as opposed to 101 to 199), this option tag MUST be ignored, and the
// procedures below MUST NOT be used." And: "Once a reliable provisional response is received, retransmissions of that
// response MUST be discarded." And, of one whose RSeq is not one higher: "that response MUST NOT be acknowledged with a
// PRACK, and MUST NOT be processed further by the UAC."
func TestRFC3262S4InOrder(t *testing.T) {
	inWorld(t, both(toneless, reliable, func(s *setup) { s.pbx.Faults.NeverTrying = true }), func(w *world) {
		sent := w.tap(hostPBX)
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		reliably(b, 100, 900, "")
		reliably(b, 183, 7, described(w.pbxVoice, "", 1))
		a.Expect(183)
		reliably(b, 183, 7, described(w.pbxVoice, "", 1)) // again
		reliably(b, 180, 9, "")                           // its predecessor is missing
		reliably(b, 182, 8, "")
		a.Expect(182)
		reliably(b, 180, 9, "") // again, and in order now
		a.Expect(180)
		reliably(b, 181, 8, "") // late
		time.Sleep(100 * time.Millisecond)
		var racks []string
		for _, m := range sent.all("PRACK") {
			racks = append(racks, m.Header("RAck"))
		}
		if got := strings.Join(racks, ", "); got != "7 1 INVITE, 8 1 INVITE, 9 1 INVITE" {
			t.Errorf("PRACKs for %s", got)
		}
		if n := len(a.Responses()); n != 4 {
			t.Errorf("%d responses passed on, want 100 and three", n)
		}
		w.busy(a, b)
	})
}

// RFC 3262 s4: "In particular, a UAC SHOULD NOT retransmit the PRACK request when it receives a retransmission of the
// provisional response being acknowledged". And: "This request is sent within the dialog associated with the
// provisional response".
func TestRFC3262S4PRACKIsARequestOfItsDialog(t *testing.T) {
	inWorld(t, both(toneless, reliable, func(s *setup) { s.pbx.Lenient, s.pbx.Manual = true, []string{"PRACK"} }), func(w *world) {
		sent := w.tap(hostPBX)
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		fork := b.Fork()
		b.Respond(183, []string{"Require: 100rel", "RSeq: 5", "Record-Route: <sip:127.0.0.3:5060;lr>", "Contact: <sip:early@127.0.0.3:5060>"}, described(w.pbxVoice, "", 1))
		reliably(fork, 183, 5, "")
		prack := b.ExpectRequest("PRACK")
		w.header(prack.Message, "Route", "<sip:127.0.0.3:5060;lr>")
		w.header(prack.Message, "CSeq", "2 PRACK")
		w.header(prack.Message, "Contact", "")
		if prack.URI != "sip:early@127.0.0.3:5060" {
			t.Errorf("PRACK %s", prack.URI)
		}
		prack.Respond(200, nil, "")
		other := fork.ExpectRequest("PRACK")
		w.header(other.Message, "CSeq", "2 PRACK")
		other.Respond(200, nil, "")
		for range 3 {
			reliably(b, 183, 5, described(w.pbxVoice, "", 1))
			time.Sleep(time.Second)
		}
		if n := len(sent.all("PRACK")); n != 2 {
			t.Errorf("%d PRACKs for two responses", n)
		}
		w.busy(a, b)
	})
}

// RFC 3262 s5: "If the UAS receives a PRACK with an offer, it MUST place the answer in the 2xx to the PRACK."
func TestRFC3262S5OfferInThePRACK(t *testing.T) {
	inWorld(t, both(toneless, reliable), func(w *world) {
		a := w.carrier.Invite(acknowledging(plain))
		b := w.pbx.Accept()
		b.Respond(183, nil, described(w.pbxVoice, "", 1))
		early := a.Expect(183)
		ok := a.Prack(early, described(w.carrierVoice, "sendonly", 2)).Expect(200)
		if answer, err := siptest.ParseSDP(ok.Body); err != nil || answer.Direction != "recvonly" && answer.Direction != "inactive" {
			t.Errorf("%v: the answer to a hold\n%s", err, ok.Body)
		}
		w.busy(a, b)
	})
}

// RFC 3262 s5: "Similarly, if a reliable provisional response is the first reliable message sent back to the UAC, and
// the INVITE did not contain an offer, one MUST appear in that reliable provisional response." And: "it MUST generate
// an answer in the PRACK": a PRACK without one ends the call.
func TestRFC3262S5LateOffer(t *testing.T) {
	inWorld(t, both(onlyBefore, reliable), func(w *world) {
		o := acknowledging(forwarded)
		o.NoSDP = true
		a := w.carrier.Invite(o)
		early := a.Expect(183)
		if early.Header("RSeq") == "" || early.Body == "" {
			t.Errorf("no offer in the first reliable response:\n%s", early.Raw)
		}
		a.Prack(early, "").Expect(200)
		a.Expect(488)
		w.want("failed session_description 488")
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
