package siptest

import (
	"fmt"
	"slices"
)

// RobotAsk is a request of a robot, and the wait for its responses.
type RobotAsk struct {
	Method string
	CSeq   uint32
	Final  int // status of the final response; 408 when none came, 0 while there is none

	robot  *Robot
	call   *RobotCall
	branch string
	head   []Field // Via, From, To, Call-ID as sent
	uri    string
	repeat *robotRepeat
	heard  bool // a response
	cancel func()
	acks   map[string][]byte // of 2xx by To-tag, of refusals under ""
	// hear is told each provisional response, the first 2xx of each To-tag, any other final response once; nil: none came.
	hear func(*Message)
}

func (r *Robot) ask(c *RobotCall, method string, seq uint32, fields []Field, headers []string, body string, hear func(*Message)) *RobotAsk {
	t := &RobotAsk{Method: method, CSeq: seq, robot: r, call: c, branch: r.name("z9hG4bK"), uri: c.target, hear: hear, acks: map[string][]byte{}}
	to := c.remote
	if c.remoteTag != "" {
		to += ";tag=" + c.remoteTag
	}
	t.head = []Field{{"Via", r.robotVia(t.branch)}, {"Max-Forwards", "70"}, {"From", c.local + ";tag=" + c.LocalTag}, {"To", to}, {"Call-ID", c.CallID}}
	fields = append(append(slices.Clone(t.head), Field{"CSeq", fmt.Sprint(seq, " ", method)}), fields...)
	r.clients[t.branch+method] = t
	longest := robotT2
	if method == "INVITE" {
		longest = 64 * robotT1
	}
	t.repeat = r.repeat(assemble(method+" "+t.uri+" SIP/2.0", fields, headers, body), longest, t.timedOut)
	return t
}

func (r *Robot) robotVia(branch string) string {
	return "SIP/2.0/UDP " + r.addr.String() + ";branch=" + branch + ";rport"
}

func (t *RobotAsk) timedOut() {
	if t.Final == 0 {
		t.Final = 408
		t.hear(nil)
	}
}

func (t *RobotAsk) receive(m *Message) {
	r, tag := t.robot, m.ToTag()
	if n, _ := m.CSeq(); n != t.CSeq || m.CallID() != t.call.CallID || m.FromTag() != t.call.LocalTag || m.Code > 100 && tag == "" {
		r.complain(m, "answers no request of ours: CSeq %d for %d", n, t.CSeq)
		return
	}
	switch {
	case m.Code < 200:
		t.provisional(m)
	case t.Method != "INVITE":
		t.final(m, t.Final == 0 || t.Final == 408)
	case m.Code < 300:
		t.success(m)
	default:
		t.refused(m)
	}
}

func (t *RobotAsk) provisional(m *Message) {
	if t.Final != 0 {
		return
	}
	if t.Method == "INVITE" {
		t.repeat.stop()
	} else {
		t.repeat.interval = robotT2
	}
	if t.heard = true; t.cancel != nil {
		t.cancel()
		t.cancel = nil
	}
	t.hear(m)
}

// final takes one that is not the 2xx of an INVITE; a second one must be the first again.
func (t *RobotAsk) final(m *Message, first bool) {
	t.repeat.stop()
	t.heard = true
	if !first {
		if t.Final != m.Code {
			t.robot.complain(m, "a second final response, after %d", t.Final)
		}
		return
	}
	late := t.Final != 0
	t.Final = m.Code
	if !late {
		t.hear(m)
	}
}

func (t *RobotAsk) success(m *Message) {
	tag := m.ToTag()
	if t.Final >= 300 && t.Final != 408 {
		t.robot.complain(m, "a 2xx after %d", t.Final)
	}
	if ack, known := t.acks[tag]; known {
		if ack != nil {
			t.robot.transmit(ack)
		}
		return
	}
	t.repeat.stop()
	t.heard, t.Final = true, m.Code
	t.acks[tag] = nil
	t.hear(m)
}

func (t *RobotAsk) refused(m *Message) {
	ack := slices.Clone(t.head)
	ack[3].Value = m.Header("To")
	t.robot.transmit(assemble("ACK "+t.uri+" SIP/2.0", append(ack, Field{"CSeq", fmt.Sprint(t.CSeq, " ACK")}), nil, ""))
	t.final(m, t.Final == 0 || t.Final == 408)
}

// Cancel gives an INVITE up, as soon as there is a provisional response (RFC 3261 s9.1).
func (t *RobotAsk) Cancel() {
	send := func() {
		if t.Final != 0 {
			return
		}
		r := t.robot
		c := &RobotAsk{Method: "CANCEL", CSeq: t.CSeq, robot: r, call: t.call, branch: t.branch, hear: func(*Message) {}}
		r.clients[c.branch+c.Method] = c
		raw := assemble("CANCEL "+t.uri+" SIP/2.0", append(slices.Clone(t.head), Field{"CSeq", fmt.Sprint(t.CSeq, " CANCEL")}), nil, "")
		c.repeat = r.repeat(raw, robotT2, c.timedOut)
		r.Later(130*robotT1, t.timedOut) // nothing came of it
	}
	if t.heard {
		send()
	} else {
		t.cancel = send
	}
}
