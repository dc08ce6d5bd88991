package siptest

import (
	"fmt"
	"slices"
	"strings"
)

// dialog is RFC 3261 s12: what requests within a call are made of.
type dialog struct {
	localTag, remoteTag string
	local, remote       string // From and To values without tags
	target              string // remote target
	routes              []string
	cseq                uint32 // of our latest request
	heardCSeq           uint32 // of the peer's latest request; 0 before the first
}

// learn takes over what a response to our INVITE says about the dialog, RFC 3261 s12.1.2.
func (d *dialog) learn(m *Message) {
	d.remoteTag = m.ToTag()
	d.remote = withoutTag(m.Header("To"))
	if contact := m.Header("Contact"); contact != "" {
		d.target = URI(contact)
	}
	d.routes = m.Headers("Record-Route")
	slices.Reverse(d.routes)
}

// direct gives Request-URI and Route headers, RFC 3261 s12.2.1.1.
func (d *dialog) direct() (uri string, routes []string) {
	if len(d.routes) == 0 || isLoose(d.routes[0]) {
		return d.target, d.routes
	}
	return URI(d.routes[0]), append(slices.Clone(d.routes[1:]), "<"+d.target+">")
}

// request builds a request within the dialog and says where it goes. Routes that point to the phone itself are
// proxies that it plays: they have taken themselves off already.
func (c *Call) request(d *dialog, method, branch string, cseq uint32, extra []string, body string) ([]byte, path) {
	uri, routes := d.direct()
	routes = slices.DeleteFunc(slices.Clone(routes), func(route string) bool {
		addr, ok := hostPort(URI(route))
		return ok && addr == c.phone.addr
	})
	hop := uri
	if uri == d.target && len(routes) > 0 {
		hop = URI(routes[0])
	}
	way := c.path
	if addr, ok := hostPort(hop); ok && way.stream == nil {
		way.addr = addr
	}
	fields := []Field{
		{"Via", c.phone.via(way, branch)},
		{"Max-Forwards", "70"},
	}
	for _, route := range routes {
		fields = append(fields, Field{"Route", route})
	}
	fields = append(fields,
		Field{"From", d.local + ";tag=" + d.localTag},
		Field{"To", d.remote + ";tag=" + d.remoteTag},
		Field{"Call-ID", c.CallID},
		Field{"CSeq", fmt.Sprintf("%d %s", cseq, method)},
	)
	if method == "INVITE" || method == "UPDATE" {
		fields = append(fields, Field{"Contact", c.phone.contact(way)}, Field{"Allow", c.phone.options.Allow})
	}
	return assemble(method+" "+uri+" SIP/2.0", fields, extra, body), way
}

func (p *Phone) via(w path, branch string) string {
	return fmt.Sprintf("SIP/2.0/%s %v;branch=%s;rport", w.transport(), p.local(w), branch)
}

func (p *Phone) contact(w path) string {
	uri := fmt.Sprintf("<sip:%s@%v", p.options.Name, p.local(w))
	if w.stream != nil {
		uri += ";transport=" + strings.ToLower(w.transport())
	}
	return uri + ">"
}

func (p *Phone) local(w path) fmt.Stringer {
	if w.stream != nil {
		return w.stream.local
	}
	return p.addr
}

func newBranch() string { return "z9hG4bK" + newID() }
