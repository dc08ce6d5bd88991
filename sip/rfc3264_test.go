package sip

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"tonegate/internal/siptest"
)

const picture = "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n"

// origin is the session id and the version that a description gives itself, and the description without them.
func origin(t *testing.T, body string) (id, version int64, rest string) {
	t.Helper()
	for line := range strings.SplitSeq(body, "\r\n") {
		f := strings.Fields(line)
		if !strings.HasPrefix(line, "o=") || len(f) != 6 {
			continue
		}
		id, err1 := strconv.ParseInt(f[1], 10, 64)
		version, err2 := strconv.ParseInt(f[2], 10, 64)
		if err1 != nil || err2 != nil || version >= 1<<62-1 {
			t.Errorf("%s: %v %v", line, err1, err2)
		}
		return id, version, strings.Replace(body, line, "", 1)
	}
	t.Errorf("no o= in\n%s", body)
	return 0, 0, body
}

// RFC 3264 s8: "When issuing an offer that modifies the session, the "o=" line of the new SDP MUST be identical to that
// in the previous SDP, except that the version in the origin field MUST increment by one from the previous SDP. If the
// version in the origin line does not increment, the SDP MUST be identical to the SDP with that version number." On
// both legs, through hold and resume from both sides.
func TestRFC3264S8OriginOfBothLegs(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a := w.carrier.Invite(plain)
		b := w.pbx.Accept()
		b.Answer()
		toA, toB := []string{a.Expect(200).Body}, []string{b.Invite.Body}
		a.Ack("")
		b.ExpectRequest("ACK")
		for n, direction := range []string{"sendonly", "sendonly", "inactive", "sendrecv"} {
			a.Reinvite(described(w.carrierVoice, direction, 1+n))
			toB = append(toB, b.ExpectRequest("INVITE").Body)
			b.Answer()
			toA = append(toA, a.Expect(200).Body)
			a.Ack("")
			b.ExpectRequest("ACK")
			b.Reinvite(described(w.pbxVoice, direction, 10+n))
			toA = append(toA, a.ExpectRequest("INVITE").Body)
			a.Answer()
			toB = append(toB, b.Expect(200).Body)
			b.Ack("")
			a.ExpectRequest("ACK")
			time.Sleep(10 * time.Millisecond) // until b's ACK is with us, another change is too early
		}
		for leg, all := range map[string][]string{"A": toA, "B": toB} {
			id, last, rest := origin(t, all[0])
			for _, body := range all[1:] {
				i, version, changed := origin(t, body)
				switch {
				case i != id:
					t.Errorf("leg %s: session id %d, then %d", leg, id, i)
				case changed == rest && version != last:
					t.Errorf("leg %s: version %d to %d of the same description", leg, last, version)
				case changed != rest && version != last+1:
					t.Errorf("leg %s: version %d to %d of another description", leg, last, version)
				}
				last, rest = version, changed
			}
		}
		w.done(a, b)
	})
}

// RFC 3264 s6: "For each "m=" line in the offer, there MUST be a corresponding "m=" line in the answer. The answer MUST
// contain exactly the same number of "m=" lines as the offer." And: "To reject an offered stream, the port number in
// the corresponding stream in the answer MUST be set to zero." With the callee's answer, and with our own of a notice.
func TestRFC3264S6AllLines(t *testing.T) {
	for name, change := range map[string]func(*setup){"relayed": toneless, "ours": onlyBefore} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, change, func(w *world) {
				for _, before := range []bool{true, false} {
					o := forwarded
					voice := described(w.carrierVoice, "", 0)
					head, stream, _ := strings.Cut(voice, "m=audio")
					o.Body = head + picture + "m=audio" + stream
					if !before {
						o.Body = voice + picture
					}
					a := w.carrier.Invite(o)
					var early *siptest.Message
					if name == "ours" {
						early = a.Expect(183)
					}
					b := w.pbx.Accept()
					if n := strings.Count(b.Invite.Body, "m="); n != 2 || !strings.Contains(b.Invite.Body, "m=video 0 ") {
						t.Errorf("the offer to B:\n%s", b.Invite.Body)
					}
					b.Answer()
					answer := a.Expect(200)
					for _, m := range []*siptest.Message{early, answer} {
						if m == nil {
							continue
						}
						lines := strings.Split(m.Body, "\r\nm=")
						audio, video := 1, 2
						if before {
							audio, video = 2, 1
						}
						if len(lines) != 3 || !strings.HasPrefix(lines[audio], "audio 2") || !strings.HasPrefix(lines[video], "video 0 RTP/AVP 96") {
							t.Errorf("answer to video first %v:\n%s", before, m.Body)
						}
					}
					a.Ack("")
					b.ExpectRequest("ACK")
					hangUp(a, b)
					if name == "ours" {
						w.want("completed caller_hung_up 200, before caller 50 whole")
					} else {
						w.want("completed caller_hung_up 200")
					}
				}
			})
		})
	}
}

