package sip

import (
	"strings"
	"testing"
	"time"

	"tonegate/internal/siptest"
)

const audio = "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"

// RFC 3261 s8.2.1: "If the UAS recognizes but does not support the method of a request, it MUST generate a 405 (Method
// Not Allowed) response." And: "The UAS MUST also add an Allow header field to the 405 (Method Not Allowed) response.
// The Allow header field MUST list the set of methods supported by the UAS generating the message."
func TestRFC3261S8_2_1MethodNotAllowed(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		for _, method := range []string{"REGISTER", "SUBSCRIBE", "NOTIFY", "REFER", "MESSAGE", "PUBLISH"} {
			m := w.carrier.Request(method, siptest.InviteOptions{To: "0312340001"}).Expect(405)
			for _, ours := range strings.Split(allow, ", ") {
				if !strings.Contains(", "+m.Header("Allow")+",", ", "+ours+",") {
					t.Errorf("Allow of the 405 to %s lacks %s: %q", method, ours, m.Header("Allow"))
				}
			}
		}
	})
}

// RFC 3261 s8.2.2: "If a UAS does not understand a header field in a request (that is, the header field is not defined
// in this specification or in any supported extension), the server MUST ignore that header field and continue
// processing the message. A UAS SHOULD ignore any malformed header fields that are not necessary for processing
// requests."
func TestRFC3261S8_2_2UnknownAndMalformedFields(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		o := plain
		o.Headers = []string{"X-Unknown: <<>;;\"", "Date: yesterday", "Reply-To: <<<", "Priority: ;;", "Accept: /", "Timestamp: x"}
		w.busy(w.ring(o))
	})
}

// RFC 3261 s8.2.2.1: "However, it is RECOMMENDED that a UAS accept requests even if they do not recognize the URI
// scheme (for example, a tel: URI) in the To header field, or if the To header field does not address a known or
// current user of this UAS." And: "If the Request-URI uses a scheme not supported by the UAS, it SHOULD reject the
// request with a 416 (Unsupported URI Scheme) response. If the Request-URI does not identify an address that the UAS is
// willing to accept requests for, it SHOULD reject the request with a 404 (Not Found) response."
func TestRFC3261S8_2_2_1ToAndRequestURI(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		for _, to := range []string{"<tel:+81312340001>", "<urn:service:sos>", "<sip:nobody@example.jp>"} {
			o := plain
			o.To, o.RequestURI = to, "sip:0312340001@127.0.0.1"
			w.busy(w.ring(o))
		}
		w.carrier.SendRaw(request("INVITE http://127.0.0.1 SIP/2.0", "1 INVITE", "Max-Forwards: 70\n", audio))
		if m := w.carrier.Receive(); m.Code != 416 {
			t.Errorf("http: %s", m)
		}
		o := plain
		o.To = "0399990001"
		w.carrier.Invite(o).Expect(404)
		w.want("refused no_route 404")
	})
}

// RFC 3261 s8.2.2.2: "If the From tag, Call-ID, and CSeq exactly match those associated with an ongoing transaction,
// but the request does not match that transaction (based on the matching rules in Section 17.2.3), the UAS core SHOULD
// generate a 482 (Loop Detected) response and pass it to the server transaction."
func TestRFC3261S8_2_2_2MergedRequests(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.ring(plain)
		for _, branch := range []string{"z9hG4bKone", "z9hG4bKtwo"} {
			w.carrier.SendRaw([]byte(strings.Replace(string(a.Invite.Raw), ";branch="+a.Invite.Branch(), ";branch="+branch, 1)))
			if m := w.carrier.Receive(); m.Code != 482 || m.Branch() != branch {
				t.Errorf("the copy got %s with %s", m, m.Branch())
			}
		}
		w.busy(a, b)
	})
}

// RFC 3261 s8.2.2.3: "If a UAS does not understand an option-tag listed in a Require header field, it MUST respond by
// generating a response with status code 420 (Bad Extension). The UAS MUST add an Unsupported header field, and list in
// it those options it does not understand amongst those in the Require header field of the request."
func TestRFC3261S8_2_2_3BadExtension(t *testing.T) {
	inWorld(t, both(toneless, reliable), func(w *world) {
		o := plain
		o.Headers = []string{"Require: timer, x-one, 100rel", "Require: x-two"}
		m := w.carrier.Invite(o).Expect(420)
		if got := strings.Join(m.Headers("Unsupported"), " "); got != "x-one x-two" {
			t.Errorf("Unsupported: %q", got)
		}
		w.pbx.Quiet(time.Second)
	})
}

// RFC 3261 s8.2.2.3: "Note that Require and Proxy-Require MUST NOT be used in a SIP CANCEL request, or in an ACK
// request sent for a non-2xx response. These header fields MUST be ignored if they are present in these requests."
func TestRFC3261S8_2_2_3RequireInCANCELIsIgnored(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.ring(plain)
		a.Cancel("Require: x-unknown", "Proxy-Require: x-unknown").Expect(200)
		a.Expect(487)
		b.ExpectRequest("CANCEL")
		w.want("cancelled caller_cancelled 487")
	})
}

