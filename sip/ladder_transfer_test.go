package sip

import (
	"testing"
	"time"

	"tonegate/call"
	"tonegate/internal/siptest"
	"tonegate/number"
)

// transfers lets the PBX transfer its calls to the telephone network, and
// itself answer for NOTIFY.
func transfers(s *setup) {
	s.options.Trunks[1].Refer = true
	s.pbx.Manual = []string{"NOTIFY"}
}

// outwards are the calls of the sample that leave the PBX: what it transfers
// or redirects to numbers outside.
const mobile = "08012345678"

// told expects the transferor's next NOTIFY.
func (w *world) told(c *siptest.Call, state, fragment string) {
	w.t.Helper()
	n := c.ExpectRequest("NOTIFY")
	w.header(n.Message, "Event", "refer")
	w.header(n.Message, "Subscription-State", state)
	w.header(n.Message, "Content-Type", "message/sipfrag;version=2.0")
	if n.Body != fragment+"\r\n" {
		w.t.Errorf("NOTIFY says %q, want %q", n.Body, fragment)
	}
	n.Respond(200, nil, "")
}

const (
	active = "active;expires=300"
	over   = "terminated;reason=noresource"
)

// freshened lets a party learn whom it talks with now.
func (w *world) freshened(c *siptest.Call) {
	w.t.Helper()
	again := c.ExpectRequest("INVITE")
	if got, err := siptest.ParseSDP(again.Body); err != nil || got.Direction != "sendrecv" && got.Direction != "" {
		w.t.Errorf("who stays is left on hold: %v %+v", err, got)
	}
	c.Answer()
	c.ExpectRequest("ACK")
}

