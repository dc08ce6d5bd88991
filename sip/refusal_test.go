package sip

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tonegate/internal/siptest"
)

// request is a message written by hand, from the carrier.
func request(start, cseq, headers, body string) []byte {
	kind := ""
	if body != "" && !strings.Contains(headers, "Content-Type") {
		kind = "Content-Type: application/sdp\n"
	}
	return []byte(crlf(fmt.Sprintf(`
%s
Via: SIP/2.0/UDP 127.0.0.2:5060;rport;branch=z9hG4bKhand%d
From: <sip:05012340001@127.0.0.2>;tag=hand
To: <sip:0312340001@127.0.0.1>
Call-ID: hand@127.0.0.2
CSeq: %s
Contact: <sip:carrier@127.0.0.2:5060>
%s%sContent-Length: %d

`, start, len(headers)+len(body)+len(start), cseq, kind, headers, len(body))) + body)
}

// TestRefusals sends one request each from a known trunk.
func TestRefusals(t *testing.T) {
	const offer = "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\n"
	const hops = "Max-Forwards: 70\n"
	audio := offer + "m=audio 4000 RTP/AVP 0\r\n"
	answered := map[int]bool{482: true} // TestMergedRequest
	for _, c := range []struct {
		name          string
		request       []byte
		status        int
		header, value string
		record        string
	}{
		{"OPTIONS", request("OPTIONS sip:127.0.0.1 SIP/2.0", "1 OPTIONS", hops, ""), 200, "Allow", allow, ""},
		{"unknown method", request("DANCE sip:127.0.0.1 SIP/2.0", "1 DANCE", hops, ""), 501, "Allow", allow, ""},
		{"PRACK", request("PRACK sip:127.0.0.1 SIP/2.0", "1 PRACK", hops, ""), 481, "", "", ""},
		{"UPDATE", request("UPDATE sip:127.0.0.1 SIP/2.0", "1 UPDATE", hops, ""), 481, "", "", ""},
		{"INFO", request("INFO sip:127.0.0.1 SIP/2.0", "1 INFO", hops, ""), 481, "", "", ""},
		{"REFER", request("REFER sip:127.0.0.1 SIP/2.0", "1 REFER", hops, ""), 405, "Allow", allow, ""},
		{"REGISTER", request("REGISTER sip:127.0.0.1 SIP/2.0", "1 REGISTER", hops, ""), 405, "Allow", allow, ""},
		{"BYE of no call", request("BYE sip:127.0.0.1 SIP/2.0", "1 BYE", hops, ""), 481, "", "", ""},
		{"CANCEL of no call", request("CANCEL sip:127.0.0.1 SIP/2.0", "1 CANCEL", hops, ""), 481, "", "", ""},
		{"extension required", request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", hops+"Require: 100rel, timer\n", audio), 420, "Unsupported", "100rel", ""},
		{"extension required for OPTIONS", request("OPTIONS sip:127.0.0.1 SIP/2.0", "1 OPTIONS", hops+"Require: x\n", ""), 420, "Unsupported", "x", ""},
		{"no hop left", request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", "Max-Forwards: 0\n", audio), 483, "", "", ""},
		{"CSeq of another method", request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 OPTIONS", hops, audio), 400, "", "", ""},
		{"two Call-IDs", request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", hops+"Call-ID: other\n", audio), 400, "", "", ""},
		{"another version", request("INVITE sip:0312340001@127.0.0.1 SIP/3.0", "1 INVITE", hops, audio), 505, "", "", ""},
		{"another scheme", request("INVITE http://127.0.0.1 SIP/2.0", "1 INVITE", hops, audio), 416, "", "", ""},
		{"Request-URI too long", request("INVITE sip:"+strings.Repeat("0", 1024)+"@127.0.0.1 SIP/2.0", "1 INVITE", hops, audio), 414, "", "", ""},
		{"too many header lines", request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", hops+strings.Repeat("X: 1\n", 200), audio), 513, "", "", ""},
		{"a header field too long", request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", hops+"X: "+strings.Repeat("x", 8<<10)+"\n", audio), 513, "", "", ""},
		{"a body too large", request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", hops, audio+strings.Repeat("a=x\r\n", 4<<10)), 413, "", "", ""},
		{"a body too large within no call", request("INFO sip:127.0.0.1 SIP/2.0", "1 INFO", hops+"Content-Type: text/plain\n", strings.Repeat("x", 16<<10+1)), 413, "", "", ""},
		{"body cut off", bytes.TrimSuffix(request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", hops, audio), []byte("\r\n")), 400, "", "", ""},
		{"header cut off", bytes.TrimSuffix(request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", hops, ""), []byte("\r\n")), 400, "", "", ""},
		{"lines that end in LF", bytes.ReplaceAll(request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", hops, audio), []byte("\r\n"), []byte("\n")), 400, "", "", ""},
		{"Require for a method that is not served", request("SUBSCRIBE sip:127.0.0.1 SIP/2.0", "1 SUBSCRIBE", hops+"Require: x\n", ""), 405, "Allow", allow, ""},
		{"extension required for BYE", request("BYE sip:127.0.0.1 SIP/2.0", "1 BYE", hops+"Require: x, y\n", ""), 420, "Unsupported", "x", ""},
		{"method in small letters", request("invite sip:0312340001@127.0.0.1 SIP/2.0", "1 invite", hops, audio), 501, "Allow", allow, ""},
		{"body of another type", request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", hops+"Content-Type: text/plain\n", "hello"), 415, "Accept", "application/sdp", "refused session_description 415"},
		{"body compressed", request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", hops+"Content-Encoding: gzip\n", audio), 415, "", "", "refused session_description 415"},
		{"garbage for a description", request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", hops, "v=0\r\nnonsense"), 400, "", "", "refused session_description 400"},
		{"nine m-lines", request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", hops, offer+strings.Repeat("m=audio 4000 RTP/AVP 0\r\n", 9)), 400, "", "", "refused session_description 400"},
		{"no audio", request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", hops, offer+"m=video 4000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"), 488, "", "", "refused session_description 488"},
		{"vacant number", request("INVITE sip:0399990001@127.0.0.1 SIP/2.0", "1 INVITE", hops, audio), 404, "Reason", "Q.850;cause=1", "refused no_route 404"},
	} {
		answered[c.status] = true
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				before := w.carrier.Received()
				w.carrier.SendRaw(c.request)
				m := w.carrier.Receive()
				for m.Code == 100 {
					m = w.carrier.Receive()
				}
				if m.Code != c.status {
					t.Errorf("answered %s, want %d", m, c.status)
				}
				if c.header != "" {
					w.header(m, c.header, c.value)
				}
				if c.record != "" {
					w.want(c.record)
					w.carrier.SendRaw([]byte(strings.Replace(strings.Replace(string(request("ACK sip:0312340001@127.0.0.1 SIP/2.0", "1 ACK", "", "")),
						"z9hG4bK", m.Branch()+";was=", 1), "<sip:0312340001@127.0.0.1>\r\n", "<sip:0312340001@127.0.0.1>;tag="+m.ToTag()+"\r\n", 1)))
				} else {
					// Without a call there is no state for it (RFC 3261 s8.2.7), and the same answer each time.
					w.carrier.SendRaw(c.request)
					if again := w.carrier.Receive(); string(again.Raw) != string(m.Raw) {
						t.Errorf("the repetition is answered\n%s\nnot\n%s", again.Raw, m.Raw)
					}
				}
				w.pbx.Quiet(time.Second)
				if w.carrier.Received() == before {
					t.Error("nothing received")
				}
			})
		})
	}
	for _, status := range []int{400, 404, 405, 413, 414, 415, 416, 420, 481, 482, 483, 488, 501, 505, 513} {
		if !answered[status] {
			t.Errorf("nothing is refused with %d", status)
		}
	}
}

// TestNoAnswer sends what is refused in silence: it must not be answered, or nobody would know the answer for his own.
func TestNoAnswer(t *testing.T) {
	const hops = "Max-Forwards: 70\n"
	invite := string(request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE", hops, ""))
	without := func(field string) string {
		before, after, _ := strings.Cut(invite, "\r\n"+field+":")
		_, after, _ = strings.Cut(after, "\r\n")
		return before + "\r\n" + after
	}
	response := strings.Replace(invite, "INVITE sip:0312340001@127.0.0.1 SIP/2.0", "SIP/2.0 200 OK", 1)
	for _, c := range []struct{ name, text, reason string }{
		{"ACK of no call", string(request("ACK sip:127.0.0.1 SIP/2.0", "1 ACK", hops, "")), dropUnmatched},
		{"ACK with a fault", strings.Replace(string(request("ACK sip:127.0.0.1 SIP/2.0", "1 ACK", hops, "")), "From: <", "From: <<", 1), ""},
		{"ACK with no hop left", string(request("ACK sip:127.0.0.1 SIP/2.0", "1 ACK", "Max-Forwards: 0\n", "")), dropUnmatched},
		{"ACK that requires", string(request("ACK sip:127.0.0.1 SIP/2.0", "1 ACK", hops+"Require: x\n", "")), dropUnmatched},
		{"response to nothing", response, dropUnmatched},
		{"response with a fault", strings.Replace(response, "From: <", "From: <<", 1), ""},
		{"response of another version", strings.Replace(response, "SIP/2.0 200", "SIP/3.0 200", 1), ""},
		{"status 99", strings.Replace(response, "SIP/2.0 200", "SIP/2.0 099", 1), ""},
		{"no Via", without("Via"), ""},
		{"no CSeq", without("CSeq"), ""},
		{"NUL in what would come back", strings.Replace(invite, "hand@", "ha\x00nd@", 1), ""},
		{"no method", "/" + invite, ""},
		{"half a start line", "INVITE", ""},
		{"no SIP", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", ""},
		{"octets", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ""},
		{"keepalive", "\r\n\r\n", "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				before := w.kept()
				w.carrier.SendRaw([]byte(c.text))
				w.carrier.Quiet(time.Second)
				w.pbx.Quiet(time.Second)
				if after := w.kept(); after != before {
					t.Errorf("before %s\nafter  %s", before, after)
				}
				var reasons []string
				for _, reason := range []string{dropStranger, dropMalformed, dropInvalid, dropUnmatched, dropOverload, dropMethod, dropExtension} {
					if w.metric("tonegate_sip_dropped_total", reason) == 1 {
						reasons = append(reasons, reason)
					}
				}
				got := strings.Join(reasons, " ")
				if fine := got == c.reason || c.reason == "" && (got == dropMalformed || got == dropInvalid) || c.reason == "none" && got == ""; !fine {
					t.Errorf("counted as %q", got)
				}
			})
		})
	}
}

func TestRequestsWithinACall(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.connect(plain)
		ours := a.Responses()[1].ToTag()
		a.Request("OPTIONS", nil, "").Expect(200)
		b.Request("OPTIONS", nil, "").Expect(200)
		a.Request("REFER", []string{"Refer-To: <sip:0312340002@127.0.0.1>"}, "").Expect(405)
		a.Reinvite("hello", "Content-Type: text/plain").Expect(415)
		a.Reinvite("v=0\r\nnonsense").Expect(488)
		// A third party that guessed the Call-ID but no tag.
		w.carrier.Request("BYE", siptest.InviteOptions{To: "<sip:0312340001@127.0.0.1>;tag=guessed", CallID: a.CallID}).Expect(481)
		// The other trunk, with all that names the dialog.
		bye := strings.ReplaceAll(string(a.Invite.Raw), "127.0.0.2", "127.0.0.3")
		bye = strings.Replace(bye, "INVITE sip", "BYE sip", 1)
		bye = strings.Replace(bye, "CSeq: 1 INVITE", "CSeq: 9 BYE", 1)
		bye = strings.Replace(bye, "To: <sip:0312340001@127.0.0.1:5060>", "To: <sip:0312340001@127.0.0.1:5060>;tag="+ours, 1)
		w.pbx.SendRaw([]byte(bye))
		if m := w.pbx.Receive(); m.Code != 481 {
			w.t.Errorf("another trunk's BYE: %s", m)
		}
		hangUp(a, b)
		w.want("completed caller_hung_up 200")
	})
}

func TestOverload(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.options.Limits.Calls = 1 }), func(w *world) {
		a, b := w.connect(plain)
		w.header(w.carrier.Invite(plain).Expect(503), "Retry-After", "5")
		hangUp(a, b)
		c, d := w.connect(plain)
		hangUp(c, d)
		w.want("completed caller_hung_up 200")
		w.want("completed caller_hung_up 200")
	})
}

func TestTooManyCallsASecond(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.options.Limits.InvitesPerSecond = 2 }), func(w *world) {
		for range 3 {
			a, b := w.connect(plain)
			hangUp(a, b)
			b.Quiet(300 * time.Millisecond)
			w.want("completed caller_hung_up 200")
		}
		time.Sleep(2 * time.Second)
		var calls []*siptest.Call
		for range 5 {
			calls = append(calls, w.carrier.Invite(plain))
		}
		time.Sleep(50 * time.Millisecond)
		refused := 0
		for _, c := range calls {
			for _, m := range c.Responses() {
				if m.Code == 503 {
					refused++
				}
			}
		}
		if refused != 3 {
			w.t.Errorf("%d of 5 calls at once were refused, want 3", refused)
		}
		for range 5 - refused {
			w.pbx.Accept().Respond(486, nil, "")
			w.want("busy far_end_refused 486")
		}
	})
}

func TestNoList(t *testing.T) {
	inWorld(t, func(s *setup) { s.options.Ready = func() bool { return false } }, func(w *world) {
		w.carrier.Invite(plain).Expect(503)
		w.pbx.Quiet(time.Second)
	})
}

func TestNoPortsLeft(t *testing.T) {
	inWorld(t, both(toneless, func(s *setup) { s.media.Ports = [2]int{20000, 20007} }), func(w *world) {
		a, b := w.connect(plain)
		c, d := w.connect(plain)
		w.carrier.Invite(plain).Expect(503)
		w.want("refused no_media_ports 503")
		hangUp(a, b)
		w.want("completed caller_hung_up 200")
		hangUp(c, d)
		w.want("completed caller_hung_up 200")
		time.Sleep(time.Minute) // the ports rest
		a, b = w.connect(plain)
		hangUp(a, b)
		w.want("completed caller_hung_up 200")
	})
	inWorld(t, both(toneless, func(s *setup) { s.media.Ports = [2]int{20000, 20001} }), func(w *world) {
		w.carrier.Invite(plain).Expect(503) // a port for A and none for B
		w.pbx.Quiet(time.Second)
		w.want("failed no_media_ports 503")
	})
}

func TestStrangersGetNoAnswer(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		for i := range 3000 {
			stranger := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
			conn := w.listen(stranger, 5060)
			if _, err := conn.WriteToUDPAddrPort(request("INVITE sip:110@127.0.0.1 SIP/2.0", "1 INVITE", "", ""), netip.AddrPortFrom(hostUs, sipPort)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
			conn.SetReadDeadline(time.Now())
			if n, _, err := conn.ReadFromUDPAddrPort(make([]byte, 10)); err == nil {
				t.Fatalf("%d octets for a stranger", n)
			}
			conn.Close()
		}
		if n := w.metric("tonegate_sip_dropped_total", dropStranger); n != 3000 {
			t.Errorf("%v counted", n)
		}
		if n := len(w.server.listeners[0].packets.names); n != 0 {
			t.Errorf("%d strangers remembered", n)
		}
		a, b := w.connect(forwarded)
		time.Sleep(2 * time.Second)
		hangUp(a, b)
		w.want("completed caller_hung_up 200, before caller 50 whole, answer callee 50 whole")
	})
}

func TestDraining(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.connect(plain)
		done := make(chan time.Time)
		w.down = true
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			w.server.Shutdown(ctx)
			done <- time.Now()
		}()
		time.Sleep(time.Second)
		w.carrier.Invite(plain).Expect(503)
		emergency := w.pbx.Invite(siptest.InviteOptions{To: "119", From: "0312340001"})
		w.carrier.Accept().Respond(486, nil, "")
		emergency.Expect(486)
		time.Sleep(10 * time.Second)
		bye := a.Bye()
		b.ExpectRequest("BYE")
		bye.Expect(200)
		ended := time.Now()
		if took := (<-done).Sub(ended); took > time.Second {
			t.Errorf("the shutdown took %v after the last call", took)
		}
		if got := line(w.records.all()[1]); got != "completed caller_hung_up 200" {
			t.Error(got)
		}
	})
}

func TestShutdownEndsCalls(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		up, upB := w.connect(plain)
		ringing := w.carrier.Invite(plain)
		rings := w.pbx.Accept()
		rings.Respond(180, nil, "")
		ringing.Expect(180)
		go w.shutdown()
		ringing.Expect(503)
		rings.ExpectRequest("CANCEL")
		up.ExpectRequest("BYE")
		upB.ExpectRequest("BYE")
		time.Sleep(5 * time.Second)
		for _, r := range w.records.all() {
			if r.Reason != "shutdown" {
				t.Error(line(r))
			}
		}
		if n := len(w.records.all()); n != 2 || w.counters.Legs.Load() != 0 {
			t.Errorf("%d records, %d ports open", n, w.counters.Legs.Load())
		}
	})
}

// s8.2.2.2: an INVITE that a proxy has sent two ways makes one call.
func TestMergedRequest(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		copied := strings.Replace(string(a.Invite.Raw), ";branch=z9hG4bK", ";branch=z9hG4bKother", 1)
		w.carrier.SendRaw([]byte(copied))
		if m := w.carrier.Receive(); m.Code != 482 {
			t.Errorf("the copy got %s", m)
		}
		b.Respond(486, nil, "")
		a.Expect(486)
		w.want("busy far_end_refused 486")
	})
}
