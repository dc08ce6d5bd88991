package sip

import (
	"strings"
	"testing"
	"time"

	"tonegate/internal/siptest"
)

// RFC 3261 s12.1.1: "When a UAS responds to a request with a response that establishes a dialog (such as a 2xx to
// INVITE), the UAS MUST copy all Record-Route header field values from the request into the response (including the
// URIs, URI parameters, and any Record-Route header field parameters, whether they are known or unknown to the UAS) and
// MUST maintain the order of those values. The UAS MUST add a Contact header field to the response."
func TestRFC3261S12_1_1RecordRouteIsCopied(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		o := plain
		routes := []string{"<sip:127.0.0.2:5060;lr;x=y>;z=1", "<sip:p2.example.jp;lr=on>", `<sip:p1.example.jp;lr>;q="a,b"`}
		o.Headers = []string{"Record-Route: " + routes[0] + ", " + routes[1], "Record-Route: " + routes[2]}
		a := w.carrier.Invite(o)
		b := w.pbx.Accept()
		b.Respond(180, nil, "")
		b.Respond(183, nil, "")
		b.Answer()
		for _, code := range []int{180, 183, 200} {
			m := a.Expect(code)
			if got := m.Headers("Record-Route"); strings.Join(got, " ") != strings.Join(routes, " ") {
				t.Errorf("%d: Record-Route %q, want %q", code, got, routes)
			}
			w.header(m, "Contact", "<sip:127.0.0.1:5060>")
		}
		a.Ack("")
		b.ExpectRequest("ACK")
		bye := b.Bye()
		if got := a.ExpectRequest("BYE").Headers("Route"); strings.Join(got, " ") != strings.Join(routes, " ") {
			t.Errorf("our BYE has Route %q, want %q", got, routes)
		}
		bye.Expect(200)
		w.want("completed callee_hung_up 200")
	})
}

