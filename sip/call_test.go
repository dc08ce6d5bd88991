package sip

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tonegate/call"
	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
)

// What leg B gets is made anew from an allow-list.
func TestWhatLeavesOnLegB(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		o := plain
		o.From = `"Taro \"T\" <x>" <sip:05012340001;phone-context=x@127.0.0.2;user=phone>`
		o.Headers = []string{"Max-Forwards: 7", "P-Asserted-Identity: <tel:+815012340001>", "Diversion: <sip:0399990001@127.0.0.2>;reason=user-busy",
			"History-Info: <sip:0399990001@127.0.0.2>;index=1", "Privacy: id", "X-Secret: 1", "Subject: s", "User-Agent: u", "Call-Info: <http://127.0.0.9/>",
			"Alert-Info: <http://127.0.0.9/>", "Replaces: a;to-tag=b;from-tag=c", "Route: <sip:127.0.0.1;lr>", "Supported: 100rel, timer, replaces", "Session-Expires: 90"}
		a := w.carrier.Invite(o)
		b := w.pbx.Accept()
		b.Respond(486, []string{"X-Secret: 2", "Warning: 399 pbx \"secret\"", "Server: s"}, "")
		m := a.Expect(486)
		for _, name := range []string{"X-Secret", "Warning", "Server", "Contact"} {
			w.header(m, name, "")
		}
		var names []string
		for _, f := range b.Invite.Fields {
			names = append(names, f.Name)
		}
		slices.Sort(names)
		if got, want := strings.Join(slices.Compact(names), " "), "Allow CSeq Call-ID Contact Content-Length Content-Type Diversion From History-Info Max-Forwards P-Asserted-Identity Privacy Supported To Via"; got != want {
			t.Errorf("leg B gets %s\nwant          %s", got, want)
		}
		w.header(b.Invite, "Max-Forwards", "6")
		w.header(b.Invite, "P-Asserted-Identity", "<tel:+815012340001>")
		w.header(b.Invite, "Privacy", "id")
		if from := b.Invite.Header("From"); !strings.HasPrefix(from, `"Taro \"T\" <x>" <sip:05012340001`) || strings.Contains(from, "127.0.0.2") {
			t.Errorf("From %s", from)
		}
		if strings.Contains(string(b.Invite.Raw), hostCarrier.String()+":4000") || b.Invite.CallID() == a.CallID {
			t.Error("leg A shows through on leg B")
		}
		w.want("busy far_end_refused 486")
	})
}

func TestWithheldCaller(t *testing.T) {
	inWorld(t, func(s *setup) {
		toneless(s)
		pbx := s.options.Policy.Trunks["pbx"]
		pbx.Withhold = true
		s.options.Policy.Trunks["pbx"] = pbx
	}, func(w *world) {
		a := w.pbx.Invite(siptest.InviteOptions{To: "09012345678", From: `"Me" <sip:0355550001@127.0.0.3>`, Headers: []string{"P-Asserted-Identity: <tel:+81355550001>"}})
		b := w.carrier.Accept()
		if strings.Contains(strings.ReplaceAll(string(b.Invite.Raw), "81355550001", "355550001"), "355550001") || !strings.HasPrefix(b.Invite.Header("From"), `"Anonymous" <sip:anonymous@anonymous.invalid>`) {
			t.Errorf("the number leaves:\n%s", b.Invite.Raw)
		}
		w.header(b.Invite, "Privacy", "id")
		b.Respond(486, nil, "")
		a.Expect(486)
		w.want("busy far_end_refused 486")
	})
}

// RFC 3261 s16.7: what the caller gets for each final response of the callee.
func TestFinalResponsesPassOn(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		for _, c := range []struct {
			code, want int
			result     call.Result
		}{
			{300, 480, call.Declined}, {302, 480, call.Declined}, {401, 403, call.Declined}, {407, 403, call.Declined}, {404, 404, call.Declined},
			{480, 480, call.NoAnswer}, {486, 486, call.Busy}, {487, 487, call.NoAnswer}, {488, 488, call.Declined}, {500, 500, call.Failed},
			{503, 500, call.Failed}, {600, 600, call.Busy}, {603, 603, call.Declined}, {699, 699, call.Declined},
		} {
			a := w.carrier.Invite(plain)
			w.pbx.Accept().Respond(c.code, []string{"Contact: <sip:trap@127.0.0.4>"}, "")
			a.Expect(c.want)
			w.want(fmt.Sprintf("%s far_end_refused %d", c.result, c.want))
		}
		if n := w.spare.Received(); n != 0 {
			t.Errorf("a redirection was followed: %d messages", n)
		}
	})
}

