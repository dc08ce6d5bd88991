package media

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// RFC 3550 s6.2: 5 s, half of that at first, times 0.5 to 1.5, divided by e - 3/2.
func TestReportInterval(t *testing.T) {
	for _, c := range []struct {
		initial bool
		random  float64
		want    time.Duration
	}{{true, 0, 1026 * ms}, {true, 1, 3078 * ms}, {false, 0, 2052 * ms}, {false, 0.5, 4104 * ms}, {false, 1, 6156 * ms}} {
		for _, sent := range []bool{true, false} {
			got := interval(rtcpBandwidth, reportSize, c.initial, sent, true, c.random)
			if got.Round(ms) != c.want {
				t.Errorf("%+v: %v", c, got)
			}
		}
	}
	if got := interval(10, reportSize, false, true, true, 0.5); got < 15*time.Second {
		t.Errorf("%v: little bandwidth must make reports rare", got)
	}
}

func TestNTP(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 500000000, time.UTC)
	if got := ntp(at); got>>32 != uint64(at.Unix()+2208988800) || uint32(got) != 1<<31 {
		t.Errorf("%x", got)
	}
}

func TestRoundTrip(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	sent := middle(ntp(at))
	for name, c := range map[string]struct {
		r    rtcp.ReceptionReport
		want time.Duration
	}{
		"plain":            {rtcp.ReceptionReport{LastSenderReport: sent, Delay: 65536}, 250 * ms},
		"no report yet":    {rtcp.ReceptionReport{Delay: 65536}, 0},
		"longer than ever": {rtcp.ReceptionReport{LastSenderReport: sent, Delay: 2 * 65536}, 0},
		"of long ago":      {rtcp.ReceptionReport{LastSenderReport: sent - 100<<16}, 0},
	} {
		if got := roundTrip(ntp(at.Add(1250*ms)), c.r); got.Round(ms) != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestBlock(t *testing.T) {
	var r reception
	var now time.Duration
	in := source{9, 100, 0}
	r.feed(&in, 10, &now)
	in.seq += 10
	r.feed(&in, 10, &now)
	b := r.block(0xabcd, 500*ms)
	if b.SSRC != 9 || b.TotalLost != 10 || b.FractionLost != uint8(10*256/30) || b.LastSequenceNumber != 129 || b.LastSenderReport != 0xabcd || b.Delay != 32768 {
		t.Errorf("%+v", b)
	}
	var twice reception
	twice.take(header{ssrc: 1}, 8000, 0)
	twice.take(header{ssrc: 1}, 8000, 0)
	if b := twice.block(0, 0); b.TotalLost != 0 {
		t.Errorf("%+v", b)
	}
	if signedLost(0xffffff) != -1 || signedLost(5) != 5 {
		t.Error("24 bit signed")
	}
}

// RFC 3550 s6.1, A.2: compound, a report first, a CNAME in each.
func TestCompound(t *testing.T) {
	b, err := compound(&rtcp.ReceiverReport{SSRC: 5}, 5, "name", true)
	if err != nil {
		t.Fatal(err)
	}
	packets, ok := readCompound(b)
	if !ok || len(packets) != 3 {
		t.Fatalf("%v", packets)
	}
	if s, is := packets[1].(*rtcp.SourceDescription); !is || s.Chunks[0].Items[0].Text != "name" {
		t.Errorf("%v", packets[1])
	}
	if bye, is := packets[2].(*rtcp.Goodbye); !is || bye.Sources[0] != 5 {
		t.Errorf("%v", packets[2])
	}
	for name, bad := range map[string][]byte{"cut": b[:len(b)-2], "no report first": b[8:], "empty": nil, "RTP": {0x80, 0, 0, 0, 0, 0, 0, 0}} {
		if _, ok := readCompound(bad); ok {
			t.Errorf("%s: believed", name)
		}
	}
}
