package main

import (
	"fmt"
	"time"

	"tonegate/internal/siptest"
)

const invitation = `
  The server goes on until Ctrl-C, and the PBX's telephone now answers and talks. Call it with a softphone:

    dial   sip:%[1]s@%[2]s
    from   %[3]s, the carrier's address (baresip: sip_listen %[3]s)

  A request from any other address is dropped. For a softphone at another address, such as 127.0.0.1:5062, add
  these lines under trunks: and routes: of tonegate.yaml, and run tonegate demo -c tonegate.yaml:

    softphone: {peers: ["udp://127.0.0.1:5062"], accept: [127.0.0.1/32], leg: internet, presentation: {unchecked: mine}}

    - {from: softphone, to: pbx}

  Metrics, which change as you call: %[4]s
`

// stay keeps serving, with a telephone that answers, until the interrupt.
func (d *demo) stay() error {
	at := d.sides[pbx].phone.Addr()
	for _, s := range d.sides {
		_ = s.phone.Close()
	}
	s, err := openSide(siptest.Options{Name: pbx, Peer: d.config.Listen.SIP[0].AddrPort(), TB: d.script, Timeout: 365 * 24 * time.Hour, Lenient: true}, at)
	if err != nil {
		return err
	}
	d.sides[pbx] = s
	fmt.Fprintf(d.screen, invitation, ourNumber, d.config.Listen.SIP[0].AddrPort(), d.sides[carrier].phone.Addr(), d.metricsURL())
	go func() {
		for {
			s.answer(d.speech[1])
		}
	}()
	<-d.Ctx.Done()
	fmt.Fprintln(d.Stdout)
	return nil
}

// answer takes one call to its end.
func (s *side) answer(speech []int16) {
	ring := s.phone.Accept()
	v, err := s.pickUp()
	if err != nil {
		ring.Respond(500, nil, "")
		return
	}
	defer v.Close()
	ring.Respond(200, nil, sdpOf(v).Answer(ring.Invite.Body))
	v.Loop(speech)
	ring.ExpectRequest("BYE")
}
