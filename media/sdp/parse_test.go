package sdp

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

const start = "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n"

func TestErrorsNameLineAndReason(t *testing.T) {
	audio := start + "m=audio 4000 RTP/AVP 0 96\n"
	for _, c := range []struct{ name, body, want string }{
		{"empty", "\r\n\r\n", "empty description"},
		{"too long", start + "a=" + strings.Repeat("x", MaxBytes), "at most 16384"},
		{"no version", "o=- 1 1 IN IP4 192.0.2.1\n", "line 1: not v=0"},
		{"other version", "v=1\n", "line 1: not v=0"},
		{"media first", "m=audio 4000 RTP/AVP 0\n", "line 1: not v=0"},
		{"second version", "v=0\nv=0\n", "line 2: second v="},
		{"no origin", "v=0\ns=-\n", "no o= line"},
		{"second origin", "v=0\no=- 1 1 IN IP4 192.0.2.1\no=- 1 1 IN IP4 192.0.2.1\n", "line 3: second o="},
		{"short origin", "v=0\no=- 1 1 IN IP4\n", "line 2: o= has 5 fields"},
		{"not a line", start + "hello\n", `line 6: "hello" is not TYPE=VALUE`},
		{"blank line inside", start + "\na=x\n", "line 6"},
		{"CR inside", start + "a=x\ry\n", "line 6: CR or NUL"},
		{"NUL inside", start + "a=x\x00y\n", "line 6: CR or NUL"},
		{"host name", "v=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP4 media.example\n", `line 3: c=: "media.example" is not an address`},
		{"host name in media", audio + "c=IN IP4 media.example\n", `line 7: c=IN IP4 media.example: "media.example" is not an address`},
		{"multicast", "v=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP4 233.252.0.1/127\n", "multicast"},
		{"other family", "v=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP6 192.0.2.1\n", "not an IP6 address"},
		{"zone", "v=0\no=- 1 1 IN IP4 192.0.2.1\nc=IN IP6 fe80::1%eth0\n", "is not an address"},
		{"no address", "v=0\no=- 1 1 IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 0\n", "line 3: m=audio has no c= line"},
		{"short media", start + "m=audio 4000 RTP/AVP\n", "line 6: m= has 3 fields"},
		{"port", start + "m=audio 65536 RTP/AVP 0\n", `line 6: m=audio: port "65536"`},
		{"port count", start + "m=audio 4000/x RTP/AVP 0\n", `port "4000/x"`},
		{"payload type", start + "m=audio 4000 RTP/AVP 0 128\n", `payload type "128"`},
		{"payload name", start + "m=audio 4000 RTP/AVP PCMU\n", `payload type "PCMU"`},
		{"rtpmap without clock", audio + "a=rtpmap:96 opus\n", `line 7: a=rtpmap:96 opus: encoding "opus" is not NAME/CLOCK`},
		{"rtpmap clock", audio + "a=ptime:20\na=rtpmap:96 opus/fast\n", `line 8: a=rtpmap:96 opus/fast: clock rate "fast"`},
		{"rtpmap channels", audio + "a=rtpmap:96 opus/48000/0\n", `channels "0"`},
		{"rtcp port", audio + "a=rtcp:x\n", `port "x"`},
		{"rtcp host", audio + "a=rtcp:4001 IN IP4 media.example\n", "is not an address"},
		{"nine lines", start + strings.Repeat("m=audio 4000 RTP/AVP 0\n", 9), "line 14: more than 8 m-lines"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Parse([]byte(c.body))
			if err == nil || s != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want ...%s...", err, c.want)
			}
		})
	}
}

