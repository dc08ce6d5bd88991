package dialog

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"tonegate/sip/wire"
)

// Each test of the files named for RFCs quotes the sentences that it shows.

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

// RFC 3261 s12.1.1: "The route set MUST be set to the list of URIs in the Record-Route header field from the request,
// taken in order and preserving all URI parameters."
// And: "The remote target MUST be set to the URI from the Contact header field of the request."
// And: "The remote sequence number MUST be set to the value of the sequence number in the CSeq header field of the
// request. The local sequence number MUST be empty."
func TestS12_1_1DialogOfAUAS(t *testing.T) {
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

// RFC 3261 s12.1.2: "The route set MUST be set to the list of URIs in the Record-Route header field from the
// response, taken in reverse order and preserving all URI parameters."
// And: "The local sequence number MUST be set to the value of the sequence number in the CSeq header field of the
// request."
func TestS12_1_2DialogOfAUAC(t *testing.T) {
	d := NewUAC(ours(), "our-tag", response(t, "200 OK", "b-tag",
		"Record-Route: <sip:p2.example.jp;lr>, <sip:p1.example.jp;lr>\nContact: <sip:b@192.0.2.9:5070>\n"))
	if want := []string{"<sip:p1.example.jp;lr>", "<sip:p2.example.jp;lr>"}; !slices.Equal(d.RouteSet, want) {
		t.Errorf("route set %v, want %v", d.RouteSet, want)
	}
	wants(t, bytesOf(t, d.Request(wire.BYE, "UDP", "192.0.2.1:5060", "z9hG4bKb")),
		"BYE sip:b@192.0.2.9:5070 SIP/2.0", "To: <sip:+81312340001@192.0.2.9>;tag=b-tag", "CSeq: 2 BYE")
}

// RFC 3261 s12.2.1.1: "If the route set is not empty, and its first URI does not contain the lr parameter, the UAC
// MUST place the first URI from the route set into the Request-URI, stripping any parameters that are not allowed in
// a Request-URI. The UAC MUST add a Route header field containing the remainder of the route set values in order,
// including all parameters. The UAC MUST then place the remote target URI into the Route header field as the last
// value."
func TestS12_2_1_1StrictRouter(t *testing.T) {
	d := NewUAC(ours(), "our-tag", response(t, "200 OK", "b-tag", "Record-Route: <sip:old.example.jp>\nContact: <sip:b@192.0.2.9>\n"))
	wants(t, bytesOf(t, d.Request(wire.BYE, "UDP", "192.0.2.1:5060", "z9hG4bKb")),
		"BYE sip:old.example.jp SIP/2.0", "Route: <sip:b@192.0.2.9>")
}

// RFC 3261 s12.2.2: "If the remote sequence number was not empty, but the sequence number of the request is lower
// than the remote sequence number, the request is out of order and MUST be rejected with a 500 (Server Internal
// Error) response."
// And: "a UAS SHOULD be prepared to receive and process requests with CSeq values more than one higher than the
// previous received request."
// And, for another dialog: "it MUST respond to the request with a 481 (Call/Transaction Does Not Exist) status code
// and pass that to the server transaction."
func TestS12_2_2RequestsInOrder(t *testing.T) {
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

// RFC 3261 s14.2: "A UAS that receives a second INVITE before it sends the final response to a first INVITE with a
// lower CSeq sequence number on the same dialog MUST return a 500 (Server Internal Error) response to the second
// INVITE"
// And: "A UAS that receives an INVITE on a dialog while an INVITE it had sent on that dialog is in progress MUST
// return a 491 (Request Pending) response to the received INVITE."
// s12.2.2: "When a UAS receives a target refresh request, it MUST replace the dialog's remote target URI with the URI
// from the Contact header field in that request, if present."
func TestS14_2SecondINVITEAndGlare(t *testing.T) {
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
	last := re("10")
	if got := d.Receive(last); got != 0 || strings.Contains(d.Target, "moved") {
		t.Errorf("re-INVITE: %d, target %s before it is accepted", got, d.Target)
	}
	if d.Refresh(last); !strings.Contains(d.Target, "moved@192.0.2.10") {
		t.Errorf("re-INVITE: target %s", d.Target)
	}
}

// RFC 3261 s12.1.1: "A UAS MUST be prepared to receive a request without a tag in the From field, in which case the tag
// is considered to have a value of null." s12.2.1.1: "If the value of the remote or local tags is null, the tag
// parameter MUST be omitted from the To or From header fields, respectively."
func TestS12_1_1CallerWithoutATag(t *testing.T) {
	d := NewUAS(parse(t, strings.Replace(invite, ";tag=a-tag", "", 1)), "our-tag")
	if d.RemoteTag != "" {
		t.Errorf("remote tag %q", d.RemoteTag)
	}
	wants(t, bytesOf(t, d.Request(wire.BYE, "UDP", "192.0.2.1:5060", "z9hG4bKb")), `To: "A" <sip:+815012340000@192.0.2.9>`)
	bye := strings.Replace(strings.Replace(invite, ";tag=a-tag", "", 1), "To: <sip:+81312340001@192.0.2.1>", "To: <sip:+81312340001@192.0.2.1>;tag=our-tag", 1)
	bye = strings.Replace(strings.Replace(bye, "INVITE sip:", "BYE sip:", 1), "7 INVITE", "8 BYE", 1)
	if got := d.Receive(parse(t, bye)); got != 0 {
		t.Errorf("its BYE: %d", got)
	}
}

// RFC 3261 s12.1.1: "If no Record-Route header field is present in the request, the route set MUST be set to the empty
// set." s12.2.1.1: "If the route set is empty, the UAC MUST place the remote target URI into the Request-URI. The UAC
// MUST NOT add a Route header field to the request."
func TestS12_2_1_1NoRouteSet(t *testing.T) {
	d := NewUAC(ours(), "our-tag", response(t, "200 OK", "b-tag", "Contact: <sip:b@192.0.2.9:5070>\n"))
	bye := bytesOf(t, d.Request(wire.BYE, "UDP", "192.0.2.1:5060", "z9hG4bKb"))
	wants(t, bye, "BYE sip:b@192.0.2.9:5070 SIP/2.0")
	if len(d.RouteSet) != 0 || strings.Contains(bye, "Route:") {
		t.Errorf("route set %v in\n%s", d.RouteSet, bye)
	}
}

// RFC 3261 s12.2.1.1: "If the route set is not empty, and the first URI in the route set contains the lr parameter (see
// Section 19.1.1), the UAC MUST place the remote target URI into the Request-URI and MUST include a Route header field
// containing the route set values in order, including all parameters."
func TestS12_2_1_1LooseRouter(t *testing.T) {
	d := NewUAC(ours(), "our-tag", response(t, "200 OK", "b-tag",
		"Record-Route: <sip:p2.example.jp;x=1>;y=2, <sip:p1.example.jp;LR;ftag=z>\nContact: <sip:b@192.0.2.9>\n"))
	bye := bytesOf(t, d.Request(wire.BYE, "UDP", "192.0.2.1:5060", "z9hG4bKb"))
	wants(t, bye, "BYE sip:b@192.0.2.9 SIP/2.0")
	if !strings.Contains(bye, "Route: <sip:p1.example.jp;LR;ftag=z>\r\nRoute: <sip:p2.example.jp;x=1>;y=2\r\n") {
		t.Errorf("routes of\n%s", bye)
	}
}

// RFC 3261 s12.2.1.1: "For example, if the remote target is sip:user@remoteua and the route set contains:
// <sip:proxy1>,<sip:proxy2>,<sip:proxy3;lr>,<sip:proxy4> The request will be formed with the following Request-URI and
// Route header field: METHOD sip:proxy1 Route: <sip:proxy2>,<sip:proxy3;lr>,<sip:proxy4>,<sip:user@remoteua>"
func TestS12_2_1_1ExampleOfAStrictRouter(t *testing.T) {
	d := NewUAC(ours(), "our-tag", response(t, "200 OK", "b-tag",
		"Record-Route: <sip:proxy4>, <sip:proxy3;lr>, <sip:proxy2>, <sip:proxy1>\nContact: <sip:user@remoteua>\n"))
	i := d.Invite("UDP", "192.0.2.1:5060", "z9hG4bKr")
	if want := []string{"<sip:proxy2>", "<sip:proxy3;lr>", "<sip:proxy4>", "<sip:user@remoteua>"}; i.URI != "sip:proxy1" || !slices.Equal(i.Routes, want) {
		t.Errorf("%s with %v, want sip:proxy1 with %v", i.URI, i.Routes, want)
	}
}

// RFC 3261 s12.2.1.1: "Requests within a dialog MUST contain strictly monotonically increasing and contiguous CSeq
// sequence numbers (increasing-by-one) in each direction (excepting ACK and CANCEL of course, whose numbers equal the
// requests being acknowledged or cancelled)."
func TestS12_2_1_1NumbersAreContiguous(t *testing.T) {
	d := NewUAS(parse(t, invite), "our-tag")
	for n := uint32(1); n < 9; n += 2 {
		if i := d.Invite("UDP", "192.0.2.1:5060", "z9hG4bKi"); i.CSeq != n || !strings.Contains(string(i.Cancel("")), fmt.Sprintf("CSeq: %d CANCEL\r\n", n)) {
			t.Errorf("INVITE %d, want %d, and its CANCEL\n%s", i.CSeq, n, i.Cancel(""))
		}
		d.Ack(n, "UDP", "192.0.2.1:5060", "z9hG4bKa")
		wants(t, bytesOf(t, d.Request(wire.INFO, "UDP", "192.0.2.1:5060", "z9hG4bKq")), fmt.Sprintf("CSeq: %d INFO", n+1))
	}
}

// RFC 3261 s12.2.1.2: "When a UAC receives a 2xx response to a target refresh request, it MUST replace the dialog's
// remote target URI with the URI from the Contact header field in that response, if present." s12.2: "Target refresh
// requests only update the dialog's remote target URI, and not the route set formed from the Record-Route."
func TestS12_2_1_2TargetRefresh(t *testing.T) {
	d := NewUAC(ours(), "our-tag", response(t, "200 OK", "b-tag", "Record-Route: <sip:p.example.jp;lr>\nContact: <sip:b@192.0.2.9>\n"))
	d.Refresh(response(t, "200 OK", "b-tag", "Record-Route: <sip:q.example.jp;lr>\nContact: <sip:moved@192.0.2.10>\n"))
	if d.Target != "sip:moved@192.0.2.10" || !slices.Equal(d.RouteSet, []string{"<sip:p.example.jp;lr>"}) {
		t.Errorf("target %s, route set %v", d.Target, d.RouteSet)
	}
	d.Refresh(response(t, "200 OK", "b-tag", ""))
	if d.Target != "sip:moved@192.0.2.10" {
		t.Errorf("a response without Contact changed the target to %s", d.Target)
	}
}

// RFC 3261 s12.2: "Specifically, requests that are not target refresh requests do not modify the dialog's remote target
// URI, and requests that are target refresh requests do."
func TestS12_2OnlyTargetRefreshRequestsMoveTheTarget(t *testing.T) {
	d := NewUAS(parse(t, invite), "our-tag")
	for n, method := range []string{"INFO", "OPTIONS", "PRACK", "BYE"} {
		m := strings.Replace(invite, "To: <sip:+81312340001@192.0.2.1>", "To: <sip:+81312340001@192.0.2.1>;tag=our-tag", 1)
		m = strings.Replace(m, "INVITE sip:", method+" sip:", 1)
		m = strings.Replace(m, "7 INVITE", fmt.Sprintf("%d %s", 8+n, method), 1)
		if got := d.Receive(parse(t, strings.Replace(m, "a@192.0.2.9:5062", "moved@192.0.2.10", 1))); got != 0 || strings.Contains(d.Target, "moved") {
			t.Errorf("%s: %d, target %s", method, got, d.Target)
		}
	}
}
