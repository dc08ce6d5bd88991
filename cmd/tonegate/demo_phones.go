package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"tonegate/internal/siptest"
)

// side is the scripted telephone of one trunk: one socket for SIP, and for each call another for its voice.
type side struct {
	phone *siptest.Phone
	host  netip.Addr
	voice atomic.Pointer[siptest.Voice]
}

func (d *demo) open(trunk string) (*side, error) {
	at := d.config.Trunks[trunkOf(d.config, trunk)].Peers[0].AddrPort()
	d.ladder.Host(trunk, at.Addr())
	return openSide(siptest.Options{Name: trunk, Peer: d.config.Listen.SIP[0].AddrPort(), TB: d.script, Ladder: d.ladder, Timeout: 5 * time.Second}, at)
}

func openSide(o siptest.Options, at netip.AddrPort) (*side, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, fmt.Errorf("the telephone of the trunk %s: %w", o.Name, err)
	}
	s := &side{host: at.Addr()}
	o.Media = func(remote netip.AddrPort) {
		if v := s.voice.Load(); v != nil {
			v.SetRemote(remote)
		}
	}
	s.phone = siptest.NewPhone(conn, o)
	return s, nil
}

// pickUp gives the telephone a voice on an even port, as RFC 3550 s11 wants it.
func (s *side) pickUp() (*siptest.Voice, error) {
	for {
		conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.host, 0)))
		if err != nil {
			return nil, fmt.Errorf("a voice for %s: %w", s.host, err)
		}
		if conn.LocalAddr().(*net.UDPAddr).Port%2 != 0 {
			_ = conn.Close() // the next one will be even soon
			continue
		}
		v := siptest.NewVoice(conn, siptest.VoiceOptions{})
		s.voice.Store(v)
		return v, nil
	}
}

func sdpOf(v *siptest.Voice) siptest.SDP {
	return siptest.SDP{Address: v.Addr(), Codecs: []siptest.Codec{siptest.PCMU, siptest.PCMA, siptest.DTMF}, Ptime: 20}
}

// script ends a call that does not go as written: like a test, it ends its goroutine.
type script struct {
	ctx     context.Context
	failure string
}

func (*script) Helper() {}

func (s *script) Fatalf(format string, args ...any) {
	s.failure, _, _ = strings.Cut(fmt.Sprintf(format, args...), "\n") // the ladder has the rest
	runtime.Goexit()
}

func (s *script) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.ctx.Done():
		s.Fatalf("interrupted")
	}
}

// outcome is what the telephones saw and heard of one call.
type outcome struct {
	*scenario
	number    int
	callID    string
	invited   time.Time // when the caller's INVITE left, the callee's arrived, and the callee picked up
	rang      time.Time
	answered  time.Time
	final     int // status that the caller got, and when
	finalAt   time.Time
	ended     time.Time
	untouched bool // nothing at all arrived at the callee's telephone
	heard     [2]heard
	faults    []string
}

func (o *outcome) fault(format string, args ...any) {
	o.faults = append(o.faults, fmt.Sprintf(format, args...))
}

func (o *outcome) finally(m *siptest.Message) { o.final, o.finalAt = m.Code, m.At }

// place makes one call and returns when it is over.
func (d *demo) place(number int, s *scenario) *outcome {
	o := &outcome{scenario: s, number: number}
	d.screen.calling(o)
	d.script.failure = ""
	voices, over := [2]*siptest.Voice{}, make(chan struct{})
	go func() {
		defer close(over)
		d.play(o, &voices)
	}()
	d.screen.wait(o, over)
	o.ended = time.Now()
	for i, v := range voices {
		if v != nil {
			_ = v.Close() // what was heard stays
			o.heard[i] = listen(v, d.tone)
		}
	}
	if d.script.failure != "" {
		o.fault("%s", d.script.failure)
	}
	d.screen.called(o)
	return o
}

// play is the script of every call.
func (d *demo) play(o *outcome, voices *[2]*siptest.Voice) {
	caller, callee := d.sides[o.from], d.sides[o.to]
	var err error
	for i, s := range []*side{caller, callee} {
		if voices[i], err = s.pickUp(); err != nil {
			d.script.Fatalf("%v", err)
		}
	}
	received := callee.phone.Received()
	defer func() { o.untouched = callee.phone.Received() == received }()

	o.invited = time.Now()
	call := caller.phone.Invite(siptest.InviteOptions{
		To: o.called, From: fmt.Sprintf("<sip:%s@%s>", o.caller, caller.phone.Addr()),
		Headers: append([]string{fmt.Sprintf("P-Asserted-Identity: <sip:%s@%s>", o.caller, caller.host)}, o.headers...),
		Body:    sdpOf(voices[0]).Offer(),
	})
	o.callID = call.CallID
	if o.hears[0].tone == before {
		call.Expect(183)
	}
	if o.hangsUp > 0 {
		d.script.pause(o.hangsUp)
		call.Cancel().Expect(200)
	}
	if !o.isAnswered() {
		o.finally(call.Expect(o.status))
		d.script.pause(5 * frameTime) // what must not come has had its time
		return
	}
	ring := callee.phone.Accept()
	o.rang = ring.Invite.At
	ring.Respond(180, nil, "")
	call.Expect(180)
	d.script.pause(ringing)
	o.answered = time.Now()
	ring.Respond(200, nil, sdpOf(voices[1]).Answer(ring.Invite.Body))
	voices[1].Loop(d.speech[1])
	o.finally(call.Expect(200))
	call.Ack("")
	voices[0].Loop(d.speech[0])
	ring.ExpectRequest("ACK")
	if o.hears[0].tone == atAnswer || o.hears[1].tone == atAnswer {
		d.script.pause(d.tone.length)
	}
	d.script.pause(talking)
	call.Bye().Expect(200)
	ring.ExpectRequest("BYE")
}

// eventually waits for what another goroutine does soon.
func eventually(ctx context.Context, what string, is func() bool) error {
	deadline, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); !is(); {
		select {
		case <-tick.C:
		case <-deadline.Done():
			tick.Stop()
			return fmt.Errorf("waiting until %s: %w", what, deadline.Err())
		}
	}
	return nil
}
