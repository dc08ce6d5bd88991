package wire

import (
	"errors"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// Over a stream there is no Check; Read alone must hold.

func stream(text string) (msgs []sip.Message, err error) {
	s := NewParser().NewSIPStream()
	defer s.Close()
	err = s.ParseSIPStream([]byte(text), func(m sip.Message) { msgs = append(msgs, m) })
	return msgs, err
}

// A stream without a usable Content-Length cannot be framed; one that can be framed but holds two goes on to Read.
func TestStreamFraming(t *testing.T) {
	good := lines(invite)
	if msgs, err := stream("\r\n\r\n" + good + good); err != nil || len(msgs) != 2 {
		t.Fatalf("pipelined: %d, %v", len(msgs), err)
	}
	for _, by := range []string{"", "Content-Length: -5", "Content-Length: 5 5", "Content-Length: 70000"} {
		if msgs, err := stream(with("Content-Length", by)); err == nil || errors.Is(err, sip.ErrParseSipPartial) || len(msgs) != 0 {
			t.Errorf("%q: %d messages, %v", by, len(msgs), err)
		}
	}
	msgs, err := stream(with("Content-Length", "l: 0\nContent-Length: 5"))
	if err != nil || len(msgs) != 1 {
		t.Fatal(err)
	}
	if _, p := Read(msgs[0], TCP, source); p == nil || p.Status != 400 || !p.Close {
		t.Fatalf("two lengths: %v", p)
	}
}

func TestReadWithoutCheck(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		status     int
	}{
		{"LF inside a field", strings.Replace(lines(invite), "100rel,", "100rel\nInjected: yes,", 1), 400},
		{"NUL inside a field", strings.Replace(lines(invite), "100rel,", "100rel\x00,", 1), 400},
		{"NUL inside a field that is only relayed", with("P-Asserted", "X: a\x00b"), 400},
		{"field over 8 KiB", with("Supported", "X: "+strings.Repeat("x", 8<<10+1)), 513},
		{"over 200 lines", with("Supported", strings.TrimSuffix(strings.Repeat("X: 1\n", 201), "\n")), 513},
		{"field name with a space", with("Supported", "Sup ported: x"), 400},
		{"unknown scheme", with("INVITE", "INVITE foo:bar SIP/2.0"), 416},
		{"Request-URI too long", with("INVITE", "INVITE sip:"+strings.Repeat("a", 1024)+"@b SIP/2.0"), 414},
		{"Request-URI with two @", with("INVITE", "INVITE sip:a@b@c SIP/2.0"), 400},
		{"SIP/7.0", with("INVITE", "INVITE sip:a@b SIP/7.0"), 505},
		{"sipping", with("INVITE", "INVITE sip:a@b SIPping"), 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			msgs, err := stream(tt.text)
			if err != nil || len(msgs) != 1 {
				t.Fatalf("%d messages, %v", len(msgs), err)
			}
			if _, p := Read(msgs[0], TCP, source); p == nil || p.Status != tt.status {
				t.Fatalf("%v, want %d", p, tt.status)
			}
		})
	}
}

func TestReadOfAMessageMadeByHand(t *testing.T) {
	msgs, err := stream(lines(invite))
	if err != nil {
		t.Fatal(err)
	}
	req := msgs[0].(*sip.Request)
	body := req.Body()
	req.SetBody(make([]byte, 64<<10))
	if _, p := Read(req, TCP, source); p == nil || p.Status != 513 {
		t.Fatalf("over 64 KiB: %v", p)
	}
	req.SetBody(body)
	length := sip.ContentLengthHeader(4)
	req.ReplaceHeader(&length)
	if _, p := Read(req, TCP, source); p == nil || p.Status != 400 || !p.Close {
		t.Fatalf("length and body differ: %v", p)
	}
	if _, p := Read(nil, TCP, source); p == nil || p.Status != 0 {
		t.Fatalf("nil: %v", p)
	}
}

func TestRefuseOnlyWithAFinalStatus(t *testing.T) {
	m := accept(t, lines(invite))
	for _, status := range []int{0, 100, 183, 700} {
		if b := Refuse(m, &Problem{Status: status, Reason: "x"}, ""); b != nil {
			t.Fatalf("%d: %s", status, b)
		}
	}
	if b := Refuse(m, &Problem{Status: 503, Reason: "x\r\nEvil: 1"}, ""); b != nil {
		t.Fatalf("%s", b)
	}
}