func TestLadderTransfer(t *testing.T) {
	refer := func(c *siptest.Call, to string, headers ...string) *siptest.Transaction {
		return c.Request("REFER", append([]string{"Refer-To: <sip:" + to + "@127.0.0.1>"}, headers...), "")
	}
	draw(t, []ladder{
		{"transfer-by-the-callee", both(toneless, transfers), func(w *world) {
			a, b := w.connect(plain)
			refer(b, mobile, "Referred-By: <sip:0312340001@127.0.0.3>").Expect(202)
			w.told(b, active, "SIP/2.0 100 Trying")
			c := w.carrier.Accept()
			w.header(c.Invite, "Referred-By", "<sip:0312340001@127.0.0.3>")
			c.Respond(180, nil, "")
			w.told(b, active, "SIP/2.0 180 Ringing")
			c.Answer()
			w.told(b, over, "SIP/2.0 200 OK")
			b.ExpectRequest("BYE")
			c.ExpectRequest("ACK")
			w.freshened(a)
			time.Sleep(time.Second)
			hangUp(a, c)
			w.want("completed transferred 200")
			w.want("completed caller_hung_up 200")
		}},
		{"transfer-by-the-caller", both(toneless, transfers), func(w *world) {
			a := w.pbx.Invite(siptest.InviteOptions{To: mobile, From: "0312340001"})
			b := w.carrier.Accept()
			answered(a, b)
			refer(a, "0311110001").Expect(202)
			w.told(a, active, "SIP/2.0 100 Trying")
			c := w.carrier.Accept()
			c.Answer()
			w.told(a, over, "SIP/2.0 200 OK")
			a.ExpectRequest("BYE")
			c.ExpectRequest("ACK")
			w.freshened(b)
			hangUp(b, c)
			w.want("completed transferred 200")
			w.want("completed caller_hung_up 200")
		}},
		{"transfer-with-a-tone", both(transfers, func(s *setup) {
			s.options.Policy.Rules = []call.Rule{
				{When: call.Condition{FromTrunk: []string{"carrier"}}, None: "this test has none before"},
				{When: call.Condition{ToTrunk: []string{"carrier"}}, Slots: call.Slots{BeforeCaller: "tone", AnswerCallee: "tone"}},
			}
		}), func(w *world) {
			a, b := w.connect(plain)
			refer(b, mobile).Expect(202)
			w.told(b, active, "SIP/2.0 100 Trying")
			c := w.carrier.Accept()
			c.Answer()
			w.told(b, over, "SIP/2.0 200 OK")
			b.ExpectRequest("BYE")
			c.ExpectRequest("ACK")
			w.freshened(a) // after the tone
			hangUp(a, c)
			w.want("completed transferred 200")
			w.want("completed caller_hung_up 200, before caller 50 whole, answer callee 50 whole")
		}},
		{"transfer-to-somebody-busy", both(toneless, transfers), func(w *world) {
			a, b := w.connect(plain)
			refer(b, mobile).Expect(202)
			w.told(b, active, "SIP/2.0 100 Trying")
			w.carrier.Accept().Respond(486, nil, "")
			w.told(b, over, "SIP/2.0 486 Busy Here")
			time.Sleep(time.Second)
			refer(b, mobile).Expect(202) // once more
			if n := b.ExpectRequest("NOTIFY"); n.Header("Event") == "refer" {
				w.t.Error("the second subscription of a dialog is not told from the first (RFC 3515 s2.4.6)")
			} else {
				n.Respond(200, nil, "")
			}
			c := w.carrier.Accept()
			c.Answer()
			b.ExpectRequest("NOTIFY").Respond(200, nil, "")
			b.ExpectRequest("BYE")
			c.ExpectRequest("ACK")
			w.freshened(a)
			hangUp(a, c)
			w.want("busy far_end_refused 486")
			w.want("completed transferred 200")
			w.want("completed caller_hung_up 200")
		}},
		{"transfer-from-hold-by-one-who-leaves", both(toneless, transfers), func(w *world) {
			a, b := w.connect(plain)
			b.Reinvite(described(w.pbxVoice, "sendonly", 1))
			a.ExpectRequest("INVITE")
			a.Respond(200, nil, described(w.carrierVoice, "recvonly", 2))
			b.Expect(200)
			b.Ack("")
			a.ExpectRequest("ACK")
			refer(b, mobile).Expect(202)
			w.told(b, active, "SIP/2.0 100 Trying")
			b.Bye().Expect(200)
			c := w.carrier.Accept()
			c.Respond(180, nil, "")
			c.Answer()
			c.ExpectRequest("ACK")
			w.freshened(a)
			hangUp(a, c)
			w.want("completed transferred 200")
			w.want("completed caller_hung_up 200")
		}},
		{"transfer-of-one-who-leaves", both(toneless, transfers), func(w *world) {
			a, b := w.connect(plain)
			refer(b, mobile).Expect(202)
			w.told(b, active, "SIP/2.0 100 Trying")
			c := w.carrier.Accept()
			c.Respond(180, nil, "")
			w.told(b, active, "SIP/2.0 180 Ringing")
			a.Bye().Expect(200)
			c.ExpectRequest("CANCEL")
			w.told(b, over, "SIP/2.0 480 Temporarily Unavailable")
			b.ExpectRequest("BYE")
			w.want("completed caller_hung_up 200")
			w.want("cancelled caller_hung_up 200")
		}},
		{"transfer-to-a-stopped-number", both(both(toneless, transfers), func(s *setup) { s.stopped = []string{"+818012345678"} }), func(w *world) {
			a, b := w.connect(plain)
			refer(b, mobile).Expect(202)
			w.told(b, over, "SIP/2.0 404 Not Found")
			hangUp(a, b)
			w.want("refused stop_list 404")
			w.want("completed caller_hung_up 200")
		}},
		{"transfer-of-a-call-back", both(both(toneless, transfers), func(s *setup) { s.stopped = []string{"+818012345678"} }), func(w *world) {
			a, b := w.connect(siptest.InviteOptions{To: "0312340001", From: "110"})
			refer(b, mobile).Expect(202) // the police get through, whatever is on the list
			w.told(b, active, "SIP/2.0 100 Trying")
			c := w.carrier.Accept()
			c.Answer()
			w.told(b, over, "SIP/2.0 200 OK")
			b.ExpectRequest("BYE")
			c.ExpectRequest("ACK")
			w.freshened(a)
			hangUp(a, c)
			w.want("completed transferred 200")
			w.want("completed caller_hung_up 200")
		}},
		{"transfer-silent", both(toneless, transfers), func(w *world) {
			a, b := w.connect(plain)
			w.header(refer(b, mobile, "Refer-Sub: false").Expect(202), "Refer-Sub", "false")
			c := w.carrier.Accept()
			c.Answer()
			b.ExpectRequest("BYE") // and no NOTIFY (RFC 4488 s4)
			c.ExpectRequest("ACK")
			w.freshened(a)
			hangUp(a, c)
			w.want("completed transferred 200")
			w.want("completed caller_hung_up 200")
		}},
		{"transfer-refused", both(toneless, transfers), func(w *world) {
			a, b := w.connect(plain)
			b.Request("REFER", []string{"Refer-To: <sip:" + mobile + "@127.0.0.1?Replaces=x%3Bto-tag%3Dy>"}, "").Expect(603)
			b.Request("REFER", nil, "").Expect(400)
			a.Request("REFER", []string{"Refer-To: <sip:" + mobile + "@127.0.0.1>"}, "").Expect(405) // its trunk may not
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
	})
}

// follows lets the PBX redirect its calls.
func follows(s *setup) { s.options.Trunks[1].Redirect = true }

func TestLadderRedirection(t *testing.T) {
	contact := func(numbers ...string) []string {
		var all []string
		for _, n := range numbers {
			all = append(all, "Contact: <sip:"+n+"@192.0.2.1>")
		}
		return all
	}
	draw(t, []ladder{
		{"redirected", follows, func(w *world) {
			a := w.carrier.Invite(plain)
			w.pbx.Accept().Respond(302, contact(mobile), "")
			a.Expect(183) // it is a forwarded call now
			c := w.carrier.Accept()
			w.header(c.Invite, "Diversion", "<sip:0312340001@127.0.0.1:5060>;reason=unconditional;counter=1")
			answered(a, c)
			time.Sleep(2 * time.Second)
			hangUp(a, c)
			w.want("completed caller_hung_up 200, before caller 50 whole, answer callee 50 whole")
		}},
		{"redirected-not-followed", toneless, func(w *world) {
			a := w.carrier.Invite(plain)
			w.pbx.Accept().Respond(302, contact(mobile), "")
			a.Expect(480)
			w.want("rejected far_end_refused 480")
		}},
		{"redirected-to-stopped-and-busy", both(both(toneless, follows), func(s *setup) { s.stopped = []string{"+818012345678"} }), func(w *world) {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			a.Expect(180)
			b.Respond(302, []string{"Contact: <sip:" + mobile + "@192.0.2.1>;q=0.9, <sip:0311110002@192.0.2.1>;q=0.1, <sip:0311110001@192.0.2.1>;q=0.5"}, "")
			c := w.carrier.Accept()
			w.calls(c, "0311110001")
			c.Respond(486, nil, "")
			d := w.carrier.Accept()
			w.calls(d, "0311110002")
			answered(a, d)
			hangUp(a, d)
			w.want("completed caller_hung_up 200")
		}},
		{"redirected-to-a-stopped-number", both(both(toneless, follows), func(s *setup) { s.stopped = []string{"+818012345678"} }), func(w *world) {
			a := w.carrier.Invite(plain)
			w.pbx.Accept().Respond(302, contact(mobile), "")
			a.Expect(404)
			w.want("refused stop_list 404")
		}},
		{"redirected-to-an-emergency", both(follows, func(s *setup) { s.stopped = []string{"+818011112222"} }), func(w *world) {
			a := w.carrier.Invite(siptest.InviteOptions{To: "0312340002", From: "08033334444"})
			w.pbx.Accept().Respond(302, contact("110"), "")
			c := w.carrier.Accept()
			w.calls(c, "110")
			answered(a, c)
			hangUp(a, c)
			w.want("completed caller_hung_up 200")
		}},
		{"redirected-in-a-circle", both(toneless, func(s *setup) {
			follows(s)
			ours, err := number.ParseSet([]string{"+81312340000-+81312349999"})
			if err != nil {
				t.Fatal(err)
			}
			s.options.Policy.Routes = append([]call.Route{{From: "pbx", To: []call.Target{{Trunk: "pbx"}}, Called: &ours}}, s.options.Policy.Routes...)
		}), func(w *world) {
			a := w.carrier.Invite(plain)
			for i := range 6 {
				w.pbx.Accept().Respond(302, contact([]string{"0312340001", "0312340002"}[i%2]), "")
			}
			a.Expect(480)
			w.want("refused redirected_too_often 480")
		}},
	})
}

// calls fails unless an INVITE is for a number.
func (w *world) calls(c *siptest.Call, number string) {
	w.t.Helper()
	if want := "sip:" + number + "@127.0.0.2:5060"; c.Invite.URI != want {
		w.t.Errorf("an INVITE for %s, want %s", c.Invite.URI, want)
	}
}
