package media

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// RFC 7983 s7, RFC 5761 s4: what the first two octets say.
func TestFirstOctets(t *testing.T) {
	for first := range 256 {
		for _, second := range []byte{0, 8, 63, 64, 95, 96, 101, 128, 191, 192, 200, 223, 224, 255} {
			b := []byte{byte(first), second}
			control := first >= 128 && first <= 191 && second >= 192 && second <= 223
			media := first >= 128 && first <= 191 && !control && second != 64 && second != 95
			if isRTP(b) != media || isRTCP(b) != control {
				t.Errorf("%d %d: RTP %v, RTCP %v", first, second, isRTP(b), isRTCP(b))
			}
		}
	}
}

func TestHeaderLengthsAreChecked(t *testing.T) {
	full := func(b ...byte) []byte { return append(b, make([]byte, 20)...) }
	for _, c := range []struct {
		name   string
		b      []byte
		octets int // -1: refused
	}{
		{"plain", full(0x80, 0)[:12], 0},
		{"short", full(0x80, 0)[:11], -1},
		{"empty", nil, -1},
		{"STUN", full(0, 1), -1},
		{"version 1", full(0x40, 0), -1},
		{"RTCP", full(0x80, 200), -1},
		{"two CSRCs", full(0x82, 0)[:22], 2},
		{"CSRCs beyond the end", full(0x8f, 0), -1},
		{"extension beyond the end", append(full(0x90, 0)[:12], 0, 0, 0, 9), -1},
		{"extension cut", full(0x90, 0)[:14], -1},
		{"extension", append(full(0x90, 0)[:12], 0xbe, 0xde, 0, 1, 1, 2, 3, 4, 5), 1},
		{"padding 0", full(0xa0, 0), -1},
		{"padding", append(full(0xa0, 0)[:19], 3), 5},
		{"padding beyond the header", append(full(0xa0, 0)[:19], 9), -1},
	} {
		h, ok := readHeader(c.b)
		if ok != (c.octets >= 0) || ok && h.octets != c.octets {
			t.Errorf("%s: %+v %v", c.name, h, ok)
		}
	}
}

func FuzzRTP(f *testing.F) {
	f.Add(packet(f, rtp.Header{SequenceNumber: 1, SSRC: 2, Marker: true, CSRC: []uint32{1, 2}}), uint16(9))
	f.Add(append([]byte{0xb1, 0x80}, make([]byte, 40)...), uint16(65535))
	f.Add(append([]byte{0x80, 72}, make([]byte, 10)...), uint16(0)) // with a marker it would be RTCP
	f.Fuzz(func(t *testing.T, b []byte, seq uint16) {
		h, ok := readHeader(b)
		if !ok {
			return
		}
		var reference rtp.Packet
		if err := reference.Unmarshal(b); err == nil {
			if reference.SequenceNumber != h.seq || reference.Timestamp != h.ts || reference.SSRC != h.ssrc ||
				reference.PayloadType != h.payload || reference.Marker != h.marker {
				t.Fatalf("%+v, not %+v", h, reference.Header)
			}
		}
		s := newStream(7, seq, 1, 160)
		var r reception
		if r.take(h, 8000, 0) != renewed {
			t.Fatal("first packet of all")
		}
		was := bytes.Clone(b)
		out, ok := s.relay(h, 8000, 0)
		if !ok {
			t.Fatal("first packet dropped")
		}
		out.write(b)
		if again, ok := readHeader(b); !ok || again.seq != seq+1 || again.ssrc != 7 || again.payload != h.payload || !again.marker {
			t.Fatalf("%+v", again)
		}
		if b[0] != was[0] || !bytes.Equal(b[headerSize:], was[headerSize:]) {
			t.Fatal("more than the header changed")
		}
	})
}

func FuzzRTCP(f *testing.F) {
	report, err := compound(&rtcp.SenderReport{SSRC: 1, NTPTime: 1 << 40, Reports: []rtcp.ReceptionReport{{SSRC: 7, TotalLost: 3, Jitter: 9}}}, 1, "name", true)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(report)
	f.Add([]byte{0x81, 201, 0, 7, 0, 0, 0, 1})
	at := netip.MustParseAddrPort("192.0.2.1:4001")
	f.Fuzz(func(t *testing.T, b []byte) {
		l := &leg{plane: &plane{Options: Options{}.withDefaults()}, ssrc: 7}
		l.in.fromRTCP, l.in.clock = at, 8000
		l.receiveControl(b, at)
		if l.in.far.Fraction < 0 || l.in.far.Fraction >= 1 || l.in.far.RTT < 0 || l.in.far.Jitter < 0 {
			t.Fatalf("%+v", l.in.far)
		}
		if l.in.malformed > 0 && l.in.far.Reports > 0 {
			t.Fatalf("malformed but believed: %+v", l.in.far)
		}
	})
}