// RFC 3264 s8: "In other words, if the previous SDP had N "m=" lines, the new SDP MUST have at least N "m=" lines." A
// stream is added, and the callee offers again.
func TestRFC3264S8LinesNeverDecrease(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		a, b := w.connect(plain)
		a.Reinvite(described(w.carrierVoice, "", 1) + picture)
		b.ExpectRequest("INVITE")
		b.Answer()
		if m := a.Expect(200); strings.Count(m.Body, "m=") != 2 {
			t.Errorf("the answer to two lines:\n%s", m.Body)
		}
		a.Ack("")
		b.ExpectRequest("ACK")
		b.Reinvite(described(w.pbxVoice, "sendonly", 2) + "m=video 0 RTP/AVP 96\r\n")
		if m := a.ExpectRequest("INVITE"); strings.Count(m.Body, "m=") != 2 {
			t.Errorf("the next offer has fewer lines:\n%s", m.Body)
		}
		a.Answer()
		if m := b.Expect(200); strings.Count(m.Body, "m=") != 2 {
			t.Errorf("the answer to the callee:\n%s", m.Body)
		}
		b.Ack("")
		a.ExpectRequest("ACK")
		w.done(a, b)
	})
}

// RFC 3264 s6.1: "If a stream is offered as sendonly, the corresponding stream MUST be marked as recvonly or inactive
// in the answer. If a media stream is listed as recvonly in the offer, the answer MUST be marked as sendonly or
// inactive in the answer." And: "If an offered media stream is listed as inactive, it MUST be marked as inactive in the
// answer." Our own answer of a notice.
func TestRFC3264S6_1DirectionOfOurAnswer(t *testing.T) {
	inWorld(t, onlyBefore, func(w *world) {
		for offered, want := range map[string]string{"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive", "sendrecv": "sendrecv"} {
			o := forwarded
			o.Body = described(w.carrierVoice, offered, 0)
			a := w.carrier.Invite(o)
			m := a.Expect(183)
			if answer, err := siptest.ParseSDP(m.Body); err != nil || answer.Direction != want {
				t.Errorf("%s is answered %q, %v", offered, answer.Direction, err)
			}
			a.Cancel().Expect(200)
			a.Expect(487)
			w.want("cancelled caller_cancelled 487, before caller stopped")
		}
	})
}

// RFC 3264 s6.1: "In the case of RTP, if a particular codec was referenced with a specific payload type number in the
// offer, that same payload type number SHOULD be used for that codec in the answer." Our own answer of a notice takes
// the caller's number for events.
func TestRFC3264S6_1PayloadTypesOfOurAnswer(t *testing.T) {
	inWorld(t, onlyBefore, func(w *world) {
		for _, number := range []uint8{96, 110, 127} {
			events := siptest.DTMF
			events.Payload = number
			o := forwarded
			o.Body = siptest.SDP{Address: w.carrierVoice.Addr(), Codecs: []siptest.Codec{siptest.PCMA, events}, Ptime: 20}.Offer()
			a := w.carrier.Invite(o)
			if m := a.Expect(183); !strings.Contains(m.Body, fmt.Sprintf(" RTP/AVP 8 %d\r\n", number)) || !strings.Contains(m.Body, fmt.Sprintf("a=rtpmap:%d telephone-event/8000\r\n", number)) {
				t.Errorf("%d: the answer\n%s", number, m.Body)
			}
			time.Sleep(20 * time.Millisecond)
			a.Cancel().Expect(200)
			a.Expect(487)
			w.want("cancelled caller_cancelled 487, before caller stopped")
		}
	})
}

// RFC 3264 s6: "The answer MUST contain exactly the same number of "m=" lines as the offer." A callee that leaves lines
// out is no reason for us to do so towards the caller.
func TestRFC3264S6AnswerOfACalleeThatLeavesLinesOut(t *testing.T) {
	inWorld(t, toneless, func(w *world) {
		o := plain
		o.Body = described(w.carrierVoice, "", 0) + picture
		a := w.carrier.Invite(o)
		b := w.pbx.Accept()
		b.Respond(200, nil, described(w.pbxVoice, "", 0)) // one line only
		m := a.Expect(200, 502)
		if m.Code == 200 {
			if n := strings.Count(m.Body, "m="); n != 2 {
				t.Errorf("%d lines in the answer to two:\n%s", n, m.Body)
			}
			a.Ack("")
			a.Bye().Expect(200)
		}
		w.lossy = true // refused or mended
	})
}
