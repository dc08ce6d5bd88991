package sip

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tonegate/call"
	"tonegate/internal/simnet"
)

// RFC 3261 s8.1.1: "A valid SIP request formulated by a UAC MUST, at a minimum, contain the following header fields:
// To, From, CSeq, Call-ID, Max-Forwards, and Via; all of these header fields are mandatory in all SIP requests."
// s8.1.1.7: "The branch ID inserted by an element compliant with this specification MUST always begin with the
// characters "z9hG4bK"." And: "The branch parameter value MUST be unique across space and time for all requests sent by
// the UA. The exceptions to this rule are CANCEL and ACK for non-2xx responses."
func TestRFC3261S8_1_1EveryRequestHasSixFields(t *testing.T) {
	inWorld(t, both(toneless, reliable), func(w *world) {
		sent := w.tap(hostPBX)
		a, b := w.ring(plain)
		w.busy(a, b)
		a, b = w.ring(plain)
		a.Cancel().Expect(200)
		a.Expect(487)
		b.ExpectRequest("CANCEL")
		w.want("cancelled caller_cancelled 487")
		a, b = w.ring(plain)
		b.RespondReliably(183, nil, described(w.pbxVoice, "", 1))
		b.ExpectRequest("PRACK")
		b.Answer()
		a.Expect(200)
		a.Ack("")
		a.Request("INFO", nil, "").Expect(200)
		a.Reinvite(described(w.carrierVoice, "sendonly", 1))
		b.ExpectRequest("INVITE")
		b.Answer()
		a.Expect(200)
		a.Ack("")
		w.done(a, b)

		methods, branches := map[string]bool{}, map[string]string{}
		for _, m := range sent.all("") {
			if !m.IsRequest() {
				continue
			}
			methods[m.Method] = true
			for _, name := range []string{"To", "From", "CSeq", "Call-ID", "Max-Forwards", "Via"} {
				if len(m.Headers(name)) != 1 {
					t.Errorf("%s: %d %s", m, len(m.Headers(name)), name)
				}
			}
			if hops := m.Header("Max-Forwards"); hops != "70" && (m.Method != "INVITE" || hops != "69") {
				t.Errorf("%s: Max-Forwards %s, want 70, or the caller's less one", m, hops)
			}
			if !strings.HasPrefix(m.Branch(), "z9hG4bK") {
				t.Errorf("%s: branch %q", m, m.Branch())
			}
			first := branches[m.Branch()]
			if first == "" {
				branches[m.Branch()] = m.Method
			} else if first != "INVITE" || m.Method != "CANCEL" && m.Method != "ACK" {
				t.Errorf("%s has the branch of another %s", m, first)
			}
		}
		for _, method := range []string{"INVITE", "ACK", "CANCEL", "PRACK", "INFO", "BYE"} {
			if !methods[method] {
				t.Errorf("no %s was sent", method)
			}
		}
	})
}

// RFC 3261 s8.1.1.2: "A request outside of a dialog MUST NOT contain a To tag". s8.1.1.3: "The From field MUST contain
// a new "tag" parameter, chosen by the UAC." s8.1.1.8: "The Contact header field MUST be present and contain exactly
// one SIP or SIPS URI in any request that can result in the establishment of a dialog." s8.1.1.9: "If the UAC supports
// extensions to SIP that can be applied by the server to the response, the UAC SHOULD include a Supported header field
// in the request listing the option tags". s13.2.1: "An Allow header field (Section 20.5) SHOULD be present in the
// INVITE."
func TestRFC3261S8_1_1InitialINVITE(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		tags, ids := map[string]bool{}, map[string]bool{}
		for range 3 {
			a, b := w.ring(plain)
			m := b.Invite
			if m.ToTag() != "" || m.FromTag() == "" || m.FromTag() == a.Invite.FromTag() || len(m.Headers("Contact")) != 1 {
				t.Errorf("To %q, From %q, Contact %q", m.Header("To"), m.Header("From"), m.Headers("Contact"))
			}
			w.header(m, "Allow", allow)
			w.header(m, "Supported", "timer")
			tags[m.FromTag()], ids[m.CallID()] = true, true
			w.busy(a, b)
		}
		if len(tags) != 3 || len(ids) != 3 {
			t.Errorf("tags %v and Call-IDs %v of three calls", tags, ids)
		}
	})
}

// RFC 3261 s8.1.3.1: "When a timeout error is received from the transaction layer, it MUST be treated as if a 408
// (Request Timeout) status code has been received."
func TestRFC3261S8_1_3_1TimeoutIs408(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		w.network.SetFilter(func(p simnet.Packet) simnet.Verdict {
			if p.From.Addr() == hostPBX {
				return simnet.Drop
			}
			return simnet.Pass
		})
		began := time.Now()
		gone := w.carrier.Invite(plain).Expect(408)
		w.about("Timer B", gone.At.Sub(began), 32*time.Second+10*time.Millisecond)
		w.want("failed far_end_unreachable 408")
	})
}

