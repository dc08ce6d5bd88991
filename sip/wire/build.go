package wire

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Builder writes one message. What it is given passes as text or not at all: a CR, LF or NUL in any value makes
// Bytes fail and name the field. Methods return the Builder so that calls can be chained.
type Builder struct {
	buf         []byte
	request     *Message // the request that is answered
	method      Method   // of the request that is written; "" for a response
	wrote       seen
	vias        int
	contentType string
	body        []byte
	done        bool
	err         error
}

// What a buffer starts with beyond the fields that are known at the start, so that most messages need no second one.
const (
	roomForFields = 224
	roomForInvite = 1024
)

// NewRequest starts a request. Via, From, To, Call-ID and CSeq must follow; Max-Forwards is 70 unless added.
func NewRequest(m Method, uri string) *Builder {
	room := 2 * roomForFields
	if m == INVITE {
		room = roomForInvite
	}
	b := &Builder{method: m, buf: make([]byte, 0, room)}
	if !isToken(string(m)) {
		b.fail(fmt.Errorf("method: not a token"))
	}
	if _, err := ParseURI(uri); err != nil {
		b.fail(fmt.Errorf("Request-URI: %w", err))
	}
	b.buf = append(b.buf, m...)
	b.buf = append(b.buf, ' ')
	b.buf = append(b.buf, uri...)
	b.buf = append(b.buf, " SIP/2.0\r\n"...)
	return b
}

// NewResponse starts the response to a request (RFC 3261 s8.2.6.2): every Via, the top one with where the request
// came from, From, To with toTag unless it has a tag or the status is 100, Call-ID and CSeq. reason "" is the
// standard phrase. No other field is copied but Timestamp in a 100 (s8.2.6.1).
func NewResponse(req *Message, status int, reason string, toTag string) *Builder {
	b := startResponse(status, reason, responseSize(req, status))
	b.request = req
	b.vias = len(req.Via)
	for i, v := range req.Via {
		b.buf = append(b.buf, "Via: "...)
		if i == 0 {
			b.buf = v.appendReceived(b.buf, req.Source)
		} else {
			b.buf = append(b.buf, v.Raw...)
		}
		b.buf = append(b.buf, "\r\n"...)
	}
	b.put("From", req.From.Raw)
	switch {
	case req.To.Tag != "" || status == 100:
		b.put("To", req.To.Raw)
	case !isToken(toTag):
		b.fail(errors.New("a response over 100 needs a tag in To"))
	default:
		b.put("To", req.To.Raw, ";tag=", toTag)
	}
	b.put("Call-ID", req.CallID)
	b.buf = append(b.buf, "CSeq: "...)
	b.buf = strconv.AppendUint(b.buf, uint64(req.CSeq), 10)
	b.buf = append(b.buf, ' ')
	b.buf = append(b.buf, req.Method...)
	b.buf = append(b.buf, "\r\n"...)
	b.wrote = sawFrom | sawTo | sawCallID | sawCSeq
	if t := req.Value("Timestamp"); status == 100 && t != "" {
		b.put("Timestamp", t)
	}
	return b
}

// responseSize is about how long a response to req will be. An answer is about as long as the offer.
func responseSize(req *Message, status int) int {
	size := roomForFields + len(req.From.Raw) + len(req.To.Raw) + len(req.CallID)
	for _, v := range req.Via {
		size += len(v.Raw)
	}
	if len(req.Body) > 0 && (status == 183 || status/100 == 2) {
		size += roomForFields + len(req.Body)
	}
	return size
}

func startResponse(status int, reason string, size int) *Builder {
	b := &Builder{buf: make([]byte, 0, size)}
	if status < 100 || status > 699 {
		b.fail(fmt.Errorf("status %d: not 100-699", status))
	}
	if reason == "" {
		reason = Phrase(status)
	}
	if breaksLine(reason) {
		b.fail(errors.New("reason phrase: line break or NUL"))
	}
	b.buf = append(b.buf, "SIP/2.0 "...)
	b.buf = strconv.AppendInt(b.buf, int64(status), 10)
	b.buf = append(b.buf, ' ')
	b.buf = append(b.buf, reason...)
	b.buf = append(b.buf, "\r\n"...)
	return b
}

// Via adds our own Via: network "UDP", "TCP" or "TLS", sentBy host[:port]. Over UDP it asks for rport (RFC 3581).
func (b *Builder) Via(network, sentBy, branch string) *Builder {
	var v Via
	if !isToken(network) || !isToken(branch) || v.sentBy(sentBy) != nil {
		return b.fail(fmt.Errorf("Via: %q, %q, %q cannot make one", network, sentBy, branch))
	}
	return b.addVia("SIP/2.0/", network, " ", sentBy, ";branch=", branch, rport(network))
}

