package siptest

import (
	"fmt"
	"slices"
	"strconv"
)

// RobotCall is one dialog of a robot.
type RobotCall struct {
	CallID, LocalTag string
	Gone             bool // hung up, refused, or forgotten by a restart

	// Asked is told of each request within the dialog but PRACK and ACK; it must see to a response.
	Asked func(*RobotRequest)
	// Acked is told of the first ACK of each 2xx; Unacked that one never came.
	Acked   func(*Message)
	Unacked func()
	// Cancelled is told that the INVITE that opened this was cancelled, after its 487.
	Cancelled func()
	// Pracking gives the description for the PRACK of a response; nil: none. Pracked is told of the 200 that it got.
	Pracking func(*Message) string
	Pracked  func(*Message)

	robot         *Robot
	remoteTag     string
	local, remote string // From and To values without tags
	target        string
	seq, heard    uint32
	rseq          map[string]int // the latest reliable provisional response by To-tag
	answers       map[uint32]*robotRepeat
	pracked       func(*RobotRequest)
}

func (r *Robot) open(callID, local, remote, remoteTag, target string) *RobotCall {
	c := &RobotCall{CallID: callID, LocalTag: r.name("t"), robot: r, local: local, remote: remote, remoteTag: remoteTag, target: target,
		rseq: map[string]int{}, answers: map[uint32]*robotRepeat{}}
	c.pracked = func(q *RobotRequest) { q.Respond(c, 481, nil, "") }
	r.calls[callID+c.LocalTag] = c
	return c
}

// Invite opens a call. Hear is told as RobotAsk says; of reliable provisional responses each is told once, in order,
// and has got its PRACK. An offer in one is not answered.
func (r *Robot) Invite(callID, from, to string, headers []string, body string, hear func(*Message)) (*RobotCall, *RobotAsk) {
	target := "sip:" + to + "@" + r.peer.String()
	c := r.open(callID, "<sip:"+from+"@"+r.addr.String()+">", "<"+target+">", "", target)
	return c, c.invite(headers, body, hear)
}

// Reinvite asks for a change of the session.
func (c *RobotCall) Reinvite(headers []string, body string, hear func(*Message)) *RobotAsk {
	return c.invite(headers, body, hear)
}

func (c *RobotCall) invite(headers []string, body string, hear func(*Message)) *RobotAsk {
	c.seq++
	var t *RobotAsk
	t = c.robot.ask(c, "INVITE", c.seq, []Field{{"Contact", c.robot.robotContact()}, {"Allow", c.robot.allows()}}, headers, body, func(m *Message) {
		if m != nil && !c.learn(t, m) {
			return
		}
		hear(m)
	})
	return t
}

// learn takes over the dialog that a response opens, and sends the PRACK that it wants; false when it is not news.
func (c *RobotCall) learn(t *RobotAsk, m *Message) bool {
	opens := c.remoteTag == "" && m.Code > 100 && m.Code < 300
	if contact := m.Header("Contact"); contact != "" && m.Code < 300 {
		c.target = URI(contact)
	}
	if opens {
		c.remoteTag = m.ToTag()
	}
	if m.Code < 300 && m.Code > 100 && m.ToTag() != c.remoteTag {
		c.robot.complain(m, "a second dialog from one user agent server: %s after %s", m.ToTag(), c.remoteTag)
	}
	rseq, err := strconv.Atoi(m.Header("RSeq"))
	if err != nil || m.Code >= 200 {
		return true
	}
	if last, known := c.rseq[m.ToTag()]; known && rseq != last+1 {
		return false
	}
	c.rseq[m.ToTag()] = rseq
	body := ""
	if c.Pracking != nil {
		body = c.Pracking(m)
	}
	c.Request("PRACK", []string{fmt.Sprintf("RAck: %d %s", rseq, m.Header("CSeq"))}, body, func(answer *Message) {
		if answer != nil && answer.Code == 200 && c.Pracked != nil {
			c.Pracked(m)
		}
		if answer == nil || answer.Code == 200 {
			return
		}
		c.robot.Later(64*robotT1, func() { // when it is known that no final response crossed it
			if t.Final/100 == 2 {
				c.robot.complain(answer, "the answer to a PRACK")
			}
		})
	})
	return true
}

// Request sends one within the dialog; hear is told the final response, nil when none came.
func (c *RobotCall) Request(method string, headers []string, body string, hear func(*Message)) {
	c.seq++
	var fields []Field
	if method == "UPDATE" || method == "REFER" {
		fields = []Field{{"Contact", c.robot.robotContact()}}
	}
	c.robot.ask(c, method, c.seq, fields, headers, body, func(m *Message) {
		if m == nil || m.Code >= 200 {
			hear(m)
		}
	})
}

// Ack acknowledges a 2xx, and each repetition of it.
func (c *RobotCall) Ack(t *RobotAsk, body string) {
	r := c.robot
	ack := slices.Clone(t.head)
	ack[0].Value = r.robotVia(r.name("z9hG4bK"))
	ack[3].Value = c.remote + ";tag=" + c.remoteTag
	raw := assemble("ACK "+c.target+" SIP/2.0", append(ack, Field{"CSeq", fmt.Sprint(t.CSeq, " ACK")}), nil, body)
	t.acks[c.remoteTag] = raw
	r.transmit(raw)
}

// Bye hangs up; hear is told the answer.
func (c *RobotCall) Bye(hear func(*Message)) {
	c.Gone = true
	for _, waiting := range c.answers {
		waiting.stop()
	}
	c.Request("BYE", nil, "", hear)
}

// Early reports whether somebody has answered at all, so that there is a dialog to hang up.
func (c *RobotCall) Early() bool { return c.remoteTag != "" }

// Fork is a further dialog of the INVITE that opened this one, as if a proxy had sent it to two phones.
func (c *RobotCall) Fork() *RobotCall {
	fork := c.robot.open(c.CallID, c.local, c.remote, c.remoteTag, c.target)
	fork.heard = c.heard
	return fork
}
