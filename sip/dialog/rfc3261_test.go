package dialog

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tonegate/sip/wire"
)

// The tests of this file restate RFC 3261 s12 to s15, a clause each.

// parse reads a message written with LF line ends, as it would arrive.
func parse(t *testing.T, text string) *wire.Message {
	t.Helper()
	raw := strings.ReplaceAll(strings.TrimLeft(text, "\n"), "\n", "\r\n") + "\r\n"
	msg, err := wire.NewParser().ParseSIP([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	m, problem := wire.Read(msg, wire.UDP, netip.MustParseAddrPort("192.0.2.9:5060"))
	if problem != nil {
		t.Fatal(problem)
	}
	return m
}

const invite = `
INVITE sip:+81312340001@192.0.2.1 SIP/2.0
Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKa1
Record-Route: <sip:p2.example.jp;lr>
Record-Route: <sip:p1.example.jp;lr>
Max-Forwards: 70
From: "A" <sip:+815012340000@192.0.2.9>;tag=a-tag
To: <sip:+81312340001@192.0.2.1>
Call-ID: call-1@192.0.2.9
CSeq: 7 INVITE
Contact: <sip:a@192.0.2.9:5062;transport=udp>
Content-Length: 0
`

// ours is the INVITE that the responses of this file answer.
func ours() *wire.Invite {
	i := wire.NewInvite("sip:+81312340001@192.0.2.9", "UDP", "192.0.2.1:5060", "z9hG4bKours")
	i.From, i.To, i.CallID, i.CSeq = "<sip:us@192.0.2.1>;tag=our-tag", "<sip:+81312340001@192.0.2.9>", "call-2@192.0.2.1", 1
	return &i
}

func response(t *testing.T, status, tag, extra string) *wire.Message {
	to := ""
	if tag != "" {
		to = ";tag=" + tag
	}
	return parse(t, `
SIP/2.0 `+status+`
Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKours
From: <sip:us@192.0.2.1>;tag=our-tag
To: <sip:+81312340001@192.0.2.9>`+to+`
Call-ID: call-2@192.0.2.1
CSeq: 1 INVITE
`+extra+`Content-Length: 0
`)
}

func bytesOf(t *testing.T, b *wire.Builder) string {
	t.Helper()
	out, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func wants(t *testing.T, message string, lines ...string) {
	t.Helper()
	have := strings.Split(message, "\r\n")
	for _, l := range lines {
		if !slices.Contains(have, l) {
			t.Errorf("no line %q in\n%s", l, message)
		}
	}
}

// s12.1.1: the route set of a UAS is the Record-Route in order, the remote
// target the Contact, the remote sequence number that of the request.
func TestUASDialog(t *testing.T) {
	d := NewUAS(parse(t, invite), "our-tag")
	if want := []string{"<sip:p2.example.jp;lr>", "<sip:p1.example.jp;lr>"}; !slices.Equal(d.RouteSet, want) {
		t.Errorf("route set %v, want %v", d.RouteSet, want)
	}
	if d.Target != "sip:a@192.0.2.9:5062;transport=udp" || d.RemoteSeq != 7 || d.LocalSeq != 0 {
		t.Errorf("target %q, remote CSeq %d, local CSeq %d", d.Target, d.RemoteSeq, d.LocalSeq)
	}
	bye := bytesOf(t, d.Request(wire.BYE, "UDP", "192.0.2.1:5060", "z9hG4bKb"))
	wants(t, bye, "BYE sip:a@192.0.2.9:5062;transport=udp SIP/2.0", "Route: <sip:p2.example.jp;lr>", "Route: <sip:p1.example.jp;lr>",
		"From: <sip:+81312340001@192.0.2.1>;tag=our-tag", `To: "A" <sip:+815012340000@192.0.2.9>;tag=a-tag`, "Call-ID: call-1@192.0.2.9", "CSeq: 1 BYE")
}

// s12.1.2: the route set of a UAC is the Record-Route in reverse order.
func TestUACDialog(t *testing.T) {
	d := NewUAC(ours(), "our-tag", response(t, "200 OK", "b-tag",
		"Record-Route: <sip:p2.example.jp;lr>, <sip:p1.example.jp;lr>\nContact: <sip:b@192.0.2.9:5070>\n"))
	if want := []string{"<sip:p1.example.jp;lr>", "<sip:p2.example.jp;lr>"}; !slices.Equal(d.RouteSet, want) {
		t.Errorf("route set %v, want %v", d.RouteSet, want)
	}
	wants(t, bytesOf(t, d.Request(wire.BYE, "UDP", "192.0.2.1:5060", "z9hG4bKb")),
		"BYE sip:b@192.0.2.9:5070 SIP/2.0", "To: <sip:+81312340001@192.0.2.9>;tag=b-tag", "CSeq: 2 BYE")
}

// s12.2.1.1: before a strict router, the first route is the Request-URI and
// the remote target the last route.
func TestStrictRouter(t *testing.T) {
	d := NewUAC(ours(), "our-tag", response(t, "200 OK", "b-tag", "Record-Route: <sip:old.example.jp>\nContact: <sip:b@192.0.2.9>\n"))
	wants(t, bytesOf(t, d.Request(wire.BYE, "UDP", "192.0.2.1:5060", "z9hG4bKb")),
		"BYE sip:old.example.jp SIP/2.0", "Route: <sip:b@192.0.2.9>")
}

// s12.2.2: a request with a lower CSeq is refused with 500, one of another
// dialog with 481; numbers may be skipped.
func TestRequestsInOrder(t *testing.T) {
	first := parse(t, invite)
	d := NewUAS(first, "our-tag")
	in := func(method, cseq, toTag string) *wire.Message {
		m := strings.ReplaceAll(invite, "CSeq: 7 INVITE", "CSeq: "+cseq+" "+method)
		m = strings.Replace(m, "INVITE sip:", method+" sip:", 1)
		return parse(t, strings.Replace(m, "To: <sip:+81312340001@192.0.2.1>", "To: <sip:+81312340001@192.0.2.1>;tag="+toTag, 1))
	}
	for _, c := range []struct {
		cseq, tag string
		want      int
	}{{"6", "our-tag", 500}, {"9", "other-tag", 481}, {"9", "our-tag", 0}, {"8", "our-tag", 500}, {"12", "our-tag", 0}} {
		if got := d.Receive(in("BYE", c.cseq, c.tag)); got != c.want {
			t.Errorf("BYE with CSeq %s and tag %s: %d, want %d", c.cseq, c.tag, got, c.want)
		}
	}
}

// s12.2.2 and s14: a re-INVITE refreshes the remote target; s14.2: while one is
// open in the same direction 500, while ours is 491.
func TestReinviteTargetAndGlare(t *testing.T) {
	d := NewUAS(parse(t, invite), "our-tag")
	re := func(cseq string) *wire.Message {
		m := strings.Replace(invite, "To: <sip:+81312340001@192.0.2.1>", "To: <sip:+81312340001@192.0.2.1>;tag=our-tag", 1)
		return parse(t, strings.ReplaceAll(strings.ReplaceAll(m, "a@192.0.2.9:5062", "moved@192.0.2.10"), "7 INVITE", cseq+" INVITE"))
	}
	d.InviteIn = true
	if got := d.Receive(re("8")); got != 500 {
		t.Errorf("re-INVITE while one is open: %d, want 500", got)
	}
	d.InviteIn, d.InviteOut = false, true
	if got := d.Receive(re("9")); got != 491 {
		t.Errorf("re-INVITE into ours: %d, want 491", got)
	}
	if strings.Contains(d.Target, "moved") {
		t.Error("a refused re-INVITE moved the target")
	}
	d.InviteOut = false
	if got := d.Receive(re("10")); got != 0 || !strings.Contains(d.Target, "moved@192.0.2.10") {
		t.Errorf("re-INVITE: %d, target %s", got, d.Target)
	}
}

// s13.2.2.4: the ACK of a 2xx carries the CSeq number of its INVITE, however
// many requests were sent since.
func TestAckKeepsTheNumberOfItsInvite(t *testing.T) {
	d := NewUAC(ours(), "our-tag", response(t, "200 OK", "b-tag", "Contact: <sip:b@192.0.2.9>\n"))
	d.Request(wire.INFO, "UDP", "192.0.2.1:5060", "z9hG4bKi")
	wants(t, bytesOf(t, d.Ack(1, "UDP", "192.0.2.1:5060", "z9hG4bKk")), "CSeq: 1 ACK", "ACK sip:b@192.0.2.9 SIP/2.0")
	if i := d.Invite("UDP", "192.0.2.1:5060", "z9hG4bKr"); i.CSeq != 3 {
		t.Errorf("re-INVITE with CSeq %d, want 3", i.CSeq)
	}
}

// s13.2.2.4: every To-tag is a dialog of its own; a repeated 2xx finds its ACK.
func TestForks(t *testing.T) {
	var f Forks
	i := ours()
	if f.Of(i, "our-tag", response(t, "100 Trying", "", "")) != nil {
		t.Error("a response without a tag made a dialog")
	}
	one := f.Of(i, "our-tag", response(t, "180 Ringing", "f1", "Contact: <sip:early@192.0.2.9>\n"))
	two := f.Of(i, "our-tag", response(t, "183 Session Progress", "f2", "Contact: <sip:two@192.0.2.9>\n"))
	if one == nil || two == nil || one.Target == two.Target {
		t.Fatalf("forks share a dialog: %v %v", one, two)
	}
	f.Early("f2", "v=0")
	if f.EarlySDP("f1") != "" || f.EarlySDP("f2") != "v=0" {
		t.Error("early descriptions are mixed up")
	}
	if d := f.Of(i, "our-tag", response(t, "200 OK", "f1", "Contact: <sip:final@192.0.2.9>\nRecord-Route: <sip:p.example.jp;lr>\n")); d.Target != "sip:final@192.0.2.9" || len(d.RouteSet) != 1 {
		t.Errorf("the 2xx did not make target and route set anew: %+v", d)
	}
	f.Acked("f1", []byte("ACK"))
	if string(f.Ack("f1")) != "ACK" || f.Ack("f2") != nil {
		t.Error("ACKs are mixed up")
	}
	if f.EarlySDP("f1") != "" || f.Dialog("f3") != nil {
		t.Error("something was remembered that never came")
	}
}

// A peer that invents To-tags without end finds a bound.
func TestForksAreBounded(t *testing.T) {
	var f Forks
	made := 0
	for n := range 100 {
		if f.Of(ours(), "our-tag", response(t, "180 Ringing", "t"+strings.Repeat("x", n), "")) != nil {
			made++
		}
	}
	if made != maxForks {
		t.Errorf("%d early dialogs, want %d", made, maxForks)
	}
}

// s13.3.1.4: a 2xx is repeated from T1, doubling up to T2, for 64*T1.
func TestAcceptedIsRepeated(t *testing.T) {
	start := time.Unix(0, 0)
	a := Accept([]byte("200"), 500*time.Millisecond, 4*time.Second, start)
	var at []time.Duration
	for {
		now := a.Due()
		send, missing := a.Expire(now)
		if missing {
			if got := now.Sub(start); got != 32*time.Second {
				t.Errorf("given up after %s, want 32s", got)
			}
			break
		}
		if string(send) != "200" {
			t.Fatalf("sent %q", send)
		}
		at = append(at, now.Sub(start))
	}
	want := []time.Duration{500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond}
	for s := 7500 * time.Millisecond; s < 32*time.Second; s += 4 * time.Second {
		want = append(want, s)
	}
	if !slices.Equal(at, want) {
		t.Errorf("repeated at %v, want %v", at, want)
	}
	if a.Waiting() || !a.Due().IsZero() {
		t.Error("something is still due after the end")
	}
}

func TestAckEndsTheRepetition(t *testing.T) {
	a := Accept([]byte("200"), 500*time.Millisecond, 4*time.Second, time.Unix(0, 0))
	a.Stop()
	if send, missing := a.Expire(time.Unix(100, 0)); send != nil || missing {
		t.Error("repeated after the ACK")
	}
}
