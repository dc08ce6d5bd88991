package peers

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"
)

// recv is a message that must come: a status code or a method, and regular expressions that it must match, or must not
// after "not". "audio" or "fax" is a description that leads to tonegate, in a message that makes or confirms the dialog. "note
// FILE" before an expression writes what matched into a file beside the scenario, for the test to see at once; "keep NAME"
// keeps what its group matched for a later message.
func (s *script) recv(what string, expect ...string) string { return s.expected(what, "", expect) }

// maybe is a message that may come.
func (s *script) maybe(what string, expect ...string) string {
	return s.expected(what, ` optional="true"`, expect)
}

func (s *script) expected(what, optional string, expect []string) string {
	kind, attribute := "request", optional
	if what[0] <= '9' {
		kind = "response"
	} else {
		s.last = what
	}
	action := ""
	if len(expect) > 0 {
		action = "<action>" + s.checks(expect) + "</action>"
	}
	if kind == "response" && len(expect) > 0 && expect[0] == "audio" || what == "180" {
		attribute += ` rrs="true"` // the remote target
	}
	return fmt.Sprintf(`<recv %s="%s"%s>%s</recv>`, kind, what, attribute, action)
}

func (s *script) checks(expect []string) string {
	media := map[string]string{"audio": `m=audio [0-9]*[02468] RTP/AVP 0`, "fax": `m=image [0-9]*[02468] udptl t38`}
	if len(expect) > 0 && media[expect[0]] != "" {
		expect = append([]string{"c=" + regexp.QuoteMeta(family(s.gate)) + "[^0-9a-f:.]", media[expect[0]], s.contactOfGate()}, expect[1:]...)
	}
	all := ""
	for _, e := range expect {
		name := fmt.Sprintf("v%d", len(s.variables))
		s.variables = append(s.variables, name)
		search := `search_in="msg" check_it="true"`
		if not, found := strings.CutPrefix(e, "not "); found {
			e, search = not, `search_in="msg" check_it_inverse="true"`
		}
		file := ""
		if rest, found := strings.CutPrefix(e, "note "); found {
			file, e, _ = strings.Cut(rest, " ")
		}
		kept := ""
		if rest, found := strings.CutPrefix(e, "keep "); found {
			kept, e, _ = strings.Cut(rest, " ")
		}
		// A group in the expression wants a variable of its own.
		names := name
		for i := range strings.Count(e, "(") - strings.Count(e, `\(`) {
			group := cmp.Or(kept, fmt.Sprintf("%sg%d", name, i))
			s.variables = append(s.variables, group)
			names += "," + group
		}
		all += fmt.Sprintf(`<ereg regexp=%s %s assign_to="%s"/>`, quoted(e), search, names)
		if file != "" {
			all += fmt.Sprintf(`<exec command="echo '[$%s]' > %s.new; mv %s.new %s"/>`, name, file, file, file)
		}
	}
	return all
}

// recvInvite is the INVITE that calls us: what its responses repeat is kept. It must come from tonegate's address.
func (s *script) recvInvite(expect ...string) string {
	s.last, s.kept = "INVITE", "INVITE"
	return `<recv request="INVITE" rrs="true">` + s.keepRequest(append(expect, s.expects...)) + `</recv>`
}

// recvLater is a request that is answered by reply, after other messages: when two come in one piece over TCP, sipp reads
// both before it sends anything.
func (s *script) recvLater(method string, expect ...string) string {
	s.last, s.kept = method, method
	return `<recv request="` + method + `">` + s.keepRequest(expect) + `</recv>`
}

func (s *script) keepRequest(expect []string) string {
	keep := ""
	for _, k := range []struct{ name, header, what string }{
		{"via", "Via:", "SIP/2.0/.*"}, {"from", "From:", "<.*"}, {"to", "To:", "<[^>]*>"}, {"cseq", "CSeq:", "[0-9]+ [A-Z]+"},
	} {
		keep += fmt.Sprintf(`<ereg regexp=%s search_in="hdr" header="%s" check_it="true" assign_to="%s"/>`, quoted(k.what), k.header, k.name)
		s.variables = append(s.variables, k.name)
	}
	scheme := strings.ToUpper(s.over.scheme)
	expect = append(expect, fmt.Sprintf(`Via: SIP/2\.0/%s %s;`, scheme, regexp.QuoteMeta(s.gate.String())), s.contactOfGate())
	return "<action>" + keep + s.checks(expect) + "</action>"
}

// contactOfGate is what tonegate must give as its Contact on this transport; another phone names a user, too.
func (s *script) contactOfGate() string {
	parameter := "(;transport=udp)?"
	if s.over.scheme != "udp" {
		parameter = ";transport=" + s.over.scheme
	}
	return `Contact: <sip:([^@]*@)?` + regexp.QuoteMeta(s.gate.String()) + parameter + `>`
}

func quoted(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(s))
	return `"` + b.String() + `"`
}