// dumb is a socket that cannot send to one host for as long as it is told so.
type dumb struct {
	*simnet.Conn
	to  netip.Addr
	now *atomic.Bool
}

func (d dumb) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if d.now.Load() && to.Addr() == d.to {
		return 0, errors.New("write: network is unreachable")
	}
	return d.Conn.WriteToUDPAddrPort(b, to)
}

// reopened starts the world's server again, on a socket that can be made dumb.
func (w *world) reopened(to netip.Addr) *atomic.Bool {
	w.t.Helper()
	w.shutdown()
	w.down = false
	now := &atomic.Bool{}
	o := w.server.options
	o.ListenPacket = func(a netip.AddrPort) (PacketSocket, error) {
		conn, err := w.network.Listen(a)
		return dumb{conn, to, now}, err
	}
	var err error
	if w.server, err = New(o); err != nil {
		w.t.Fatal(err)
	}
	w.server.Start()
	return now
}

// RFC 3261 s8.1.3.1: "If a fatal transport error is reported by the transport layer (generally, due to fatal ICMP
// errors in UDP or connection failures in TCP), the condition MUST be treated as a 503 (Service Unavailable) status
// code." A 503 tries the next target, and there is none left for the second call: the caller gets 500 (s16.7).
func TestRFC3261S8_1_3_1TransportErrorIs503(t *testing.T) {
	inWorld(t, both(toneless, twoTargets), func(w *world) {
		w.reopened(hostPBX).Store(true)
		began := time.Now()
		a := w.carrier.Invite(plain)
		b := w.spare.Accept()
		w.about("the INVITE to the spare", b.Invite.At.Sub(began), 10*time.Millisecond)
		w.busy(a, b)
	})
	inWorld(t, toneless, func(w *world) {
		w.reopened(hostPBX).Store(true)
		w.carrier.Invite(plain).Expect(500)
		w.want("failed far_end_unreachable 500")
	})
}

// RFC 3261 s8.1.3.2: "A UAC MUST treat any final response it does not recognize as being equivalent to the x00 response
// code of that class, and MUST be able to process the x00 response code for all classes." And: "A UAC MUST treat any
// provisional response different than 100 that it does not recognize as 183 (Session Progress)."
func TestRFC3261S8_1_3_2UnrecognizedResponses(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		for _, c := range []struct {
			code, want int
			result     call.Result
		}{
			{300, 480, call.Declined}, {399, 480, call.Declined}, {400, 400, call.Declined}, {431, 431, call.Declined}, {499, 499, call.Declined},
			{500, 500, call.Failed}, {599, 599, call.Failed}, {600, 600, call.Busy}, {699, 699, call.Declined},
		} {
			a := w.carrier.Invite(plain)
			b := w.pbx.Accept()
			b.Respond(199, nil, described(w.pbxVoice, "", 1))
			if m := a.Expect(199); m.Body == "" {
				t.Error("no early media of a provisional response that nobody knows")
			}
			b.Respond(c.code, nil, "")
			a.Expect(c.want)
			b.ExpectRequest("ACK")
			w.want(fmt.Sprintf("%s far_end_refused %d", c.result, c.want))
		}
	})
}

// RFC 3261 s8.1.3.3: "If more than one Via header field value is present in a response, the UAC SHOULD discard the
// message."
func TestRFC3261S8_1_3_3TwoVias(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Respond(183, []string{"Via: " + b.Invite.Header("Via"), "Via: SIP/2.0/UDP 127.0.0.9;branch=z9hG4bKmisrouted"}, "")
		b.Respond(180, nil, "")
		a.Expect(180)
		for _, m := range a.Responses() {
			if m.Code == 183 {
				t.Error("the response of somebody else was taken")
			}
		}
		w.busy(a, b)
	})
}

// RFC 3261 s8.1.3.4: "Upon receipt of a redirection response (for example, a 301 response status code), clients SHOULD
// use the URI(s) in the Contact header field to formulate one or more new requests". We do not, by choice: where calls
// go is the operator's plan. See TestFinalResponsesPassOn.
func TestRFC3261S8_1_3_4RedirectionIsNotFollowed(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a := w.carrier.Invite(plain)
		w.pbx.Accept().Respond(302, []string{"Contact: <sip:0312340001@127.0.0.4>"}, "")
		a.Expect(480)
		w.spare.Quiet(time.Second)
		w.want("rejected far_end_refused 480")
	})
}