func viaText(network, sentBy, branch string) string {
	return "SIP/2.0/" + network + " " + sentBy + ";branch=" + branch + rport(network)
}

func rport(network string) string {
	if network == "UDP" {
		return ";rport"
	}
	return ""
}

func (b *Builder) addVia(parts ...string) *Builder {
	if b.method == "" {
		return b.fail(errors.New("Via: a response has those of its request"))
	}
	b.vias++
	return b.put("Via", parts...)
}

// Add appends a field. Content-Length, Content-Type and, in a response, the fields of NewResponse are not for Add.
func (b *Builder) Add(name, value string) *Builder {
	if !isToken(name) {
		return b.fail(fmt.Errorf("field name %q: not a token", name))
	}
	switch known, _ := canonical(name); known {
	case "Via":
		return b.addVia(value)
	case "From":
		b.once(name, sawFrom)
	case "To":
		b.once(name, sawTo)
	case "Call-ID":
		b.once(name, sawCallID)
	case "CSeq":
		b.once(name, sawCSeq)
		if !strings.HasSuffix(value, " "+string(b.method)) {
			b.fail(errors.New("CSeq: not of this method"))
		}
	case "Max-Forwards":
		b.once(name, sawMaxForwards)
	case "Content-Length", "Content-Type":
		return b.fail(fmt.Errorf("%s: written by Body", name))
	}
	return b.put(name, value)
}

func (b *Builder) once(name string, bit seen) {
	if b.wrote&bit != 0 {
		b.fail(fmt.Errorf("%s: given twice", name))
	}
	b.wrote |= bit
}

// put appends a field whose name is known to be good; its value may come in parts.
func (b *Builder) put(name string, value ...string) *Builder {
	if b.done {
		return b.fail(fmt.Errorf("%s: after Bytes", name))
	}
	b.buf = append(b.buf, name...)
	b.buf = append(b.buf, ": "...)
	for _, part := range value {
		if breaksLine(part) {
			return b.fail(fmt.Errorf("%s: line break or NUL", name))
		}
		b.buf = append(b.buf, part...)
	}
	b.buf = append(b.buf, "\r\n"...)
	return b
}

// RecordRoute writes the Record-Route of a response that makes a dialog (RFC 3261 s12.1.1): the routes given, or,
// with none given, those of the request.
func (b *Builder) RecordRoute(routes ...string) *Builder {
	if len(routes) == 0 && b.request != nil {
		routes = b.request.RecordRoute
	}
	for _, r := range routes {
		b.put("Record-Route", r)
	}
	return b
}

// Body sets the body and its type. The slice is not kept beyond Bytes.
func (b *Builder) Body(contentType string, body []byte) *Builder {
	b.contentType, b.body = contentType, body
	return b
}

// Bytes is the whole message, with a Content-Length always. The first fault of any call before is its error.
func (b *Builder) Bytes() ([]byte, error) {
	if b.err == nil && !b.done {
		b.finish()
	}
	if b.err != nil {
		return nil, b.err
	}
	return b.buf, nil
}

func (b *Builder) finish() {
	if b.method != "" {
		const need = sawFrom | sawTo | sawCallID | sawCSeq // RFC 3261 s8.1.1
		if b.wrote&need != need || b.vias == 0 {
			b.fail(errors.New("a request needs Via, From, To, Call-ID and CSeq"))
		}
		if b.wrote&sawMaxForwards == 0 {
			b.put("Max-Forwards", "70")
		}
	}
	if len(b.body) > 0 {
		if b.contentType == "" {
			b.fail(errors.New("Content-Type: a body needs one"))
		}
		b.put("Content-Type", b.contentType)
	}
	b.buf = slices.Grow(b.buf, len("Content-Length: 65535\r\n\r\n")+len(b.body))
	b.buf = append(b.buf, "Content-Length: "...)
	b.buf = strconv.AppendInt(b.buf, int64(len(b.body)), 10)
	b.buf = append(b.buf, "\r\n\r\n"...)
	b.buf = append(b.buf, b.body...)
	if len(b.buf) > maxMessage {
		b.fail(fmt.Errorf("%d octets: over 64 KiB", len(b.buf)))
	}
	b.done = true
}

func (b *Builder) fail(err error) *Builder {
	if b.err == nil {
		b.err = fmt.Errorf("building message: %w", err)
	}
	return b
}
