package sdp

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// offerOf makes an offer of one audio line with the direction line given.
func offerOf(t *testing.T, dir string) *Session {
	t.Helper()
	return parse(t, []byte(start+"m=audio 4000 RTP/AVP 8 0 101\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=ptime:30\n"+dir))
}

func answer(t *testing.T, offer *Session, dir Direction) (string, Media) {
	t.Helper()
	_, audio, ok := offer.Audio()
	if !ok {
		t.Fatal("no audio")
	}
	codec, dtmf, ok := Choose(audio, PCMU)
	if !ok {
		t.Fatal("no codec")
	}
	body, err := NewLocal(7, ours).Answer(offer, 20000, codec, dtmf, dir)
	if err != nil {
		t.Fatal(err)
	}
	_, m, ok := parse(t, body).Audio()
	if !ok {
		t.Fatalf("no audio in\n%s", body)
	}
	return string(body), m
}

// RFC 3264 s6.1: "For streams marked as sendrecv in the answer, the "m=" line MUST contain at least one codec the
// answerer is willing to both send and receive, from amongst those listed in the offer."
// And: "Even if the same payload type number is used, the answer MUST contain rtpmap attributes to define the payload
// type mappings for dynamic payload types, and SHOULD contain mappings for static payload types."
func TestS6_1OwnAnswer(t *testing.T) {
	got, _ := answer(t, offerOf(t, ""), SendRecv)
	want := strings.ReplaceAll(`v=0
o=- 7 1 IN IP4 192.0.2.200
s=-
c=IN IP4 192.0.2.200
t=0 0
m=audio 20000 RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:30
a=sendrecv
`, "\n", "\r\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// RFC 3264 s6.1: "If a stream is offered as sendonly, the corresponding stream MUST be marked as recvonly or inactive
// in the answer. If a media stream is listed as recvonly in the offer, the answer MUST be marked as sendonly or
// inactive in the answer."
// And: "If an offered media stream is listed as inactive, it MUST be marked as inactive in the answer."
// s8.4: "The recipient of an offer for a stream on-hold SHOULD NOT automatically return an answer with the
// corresponding stream on hold."
func TestS6_1Directions(t *testing.T) {
	for _, c := range []struct {
		offered    string
		want, said Direction
	}{
		{"", SendRecv, SendRecv}, {"", SendOnly, SendOnly}, {"", RecvOnly, RecvOnly}, {"", Inactive, Inactive},
		{"a=sendonly\n", SendRecv, RecvOnly}, {"a=sendonly\n", SendOnly, Inactive}, {"a=sendonly\n", RecvOnly, RecvOnly},
		{"a=recvonly\n", SendRecv, SendOnly}, {"a=recvonly\n", SendOnly, SendOnly}, {"a=recvonly\n", RecvOnly, Inactive},
		{"a=inactive\n", SendRecv, Inactive},
		{"c=IN IP4 0.0.0.0\n", SendRecv, RecvOnly}, // s8.4
	} {
		if _, m := answer(t, offerOf(t, c.offered), c.want); m.Direction != c.said {
			t.Errorf("%q wanting %v: %v, not %v", c.offered, c.want, m.Direction, c.said)
		}
	}
}

// RFC 3264 s6: "The answer MUST contain exactly the same number of "m=" lines as the offer."
// And: "To reject an offered stream, the port number in the corresponding stream in the answer MUST be set to zero.
// Any media formats listed are ignored. At least one MUST be present, as specified by SDP."
// And: "The "t=" line in the answer MUST equal that of the offer."
func TestS6AnswerHasAllLinesOfTheOffer(t *testing.T) {
	body, m := answer(t, parse(t, read(t, "audio-video")), SendRecv)
	for _, want := range []string{"t=3034423619 3042462419\r\n", "m=video 0 RTP/AVP 31 32\r\n", "m=message 0 TCP/MSRP *\r\n"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	if len(m.Codecs) != 1 {
		t.Errorf("%+v", m.Codecs)
	}
	// A secure line before the plain one stays before it, refused.
	body, _ = answer(t, parse(t, read(t, "srtp")), SendRecv)
	if !strings.Contains(body, "m=audio 0 RTP/SAVP 0 101\r\nm=audio 20000 RTP/AVP 0 101\r\n") {
		t.Errorf("order lost in\n%s", body)
	}
}

// RFC 3264 s6.1: "If the answerer has no media formats in common for a particular offered stream, the answerer MUST
// reject that media stream by setting the port to zero."
// Our own answer is an error then; Relay refuses.
func TestS6_1OnlyWhatWasOffered(t *testing.T) {
	l := NewLocal(7, ours)
	if _, err := l.Answer(offerOf(t, ""), 20000, Codec{Payload: 18, Name: G729, Clock: 8000}, nil, SendRecv); err == nil {
		t.Error("G729 was not offered")
	}
	if _, err := l.Answer(offerOf(t, ""), 20000, Codec{Payload: 0, Name: PCMA, Clock: 8000}, nil, SendRecv); err == nil {
		t.Error("0 is not PCMA in that offer")
	}
	if _, err := l.Answer(offerOf(t, ""), 0, Codec{Payload: 0, Name: PCMU, Clock: 8000}, nil, SendRecv); err == nil {
		t.Error("port 0 would be a refusal")
	}
	if _, err := l.Answer(parse(t, read(t, "t38")), 20000, Codec{Payload: 0, Name: PCMU, Clock: 8000}, nil, SendRecv); err == nil {
		t.Error("no audio was offered")
	}
}

// RFC 3264 s6.1: "In the case of RTP, if a particular codec was referenced with a specific payload type number in the
// offer, that same payload type number SHOULD be used for that codec in the answer."
// A payload type that goes takes its attributes with it; with events only, there is nothing to hear.
func TestS6_1RelayFiltersCodecs(t *testing.T) {
	s := parse(t, read(t, "softphone-ice"))
	keep := func(names ...string) func(Codec) bool {
		return func(c Codec) bool { return contains(names, c.Name) }
	}
	body, err := NewLocal(7, ours).Relay(s, []int{20000}, keep(PCMU, TelephoneEvent))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(body, []byte("m=audio 20000 RTP/AVPF 0 101 102\r\n")) || !bytes.Contains(body, []byte("a=rtcp-fb:* trr-int 5000\r\n")) {
		t.Errorf("in\n%s", body)
	}
	for _, gone := range []string{"opus", "fmtp:96", "rtcp-fb:96", "G722"} {
		if bytes.Contains(body, []byte(gone)) {
			t.Errorf("%s is left in\n%s", gone, body)
		}
	}
	for _, names := range [][]string{{TelephoneEvent}, {G729}, {}} {
		body, err := NewLocal(7, ours).Relay(s, []int{20000}, keep(names...))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, ok := parse(t, body).Audio(); ok || !bytes.Contains(body, []byte("m=audio 0 RTP/AVPF 96 9 0 101 102\r\n")) {
			t.Errorf("%v: not refused:\n%s", names, body)
		}
	}
}

// RFC 3264 s5.1: "If the offerer wishes to only send media on a stream to its peer, it MUST mark the stream as
// sendonly with the "a=sendonly" attribute."
// Seen from the other side that is recvonly.
func TestS5_1Directions(t *testing.T) {
	for d := SendRecv; d <= Inactive; d++ {
		if r := d.Reverse(); r.Sends() != d.Receives() || r.Receives() != d.Sends() || r.Reverse() != d {
			t.Errorf("%v reversed is %v", d, r)
		}
		if got, ok := directionOf(d.String()); !ok || got != d {
			t.Errorf("%v reads as %v", d, got)
		}
	}
	if _, ok := directionOf("sendrecv2"); ok {
		t.Error("sendrecv2")
	}
}

// RFC 3264 s5.1: "In the case of RTP streams, all media descriptions SHOULD contain "a=rtpmap" mappings from RTP
// payload types to encodings."
// And: "The ptime attribute MUST be greater than zero."
func TestS5_1OwnOffer(t *testing.T) {
	l := NewLocal(9, netip.MustParseAddr("2001:db8::9"))
	body, err := l.Offer(20000, []Codec{static[0], static[8], {Payload: 101, Name: TelephoneEvent, Clock: 8000, Fmtp: "0-15"}}, 20*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	s := parse(t, body)
	_, m, ok := s.Audio()
	if !ok || m.Address != netip.MustParseAddr("2001:db8::9") || len(m.Codecs) != 3 || m.PTime != 20*time.Millisecond || m.Direction != SendRecv {
		t.Errorf("%+v in\n%s", m, body)
	}
	for name, codecs := range map[string][]Codec{
		"none":        nil,
		"twice":       {static[0], static[0]},
		"no name":     {{Payload: 96, Clock: 8000}},
		"no clock":    {{Payload: 96, Name: "X"}},
		"line break":  {{Payload: 96, Name: "X", Clock: 8000, Fmtp: "a\r\nm=audio 1 RTP/AVP 0"}},
		"payload 128": {{Payload: 128, Name: "X", Clock: 8000}},
	} {
		if body, err := l.Offer(20000, codecs, 0); err == nil {
			t.Errorf("%s:\n%s", name, body)
		}
	}
	if _, err := NewLocal(9, netip.Addr{}).Offer(20000, []Codec{static[0]}, 0); err == nil {
		t.Error("an offer without an address")
	}
}

// RFC 3264 s6: "This implies that if the offer contained zero "m=" lines, the answer MUST contain zero "m=" lines."
func TestS6NoLines(t *testing.T) {
	body, err := NewLocal(7, ours).Relay(parse(t, []byte(start)), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(parse(t, body).Media()); n != 0 {
		t.Errorf("%d lines in\n%s", n, body)
	}
}

// RFC 3264 s6.1: "Although the answerer MAY list the formats in their desired order of preference, it is RECOMMENDED
// that unless there is a specific reason, the answerer list formats in the same relative order they were present in the
// offer. In other words, if a stream in the offer lists audio codecs 8, 22 and 48, in that order, and the answerer only
// supports codecs 8 and 48, it is RECOMMENDED that, if the answerer has no reason to change it, the ordering of codecs
// in the answer be 8, 48, and not 48, 8."
func TestS6_1OrderOfTheFormats(t *testing.T) {
	offer := parse(t, []byte(start+"m=audio 4000 RTP/AVP 8 22 48\na=rtpmap:22 X/8000\na=rtpmap:48 Y/8000\n"))
	body, err := NewLocal(7, ours).Relay(offer, []int{20000}, func(c Codec) bool { return c.Payload != 22 })
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(body, []byte("m=audio 20000 RTP/AVP 8 48\r\n")) {
		t.Errorf("in\n%s", body)
	}
}

// RFC 3264 s6.1: "This means that the same fmtp parameters with the same values MUST be present in the answer if the
// media format they describe is present in the answer."
func TestS6_1FormatParametersStay(t *testing.T) {
	offer := parse(t, []byte(start+"m=audio 4000 RTP/AVP 0 96\na=rtpmap:96 telephone-event/8000\na=fmtp:96 0-11,66\n"))
	body, _ := answer(t, offer, SendRecv)
	if !strings.Contains(body, "m=audio 20000 RTP/AVP 0 96\r\n") || !strings.Contains(body, "a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-11,66\r\n") {
		t.Errorf("in\n%s", body)
	}
}

func ExampleLocal_Relay() {
	offer, err := Parse([]byte("v=0\r\no=- 1 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n"))
	if err != nil {
		panic(err)
	}
	body, err := NewLocal(1, netip.MustParseAddr("192.0.2.200")).Relay(offer, []int{20000}, func(c Codec) bool { return c.Name == PCMU })
	if err != nil {
		panic(err)
	}
	fmt.Print(strings.ReplaceAll(string(body), "\r\n", "\n"))
	// Output:
	// v=0
	// o=- 1 1 IN IP4 192.0.2.200
	// s=-
	// c=IN IP4 192.0.2.200
	// t=0 0
	// m=audio 20000 RTP/AVP 0
}