// RFC 3261 s12.1.1: "A UAS MUST be prepared to receive a request without a tag in the From field, in which case the tag
// is considered to have a value of null." s12.2.1.1: "If the value of the remote or local tags is null, the tag
// parameter MUST be omitted from the To or From header fields, respectively."
func TestRFC3261S12_1_1CallerWithoutATag(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.carrier.Lenient = true }), func(w *world) {
		sent := w.tap(hostCarrier)
		w.carrier.SendRaw([]byte(strings.Replace(string(request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", "Max-Forwards: 70\n", audio)), ";tag=hand", "", 1)))
		b := w.pbx.Accept()
		b.Answer()
		time.Sleep(100 * time.Millisecond)
		ok := sent.one(t, "SIP/2.0 200")
		ack := strings.Replace(string(request("ACK sip:0312340001@127.0.0.1 SIP/2.0", "1 ACK", "Max-Forwards: 70\n", "")), ";tag=hand", "", 1)
		w.carrier.SendRaw([]byte(strings.Replace(ack, "To: <sip:0312340001@127.0.0.1>", "To: "+ok.Header("To"), 1)))
		b.ExpectRequest("ACK")
		b.Bye().Expect(200)
		time.Sleep(100 * time.Millisecond)
		bye := sent.all("BYE")[0]
		w.header(bye, "To", "<sip:05012340001@127.0.0.2>")
		w.header(bye, "From", ok.Header("To"))
		w.want("completed callee_hung_up 200")
	})
}

// RFC 3261 s12.2.1.1: "Requests within a dialog MUST contain strictly monotonically increasing and contiguous CSeq
// sequence numbers (increasing-by-one) in each direction (excepting ACK and CANCEL of course, whose numbers equal the
// requests being acknowledged or cancelled)." And: "The Call-ID of the request MUST be set to the Call-ID of the
// dialog." And: "The method field in the CSeq header field value MUST match the method of the request."
func TestRFC3261S12_2_1_1Requests(t *testing.T) {
	inWorld(t, both(toneless, reliable), func(w *world) {
		sent := w.tap(hostPBX)
		a, b := w.ring(plain)
		b.RespondReliably(183, nil, described(w.pbxVoice, "", 1))
		b.ExpectRequest("PRACK")
		b.Answer()
		a.Expect(200)
		a.Ack("")
		b.ExpectRequest("ACK")
		for n := range 3 {
			a.Request("INFO", nil, "").Expect(200)
			a.Reinvite(described(w.carrierVoice, "sendonly", 1+n))
			b.ExpectRequest("INVITE")
			b.Answer()
			a.Expect(200)
			a.Ack("")
			b.ExpectRequest("ACK")
		}
		a.Reinvite(described(w.carrierVoice, "sendrecv", 5))
		b.ExpectRequest("INVITE")
		b.Respond(180, nil, "")
		time.Sleep(10 * time.Millisecond)
		a.Cancel().Expect(200)
		a.Expect(487)
		b.ExpectRequest("CANCEL")
		w.done(a, b)
		last, invite := uint32(0), uint32(0)
		for _, m := range sent.all("") {
			if !m.IsRequest() {
				continue
			}
			n, method := m.CSeq()
			if method != m.Method {
				t.Errorf("%s with CSeq %q", m, m.Header("CSeq"))
			}
			w.same(m, b.Invite, "Call-ID", "From")
			switch m.Method {
			case "ACK", "CANCEL":
				if n != invite {
					t.Errorf("%s with CSeq %d, the INVITE had %d", m, n, invite)
				}
				continue
			case "INVITE":
				invite = n
			}
			if n != last+1 {
				t.Errorf("%s with CSeq %d after %d", m, n, last)
			}
			last = n
		}
		if last != 10 { // INVITE, PRACK, three times INFO and INVITE, INVITE, BYE
			t.Errorf("%d numbered requests, want 10", last)
		}
	})
}

// RFC 3261 s12.2.1.2: "When a UAC receives a 2xx response to a target refresh request, it MUST replace the dialog's
// remote target URI with the URI from the Contact header field in that response, if present." s12.2.2: "When a UAS
// receives a target refresh request, it MUST replace the dialog's remote target URI with the URI from the Contact
// header field in that request, if present."
func TestRFC3261S12_2TargetRefresh(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.carrier.Lenient, s.pbx.Lenient = true, true }), func(w *world) {
		a, b := w.connect(plain)
		a.Reinvite(described(w.carrierVoice, "", 1), "Contact: <sip:moved-a@127.0.0.2:5060>")
		b.ExpectRequest("INVITE")
		b.Answer("Contact: <sip:moved-b@127.0.0.3:5060>")
		a.Expect(200)
		a.Ack("")
		if ack := b.ExpectRequest("ACK"); ack.URI != "sip:moved-b@127.0.0.3:5060" {
			t.Errorf("ACK %s", ack.URI)
		}
		b.Request("INFO", nil, "").Expect(200)
		if m := a.ExpectRequest("INFO"); m.URI != "sip:moved-a@127.0.0.2:5060" {
			t.Errorf("INFO %s", m.URI)
		}
		w.done(a, b)
	})
}

// RFC 3261 s12.2.1.2: "If the response for a request within a dialog is a 481 (Call/Transaction Does Not Exist) or a
// 408 (Request Timeout), the UAC SHOULD terminate the dialog." And: "For INVITE initiated dialogs, terminating the
// dialog consists of sending a BYE."
func TestRFC3261S12_2_1_2DialogThatIsGone(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		for _, code := range []int{481, 408} {
			a, b := w.connect(plain)
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			b.ExpectRequest("INVITE")
			b.Respond(code, nil, "")
			a.Expect(code)
			a.ExpectRequest("BYE")
			b.ExpectRequest("BYE")
			w.want("completed dialog_gone 200")
		}
	})
}

// RFC 3261 s12.2.2: "If the UAS wishes to reject the request because it does not wish to recreate the dialog, it MUST
// respond to the request with a 481 (Call/Transaction Does Not Exist) status code and pass that to the server
// transaction."
func TestRFC3261S12_2_2NoSuchDialog(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.carrier.Lenient = true }), func(w *world) {
		a, b := w.connect(plain)
		for _, method := range []string{"INVITE", "BYE", "INFO", "UPDATE", "PRACK", "OPTIONS"} {
			ours := a.Responses()[1].Header("To")
			for _, o := range []siptest.InviteOptions{
				{To: "<sip:0312340001@127.0.0.1>;tag=nobody", CallID: a.CallID},
				{To: ours, CallID: "another@127.0.0.2"},
				{To: ours, CallID: a.CallID}, // another From tag
			} {
				w.carrier.Request(method, o).Expect(481)
			}
		}
		w.done(a, b)
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
