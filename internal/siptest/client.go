package siptest

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

type clientState int

const (
	calling clientState = iota
	proceeding
	completed
)

// Transaction is a request that the phone sent, and the responses to it.
type Transaction struct {
	Sent *Message // the request

	phone     *Phone
	call      *Call // nil outside a dialog
	path      path
	state     clientState
	repeat    *repeat
	seen      []*Message
	responses *queue[*Message]
	acks      map[string]ack // by To-tag, as sent
	cancel    *Transaction   // waits for a provisional response
}

// ack is an ACK as it was sent.
type ack struct {
	raw []byte
	to  path
}

// begin sends a request and listens for its responses, under the lock.
func (p *Phone) begin(c *Call, raw []byte, to path) *Transaction {
	t := p.prepare(c, raw, to)
	t.send()
	return t
}

func (p *Phone) prepare(c *Call, raw []byte, to path) *Transaction {
	sent, err := Parse(raw)
	if err != nil { // a script's hostile headers: nothing can be matched, but it is sent
		sent = &Message{Raw: raw}
	}
	t := &Transaction{Sent: sent, phone: p, call: c, path: to, responses: newQueue[*Message](), acks: make(map[string]ack)}
	_, method := sent.CSeq()
	p.clients.set(clientKey(sent.Branch(), method), t)
	return t
}

func (t *Transaction) send() {
	p := t.phone
	switch {
	case p.closed:
		t.responses.close()
	case t.path.stream != nil || p.faults.NeverRepeat:
		p.transmit(t.path, t.Sent.Raw)
	case t.Sent.Method == "INVITE":
		t.repeat = p.repeat(t.Sent.Raw, t.path, 64*p.t1) // timer A doubles without limit
	default:
		t.repeat = p.repeat(t.Sent.Raw, t.path, p.t2)
	}
}

// receive handles a response under the lock.
func (t *Transaction) receive(m *Message) {
	if t.isRepeated(m) {
		if t.Sent.Method == "INVITE" && m.Code >= 200 && !t.phone.faults.NeverAckAgain {
			t.sendAck(m.ToTag())
		}
		return
	}
	t.phone.checkResponse(t, m)
	if len(t.seen) < queueLimit {
		t.seen = append(t.seen, m)
	}
	if m.Code < 200 {
		t.provisional()
	} else {
		t.state = completed
		t.repeat.stop()
	}
	if t.Sent.Method == "INVITE" {
		t.receiveForInvite(m)
	}
	t.phone.media(m)
	t.responses.put(m)
}

// isRepeated recognises what came before: the same octets, or another final response of the same dialog.
func (t *Transaction) isRepeated(m *Message) bool {
	return slices.ContainsFunc(t.seen, func(old *Message) bool {
		if m.Code >= 200 && old.Code >= 200 {
			return t.Sent.Method != "INVITE" || m.Code/100 == old.Code/100 && m.ToTag() == old.ToTag() || m.Code >= 300
		}
		return bytes.Equal(m.Raw, old.Raw)
	})
}

func (t *Transaction) provisional() {
	if t.state != calling {
		return
	}
	t.state = proceeding
	if t.Sent.Method != "INVITE" {
		t.repeat.slow()
		return
	}
	t.repeat.stop()
	if t.cancel != nil {
		t.cancel.send()
		t.cancel = nil
	}
}

func (t *Transaction) receiveForInvite(m *Message) {
	if m.Code >= 300 {
		t.acks[m.ToTag()] = ack{t.refusalAck(m), t.path}
		t.sendAck(m.ToTag())
		return
	}
	if t.call != nil {
		t.call.learnFrom(t, m)
	}
}

// refusalAck is the transaction's own ACK, RFC 3261 s17.1.1.3.
func (t *Transaction) refusalAck(m *Message) []byte {
	fields := []Field{{"Via", t.Sent.topVia()}, {"Max-Forwards", "70"}}
	for _, route := range t.Sent.Headers("Route") {
		fields = append(fields, Field{"Route", route})
	}
	fields = append(fields, Field{"From", t.Sent.Header("From")}, Field{"To", m.Header("To")},
		Field{"Call-ID", t.Sent.CallID()}, Field{"CSeq", fmt.Sprintf("%d ACK", cseqOf(t.Sent))})
	return assemble("ACK "+t.Sent.URI+" SIP/2.0", fields, nil, "")
}

func (t *Transaction) sendAck(tag string) {
	if a, known := t.acks[tag]; known && !t.phone.faults.NeverAck {
		t.phone.transmit(a.to, a.raw)
	}
}

// Expect waits for a response with one of the codes and passes over provisional ones that are not asked for.
// Any other final response, and silence, end the script. Without codes any response will do.
func (t *Transaction) Expect(codes ...int) *Message {
	p := t.phone
	p.tb.Helper()
	end := time.Now().Add(p.options.Timeout)
	for {
		m, ok := t.responses.take(time.Until(end), nil)
		switch {
		case !ok:
			p.fatalf("no response %v to %s within %v", codes, t.Sent.Method, p.options.Timeout)
			return nil
		case len(codes) == 0 || slices.Contains(codes, m.Code):
			p.complain()
			return m
		case m.Code >= 200:
			p.fatalf("%s was answered %d %s, want %v", t.Sent.Method, m.Code, m.Reason, codes)
			return nil
		}
	}
}

// Responses are all that have arrived so far, each once.
func (t *Transaction) Responses() []*Message {
	t.phone.mu.Lock()
	defer t.phone.mu.Unlock()
	return slices.Clone(t.seen)
}
