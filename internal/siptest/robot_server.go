package siptest

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// RobotRequest is a request that a robot received.
type RobotRequest struct {
	*Message
	Call *RobotCall // whose dialog it belongs to; of an INVITE that opens one, the first fork
	Seq  uint32
	Code int // of the latest response

	robot  *Robot
	last   []byte
	repeat *robotRepeat // of a refusal of an INVITE
	rseq   int
	pracks map[string]*robotRepeat // reliable provisional responses without their PRACK, by RAck
}

func (r *Robot) request(m *Message) {
	seq, _ := m.CSeq()
	switch m.Method {
	case "ACK":
		r.acknowledged(m, seq)
		return
	case "CANCEL":
		r.cancelled(m, seq)
		return
	}
	if known := r.servers[m.Branch()+m.Method]; known != nil {
		if known.last != nil && (m.Method != "INVITE" || known.Code/100 != 2) {
			r.transmit(known.last)
		}
		return
	}
	q := &RobotRequest{Message: m, Seq: seq, robot: r, pracks: map[string]*robotRepeat{}}
	r.servers[m.Branch()+m.Method] = q
	if m.Method == "INVITE" {
		r.Later(tryingAfter, func() {
			if q.Code == 0 {
				q.Respond(nil, 100, nil, "")
			}
		})
	}
	switch tag := m.ToTag(); {
	case tag != "":
		r.inDialog(q, tag)
	case m.Method == "INVITE":
		q.Call = r.open(m.CallID(), m.Header("To"), withoutTag(m.Header("From")), m.FromTag(), URI(m.Header("Contact")))
		q.Call.heard = seq
		r.Called(q)
	default:
		q.Respond(nil, 481, nil, "")
	}
}

func (r *Robot) inDialog(q *RobotRequest, tag string) {
	c := r.calls[q.CallID()+tag]
	switch {
	case c != nil && c.Gone && q.Method == "BYE": // both hung up
		q.Respond(nil, 200, nil, "")
		return
	case c == nil || c.remoteTag != q.FromTag() || c.Gone:
		q.Respond(nil, 481, nil, "")
		return
	}
	q.Call = c
	if q.Seq <= c.heard { // overtaken on its way (RFC 3261 s12.2.2)
		q.Respond(c, 500, []string{"Retry-After: 1"}, "")
		return
	}
	c.heard = q.Seq
	if q.Method == "UPDATE" && r.NoUpdate {
		r.complain(q.Message, "its Allow has no UPDATE")
		q.Respond(c, 405, nil, "")
		return
	}
	if q.Method == "PRACK" {
		c.pracked(q)
		return
	}
	c.Asked(q)
}

// acknowledged takes the ACK of a refusal, by its branch, or of a 2xx, by its dialog.
func (r *Robot) acknowledged(m *Message, seq uint32) {
	if q := r.servers[m.Branch()+"INVITE"]; q != nil && q.Code >= 300 {
		q.repeat.stop()
		return
	}
	c := r.calls[m.CallID()+m.ToTag()]
	if c == nil {
		return
	}
	waiting := c.answers[seq]
	if waiting == nil {
		r.complain(m, "the ACK of nothing")
		return
	}
	if !waiting.over {
		waiting.stop()
		if c.Acked != nil {
			c.Acked(m)
		}
	}
}

func (r *Robot) cancelled(m *Message, seq uint32) {
	if known := r.servers[m.Branch()+"CANCEL"]; known != nil {
		r.transmit(known.last)
		return
	}
	q := &RobotRequest{Message: m, Seq: seq, robot: r}
	r.servers[m.Branch()+"CANCEL"] = q
	invite := r.servers[m.Branch()+"INVITE"]
	if invite == nil || invite.Call == nil {
		q.Respond(nil, 481, nil, "")
		return
	}
	q.Call = invite.Call
	q.Respond(invite.Call, 200, nil, "")
	if invite.Code < 200 {
		invite.Respond(invite.Call, 487, nil, "")
		if invite.ToTag() == "" {
			invite.Call.Cancelled()
		}
	}
}

// Respond answers, for one of the dialogs that an INVITE opened; nil for none.
func (q *RobotRequest) Respond(c *RobotCall, code int, headers []string, body string) {
	r := q.robot
	if q.Code >= 200 && (q.Method != "INVITE" || q.Code >= 300 || code >= 300 || code < 200) {
		return // a final response went before
	}
	data := q.response(c, code, headers, body)
	q.Code, q.last = code, data
	if code >= 200 {
		for _, waiting := range q.pracks {
			waiting.stop()
		}
	}
	switch {
	case q.Method != "INVITE" || code < 200:
		r.transmit(data)
	case code >= 300:
		q.repeat = r.repeat(data, robotT2, func() {})
	default:
		c.answers[q.Seq] = r.repeat(data, robotT2, func() {
			if !c.Gone && c.Unacked != nil {
				c.Unacked()
			}
		})
	}
}

// Ignore lets a request go without any response.
func (q *RobotRequest) Ignore() { q.Code = 1 }

// RespondReliably repeats a provisional response until its PRACK (RFC 3262 s3).
func (q *RobotRequest) RespondReliably(c *RobotCall, code int, body string, pracked func()) {
	q.rseq++
	headers := []string{"Require: 100rel", "RSeq: " + strconv.Itoa(q.rseq)}
	q.Code, q.last = code, q.response(c, code, headers, body)
	q.pracks[fmt.Sprintf("%d %d INVITE", q.rseq, q.Seq)] = q.robot.repeat(q.last, 64*robotT1, func() { q.Respond(c, 504, nil, "") })
	c.pracked = func(p *RobotRequest) {
		key := strings.Join(strings.Fields(p.Header("RAck")), " ")
		waiting := q.pracks[key]
		if waiting == nil {
			p.Respond(c, 481, nil, "")
			return
		}
		delete(q.pracks, key)
		p.Respond(c, 200, nil, "")
		if !waiting.over {
			waiting.stop()
			pracked()
		}
	}
}

func (q *RobotRequest) response(c *RobotCall, code int, headers []string, body string) []byte {
	to := q.Header("To")
	if code > 100 && q.ToTag() == "" {
		tag := "none" + strconv.FormatInt(time.Now().UnixNano(), 36)
		if c != nil {
			tag = c.LocalTag
		}
		to += ";tag=" + tag
	}
	fields := []Field{{"Via", q.topVia()}, {"From", q.Header("From")}, {"To", to}, {"Call-ID", q.CallID()}, {"CSeq", q.Header("CSeq")}}
	if (q.Method == "INVITE" || q.Method == "UPDATE") && code > 100 && code < 300 {
		fields = append(fields, Field{"Contact", q.robot.robotContact()}, Field{"Allow", q.robot.allows()})
	}
	return assemble(fmt.Sprintf("SIP/2.0 %d %s", code, reason(code)), fields, headers, body)
}

func (r *Robot) allows() string {
	if r.NoUpdate {
		return strings.Replace(allow, ", UPDATE", "", 1)
	}
	return allow
}

func (r *Robot) robotContact() string { return "<sip:" + r.Name + "@" + r.addr.String() + ">" }
