package sip

import (
	"fmt"
	"strings"
	"time"

	"tonegate/internal/siptest"
)

// begin is the caller's part of a call.
func (w *simWorld) begin(c *simCall) {
	e := c.end(0, 0, c.callerHost())
	c.a = e
	headers := []string{"P-Asserted-Identity: <sip:" + c.caller + "@127.0.0.2>", "P-Early-Media: supported"}
	supported := []string{}
	if c.forwarded {
		headers = append(headers, "Diversion: <sip:0399990001@127.0.0.2>;reason=unconditional")
	}
	if c.reliable {
		supported = append(supported, "100rel")
	}
	if c.timer {
		supported = append(supported, "timer")
		headers = append(headers, "Session-Expires: 90")
	}
	if len(supported) > 0 {
		headers = append(headers, "Supported: "+strings.Join(supported, ", "))
	}
	offer := ""
	if !c.late {
		offer = e.describe("", "")
	}
	var t *siptest.RobotAsk
	e.dialog, t = e.robot.Invite(c.id, c.caller, c.called, headers, offer, func(m *siptest.Message) { e.responded(t, m) })
	e.dialog.Asked = e.asked
	e.dialog.Unacked = func() { e.hangUp("no ACK") }
	e.dialog.Acked = e.hear
	answered := false
	e.dialog.Pracking = func(m *siptest.Message) string {
		if !c.late || answered || m.Body == "" {
			return ""
		}
		answered = true
		e.hear(m)
		return e.describe(m.Body, "")
	}
	if c.updates {
		e.dialog.Pracked = func(m *siptest.Message) {
			if m.Body != "" && !c.late && t.Final == 0 {
				e.updateEarly()
			}
		}
	}
	if c.cancel > 0 {
		e.robot.Later(c.cancel, func() {
			if c.earlyBye && e.dialog.Early() && t.Final == 0 {
				e.hangUp("hung up early")
			} else {
				t.Cancel()
			}
		})
	}
	if c.stopped > 0 {
		w.robots.After(c.stopped, func() {
			c.asked = true
			w.stop("+81" + c.caller[1:])
			w.server.Rescreen()
		})
	}
}

// responded takes a response to the caller's INVITE; nil when none came.
func (e *simEnd) responded(t *siptest.RobotAsk, m *siptest.Message) {
	c := e.call
	switch {
	case m == nil:
		c.final = t.Final
		e.over("no response")
	case m.Code < 200:
		e.hear(m)
	case m.Code >= 300:
		c.final = m.Code
		e.over("was refused")
	case e.down: // its BYE crossed the answer
		c.final = m.Code
		answer := ""
		if c.late && !e.remote.IsValid() {
			answer = e.describe(m.Body, "")
		}
		e.dialog.Ack(t, answer)
	case c.neverAck:
		c.final = m.Code
	default:
		c.final = m.Code
		answer := ""
		if c.late && !e.remote.IsValid() {
			answer = e.describe(m.Body, "")
		}
		e.hear(m)
		e.dialog.Ack(t, answer)
		e.agree(m, true)
		e.connected()
		if c.cancel > 0 && time.Since(c.world.began) > c.start+c.cancel { // it came too late
			e.hangUp("hung up")
		} else if c.cancel > 0 {
			e.robot.Later(c.cancel, func() { e.hangUp("hung up") })
		}
	}
}

// called is the callee's part, at one of its hosts.
func (w *simWorld) called(host int, q *siptest.RobotRequest) {
	user, _, _ := strings.Cut(strings.TrimPrefix(q.URI, "sip:"), "@")
	c := w.byCall[user]
	if c != nil {
		if third, ok := c.third(user); ok {
			c.calledOn(host, third, q)
			return
		}
	}
	first := host == len(simCarriers) // of two targets
	switch {
	case c == nil:
		w.t.Errorf("a call to %s, whom nobody called", user)
		q.Respond(q.Call, 404, nil, "")
		return
	case c.status == 1 || first && c.primary == 1:
		q.Ignore()
		return
	case first && c.primary > 0:
		q.Respond(q.Call, c.primary, nil, "")
		return
	}
	main := c.callee(host, q, q.Call)
	ends := []*simEnd{main}
	for range c.forks {
		ends = append(ends, c.callee(host, q, q.Call.Fork()))
	}
	q.Call.Cancelled = func() {
		for _, e := range ends {
			e.over("was cancelled")
		}
	}
	supported := strings.Contains(q.Header("Supported"), "100rel")
	for i, e := range ends {
		e.robot.Later(c.ring+time.Duration(i)*17*time.Millisecond, func() { e.ring(q, supported && c.confirmed && i == 0) })
	}
	if c.status == 0 {
		return
	}
	e := ends[c.index%len(ends)] // whoever picks up
	e.robot.Later(c.ring+c.pickUp, func() { e.pickUp(q) })
	if c.twins && len(ends) > 1 && c.status == 200 {
		late := ends[(c.index+1)%len(ends)]
		e.robot.Later(c.ring+c.pickUp+30*time.Millisecond, func() {
			if q.Code == 200 {
				late.pickUp(q)
			}
		})
	}
}

func (c *simCall) callee(host int, q *siptest.RobotRequest, dialog *siptest.RobotCall) *simEnd {
	e := c.end(1, 1, host)
	c.b = append(c.b, e)
	e.dialog = dialog
	dialog.Asked = e.asked
	dialog.Unacked = func() { e.hangUp("no ACK") }
	dialog.Acked = func(m *siptest.Message) {
		e.hear(m)
		e.connected()
	}
	e.hear(q.Message)
	return e
}

// ring says that a telephone rings: with or without a description, and waiting for the PRACK or not.
func (e *simEnd) ring(q *siptest.RobotRequest, reliably bool) {
	c := e.call
	if q.Code >= 200 {
		return
	}
	code, body := 180, ""
	if c.early && q.Body != "" {
		code, body = 183, e.describe(q.Body, "")
	}
	if !reliably {
		q.Respond(e.dialog, code, nil, body)
		return
	}
	e.how = "waits for the PRACK"
	q.RespondReliably(e.dialog, code, body, func() {
		e.how = ""
		if c.updates && body != "" {
			e.updateEarly()
		}
	})
}

// pickUp gives the final answer, after the PRACK of what went before.
func (e *simEnd) pickUp(q *siptest.RobotRequest) {
	c := e.call
	switch {
	case e.down || q.Code >= 300:
	case c.b[0].how == "waits for the PRACK" && q.Code < 200:
		e.robot.Later(100*time.Millisecond, func() { e.pickUp(q) })
	case c.status != 200:
		for _, other := range c.b {
			other.over("refused")
		}
		q.Respond(e.dialog, c.status, c.contacts(), "")
	default:
		body := ""
		if q.Body != "" {
			body = e.describe(q.Body, "")
		} else {
			body = e.describe("", "")
		}
		e.how = fmt.Sprint("answered ", q.Seq)
		e.agree(q.Message, false)
		q.Respond(e.dialog, 200, e.sessionAnswer(q.Message), body)
	}
}