// RFC 3261 s8.2.3: "If there are any bodies whose type (indicated by the Content-Type), language (indicated by the
// Content-Language) or encoding (indicated by the Content-Encoding) are not understood, and that body part is not
// optional (as indicated by the Content-Disposition header field), the UAS MUST reject the request with a 415
// (Unsupported Media Type) response. The response MUST contain an Accept header field listing the types of all bodies
// it understands, in the event the request contained bodies of types not supported by the UAS."
func TestRFC3261S8_2_3UnsupportedMediaType(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		o := plain
		o.Body, o.Headers = "hello", []string{"Content-Type: text/plain"}
		w.header(w.carrier.Invite(o).Expect(415), "Accept", "application/sdp")
		w.want("refused session_description 415")
		a, b := w.connect(plain)
		w.header(a.Reinvite("hello", "Content-Type: text/plain").Expect(415), "Accept", "application/sdp")
		w.done(a, b)
	})
}

// RFC 3261 s8.2.4: "Any extensions applied to a non-421 response MUST be listed in a Require header field included in
// the response. Of course, the server MUST NOT apply extensions not listed in the Supported header field in the
// request."
func TestRFC3261S8_2_4Extensions(t *testing.T) {
	inWorld(t, both(toneless, reliable), func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Respond(183, nil, described(w.pbxVoice, "", 1))
		if m := a.Expect(183); m.Header("RSeq") != "" || m.Header("Require") != "" {
			t.Errorf("reliable without being asked: RSeq %q, Require %q", m.Header("RSeq"), m.Header("Require"))
		}
		w.busy(a, b)
		a = w.carrier.Invite(acknowledging(plain))
		b = w.pbx.Accept()
		b.Respond(183, nil, described(w.pbxVoice, "", 1))
		m := a.Expect(183)
		w.header(m, "Require", "100rel")
		a.Prack(m, "").Expect(200)
		w.busy(a, b)
	})
}

// RFC 3261 s8.2.6.1: "When a 100 (Trying) response is generated, any Timestamp header field present in the request MUST
// be copied into this 100 (Trying) response." s17.2.1: "the insertion of tags in the To header field of the response
// (when none was present in the request) is downgraded from MAY to SHOULD NOT."
func TestRFC3261S8_2_6_1Trying(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		o := plain
		o.Headers = []string{"Timestamp: 54.3"}
		began := time.Now()
		a := w.carrier.Invite(o)
		m := a.Expect(100)
		w.header(m, "Timestamp", "54.3")
		if m.ToTag() != "" {
			t.Errorf("To %q", m.Header("To"))
		}
		w.about("the 100", m.At.Sub(began), 10*time.Millisecond)
		w.busy(a, w.pbx.Accept())
	})
}

// RFC 3261 s8.2.6.1: "One largely non-method-specific guideline for the generation of responses is that UASs SHOULD NOT
// issue a provisional response for a non-INVITE request."
func TestRFC3261S8_2_6_1NoProvisionalForOthers(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.pbx.Manual = []string{"INFO"} }), func(w *world) {
		a, b := w.connect(plain)
		info := a.Request("INFO", nil, "")
		asked := b.ExpectRequest("INFO")
		time.Sleep(3 * time.Second)
		asked.Respond(200, nil, "")
		info.Expect(200)
		options := a.Request("OPTIONS", nil, "")
		options.Expect(200)
		if n := len(info.Responses()) + len(options.Responses()); n != 2 {
			t.Errorf("%d responses to two requests", n)
		}
		w.done(a, b)
	})
}

// RFC 3261 s8.2.6.2: "The From field of the response MUST equal the From header field of the request. The Call-ID
// header field of the response MUST equal the Call-ID header field of the request. The CSeq header field of the
// response MUST equal the CSeq field of the request. The Via header field values in the response MUST equal the Via
// header field values in the request and MUST maintain the same ordering." And: "The same tag MUST be used for all
// responses to that request, both final and provisional (again excepting the 100 (Trying))."
func TestRFC3261S8_2_6_2WhatAResponseCopies(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.carrier.Lenient = true }), func(w *world) {
		answers := w.tap(hostCarrier)
		o := plain
		o.From = `"A, \"B\"" <sip:05012340001@127.0.0.2;user=phone>;x=y`
		a, b := w.ring(o)
		b.Respond(183, nil, "")
		a.Expect(183)
		a.Cancel().Expect(200)
		a.Expect(487)
		b.ExpectRequest("CANCEL")
		w.want("cancelled caller_cancelled 487")
		tag := ""
		for _, m := range answers.all("SIP/2.0") {
			if _, method := m.CSeq(); method != "INVITE" {
				continue
			}
			w.same(m, a.Invite, "From", "Call-ID", "CSeq")
			if m.Code == 100 {
				continue
			}
			if tag == "" {
				tag = m.ToTag()
			}
			if m.ToTag() != tag || siptest.URI(m.Header("To")) != siptest.URI(a.Invite.Header("To")) {
				t.Errorf("To of %s is %q", m, m.Header("To"))
			}
		}
		w.carrier.SendRaw(request("OPTIONS sip:127.0.0.1 SIP/2.0", "1 OPTIONS", "Via: SIP/2.0/UDP 127.0.0.7;branch=z9hG4bKq, SIP/2.0/TCP a.example.jp:99;branch=1\n", ""))
		if vias := w.carrier.Receive().Headers("Via"); len(vias) != 3 || vias[1] != "SIP/2.0/UDP 127.0.0.7;branch=z9hG4bKq" || vias[2] != "SIP/2.0/TCP a.example.jp:99;branch=1" {
			t.Errorf("Vias %q", vias)
		}
	})
}

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
