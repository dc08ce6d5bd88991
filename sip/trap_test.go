package sip

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tonegate/internal/simnet"
	"tonegate/internal/siptest"
)

// elsewhere is outside of every trunk: messages name it, nothing may go there.
var elsewhere = netip.MustParseAddr("127.0.0.9")

// watchElsewhere fails the test if a datagram is sent there.
func (w *world) watchElsewhere() {
	w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
		if p.To.Addr() == elsewhere {
			start, _, _ := strings.Cut(string(p.Data), "\r\n")
			w.t.Errorf("sent to an address that only a message named: %q", start)
		}
		return simnet.Pass
	})
}

func TestDatagramsGoToNobodyThatAMessageNamed(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.carrier.Lenient, s.pbx.Lenient = true, true }), func(w *world) {
		w.watchElsewhere()
		// Without a call: answers go to the source.
		for i, via := range []string{
			"SIP/2.0/UDP 127.0.0.9:5060;branch=z9hG4bKv",
			"SIP/2.0/UDP 127.0.0.2:5060;maddr=127.0.0.9;branch=z9hG4bKv",
			"SIP/2.0/UDP 127.0.0.2:5060;received=127.0.0.9;branch=z9hG4bKv",
			"SIP/2.0/UDP 127.0.0.9:9;rport=9;branch=z9hG4bKv",
			"SIP/2.0/UDP trap.example.jp;branch=z9hG4bKv",
		} {
			for _, method := range []string{"OPTIONS", "REGISTER", "BYE", "DANCE"} {
				raw := strings.Replace(string(request(method+" sip:127.0.0.9;maddr=127.0.0.9 SIP/2.0", "1 "+method, "Route: <sip:127.0.0.9;lr>\n", "")),
					"SIP/2.0/UDP 127.0.0.2:5060;rport;branch=z9hG4bKhand", fmt.Sprint(via, i), 1)
				w.carrier.SendRaw([]byte(raw))
				w.carrier.Receive()
			}
		}
		// In a call: the Contacts and Record-Routes of both sides lead elsewhere.
		o := plain
		o.Headers = []string{"Contact: <sip:a@127.0.0.9:5060>", "Record-Route: <sip:127.0.0.9;lr>"}
		a := w.carrier.Invite(o)
		b := w.pbx.Accept()
		b.Respond(180, []string{"Contact: <sip:b@127.0.0.9:5060>"}, "")
		b.Respond(200, []string{"Contact: <sip:b@127.0.0.9:5060>", "Record-Route: <sip:127.0.0.9;lr>"}, described(w.pbxVoice, "", 0))
		a.Expect(200)
		ack := b.ExpectRequest("ACK")
		w.header(ack.Message, "Route", "<sip:127.0.0.9;lr>")
		w.carrier.SendRaw(ackOf(a))
		time.Sleep(time.Second)
		w.server.shards[0].order(letter{release: true})
		w.server.shards[1].order(letter{release: true})
		a.ExpectRequest("BYE")
		b.ExpectRequest("BYE")
		w.want("failed shutdown 200")
	})
}

// ackOf is the ACK of a call's 2xx, sent to the server whatever its route set says.
func ackOf(a *siptest.Call) []byte {
	all := a.Responses()
	m := all[len(all)-1]
	return []byte(crlf(fmt.Sprintf(`
ACK sip:127.0.0.1:5060 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.2:5060;branch=z9hG4bKack%s
Max-Forwards: 70
From: %s
To: %s
Call-ID: %s
CSeq: 1 ACK
Content-Length: 0

`, a.CallID, m.Header("From"), m.Header("To"), a.CallID)))
}

