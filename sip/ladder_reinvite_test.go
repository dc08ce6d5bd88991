package sip

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tonegate/internal/siptest"
)

func TestLadderReinvite(t *testing.T) {
	change := func(w *world, from, to *siptest.Call, fromVoice *siptest.Voice, direction string, version int) {
		w.t.Helper()
		from.Reinvite(described(fromVoice, direction, version))
		offer, err := siptest.ParseSDP(to.ExpectRequest("INVITE").Body)
		if err != nil || (offer.Direction != direction && !(offer.Direction == "" && direction == "sendrecv")) {
			w.t.Errorf("%s arrived as %q, %v", direction, offer.Direction, err)
		}
		answered(from, to)
	}
	draw(t, []ladder{
		{"hold", toneless, func(w *world) {
			a, b := w.connect(plain)
			change(w, a, b, w.carrierVoice, "sendonly", 1)
			change(w, a, b, w.carrierVoice, "sendrecv", 2)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"hold-by-callee", toneless, func(w *world) {
			a, b := w.connect(plain)
			change(w, b, a, w.pbxVoice, "sendonly", 1)
			change(w, b, a, w.pbxVoice, "sendrecv", 2)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"late-offer-reinvite", toneless, func(w *world) {
			a, b := w.connect(plain)
			a.Reinvite("")
			if m := b.ExpectRequest("INVITE"); m.Body != "" {
				w.t.Errorf("an offer from nowhere:\n%s", m.Body)
			}
			b.Respond(200, nil, described(w.pbxVoice, "", 1))
			offer := a.Expect(200)
			a.Ack(siptest.SDP{Address: w.carrierVoice.Addr(), Codecs: []siptest.Codec{siptest.PCMU}}.Answer(offer.Body))
			if m := b.ExpectRequest("ACK"); m.Body == "" {
				w.t.Error("no answer in B's ACK")
			}
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"reinvite-from-another-address", toneless, func(w *world) {
			a, b := w.connect(plain)
			b.Reinvite(described(w.pbxVoice, "", 1), "Contact: <sip:pbx@127.0.0.4:5060>")
			a.ExpectRequest("INVITE")
			answered(b, a)
			time.Sleep(time.Second)
			a.Bye().Expect(200)
			time.Sleep(time.Second)
			if w.spare.Received() == 0 { // it knows nothing of the call, and says so
				w.t.Error("the BYE went to where the phone had been")
			}
			w.want("completed caller_hung_up 200")
		}},
		{"fax", toneless, func(w *world) {
			fax := func(v *siptest.Voice) string {
				return crlf(fmt.Sprintf(`
v=0
o=- 1 2 IN IP4 %[1]s
s=-
c=IN IP4 %[1]s
t=0 0
m=image %[2]d udptl t38
a=T38FaxVersion:0
a=T38FaxUdpEC:t38UDPRedundancy
`, v.Addr().Addr(), v.Addr().Port()))
			}
			a, b := w.connect(plain)
			b.Reinvite(fax(w.pbxVoice))
			offer := a.ExpectRequest("INVITE")
			w.contains(offer.Body, "udptl t38")
			if strings.Contains(offer.Body, fmt.Sprint(w.pbxVoice.Addr().Port())) {
				w.t.Errorf("an offer that leads around us:\n%s", offer.Body)
			}
			a.Respond(200, nil, fax(w.carrierVoice))
			w.contains(b.Expect(200).Body, "udptl t38")
			b.Ack("")
			a.ExpectRequest("ACK")
			time.Sleep(time.Second)
			a.Reinvite(described(w.carrierVoice, "", 3)) // and back
			b.ExpectRequest("INVITE")
			b.Answer()
			w.contains(a.Expect(200).Body, "RTP/AVP")
			a.Ack("")
			b.ExpectRequest("ACK")
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"fax-refused", toneless, func(w *world) {
			a, b := w.connect(plain)
			a.Reinvite(crlf(`
v=0
o=- 1 2 IN IP4 127.0.0.2
s=-
c=IN IP4 127.0.0.2
t=0 0
m=image 4000 udptl t38
`))
			b.ExpectRequest("INVITE")
			b.Respond(488, nil, "")
			a.Expect(488)
			time.Sleep(time.Second)
			a.Reinvite(described(w.carrierVoice, "", 3)) // the conversation is what it was
			again := b.ExpectRequest("INVITE")
			w.contains(again.Body, "RTP/AVP")
			b.Answer()
			if body := a.Expect(200).Body; strings.Count(body, "m=") != 1 {
				w.t.Errorf("an answer with other lines than its offer:\n%s", body)
			}
			a.Ack("")
			b.ExpectRequest("ACK")
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"precondition-not-met", toneless, func(w *world) {
			o := plain
			o.Headers = []string{"Supported: precondition, 100rel"}
			o.Body = described(w.carrierVoice, "", 1) + "a=curr:qos e2e none\r\na=des:qos mandatory e2e sendrecv\r\n"
			w.carrier.Invite(o).Expect(580)
			w.want("refused session_description 580")
		}},
		{"precondition-optional", toneless, func(w *world) {
			o := plain
			o.Body = described(w.carrierVoice, "", 1) + "a=curr:qos e2e none\r\na=des:qos optional e2e sendrecv\r\n"
			a := w.carrier.Invite(o)
			b := w.pbx.Accept()
			if strings.Contains(b.Invite.Body, "qos") {
				w.t.Errorf("B is told of A's resources:\n%s", b.Invite.Body)
			}
			answered(a, b)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"reinvite-refused-changes-nothing", toneless, func(w *world) {
			a, b := w.connect(plain)
			first := b.Invite.Body
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			b.ExpectRequest("INVITE")
			b.Respond(488, nil, "")
			a.Expect(488)
			time.Sleep(time.Second)
			b.Reinvite("") // what it is offered now is what it had (RFC 3261 s14.1)
			a.ExpectRequest("INVITE")
			a.Respond(200, nil, described(w.carrierVoice, "", 3))
			offer := b.Expect(200)
			b.Ack(siptest.SDP{Address: w.pbxVoice.Addr(), Codecs: []siptest.Codec{siptest.PCMU}}.Answer(offer.Body))
			a.ExpectRequest("ACK")
			was, err1 := siptest.ParseSDP(first)
			is, err2 := siptest.ParseSDP(offer.Body)
			if err1 != nil || err2 != nil || was.Address != is.Address || len(was.Codecs) != len(is.Codecs) {
				w.t.Errorf("%+v became %+v (%v, %v)", was, is, err1, err2)
			}
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"reinvite-refused", toneless, func(w *world) {
			a, b := w.connect(plain)
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			b.ExpectRequest("INVITE")
			b.Respond(488, nil, "")
			a.Expect(488)
			time.Sleep(time.Second)
			hangUp(a, b) // the session is as it was (RFC 3261 s14.1)
			w.want("completed caller_hung_up 200")
		}},
		{"reinvite-cancelled", toneless, func(w *world) {
			a, b := w.connect(plain)
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			b.ExpectRequest("INVITE")
			b.Respond(180, nil, "")
			time.Sleep(10 * time.Millisecond)
			a.Cancel().Expect(200)
			b.ExpectRequest("CANCEL")
			a.Expect(487)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"glare", toneless, func(w *world) {
			a, b := w.connect(plain)
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			b.Reinvite(described(w.pbxVoice, "sendonly", 1))
			b.Expect(491)
			b.ExpectRequest("INVITE")
			b.Respond(491, nil, "")
			a.Expect(491)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"reinvite-during-tone", nil, func(w *world) {
			a, b := w.connect(plain)
			start := time.Now()
			asked := a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			held := b.ExpectRequest("INVITE") // once the tone has been heard
			b.Answer()
			asked.Expect(200)
			a.Ack("")
			b.ExpectRequest("ACK")
			w.about("the hold after the tone", held.At.Sub(start).Truncate(100*time.Millisecond), time.Second)
			hangUp(a, b)
			w.want("completed caller_hung_up 200, answer callee 50 whole, answer caller 50 whole")
		}},
		{"reinvite-during-tone-cancelled", nil, func(w *world) {
			a, b := w.connect(plain)
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			time.Sleep(100 * time.Millisecond)
			a.Cancel().Expect(200)
			a.Expect(487)
			time.Sleep(2 * time.Second)
			hangUp(a, b)
			w.want("completed caller_hung_up 200, answer callee 50 whole, answer caller 50 whole")
		}},
		{"bye-during-reinvite", toneless, func(w *world) {
			a, b := w.connect(plain)
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			b.ExpectRequest("INVITE")
			bye := b.Bye()
			a.ExpectRequest("BYE")
			a.Expect(487)
			bye.Expect(200)
			b.Respond(487, nil, "")
			w.want("completed callee_hung_up 200")
		}},
		{"reinvite-no-ack", toneless, func(w *world) {
			a, b := w.connect(plain)
			w.carrier.SetFaults(siptest.Faults{NeverAck: true})
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			b.ExpectRequest("INVITE")
			b.Answer()
			answer := a.Expect(200)
			bye := a.ExpectRequest("BYE")
			w.about("BYE", bye.At.Sub(answer.At), 32*time.Second)
			w.header(bye.Message, "Reason", "Q.850;cause=102")
			b.ExpectRequest("BYE")
			w.want("failed no_ack 200")
		}},
		{"reinvite-to-a-dead-phone", toneless, func(w *world) {
			a, b := w.connect(plain)
			w.pbx.SetFaults(siptest.Faults{NeverAnswer: true, NeverTrying: true})
			a.Reinvite(described(w.carrierVoice, "sendonly", 1))
			b.ExpectRequest("INVITE")
			a.Expect(408)
			a.ExpectRequest("BYE")
			w.want("completed dialog_gone 200")
		}},
	})
}
