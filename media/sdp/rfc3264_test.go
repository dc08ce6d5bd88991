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

// RFC 3264 s5.1: "For recvonly and sendrecv streams, the port number and address in the offer indicate where the
// offerer would like to receive"; s6.1: the answer has one codec at least, of those offered.
func TestOwnAnswer(t *testing.T) {
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

// s6.1: a stream offered sendonly is answered recvonly or inactive, recvonly by sendonly or inactive, inactive by inactive.
func TestAnswerDirection(t *testing.T) {
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

// s6: "the answer MUST contain exactly the same number of m= lines as the offer", refused ones with port 0;
// "The t= line in the answer MUST equal that of the offer".
func TestAnswerHasAllLinesOfTheOffer(t *testing.T) {
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

func TestAnswerOnlyWhatWasOffered(t *testing.T) {
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

// s8: "the version in the origin field MUST increment by one from the previous SDP" if the description differs, and
// stays if it does not.
func TestVersionCountsChanges(t *testing.T) {
	l := NewLocal(42, ours)
	version := func(body []byte, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := bytes.Cut(body, []byte("o=- "))
		origin, _, _ := bytes.Cut(rest, []byte(" IN"))
		return string(origin)
	}
	s, held := offerOf(t, ""), offerOf(t, "a=sendonly\n")
	for i, c := range []struct {
		s    *Session
		port int
		want string
	}{
		{s, 20000, "42 1"}, {s, 20000, "42 1"}, {held, 20000, "42 2"}, {held, 20000, "42 2"}, {s, 20000, "42 3"}, {s, 20002, "42 4"},
	} {
		if got := version(l.Relay(c.s, []int{c.port}, nil)); got != c.want {
			t.Errorf("step %d: %s, want %s", i, got, c.want)
		}
	}
	if _, err := l.Relay(parse(t, long()), []int{20000}, nil); err == nil {
		t.Error("a description over the limit was written")
	}
	if got := version(l.Relay(s, []int{20002}, nil)); got != "42 4" {
		t.Errorf("a description that was never written counted: %s", got)
	}
	if got := version(l.Offer(20002, []Codec{{Payload: 0, Name: PCMU, Clock: 8000}}, 0)); got != "42 5" {
		t.Errorf("own offer: %s", got)
	}
	// The peer's own version does not shine through.
	other := parse(t, bytes.Replace(read(t, "phone"), []byte("2890844526 2890844526"), []byte("1 99"), 1))
	m := NewLocal(1, ours)
	first, _ := m.Relay(parse(t, read(t, "phone")), []int{20000}, nil)
	if second, _ := m.Relay(other, []int{20000}, nil); !bytes.Equal(first, second) {
		t.Errorf("%s\n%s", first, second)
	}
}

// long is within the limit as it comes and over it with our origin.
func long() []byte {
	head := "v=0\no=- 1 1 IN IP4 1.1.1.1\ns=-\nc=IN IP4 1.1.1.1\nt=0 0\nm=audio 4 RTP/AVP 0\na="
	return []byte(head + strings.Repeat("x", MaxBytes-len(head)))
}

// s8.2: a stream is taken out by port 0 and its line stays.
func TestRelayRefusedLines(t *testing.T) {
	s := parse(t, read(t, "audio-video"))
	body, err := NewLocal(7, ours).Relay(s, []int{20000, 0, 20004}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := parse(t, body).Media()
	if m[0].Rejected || !m[1].Rejected || !m[2].Rejected || m[1].Kind != "video" || m[2].Kind != "message" {
		t.Errorf("%+v", m)
	}
	if bytes.Contains(body, []byte("H261")) || bytes.Contains(body, []byte("msrp:")) {
		t.Errorf("lines of refused media are left in\n%s", body)
	}
	for _, wrong := range [][]int{{20000}, nil, {20000, 0, 0, 0}, {-1, 0, 0}, {65536, 0, 0}} {
		if _, err := NewLocal(7, ours).Relay(s, wrong, nil); err == nil {
			t.Errorf("ports %v were accepted", wrong)
		}
	}
}

// s6.1: a payload type that goes takes its attributes with it; with events only, there is nothing to hear.
func TestRelayFiltersCodecs(t *testing.T) {
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

// s8.4: "c=0.0.0.0" is a hold; it leaves as a direction, since our address is a real one.
func TestHoldByAddress(t *testing.T) {
	for attribute, want := range map[string]Direction{"": SendOnly, "a=sendrecv\n": SendOnly, "a=sendonly\n": SendOnly, "a=recvonly\n": Inactive, "a=inactive\n": Inactive} {
		s := offerOf(t, "c=IN IP4 0.0.0.0\n"+attribute)
		if _, m, _ := s.Audio(); m.Direction != want || !m.Address.IsUnspecified() {
			t.Errorf("%q: read as %v", attribute, m.Direction)
		}
		body, err := NewLocal(7, ours).Relay(s, []int{20000}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, m, _ := parse(t, body).Audio(); m.Direction != want || m.Address != ours {
			t.Errorf("%q: relayed as %v %v", attribute, m.Direction, m.Address)
		}
		if n := bytes.Count(body, []byte("a=send")) + bytes.Count(body, []byte("a=recv")) + bytes.Count(body, []byte("a=inactive")); n != 1 {
			t.Errorf("%d direction lines in\n%s", n, body)
		}
	}
}

func TestDirections(t *testing.T) {
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

func TestOwnOffer(t *testing.T) {
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