func TestRequestsOutOfOrder(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.carrier.Lenient = true }), func(w *world) {
		a, b := w.connect(plain)
		a.Request("OPTIONS", []string{"CSeq: 100 OPTIONS"}, "").Expect(200)
		a.Request("OPTIONS", []string{"CSeq: 50 OPTIONS"}, "").Expect(500) // RFC 3261 s12.2.2
		a.Request("BYE", []string{"CSeq: 99 BYE"}, "").Expect(500)
		// A re-INVITE while one is open (RFC 3261 s14.2).
		a.Request("INVITE", []string{"CSeq: 101 INVITE"}, described(w.carrierVoice, "", 1))
		b.ExpectRequest("INVITE")
		second := a.Request("INVITE", []string{"CSeq: 102 INVITE"}, described(w.carrierVoice, "", 2)).Expect(500)
		if s, err := strconv.Atoi(second.Header("Retry-After")); err != nil || s < 0 || s > 10 {
			t.Errorf("Retry-After %q", second.Header("Retry-After"))
		}
		b.Respond(488, nil, "")
		a.Request("BYE", []string{"CSeq: 103 BYE"}, "").Expect(200)
		b.ExpectRequest("BYE")
		w.want("completed caller_hung_up 200")
	})
}

// The 2xx of B to our re-INVITE is acknowledged each time it comes (RFC 3261 s13.2.2.4).
func TestLostAckOfAReinvite(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.connect(plain)
		var acks []string
		w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
			if is(p, pbx, "ACK ", "ACK") {
				if acks = append(acks, string(p.Data)); len(acks) < 3 {
					return simnet.Drop
				}
			}
			return simnet.Pass
		})
		a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		answered(a, b)
		if len(acks) != 3 || acks[0] != acks[2] {
			t.Errorf("%d ACKs", len(acks))
		}
		hangUp(a, b)
		w.want("completed caller_hung_up 200")
	})
}

func TestRecordOfAForwardedCall(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		began := time.Now()
		a := w.carrier.Invite(forwarded)
		b := w.pbx.Accept()
		b.Respond(180, nil, "")
		time.Sleep(3 * time.Second)
		answered(a, b)
		w.pbxVoice.Say(speech(200, 1))
		time.Sleep(10 * time.Second)
		a.Bye("Reason: Q.850;cause=16").Expect(200)
		b.ExpectRequest("BYE")
		time.Sleep(100 * time.Millisecond)
		r := w.records.all()[0]
		if r.Node != "tg1" || r.CallID != a.CallID || r.From != "carrier" || r.To != "pbx" || r.Caller != "+815012340001" || r.Called != "+81312340001" ||
			strings.Join(r.Diverting, " ") != "+81399990001" || !r.Forwarded || r.Emergency || r.Revision != 1 || r.Exempt != "" || r.Cause != 16 {
			t.Errorf("%+v", r)
		}
		for what, c := range map[string]struct {
			at   time.Time
			want time.Duration
		}{
			"invited": {r.Invited, 5 * time.Millisecond}, "rang": {*r.Rang, 1015 * time.Millisecond}, "answered": {*r.Answered, 4015 * time.Millisecond},
			"bridged": {*r.Bridged, 5020 * time.Millisecond}, "ended": {r.Ended, 14025 * time.Millisecond},
		} {
			if d := c.at.Sub(began); d < c.want || d > c.want+20*time.Millisecond { // a tone begins within 20 ms
				t.Errorf("%s after %v, want %v", what, d, c.want)
			}
		}
		tone, _ := tones().Asset("tone")
		for i, n := range r.Notices {
			to := []string{"127.0.0.2:4000", "127.0.0.3:4000"}[i]
			if n.Asset != "tone" || n.Hash != tone.Hash() || n.Codec != "PCMU" || n.Packets != 50 || !n.Complete || n.SentTo != to || n.Last.Sub(*n.First).Round(time.Millisecond) != 980*time.Millisecond {
				t.Errorf("%+v", n)
			}
		}
		// B spoke 200 packets; those of the second in which it heard the tone went nowhere.
		if len(r.Media) != 2 || r.Media[0].Sent < 195 || r.Media[0].Sent > 205 || r.Media[1].Received != 200 || r.Media[1].Sent != 50 {
			t.Errorf("%+v", r.Media)
		}
		w.want("completed caller_hung_up 200, before caller 50 whole, answer callee 50 whole")
	})
}

