package siptest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const maxCalls = 1024

// Call is one dialog as one phone sees it: of an INVITE that it sent or received.
type Call struct {
	CallID string
	Invite *Message // the INVITE that opened it

	phone *Phone
	dialog
	path     path
	sent     *Transaction // our latest INVITE
	asked    *Request     // the peer's latest INVITE
	contact  string       // URI that we gave the peer last
	settled  bool         // a 2xx has fixed which fork this is
	ended    bool         // the peer has hung up
	requests *queue[*Request]
	acks     *queue[*Request]
}

func (p *Phone) newCall(callID string) *Call {
	c := &Call{CallID: callID, phone: p, requests: newQueue[*Request](), acks: newQueue[*Request]()}
	if len(p.calls) >= maxCalls {
		p.calls = p.calls[1:]
	}
	p.calls = append(p.calls, c)
	if p.closed {
		c.close()
	}
	return c
}

func (c *Call) close() {
	c.requests.close()
	c.acks.close()
}

// Invite calls somebody.
func (p *Phone) Invite(o InviteOptions) *Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o.Body == "" && !o.NoSDP {
		o.Body = p.options.SDP.Offer()
	}
	raw, callID := p.outsideRequest("INVITE", o)
	c := p.newCall(callID)
	c.path = p.way()
	c.sent = p.prepare(c, raw, c.path)
	c.Invite = c.sent.Sent
	c.noteContact(c.Invite)
	c.dialog = dialog{
		localTag: c.Invite.FromTag(),
		local:    withoutTag(c.Invite.Header("From")),
		remote:   c.Invite.Header("To"),
		target:   c.Invite.URI,
		cseq:     cseqOf(c.Invite),
	}
	c.sent.send()
	return c
}

// Request sends a request outside any dialog, such as OPTIONS or REGISTER.
func (p *Phone) Request(method string, o InviteOptions) *Transaction {
	p.mu.Lock()
	defer p.mu.Unlock()
	raw, _ := p.outsideRequest(method, o)
	return p.begin(nil, raw, p.way())
}

func (p *Phone) outsideRequest(method string, o InviteOptions) (raw []byte, callID string) {
	way := p.way()
	if o.From == "" {
		o.From = fmt.Sprintf("<sip:%s@%v>", p.options.Name, p.local(way))
	}
	to, from := nameAddr(o.To, p.options.Peer), nameAddr(o.From, p.addr)
	uri := o.RequestURI
	if uri == "" {
		uri = URI(to)
	}
	if callID = o.CallID; callID == "" {
		callID = newID()
	}
	fields := []Field{
		{"Via", p.via(way, newBranch())},
		{"Max-Forwards", "70"},
		{"From", from + ";tag=" + newID()},
		{"To", to},
		{"Call-ID", callID},
		{"CSeq", "1 " + method},
		{"Contact", p.contact(way)},
		{"Allow", p.options.Allow},
	}
	return assemble(method+" "+uri+" SIP/2.0", fields, o.Headers, o.Body), callID
}

// learnFrom follows the dialogs that a response to our INVITE creates or refreshes, under the lock.
func (c *Call) learnFrom(t *Transaction, m *Message) {
	switch {
	case m.ToTag() == "" || m.Code == 100:
	case t.Sent.ToTag() != "": // re-INVITE: target refresh only
		if contact := m.Header("Contact"); contact != "" && m.Code >= 200 {
			c.target = URI(contact)
		}
	case !c.settled:
		c.learn(m)
		c.settled = m.Code >= 200
	}
}

// Expect waits for a response to the call's latest INVITE; see Transaction.Expect.
func (c *Call) Expect(codes ...int) *Message {
	c.phone.tb.Helper()
	return c.inviteSent().Expect(codes...)
}

// Responses are those to the call's latest INVITE so far, each once.
func (c *Call) Responses() []*Message { return c.inviteSent().Responses() }

func (c *Call) inviteSent() *Transaction {
	c.phone.tb.Helper()
	c.phone.mu.Lock()
	t := c.sent
	c.phone.mu.Unlock()
	if t == nil {
		c.phone.fatalf("this call has sent no INVITE")
	}
	return t
}