func TestMedia(t *testing.T) {
	m := parse(t, read(t, "softphone-ice")).Media()[0]
	if m.Kind != "audio" || m.Port != 4000 || m.Address != netip.MustParseAddr("203.0.113.5") ||
		m.RTCP != netip.MustParseAddrPort("203.0.113.5:4001") || m.Direction != SendRecv || len(m.Codecs) != 5 {
		t.Errorf("%+v", m)
	}
	if c := m.Codecs[0]; c != (Codec{96, "OPUS", 48000, 2, "useinbandfec=1"}) {
		t.Errorf("%+v", c)
	}
	if c := m.Codecs[3]; c != (Codec{101, TelephoneEvent, 8000, 1, "0-16"}) {
		t.Errorf("%+v", c)
	}

	list := parse(t, read(t, "audio-video")).Media()
	if len(list) != 3 || list[0].Direction != SendRecv || list[1].Direction != RecvOnly {
		t.Errorf("the media's direction stands before the session's: %+v", list)
	}
	if list[0].Codecs[1].Name != "ILBC" || list[1].Codecs[0].Name != "H261" || list[2].Codecs != nil {
		t.Errorf("%+v", list)
	}
	if list[2].Relayable() || list[2].RTCP.IsValid() || !list[1].Relayable() {
		t.Errorf("%+v", list)
	}

	quirks := parse(t, read(t, "gateway-quirks")).Media()[0]
	if quirks.Address != netip.MustParseAddr("192.0.2.41") || len(quirks.Codecs) != 3 || quirks.PTime != 0 ||
		quirks.Codecs[0].Name != G729 || quirks.Codecs[2].Name != PCMU {
		t.Errorf("%+v", quirks)
	}

	ims := parse(t, read(t, "ims-offer")).Media()[0]
	if ims.PTime != 20*time.Millisecond || ims.MaxPTime != 240*time.Millisecond || !ims.Address.Is6() {
		t.Errorf("%+v", ims)
	}
}

func TestUsableAudioLine(t *testing.T) {
	for name, want := range map[string]int{"phone": 0, "srtp": 1, "softphone-ice": 0, "t38": -1, "audio-and-t38": -1, "browser": -1} {
		i, m, ok := parse(t, read(t, name)).Audio()
		if ok != (want >= 0) || ok && (i != want || m.Kind != "audio") {
			t.Errorf("%s: %d %v", name, i, ok)
		}
	}
}

func TestRTCPAddress(t *testing.T) {
	for line, want := range map[string]string{
		"":                               "192.0.2.1:4001", // RFC 3550 s11
		"a=rtcp:5000\n":                  "192.0.2.1:5000",
		"a=rtcp:5000 IN IP4 192.0.2.9\n": "192.0.2.9:5000",
	} {
		m := parse(t, []byte(start+"m=audio 4000 RTP/AVP 0\n"+line)).Media()[0]
		if m.RTCP != netip.MustParseAddrPort(want) {
			t.Errorf("%q: %v", line, m.RTCP)
		}
	}
	if m := parse(t, []byte(start+"m=audio 65535 RTP/AVP 0\n")).Media()[0]; m.RTCP.IsValid() {
		t.Errorf("port 65536 became %v", m.RTCP)
	}
}

func TestPacketTime(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"20": 20 * time.Millisecond, "22.5": 22500 * time.Microsecond, "0": 0, "-1": 0, "NaN": 0, "1e9": 0, "": 0, "x": 0,
	} {
		if got := parse(t, []byte(start+"m=audio 4000 RTP/AVP 0\na=ptime:"+value+"\n")).Media()[0].PTime; got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		name, file string
		allowed    []string
		codec      uint8
		dtmf       int // -1 none
		ok         bool
	}{
		{"offerer's order wins", "phone", []string{PCMA, PCMU}, 0, 101, true},
		{"only the second", "phone", []string{PCMA}, 8, 101, true},
		{"any case", "phone", []string{"pcma"}, 8, 101, true},
		{"none offered", "ngn-inbound", []string{PCMU}, 0, -1, true},
		{"event of the same clock", "ims-offer", []string{"AMR-WB"}, 98, 99, true},
		{"nothing in common", "phone", []string{Opus}, 0, -1, false},
		{"events are no audio", "phone", []string{TelephoneEvent}, 0, -1, false},
		{"nothing allowed", "phone", nil, 0, -1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, m, _ := parse(t, read(t, c.file)).Audio()
			codec, dtmf, ok := Choose(m, c.allowed...)
			if ok != c.ok || codec.Payload != c.codec || (dtmf != nil) != (c.dtmf >= 0) || dtmf != nil && int(dtmf.Payload) != c.dtmf {
				t.Errorf("%+v %+v %v", codec, dtmf, ok)
			}
		})
	}
}
