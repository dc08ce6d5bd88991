package sip

import (
	"testing"
	"time"

	"tonegate/internal/siptest"
)

// byHand lets the script answer INFO.
func byHand(s *setup) { s.carrier.Manual, s.pbx.Manual = []string{"INFO"}, []string{"INFO"} }

func TestLadderInfo(t *testing.T) {
	digit := "Signal=5\r\nDuration=160\r\n"
	kind := "Content-Type: application/dtmf-relay"
	draw(t, []ladder{
		{"info", both(toneless, byHand), func(w *world) {
			a, b := w.connect(plain)
			asked := a.Request("INFO", []string{kind, "Info-Package: infoDtmf", "X-Other: 1"}, digit)
			got := b.ExpectRequest("INFO")
			if got.Body != digit {
				w.t.Errorf("B got %q, A sent %q", got.Body, digit)
			}
			w.header(got.Message, "Content-Type", "application/dtmf-relay")
			w.header(got.Message, "Info-Package", "infoDtmf")
			if got.Header("X-Other") != "" {
				w.t.Error("an unknown field left on leg B")
			}
			got.Respond(200, nil, "")
			asked.Expect(200)
			back := b.Request("INFO", []string{kind}, digit)
			a.ExpectRequest("INFO").Respond(415, nil, "")
			back.Expect(415)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"info-unanswered", toneless, func(w *world) {
			a, b := w.connect(plain)
			w.pbx.SetFaults(siptest.Faults{NeverAnswer: true})
			start := time.Now()
			answer := a.Request("INFO", []string{kind}, digit).Expect(408)
			w.about("Timer F", answer.At.Sub(start), 32*time.Second+10*time.Millisecond)
			w.pbx.SetFaults(siptest.Faults{})
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}},
		{"info-too-early", nil, func(w *world) {
			a := w.carrier.Invite(forwarded)
			a.Expect(183)
			a.Request("INFO", []string{kind}, digit).Expect(480)
			a.Cancel().Expect(200)
			a.Expect(487)
			w.want("cancelled caller_cancelled 487, before caller stopped")
		}},
	})
}
