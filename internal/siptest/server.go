package siptest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// tryingAfter is when an INVITE gets its 100, RFC 3261 s17.2.1.
const tryingAfter = 200 * time.Millisecond

// Request is a request that the phone received.
type Request struct {
	*Message

	phone  *Phone
	call   *Call // nil outside a dialog
	tag    string
	code   int    // of the latest response
	last   []byte // the latest response
	repeat *repeat
	acked  bool

	reliable map[string]*repeat // provisional responses that wait for PRACK, by "RSeq CSeq"
	rseq     int
}

// Respond answers the request. Responses to an INVITE are repeated until ACK.
func (r *Request) Respond(code int, headers []string, body string) {
	r.phone.mu.Lock()
	defer r.phone.mu.Unlock()
	r.respond(code, headers, body)
}

func (r *Request) respond(code int, headers []string, body string) {
	p := r.phone
	data := r.response(code, headers, body)
	r.code, r.last = code, data
	if sent, err := Parse(data); err == nil && r.call != nil {
		r.call.noteContact(sent)
	}
	if code >= 200 {
		for _, waiting := range r.reliable {
			waiting.stop()
		}
	}
	stream := r.path.stream != nil
	if r.Method != "INVITE" || code < 200 || p.faults.NeverRepeat || stream && code >= 300 {
		p.transmit(r.back(), data)
		return
	}
	r.repeat = p.repeat(data, r.back(), p.t2)
}

// refuse is respond for what belongs to no call.
func (r *Request) refuse(code int) {
	if !r.phone.faults.NeverAnswer {
		r.respond(code, nil, "")
	}
}

func (r *Request) response(code int, headers []string, body string) []byte {
	var fields []Field
	for i, via := range r.Headers("Via") {
		if i == 0 {
			via = r.markVia(via)
		}
		fields = append(fields, Field{"Via", via})
	}
	to := r.Header("To")
	if r.ToTag() == "" && code > 100 {
		to += ";tag=" + r.toTag()
	}
	fields = append(fields, Field{"From", r.Header("From")}, Field{"To", to},
		Field{"Call-ID", r.CallID()}, Field{"CSeq", r.Header("CSeq")})
	if r.Method == "INVITE" && code > 100 && code < 300 {
		for _, route := range r.Headers("Record-Route") {
			fields = append(fields, Field{"Record-Route", route})
		}
	}
	if (r.Method == "INVITE" || r.Method == "UPDATE") && code > 100 && code < 300 {
		fields = append(fields, Field{"Contact", r.phone.contact(r.path)})
	}
	if code == 200 && r.Method == "INVITE" {
		fields = append(fields, Field{"Allow", r.phone.options.Allow})
	}
	return assemble(fmt.Sprintf("SIP/2.0 %d %s", code, reason(code)), fields, headers, body)
}

func (r *Request) toTag() string {
	if r.call != nil {
		return r.call.localTag
	}
	if r.tag == "" {
		r.tag = newID()
	}
	return r.tag
}

// markVia notes where the request came from, RFC 3261 s18.2.1 and RFC 3581 s4.
func (r *Request) markVia(via string) string {
	sentBy, _ := hostPort(viaHost(via))
	if rport, asked := param(via, "rport"); asked && rport == "" {
		return fmt.Sprintf("%s;rport=%d;received=%v", withoutParam(via, "rport"), r.Source.Port(), r.Source.Addr())
	}
	if sentBy.Addr() != r.Source.Addr() {
		via += ";received=" + r.Source.Addr().String()
	}
	return via
}

func viaHost(via string) string {
	fields := strings.Fields(via[:indexOutside(via, ';')])
	if len(fields) == 0 {
		return ""
	}
	return fields[len(fields)-1]
}

// back is where responses go, RFC 3261 s18.2.2 and RFC 3581 s4.
func (r *Request) back() path {
	via := r.topVia()
	if _, rport := param(via, "rport"); rport || r.path.stream != nil {
		return r.path
	}
	if sentBy, ok := hostPort(viaHost(via)); ok {
		return path{addr: netip.AddrPortFrom(r.Source.Addr(), sentBy.Port())}
	}
	return r.path
}

func (r *Request) tryLater() {
	p := r.phone
	if p.faults.NeverTrying || p.faults.NeverAnswer {
		return
	}
	p.after(tryingAfter, func() {
		if r.code == 0 {
			r.respond(100, nil, "")
		}
	})
}

// acknowledged handles an ACK under the lock; the first one is handed to the script.
func (r *Request) acknowledged(ack *Message) {
	r.repeat.stop()
	if !r.acked && r.call != nil {
		r.acked = true
		r.call.acks.put(&Request{Message: ack, phone: r.phone, call: r.call})
	}
}

// automatic says whether the phone, not the script, answers.
func (r *Request) automatic() bool {
	switch r.Method {
	case "BYE", "CANCEL", "PRACK", "UPDATE", "INFO", "OPTIONS", "NOTIFY", "MESSAGE", "REGISTER":
		return !r.phone.faults.NeverAnswer && !slices.Contains(r.phone.options.Manual, r.Method)
	}
	return false
}

func (r *Request) answerAutomatically() {
	switch {
	case r.Method == "PRACK" && !r.call.confirmProvisional(r.Header("RAck")):
		r.respond(481, nil, "")
	case r.Body != "" && strings.HasPrefix(r.Body, "v=0") && r.phone.options.SDP.Address.IsValid():
		r.respond(200, nil, r.phone.options.SDP.Answer(r.Body))
	default:
		r.respond(200, nil, "")
	}
}

// confirmProvisional ends the repetition that a PRACK confirms, RFC 3262 s3.
func (c *Call) confirmProvisional(rack string) bool {
	if c.asked == nil {
		return false
	}
	key, _ := strings.CutSuffix(strings.Join(strings.Fields(rack), " "), " INVITE")
	waiting := c.asked.reliable[key]
	if waiting == nil {
		return false
	}
	waiting.stop()
	delete(c.asked.reliable, key)
	return true
}
