package sip

import (
	"strings"
	"testing"
	"time"

	"tonegate/internal/siptest"
)

// ladder is a call whose every message is drawn in testdata/ladders, and
// compared; go test -rewrite draws anew.
type ladder struct {
	name   string
	change func(*setup)
	script func(w *world)
}

func draw(t *testing.T, ladders []ladder) {
	for _, l := range ladders {
		t.Run(l.name, func(t *testing.T) {
			inWorld(t, l.change, func(w *world) {
				l.script(w)
				w.end()
				if !t.Failed() {
					w.ladder.Golden(t, l.name)
				}
			})
		})
	}
}

// described is a description of a phone's voice.
func described(v *siptest.Voice, direction string, version int) string {
	return siptest.SDP{Address: v.Addr(), Codecs: []siptest.Codec{siptest.PCMU, siptest.PCMA, siptest.DTMF}, Ptime: 20,
		Direction: direction, Version: version}.Offer()
}

// about fails unless an event came when a rule says, to the millisecond. Every
// way takes the 5 ms of the link.
func (w *world) about(what string, got, want time.Duration) {
	w.t.Helper()
	if got.Round(time.Millisecond) != want {
		w.t.Errorf("%s after %v, want %v", what, got, want)
	}
}

func (w *world) header(m *siptest.Message, name, want string) {
	w.t.Helper()
	if got := m.Header(name); got != want {
		w.t.Errorf("%s of %s is %q, want %q", name, m, got, want)
	}
}

// crlf writes a message with the line ends of the wire.
func crlf(text string) string { return strings.ReplaceAll(strings.TrimLeft(text, "\n"), "\n", "\r\n") }