// A phone at each end that speaks A-law only.
func TestALaw(t *testing.T) {
	inWorld(t, func(s *setup) { s.voice.Codec = siptest.PCMA }, func(w *world) {
		o := forwarded
		o.Body = siptest.SDP{Address: w.carrierVoice.Addr(), Codecs: []siptest.Codec{siptest.PCMA}}.Offer()
		a := w.carrier.Invite(o)
		b := w.pbx.Accept()
		answered(a, b)
		time.Sleep(1500 * time.Millisecond)
		w.pbxVoice.Say(speech(50, 1))
		w.pbxVoice.Wait()
		time.Sleep(50 * time.Millisecond)
		w.oneStream(w.carrierVoice, 100)
		for _, p := range w.carrierVoice.Packets() {
			if p.Payload != 8 {
				t.Fatalf("payload type %d", p.Payload)
			}
		}
		hangUp(a, b)
		if n := w.records.all()[0].Notices[0]; n.Codec != "PCMA" {
			t.Errorf("%+v", n)
		}
		w.want("completed caller_hung_up 200, before caller 50 whole, answer callee 50 whole")
	})
}

// While A holds, B's voice does not reach it; afterwards it does again, in the same stream.
func TestHoldStopsTheVoice(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.connect(plain)
		w.pbxVoice.Loop(speech(50, 1))
		time.Sleep(time.Second)
		for i, direction := range []string{"sendonly", "sendrecv"} {
			before := w.carrierVoice.Report().Packets
			a.Reinvite(described(w.carrierVoice, direction, i+1))
			b.ExpectRequest("INVITE")
			answered(a, b)
			time.Sleep(time.Second)
			if n := w.carrierVoice.Report().Packets - before; direction == "sendonly" && n > 5 || direction == "sendrecv" && n < 45 {
				t.Errorf("%s: A heard %d packets in a second", direction, n)
			}
		}
		if r := w.carrierVoice.Report(); r.SSRCs != 1 {
			t.Errorf("%v", r)
		}
		hangUp(a, b)
		w.want("completed caller_hung_up 200")
	})
}

// A callee whose 200 waits for the caller's answer repeats it; that is no second answer.
func TestLateOfferTakesItsTime(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		o := plain
		o.NoSDP = true
		a := w.carrier.Invite(o)
		b := w.pbx.Accept()
		b.Respond(200, nil, described(w.pbxVoice, "", 0))
		offer := a.Expect(200)
		b.Quiet(10 * time.Second)
		a.Ack(siptest.SDP{Address: w.carrierVoice.Addr(), Codecs: []siptest.Codec{siptest.PCMU}}.Answer(offer.Body))
		b.ExpectRequest("ACK")
		b.Quiet(10 * time.Second)
		hangUp(a, b)
		w.want("completed caller_hung_up 200")
	})
}

// The callee is offered only what the tones of the call can be played in; a
// call without a tone keeps all that the caller offers.
func TestCodecsOfTheTone(t *testing.T) {
	for _, c := range []struct {
		name   string
		invite siptest.InviteOptions
		change func(*setup)
		want   string
	}{
		{"tone at the answer", plain, nil, "PCMA telephone-event"},
		{"tone before connecting", forwarded, nil, "PCMA telephone-event"},
		{"no tone", plain, toneless, "G722 PCMA telephone-event"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, c.change, func(w *world) {
				o := c.invite
				o.Body = siptest.SDP{Address: w.carrierVoice.Addr(), Codecs: []siptest.Codec{{Payload: 9, Name: "G722", Rate: 8000}, siptest.PCMA, siptest.DTMF}}.Offer()
				a := w.carrier.Invite(o)
				b := w.pbx.Accept()
				offer, err := siptest.ParseSDP(b.Invite.Body)
				if err != nil {
					t.Fatal(err)
				}
				var names []string
				for _, c := range offer.Codecs {
					names = append(names, c.Name)
				}
				if got := strings.Join(names, " "); got != c.want {
					t.Errorf("B is offered %s, want %s", got, c.want)
				}
				b.Respond(486, nil, "")
				a.Expect(486)
				w.want(strings.TrimSuffix("busy far_end_refused 486, "+map[bool]string{true: "before caller 50 whole"}[o.Headers != nil], ", "))
			})
		})
	}
}
