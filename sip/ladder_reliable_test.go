package sip

import (
	"testing"
	"time"

	"tonegate/internal/siptest"
)

// reliable lets both trunks acknowledge provisional responses.
func reliable(s *setup) {
	for i := range s.options.Trunks {
		s.options.Trunks[i].Reliable = ReliableSupported
	}
}

func overlapped(s *setup) { s.options.Policy.Rules[1].Overlap = true }

// acknowledging is a caller that sends PRACK.
func acknowledging(o siptest.InviteOptions) siptest.InviteOptions {
	o.Headers = append([]string{"Supported: 100rel"}, o.Headers...)
	return o
}

// numbered keeps a random RSeq out of the ladder.
func (w *world) numbered(m *siptest.Message) *siptest.Message {
	w.ladder.Replace(m.Header("RSeq"), "rseq-1")
	return m
}

func TestLadderReliable(t *testing.T) {
	late := acknowledging(forwarded)
	late.NoSDP = true
	draw(t, []ladder{
		{"reliable-tone", both(onlyBefore, reliable), func(w *world) {
			a := w.carrier.Invite(acknowledging(forwarded))
			early := w.numbered(a.Expect(183))
			w.header(early, "Require", "100rel")
			time.Sleep(3 * time.Second) // the 183 is repeated; nothing plays to a caller who may not know where
			if n := w.carrierVoice.Report().Packets; n != 0 {
				w.t.Errorf("%d packets before the PRACK", n)
			}
			a.Prack(early, "").Expect(200)
			b := w.pbx.Accept()
			if r := w.carrierVoice.Report(); r.Packets != 50 || r.Lost != 0 {
				w.t.Errorf("the tone: %v", r)
			}
			b.Respond(180, nil, "")
			a.Expect(180)
			b.Answer()
			if answer := a.Expect(200); answer.Body != "" {
				w.t.Errorf("offer and answer are done, the 200 describes us again:\n%s", answer.Body)
			}
			a.Ack("")
			b.ExpectRequest("ACK")
			hangUp(a, b)
			w.want("completed caller_hung_up 200, before caller 50 whole")
		}},
		{"reliable-late-offer", both(onlyBefore, reliable), func(w *world) {
			a := w.carrier.Invite(late)
			early := w.numbered(a.Expect(183))
			a.Prack(early, siptest.SDP{Address: w.carrierVoice.Addr(), Codecs: []siptest.Codec{siptest.PCMU, siptest.DTMF}, Ptime: 20}.Answer(early.Body)).Expect(200)
			b := w.pbx.Accept()
			if r := w.carrierVoice.Report(); r.Packets != 50 {
				w.t.Errorf("the tone: %v", r)
			}
			b.Answer()
			if answer := a.Expect(200); answer.Body != "" {
				w.t.Errorf("a description after offer and answer is a new offer:\n%s", answer.Body)
			}
			a.Ack("")
			b.ExpectRequest("ACK")
			hangUp(a, b)
			w.want("completed caller_hung_up 200, before caller 50 whole")
		}},
		{"reliable-never-acknowledged", both(onlyBefore, reliable), func(w *world) {
			a := w.carrier.Invite(acknowledging(forwarded))
			early := w.numbered(a.Expect(183))
			w.about("the end of waiting for PRACK", a.Expect(504).At.Sub(early.At), 32*time.Second)
			w.want("failed no_prack 504")
		}},
		{"reliable-answer-waits-for-prack", both(toneless, reliable), func(w *world) {
			a := w.carrier.Invite(acknowledging(plain))
			b := w.pbx.Accept()
			b.Respond(183, nil, described(w.pbxVoice, "sendrecv", 1))
			early := w.numbered(a.Expect(183))
			b.Answer()
			b.ExpectRequest("ACK")
			time.Sleep(time.Second)
			for _, m := range a.Responses() {
				if m.Code == 200 {
					w.t.Error("the 200 came before the PRACK (RFC 3262 s3)")
				}
			}
			a.Prack(early, "").Expect(200)
			a.Expect(200)
			a.Ack("")
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"reliable-much-progress", both(toneless, reliable), func(w *world) {
			a := w.carrier.Invite(acknowledging(plain))
			b := w.pbx.Accept()
			for range 20 {
				b.Respond(183, nil, described(w.pbxVoice, "sendrecv", 1))
			}
			b.Answer()
			b.ExpectRequest("ACK")
			for range 1 + maxHeldProgress {
				early := a.Expect(183)
				w.numbered(early)
				a.Prack(early, "").Expect(200)
			}
			a.Expect(200)
			a.Ack("")
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"reliable-cancelled", both(onlyBefore, reliable), func(w *world) {
			a := w.carrier.Invite(acknowledging(forwarded))
			w.numbered(a.Expect(183))
			a.Cancel().Expect(200)
			a.Expect(487)
			w.want("cancelled caller_cancelled 487")
		}},
		{"reliable-prack-of-nothing", both(onlyBefore, reliable), func(w *world) {
			a := w.carrier.Invite(acknowledging(forwarded))
			early := w.numbered(a.Expect(183))
			a.Prack(early, "").Expect(200)
			a.Prack(early, "").Expect(481)
			a.Cancel().Expect(200)
			a.Expect(487)
			w.want("cancelled caller_cancelled 487, before caller stopped")
		}},
		{"reliable-callee", both(toneless, reliable), func(w *world) {
			a := w.carrier.Invite(plain) // the caller knows nothing of 100rel: the legs are independent
			b := w.pbx.Accept()
			w.header(b.Invite, "Supported", "timer, 100rel")
			b.RespondReliably(183, nil, described(w.pbxVoice, "sendrecv", 1))
			b.ExpectRequest("PRACK").Respond(200, nil, "")
			a.Expect(183)
			b.RespondReliably(180, nil, "")
			b.ExpectRequest("PRACK").Respond(200, nil, "")
			a.Expect(180)
			answered(a, b)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"reliable-required", both(toneless, func(s *setup) { s.options.Trunks[0].Reliable = ReliableRequired }), func(w *world) {
			a := w.carrier.Invite(plain)
			w.header(a.Expect(421), "Require", "100rel")
			w.want("refused extension_required 421")
		}},
		{"overlap", both(onlyBefore, overlapped), func(w *world) {
			a := w.carrier.Invite(forwarded)
			tone := a.Expect(183)
			b := w.pbx.Accept()
			b.Respond(180, nil, "")
			time.Sleep(300 * time.Millisecond)
			b.Answer()
			b.ExpectRequest("ACK")
			w.about("the 200", a.Expect(200).At.Sub(tone.At), time.Second)
			if r := w.carrierVoice.Report(); r.Packets != 50 || r.Lost != 0 {
				w.t.Errorf("the tone: %v", r)
			}
			a.Ack("")
			hangUp(a, b)
			w.want("completed caller_hung_up 200, before caller 50 whole")
		}},
		{"overlap-busy", both(onlyBefore, overlapped), func(w *world) {
			a := w.carrier.Invite(forwarded)
			tone := a.Expect(183)
			w.pbx.Accept().Respond(486, nil, "")
			if d := a.Expect(486).At.Sub(tone.At); d > 50*time.Millisecond {
				w.t.Errorf("busy was kept back for %s", d)
			}
			w.want("busy far_end_refused 486, before caller stopped")
		}},
		{"overlap-rings-late", both(onlyBefore, overlapped), func(w *world) {
			a := w.carrier.Invite(forwarded)
			a.Expect(183)
			b := w.pbx.Accept()
			time.Sleep(2 * time.Second)
			b.Respond(180, nil, "")
			ring := a.Expect(180)
			w.about("the 180 to A", ring.At.Sub(b.Invite.At), 2*time.Second+10*time.Millisecond)
			answered(a, b)
			hangUp(a, b)
			w.want("completed caller_hung_up 200, before caller 50 whole")
		}},
	})
}