// Ack acknowledges the 2xx of the latest INVITE and, from then on, each repetition of it.
func (c *Call) Ack(body string, headers ...string) {
	c.phone.tb.Helper()
	t := c.inviteSent()
	if !slices.ContainsFunc(t.Responses(), func(m *Message) bool { return m.Code/100 == 2 && m.ToTag() == c.remoteTag }) {
		c.phone.fatalf("there is no 2xx to acknowledge")
	}
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	raw, way := c.request(&c.dialog, "ACK", newBranch(), cseqOf(t.Sent), headers, body)
	t.acks[c.remoteTag] = ack{raw, way}
	t.sendAck(c.remoteTag)
}

// Cancel gives up the latest INVITE. Without a provisional response so far it waits for one (RFC 3261 s9.1).
func (c *Call) Cancel(headers ...string) *Transaction {
	c.phone.tb.Helper()
	t, p := c.inviteSent(), c.phone
	p.mu.Lock()
	defer p.mu.Unlock()
	fields := []Field{{"Via", t.Sent.topVia()}, {"Max-Forwards", "70"}}
	for _, route := range t.Sent.Headers("Route") {
		fields = append(fields, Field{"Route", route})
	}
	fields = append(fields, Field{"From", t.Sent.Header("From")}, Field{"To", t.Sent.Header("To")},
		Field{"Call-ID", c.CallID}, Field{"CSeq", fmt.Sprintf("%d CANCEL", cseqOf(t.Sent))})
	cancel := p.prepare(c, assemble("CANCEL "+t.Sent.URI+" SIP/2.0", fields, headers, ""), t.path)
	if t.state == calling && !p.faults.CancelAtOnce {
		t.cancel = cancel
	} else {
		cancel.send()
	}
	return cancel
}

// Request sends a request within the dialog.
func (c *Call) Request(method string, headers []string, body string) *Transaction {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	c.cseq++
	raw, way := c.request(&c.dialog, method, newBranch(), c.cseq, headers, body)
	t := c.phone.prepare(c, raw, way)
	if method == "INVITE" {
		c.sent = t
	}
	c.noteContact(t.Sent)
	t.send()
	return t
}

// Bye hangs up.
func (c *Call) Bye(headers ...string) *Transaction { return c.Request("BYE", headers, "") }

// Reinvite offers again; Expect and Ack then mean this INVITE.
func (c *Call) Reinvite(body string, headers ...string) *Transaction {
	return c.Request("INVITE", headers, body)
}

// Prack confirms a reliable provisional response, in the dialog of that response (RFC 3262 s4).
func (c *Call) Prack(m *Message, body string) *Transaction {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	d := c.dialog
	if c.remoteTag != m.ToTag() {
		d.learn(m)
	}
	c.cseq++
	rack := fmt.Sprintf("RAck: %s %s", m.Header("RSeq"), m.Header("CSeq"))
	raw, way := c.request(&d, "PRACK", newBranch(), c.cseq, []string{rack}, body)
	return c.phone.begin(c, raw, way)
}

func (c *Call) noteContact(m *Message) {
	if contact := m.Header("Contact"); contact != "" {
		c.contact = URI(contact)
	}
}

// ForkFrom is the other dialog that a response to this call's INVITE with another To-tag created.
func (c *Call) ForkFrom(m *Message) *Call {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	fork := c.phone.newCall(c.CallID)
	fork.Invite, fork.dialog, fork.path, fork.contact, fork.sent, fork.settled = c.Invite, c.dialog, c.path, c.contact, c.sent, true
	fork.heardCSeq = 0
	fork.learn(m)
	return fork
}

// ExpectRequest waits for a request of that method within the call; others stay for later. "INVITE" is a
// re-INVITE, "ACK" the first one for each of our final responses.
func (c *Call) ExpectRequest(method string) *Request {
	c.phone.tb.Helper()
	if method == "ACK" {
		return c.phone.expect(c.acks, method)
	}
	return c.phone.expect(c.requests, method)
}

// Quiet waits for d and fails if a request or a response that the script has not taken is there or arrives.
func (c *Call) Quiet(d time.Duration) {
	c.phone.tb.Helper()
	c.phone.mu.Lock()
	sent := c.sent
	c.phone.mu.Unlock()
	time.Sleep(d)
	var unread []string
	for r, ok := c.requests.take(0, nil); ok; r, ok = c.requests.take(0, nil) {
		unread = append(unread, r.String())
	}
	if sent != nil {
		for m, ok := sent.responses.take(0, nil); ok; m, ok = sent.responses.take(0, nil) {
			unread = append(unread, m.String())
		}
	}
	if len(unread) > 0 {
		c.phone.fatalf("unexpected: %s", strings.Join(unread, "; "))
	}
}
