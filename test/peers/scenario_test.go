package peers

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
)

// A script writes one scenario of scenarios/*.xml for a phone: the files say what happens, and a message or an expectation
// is one call of a method below. A line of a message is a header, or "sdp" and a direction for a description, to which lines
// that begin with "a=" are added, or "fax" for one of T.38.
type script struct {
	phone
	gate      netip.AddrPort // tonegate, as the messages name it
	cseq      int            // of our last request
	invited   int            // CSeq of our last INVITE
	version   int            // of our description
	direction string         // in our last description
	tag       string         // ours
	last      string         // the method of the request that came last
	kept      string         // of the one that reply answers
	variables []string       // what is assigned and must be mentioned again
}

// script renders the file for the phone, and gives the path of what sipp can read.
func (p phone) script(t *testing.T, dir string, peer netip.AddrPort) string {
	t.Helper()
	s := &script{phone: p, gate: p.over.at(peer), tag: "[pid]b[call_number]"}
	if p.calls() {
		s.tag = "[pid]a[call_number]"
	}
	name := p.scenario + ".xml"
	page, err := template.New(name).Funcs(template.FuncMap{
		"headers": func() string { return p.headers }, "rings": func() bool { return p.rings }, "status": func() string { return p.status },
		"expected": func() string { return s.recv(p.status[:3], p.expects...) }, "invite": s.invite, "request": s.request, "outside": s.outside, "ack": s.ack,
		"cancel": s.cancel, "refused": s.refused, "invited": s.recvInvite, "later": s.recvLater, "prack": s.prack, "reply": s.reply, "respond": s.respond,
		"recv": s.recv, "maybe": s.maybe, "fork": s.fork, "again": s.again,
		"contact": func() string { return "Contact: " + s.contact() },
	}).ParseFiles(filepath.Join("scenarios", name))
	if err != nil {
		t.Fatalf("reading the scenario: %v", err)
	}
	var text bytes.Buffer
	if err := page.Execute(&text, nil); err != nil {
		t.Fatalf("writing the scenario: %v", err)
	}
	whole, end := text.String(), "</scenario>"
	if len(s.variables) > 0 {
		whole = strings.Replace(whole, end, fmt.Sprintf("<Reference variables=%q/>\n%s", strings.Join(s.variables, ","), end), 1)
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(`<?xml version="1.0" encoding="UTF-8" ?>`+"\n"+whole), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// calls reports whether the phone is a caller.
func (p phone) calls() bool { return p.dials != "" }

func (s *script) at() netip.AddrPort { return s.over.at(s.phone.at) }

// keys are the addresses of a scenario's messages, as sipp wants them: what stands in brackets is a keyword to it.
func (p phone) keys(peer netip.AddrPort) []string {
	host := func(a netip.AddrPort) string {
		if a.Addr().Is6() {
			return "[" + a.Addr().String() + "]"
		}
		return a.Addr().String()
	}
	me, gate := p.over.at(p.at), p.over.at(peer)
	return []string{"-key", "me", me.String(), "-key", "myhost", host(me), "-key", "gate", gate.String(), "-key", "gatehost", host(gate)}
}

// family is the network and address type of a description.
func family(a netip.AddrPort) string {
	if a.Addr().Is6() {
		return "IN IP6 " + a.Addr().String()
	}
	return "IN IP4 " + a.Addr().String()
}

func (s *script) contact() string {
	user := s.number
	if !s.calls() {
		user = "[service]"
	}
	return fmt.Sprintf("<sip:%s@[me];transport=%s>", user, s.over.scheme)
}

// send is a message that leaves. Requests and final responses to INVITE are repeated over UDP until sipp has its answer.
func (s *script) send(repeated bool, head []string, lines []string) string {
	attribute, body := "", ""
	if repeated {
		attribute = ` retrans="500"`
	}
	for _, line := range lines {
		switch {
		case line == "sdp" || strings.HasPrefix(line, "sdp "):
			head = append(head, "Content-Type: application/sdp")
			body = s.description(strings.TrimPrefix(strings.TrimPrefix(line, "sdp"), " "))
		case line == "fax":
			head = append(head, "Content-Type: application/sdp")
			body = s.description(line)
		case strings.HasPrefix(line, "a="):
			body += line + "\n"
		case strings.HasPrefix(line, "body "):
			body = strings.TrimPrefix(line, "body ") + "\n"
		default:
			head = append(head, line)
		}
	}
	head = append(head, "Content-Length: [len]")
	return fmt.Sprintf("<send%s><![CDATA[\n\n%s\n\n%s]]></send>", attribute, strings.Join(head, "\n"), body)
}

// description is our offer or answer, in a direction or for a "fax"; its version rises when it changes (RFC 3264 s8).
func (s *script) description(direction string) string {
	if direction == "" {
		direction = "sendrecv"
	}
	if direction != s.direction {
		s.direction = direction
		s.version++
	}
	media := []string{fmt.Sprintf("m=audio %d RTP/AVP 0 101", rtpPort), "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000",
		"a=fmtp:101 0-15", "a=ptime:20", "a=" + direction, ""}
	if direction == "fax" {
		media = []string{fmt.Sprintf("m=image %d udptl t38", faxPort), "a=T38FaxVersion:0", "a=T38FaxRateManagement:transferredTCF", "a=T38FaxUdpEC:t38UDPRedundancy", ""}
	}
	return strings.Join(append([]string{"v=0", fmt.Sprintf("o=phone 1 %d %s", s.version, family(s.at())), "s=-", "c=" + family(s.at()), "t=0 0"}, media...), "\n")
}

// via is ours; a transaction is named by its CSeq and the method that created it.
func (s *script) via(cseq int, method string) string {
	return fmt.Sprintf("Via: SIP/2.0/%s [me];branch=z9hG4bK-%s-%d-%s;rport", strings.ToUpper(s.over.scheme), s.tag, cseq, method)
}

// parties are From and To of a request of ours.
func (s *script) parties(inside bool) []string {
	if !s.calls() {
		return []string{"From: [$to];tag=" + s.tag, "To: [$from]"}
	}
	to := fmt.Sprintf("To: <sip:%s@[gatehost]>", s.dials)
	if inside {
		to += "[peer_tag_param]"
	}
	return []string{fmt.Sprintf("From: <sip:%s@[myhost]>;tag=%s", s.number, s.tag), to}
}

func (s *script) head(method, uri string, cseq int, branch string, inside bool) []string {
	head := append([]string{method + " " + uri + " SIP/2.0", s.via(cseq, branch), "Max-Forwards: 70"}, s.parties(inside)...)
	return append(head, "Call-ID: [call_id]", fmt.Sprintf("CSeq: %d %s", cseq, method))
}

// target is the Request-URI of a request outside a dialog.
func (s *script) target() string { return fmt.Sprintf("sip:%s@[gate]", s.dials) }

// invite is the first INVITE, with the headers that the test gives the phone.
func (s *script) invite(lines ...string) string {
	if s.headers != "" {
		lines = append([]string{s.headers}, lines...)
	}
	return s.outside("INVITE", append([]string{"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO, NOTIFY"}, lines...)...)
}

// outside is a request outside a dialog.
func (s *script) outside(method string, lines ...string) string {
	s.cseq++
	if method == "INVITE" {
		s.invited = s.cseq
	}
	head := append(s.head(method, s.target(), s.cseq, method, false), "Contact: "+s.contact())
	return s.send(true, head, lines)
}

// again is the first INVITE once more by another way (RFC 3261 s8.2.2.2): only its branch is new.
func (s *script) again(lines ...string) string {
	return s.send(false, append(s.head("INVITE", s.target(), s.invited, "merged", false), "Contact: "+s.contact()), lines)
}

// request is a request within the dialog.
func (s *script) request(method string, lines ...string) string {
	s.cseq++
	head := s.head(method, "[next_url]", s.cseq, method, true)
	if method != "BYE" && method != "PRACK" && method != "INFO" {
		head = append(head, "Contact: "+s.contact())
	}
	if method == "INVITE" {
		s.invited = s.cseq
	}
	return s.send(method != "NOTIFY", head, lines) // sipp sends no other request while it repeats one
}

// ack acknowledges a 2xx.
func (s *script) ack(lines ...string) string {
	return s.send(false, s.head("ACK", "[next_url]", s.invited, "ACK", true), lines)
}

// refused acknowledges another final response than 2xx to the INVITE whose branch it names, within its transaction.
func (s *script) refused(branch ...string) string {
	uri, name := s.target(), "INVITE"
	if s.invited > 1 || !s.calls() {
		uri = "[next_url]"
	}
	if len(branch) > 0 {
		name = branch[0]
	}
	return s.send(false, s.head("ACK", uri, s.invited, name, true), nil)
}

func (s *script) cancel(lines ...string) string {
	return s.send(true, s.head("CANCEL", s.target(), s.invited, "INVITE", false), lines)
}

// prack acknowledges the provisional response whose RSeq was kept.
func (s *script) prack() string {
	return s.request("PRACK", fmt.Sprintf("RAck: [$rseq] %d INVITE", s.invited))
}

// reply answers the INVITE that called us, or what came later, in our dialog.
func (s *script) reply(status string, lines ...string) string {
	head := []string{"SIP/2.0 " + status, "Via: [$via]", "From: [$from]", "To: [$to];tag=" + s.tag, "Call-ID: [call_id]", "CSeq: [$cseq]"}
	if status < "3" {
		head = append(head, "Contact: "+s.contact())
	}
	return s.send(status >= "2" && s.kept == "INVITE", head, lines)
}

// respond answers the request that came last.
func (s *script) respond(status string, lines ...string) string {
	head := []string{"SIP/2.0 " + status, "[last_Via:]", "[last_From:]", "[last_To:]", "[last_Call-ID:]", "[last_CSeq:]"}
	for _, line := range lines {
		if strings.HasPrefix(line, "sdp") || line == "fax" {
			return s.send(s.last == "INVITE", append(head, "Contact: "+s.contact()), lines)
		}
	}
	return s.send(false, head, lines)
}

// fork makes us another of the phones that the INVITE reached.
func (s *script) fork(tag string) string {
	s.tag = tag + "[pid]b[call_number]"
	return ""
}
