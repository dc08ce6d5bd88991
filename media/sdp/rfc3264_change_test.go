package sdp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

// RFC 3264 s8: "When issuing an offer that modifies the session, the "o=" line of the new SDP MUST be identical to
// that in the previous SDP, except that the version in the origin field MUST increment by one from the previous SDP.
// If the version in the origin line does not increment, the SDP MUST be identical to the SDP with that version
// number."
func TestS8VersionCountsChanges(t *testing.T) {
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

// RFC 3264 s8.2: "Existing media streams are removed by creating a new SDP with the port number for that stream set
// to zero. The stream description MAY omit all attributes present previously, and MAY list just a single media
// format."
func TestS8_2RelayRefusedLines(t *testing.T) {
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

// RFC 3264 s8.4: "An agent MUST be capable of receiving SDP with a connection address of 0.0.0.0, in which case it
// means that neither RTP nor RTCP should be sent to the peer."
// It leaves as a direction, since our address is a real one.
func TestS8_4HoldByAddress(t *testing.T) {
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

// RFC 3264 s8: "Because of these requirements, the number of "m=" lines in a stream never decreases, but either stays
// the same or increases. Deleted media streams from a previous SDP MUST NOT be removed in a new SDP; however,
// attributes for these streams need not be present."
func TestS8LinesAreNeverRemoved(t *testing.T) {
	s := parse(t, read(t, "audio-video"))
	l := NewLocal(7, ours)
	for _, ports := range [][]int{{20000, 0, 20004}, {20000, 0, 0}, {0, 0, 0}, {20000, 0, 0}} {
		body, err := l.Relay(s, ports, nil)
		if err != nil {
			t.Fatal(err)
		}
		m := parse(t, body).Media()
		if len(m) != 3 || m[0].Kind != "audio" || m[1].Kind != "video" || m[2].Kind != "message" {
			t.Errorf("ports %v: %+v", ports, m)
		}
	}
}

// RFC 3264 s8.2: "A stream that is offered with a port of zero MUST be marked with port zero in the answer."
func TestS8_2ARemovedStreamStaysRemoved(t *testing.T) {
	offer := parse(t, []byte(start+"m=audio 0 RTP/AVP 0\nm=audio 4000 RTP/AVP 0\n"))
	body, m := answer(t, offer, SendRecv)
	if all := parse(t, []byte(body)).Media(); len(all) != 2 || !all[0].Rejected || m.Port != 20000 {
		t.Errorf("our answer\n%s", body)
	}
	relayed, err := NewLocal(7, ours).Relay(offer, []int{20000, 20002}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if all := parse(t, relayed).Media(); len(all) != 2 || !all[0].Rejected || all[1].Rejected {
		t.Errorf("relayed\n%s", relayed)
	}
}

// RFC 3264 s5: "The numeric value of the session id and version in the o line MUST be representable with a 64 bit
// signed integer. The initial value of the version MUST be less than (2**62)-1, to avoid rollovers." s8, for any order
// of descriptions: "If the version in the origin line does not increment, the SDP MUST be identical to the SDP with
// that version number."
func TestS8OneVersionIsOneText(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 264))
	offers := []*Session{offerOf(t, ""), offerOf(t, "a=sendonly\n"), offerOf(t, "a=inactive\n"), parse(t, read(t, "phone"))}
	for range 50 {
		l := NewLocal(uint64(random.Uint32()), netip.MustParseAddr("192.0.2.200"))
		last, id, texts := int64(0), int64(-1), map[int64]string{}
		for range 40 {
			s := offers[random.IntN(len(offers))]
			port := 20000 + 2*random.IntN(2)
			var body []byte
			var err error
			if random.IntN(3) > 0 {
				body, err = l.Relay(s, []int{port}, nil)
			} else {
				_, m, _ := s.Audio()
				codec, dtmf, _ := Choose(m, PCMU, PCMA)
				body, err = l.Answer(s, port, codec, dtmf, SendRecv)
			}
			if err != nil {
				t.Fatal(err)
			}
			i, v := origin(t, body)
			if id < 0 {
				id = i
			}
			if i != id || v != last && v != last+1 || v >= 1<<62-1 {
				t.Fatalf("o= %d %d after %d %d", i, v, id, last)
			}
			if old, ok := texts[v]; ok && old != string(body) {
				t.Fatalf("version %d is\n%s\nand\n%s", v, old, body)
			}
			texts[v], last = string(body), v
		}
	}
}

// origin is the session id and the version of a description.
func origin(t *testing.T, body []byte) (id, version int64) {
	t.Helper()
	for line := range strings.SplitSeq(string(body), "\r\n") {
		f := strings.Fields(line)
		if !strings.HasPrefix(line, "o=") {
			continue
		}
		id, err1 := strconv.ParseInt(f[1], 10, 64)
		version, err2 := strconv.ParseInt(f[2], 10, 64)
		if err1 != nil || err2 != nil {
			t.Fatalf("%s: %v %v", line, err1, err2)
		}
		return id, version
	}
	t.Fatalf("no o= in\n%s", body)
	return 0, 0
}

// RFC 3264 s8.4: "If the stream to be placed on hold was previously a sendrecv media stream, it is placed on hold by
// marking it as sendonly. If the stream to be placed on hold was previously a recvonly media stream, it is placed on
// hold by marking it inactive." Whatever a party marks passes the relay as it is.
func TestS8_4HoldPassesTheRelay(t *testing.T) {
	for d := SendRecv; d <= Inactive; d++ {
		body, err := NewLocal(7, ours).Relay(offerOf(t, fmt.Sprintf("a=%v\n", d)), []int{20000}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, m, _ := parse(t, body).Audio(); m.Direction != d {
			t.Errorf("%v was relayed as %v", d, m.Direction)
		}
	}
}