func TestLongReplies(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		long := "Via: SIP/2.0/UDP 127.0.0.7;branch=z9hG4bK" + strings.Repeat("x", 200)
		w.carrier.SendRaw(request("OPTIONS sip:127.0.0.1 SIP/2.0", "1 OPTIONS", strings.Repeat(long+"\n", 20), ""))
		if m := w.carrier.Receive(); m.Code != 200 || len(m.Raw) < 4000 {
			t.Errorf("%s, %d octets", m, len(m.Raw))
		}
		// And a whole call with long messages in both directions.
		o := plain
		for range 20 {
			o.Headers = append(o.Headers, "Record-Route: <sip:127.0.0.2:5060;lr;x="+strings.Repeat("y", 150)+">")
		}
		a := w.carrier.Invite(o)
		b := w.pbx.Accept()
		b.Answer()
		if m := a.Expect(200); len(m.Raw) < 3000 {
			t.Errorf("%d octets", len(m.Raw))
		}
		a.Ack("")
		b.ExpectRequest("ACK")
		hangUp(a, b)
		w.want("completed caller_hung_up 200")
	})
}

// icy is a socket that reports an ICMP error before each datagram, and a burst
// of them now and then.
type icy struct {
	*simnet.Conn
	reads int
}

func (c *icy) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	c.reads++
	if c.reads%2 == 1 || c.reads > 20 && c.reads < 20+maxReadErrors/2 {
		return 0, netip.AddrPort{}, errors.New("read: connection refused")
	}
	return c.Conn.ReadFromUDPAddrPort(b)
}

func TestReadErrorsDoNotEndTheListener(t *testing.T) {
	inWorld(t, func(s *setup) { toneless(s); s.options.Shards = 1 }, func(w *world) {
		w.shutdown()
		w.down = false
		o := w.server.options
		o.Metrics = NewMetrics(prometheus.NewRegistry())
		o.ListenPacket = func(a netip.AddrPort) (PacketSocket, error) {
			conn, err := w.network.Listen(a)
			return &icy{Conn: conn}, err
		}
		var err error
		if w.server, err = New(o); err != nil {
			t.Fatal(err)
		}
		w.server.Start()
		for range 20 {
			a, b := w.connect(plain)
			hangUp(a, b)
			w.want("completed caller_hung_up 200")
		}
	})
}

// A lost fork may hang up; it may not do anything else with our call.
func TestALostForkMayOnlyHangUp(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		fork := b.Fork()
		fork.Respond(180, nil, "")
		answered(a, b)
		fork.Reinvite(described(w.pbxVoice, "", 1)).Expect(481)
		fork.Bye().Expect(200)
		hangUp(a, b)
		w.want("completed caller_hung_up 200")
	})
}

// The callee's proxy record-routes itself: our requests in the dialog go
// through it, not around it to the Contact.
func TestRequestsFollowTheRouteSet(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.pbx.Lenient = true }), func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Respond(200, []string{"Record-Route: <sip:127.0.0.3:5060;lr>", "Contact: <sip:b@127.0.0.4:5060>"}, described(w.pbxVoice, "", 0))
		a.Expect(200)
		a.Ack("")
		ack := b.ExpectRequest("ACK")
		w.header(ack.Message, "Route", "<sip:127.0.0.3:5060;lr>")
		if ack.URI != "sip:b@127.0.0.4:5060" {
			t.Errorf("ACK %s", ack.URI)
		}
		hangUp(a, b)
		if n := w.spare.Received(); n != 0 {
			t.Errorf("%d messages around the proxy", n)
		}
		w.want("completed caller_hung_up 200")
	})
}

// The branch of an INVITE is no secret between trunks that share a proxy.
func TestOnlyItsTrunkMayCancelACall(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.pbx.Lenient = true }), func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Respond(180, nil, "")
		a.Expect(180)
		cancel := strings.Replace(string(a.Invite.Raw), "INVITE sip", "CANCEL sip", 1)
		cancel = strings.Replace(cancel, "CSeq: 1 INVITE", "CSeq: 1 CANCEL", 1)
		w.pbx.SendRaw([]byte(cancel))
		if m := w.pbx.Receive(); m.Code != 481 {
			t.Errorf("answered %s", m)
		}
		answered(a, b)
		hangUp(a, b)
		w.want("completed caller_hung_up 200")
	})
}
