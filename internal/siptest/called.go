package siptest

import "fmt"

// Fork is a further dialog of an INVITE received, with a To-tag of its own, as if a proxy had forked it.
func (c *Call) Fork() *Call {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	fork := c.phone.newCall(c.CallID)
	fork.Invite, fork.dialog, fork.path = c.Invite, c.dialog, c.path
	fork.localTag = newID()
	fork.asked = &Request{Message: c.Invite, phone: c.phone, call: fork}
	return fork
}

// Respond answers the peer's latest INVITE.
func (c *Call) Respond(code int, headers []string, body string) {
	c.phone.tb.Helper()
	c.inviteAsked().Respond(code, headers, body)
}

// Answer is Respond(200) with the phone's own answer to the offer, or its offer if there was none.
func (c *Call) Answer(headers ...string) {
	c.phone.tb.Helper()
	r := c.inviteAsked()
	body := c.phone.options.SDP.Offer()
	if r.Body != "" && body != "" {
		body = c.phone.options.SDP.Answer(r.Body)
	}
	r.Respond(200, headers, body)
}

// RespondReliably sends a provisional response that is repeated until PRACK, RFC 3262 s3.
func (c *Call) RespondReliably(code int, headers []string, body string) {
	c.phone.tb.Helper()
	r, p := c.inviteAsked(), c.phone
	p.mu.Lock()
	defer p.mu.Unlock()
	r.rseq++
	headers = append([]string{"Require: 100rel", fmt.Sprintf("RSeq: %d", r.rseq)}, headers...)
	r.code, r.last = code, r.response(code, headers, body)
	if r.reliable == nil {
		r.reliable = make(map[string]*repeat)
	}
	if p.faults.NeverRepeat {
		p.transmit(r.back(), r.last)
		return
	}
	r.reliable[fmt.Sprintf("%d %d", r.rseq, cseqOf(r.Message))] = p.repeat(r.last, r.back(), 64*p.t1)
}

func (c *Call) inviteAsked() *Request {
	c.phone.tb.Helper()
	c.phone.mu.Lock()
	r := c.asked
	c.phone.mu.Unlock()
	if r == nil {
		c.phone.fatalf("this call has received no INVITE")
	}
	return r
}
