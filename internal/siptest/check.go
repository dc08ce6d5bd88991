package siptest

import (
	"fmt"
	"strings"
)

const maxViolations = 100

func (p *Phone) violated(m *Message, format string, args ...any) {
	if len(p.violations) < maxViolations {
		p.violations = append(p.violations, fmt.Sprintf("%s: %s", m, fmt.Sprintf(format, args...)))
	}
}

// checkCommon is RFC 3261 s8.1.1 and s20: what every message has exactly once.
func (p *Phone) checkCommon(m *Message) {
	for _, name := range []string{"From", "To", "Call-ID", "CSeq"} {
		count := 0
		for _, f := range m.Fields {
			if sameName(f.Name, name) {
				count++
			}
		}
		if count != 1 {
			p.violated(m, "%d %s headers", count, name)
		}
	}
	if n, method := m.CSeq(); method == "" || n >= 1<<31 {
		p.violated(m, "CSeq %q", m.Header("CSeq"))
	}
	if m.FromTag() == "" {
		p.violated(m, "From without a tag")
	}
	if m.Body != "" && m.Header("Content-Type") == "" {
		p.violated(m, "a body without Content-Type")
	}
}

func (p *Phone) checkRequest(m *Message) {
	p.checkCommon(m)
	if _, method := m.CSeq(); method != m.Method {
		p.violated(m, "CSeq is for %q", method)
	}
	if !strings.HasPrefix(m.Branch(), "z9hG4bK") {
		p.violated(m, "branch %q", m.Branch())
	}
	if m.Header("Max-Forwards") == "" {
		p.violated(m, "no Max-Forwards")
	}
	if contacts := len(m.Headers("Contact")); m.Method == "INVITE" && contacts != 1 {
		p.violated(m, "%d Contacts", contacts)
	}
}

// checkInDialog is RFC 3261 s12.2.1.1: CSeq increases, the Request-URI is the Contact that we gave. (A script that
// plays a strict router is Lenient.)
func (p *Phone) checkInDialog(c *Call, m *Message) {
	if n := cseqOf(m); n <= c.heardCSeq && c.heardCSeq != 0 {
		p.violated(m, "CSeq %d after %d", n, c.heardCSeq)
	}
	if got, _, _ := strings.Cut(m.URI, ";"); c.contact != "" && !strings.HasPrefix(c.contact, got) {
		p.violated(m, "the Request-URI is not our Contact %s", c.contact)
	}
}

// checkResponse is RFC 3261 s8.2.6: what a response copies, and s12.1.1: what creates a dialog.
func (p *Phone) checkResponse(t *Transaction, m *Message) {
	p.checkCommon(m)
	if vias := len(m.Headers("Via")); vias != len(t.Sent.Headers("Via")) {
		p.violated(m, "%d Vias in answer to %d", vias, len(t.Sent.Headers("Via")))
	}
	if got, want := m.CallID(), t.Sent.CallID(); got != want {
		p.violated(m, "Call-ID %q in answer to %q", got, want)
	}
	if got, want := m.Header("From"), t.Sent.Header("From"); URI(got) != URI(want) || m.FromTag() != t.Sent.FromTag() {
		p.violated(m, "From %q in answer to %q", got, want)
	}
	if got, want := cseqOf(m), cseqOf(t.Sent); got != want {
		p.violated(m, "CSeq %d in answer to %d", got, want)
	}
	if m.Code > 100 && m.ToTag() == "" {
		p.violated(m, "To without a tag")
	}
	if want := t.Sent.ToTag(); want != "" && m.Code > 100 && m.ToTag() != want {
		p.violated(m, "To-tag %q in the dialog of %q", m.ToTag(), want)
	}
	if t.Sent.Method == "INVITE" && m.Code > 100 && m.Code < 300 && len(m.Headers("Contact")) != 1 {
		p.violated(m, "%d Contacts", len(m.Headers("Contact")))
	}
	if strings.Contains(m.Header("Require"), "100rel") && m.Code < 200 && m.Header("RSeq") == "" {
		p.violated(m, "reliable without RSeq")
	}
}
