package siptest

import (
	"slices"
	"time"
)

// receive takes one message from the network to where it belongs.
func (p *Phone) receive(data []byte, from path) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard++
	p.note("<-", string(data))
	now := time.Now()
	local := p.addr
	if from.stream != nil {
		local = from.stream.local
	}
	p.options.Ladder.received(now, from.addr, local, data)
	m, err := Parse(data)
	if err != nil {
		p.strays.put(&Message{Raw: data, Source: from.addr, At: now, path: from})
		return
	}
	m.Source, m.At, m.path = from.addr, now, from
	if !m.IsRequest() {
		p.receiveResponse(m)
		return
	}
	p.checkRequest(m)
	switch m.Method {
	case "ACK":
		p.receiveAck(m)
	case "CANCEL":
		p.receiveCancel(m)
	default:
		p.receiveRequest(m)
	}
}

func (p *Phone) receiveResponse(m *Message) {
	_, method := m.CSeq()
	t := p.clients.entries[clientKey(m.Branch(), method)]
	if t == nil {
		p.strays.put(m)
		return
	}
	t.receive(m)
}

func clientKey(branch, method string) string { return branch + " " + method }

// serverKey is RFC 3261 s17.2.3: branch, sent-by and method; ACK and CANCEL look for the INVITE.
func serverKey(m *Message, method string) string {
	via := m.topVia()
	sentBy := via[:indexOutside(via, ';')]
	return m.Branch() + " " + sentBy + " " + method
}

func (p *Phone) receiveAck(m *Message) {
	if r := p.servers.entries[serverKey(m, "INVITE")]; r != nil && r.code >= 300 {
		r.acknowledged(m)
		return
	}
	if c := p.find(m); c != nil && c.asked != nil {
		asked, _ := c.asked.CSeq()
		if n, _ := m.CSeq(); n == asked {
			c.asked.acknowledged(m)
			p.media(m)
			return
		}
	}
	p.strays.put(m)
}

func (p *Phone) receiveCancel(m *Message) {
	r, again := p.open(m)
	if again {
		return
	}
	invite := p.servers.entries[serverKey(m, "INVITE")]
	if invite == nil || invite.call == nil {
		r.refuse(481)
		p.strays.put(m)
		return
	}
	r.call = invite.call
	if r.automatic() {
		r.respond(200, nil, "")
		if invite.code < 200 {
			invite.respond(487, nil, "")
		}
	}
	invite.call.requests.put(r)
}

func (p *Phone) receiveRequest(m *Message) {
	r, again := p.open(m)
	if again {
		return
	}
	switch {
	case m.ToTag() != "":
		p.receiveInDialog(r)
	case m.Method == "INVITE":
		p.receiveInvite(r)
	default:
		if r.automatic() {
			r.respond(200, []string{"Allow: " + p.options.Allow}, "")
		}
		p.outside.put(r)
	}
}

// open begins a server transaction; a request that has one gets the same response again.
func (p *Phone) open(m *Message) (r *Request, again bool) {
	key := serverKey(m, m.Method)
	if known := p.servers.entries[key]; known != nil {
		if known.last != nil && !p.faults.ForgetTransaction {
			p.transmit(known.back(), known.last)
		}
		return known, true
	}
	r = &Request{Message: m, phone: p}
	p.servers.set(key, r)
	return r, false
}

func (p *Phone) receiveInvite(r *Request) {
	c := p.newCall(r.CallID())
	c.asked, c.Invite, c.path = r, r.Message, r.path
	c.dialog = dialog{
		localTag:  newID(),
		remoteTag: r.FromTag(),
		local:     r.Header("To"),
		remote:    withoutTag(r.Header("From")),
		target:    URI(r.Header("Contact")),
		routes:    r.Headers("Record-Route"),
		cseq:      100,
	}
	c.heardCSeq, _ = r.CSeq()
	r.call = c
	p.media(r.Message)
	r.tryLater()
	p.incoming.put(c)
}

func (p *Phone) receiveInDialog(r *Request) {
	c := p.find(r.Message)
	if c == nil || c.ended {
		r.refuse(481)
		p.strays.put(r.Message)
		return
	}
	r.call = c
	p.checkInDialog(c, r.Message)
	c.heardCSeq = max(c.heardCSeq, cseqOf(r.Message))
	if contact := r.Header("Contact"); contact != "" {
		c.target = URI(contact) // target refresh, RFC 3261 s12.2.2
	}
	if r.Method == "INVITE" {
		c.asked = r
		r.tryLater()
	}
	p.media(r.Message)
	if r.automatic() {
		r.answerAutomatically()
	}
	c.ended = c.ended || r.Method == "BYE"
	c.requests.put(r)
}

func cseqOf(m *Message) uint32 {
	n, _ := m.CSeq()
	return n
}

// find is the dialog that a request of the peer belongs to, RFC 3261 s12.2.2.
func (p *Phone) find(m *Message) *Call {
	for _, c := range slices.Backward(p.calls) {
		if c.CallID == m.CallID() && c.localTag == m.ToTag() && c.remoteTag == m.FromTag() {
			return c
		}
	}
	return nil
}

// media tells the voice where the peer's audio is.
func (p *Phone) media(m *Message) {
	if m.Body == "" || p.options.Media == nil {
		return
	}
	if d, err := ParseSDP(m.Body); err == nil && d.Address.Port() != 0 {
		p.options.Media(d.Address)
	}
}
