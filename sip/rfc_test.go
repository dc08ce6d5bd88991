package sip

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
)

// Each test of the files named for RFCs quotes the sentences that it shows, and looks at the wire only.

// tap keeps what is sent to a host, repetitions included.
type tap struct {
	mu   sync.Mutex
	seen []*siptest.Message
}

// tap begins to listen; it takes the place of any other filter.
func (w *world) tap(to netip.Addr) *tap {
	p := &tap{}
	w.network.SetFilter(func(packet simnet.Packet) simnet.Verdict {
		if packet.To == netip.AddrPortFrom(to, sipPort) {
			p.take(packet)
		}
		return simnet.Pass
	})
	return p
}

func (p *tap) take(packet simnet.Packet) {
	m, err := siptest.Parse(packet.Data)
	if err != nil {
		return
	}
	m.At = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, m)
}

// all is what passed so far, as far as its start line begins so.
func (p *tap) all(start string) []*siptest.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.seen), func(m *siptest.Message) bool { return !strings.HasPrefix(m.String(), start) })
}

// one is the only message that begins so.
func (p *tap) one(t *testing.T, start string) *siptest.Message {
	t.Helper()
	all := p.all(start)
	if len(all) != 1 {
		t.Fatalf("%d messages %q, want one", len(all), start)
	}
	return all[0]
}

// same fails for each header that two messages do not share.
func (w *world) same(a, b *siptest.Message, names ...string) {
	w.t.Helper()
	for _, name := range names {
		if x, y := a.Headers(name), b.Headers(name); !slices.Equal(x, y) {
			w.t.Errorf("%s of %s is %q, of %s %q", name, a, x, b, y)
		}
	}
}

// ring calls the PBX, which rings.
func (w *world) ring(o siptest.InviteOptions) (a, b *siptest.Call) {
	w.t.Helper()
	a = w.carrier.Invite(o)
	b = w.pbx.Accept()
	b.Respond(180, nil, "")
	a.Expect(180)
	return a, b
}

// busy ends a call that rings.
func (w *world) busy(a, b *siptest.Call) {
	w.t.Helper()
	b.Respond(486, nil, "")
	a.Expect(486)
	w.want("busy far_end_refused 486")
}

// done ends a call that is up.
func (w *world) done(a, b *siptest.Call) {
	w.t.Helper()
	hangUp(a, b)
	w.want("completed caller_hung_up 200")
}
