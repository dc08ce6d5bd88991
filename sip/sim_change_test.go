package sip

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tonegate/internal/siptest"
)

// begin changes something, once nothing else is under way.
func (e *simEnd) begin(c simChange, tries int) {
	if e.down {
		return
	}
	e.putOff = max(e.putOff, tries)
	again := func(wait time.Duration) { e.robot.Later(wait, func() { e.begin(c, tries+1) }) }
	if c.kind == "info" {
		e.dialog.Request("INFO", []string{"Content-Type: application/dtmf-relay"}, "Signal=5\r\nDuration=160\r\n", func(m *siptest.Message) { e.outcome(m, c, nil) })
		return
	}
	if e.asking || e.answers {
		e.robot.Later(e.random(300*time.Millisecond, time.Second), func() { e.begin(c, tries) })
		return
	}
	e.asking = true
	done := func(m *siptest.Message) {
		e.asking = false
		e.outcome(m, c, again)
	}
	direction := map[string]string{"hold": "sendonly", "park": "sendonly", "update hold": "sendonly", "fax": "fax"}[c.kind]
	if update := strings.HasPrefix(c.kind, "update"); update || c.kind == "refresh" && c.hold%2 == 0 {
		body := ""
		if update {
			body = e.describe("", direction)
		}
		e.dialog.Request("UPDATE", e.sessionHeaders(), body, done)
		return
	}
	body := ""
	if c.kind != "late" {
		body = e.describe("", direction)
	}
	var t *siptest.RobotAsk
	t = e.dialog.Reinvite(e.sessionHeaders(), body, func(m *siptest.Message) {
		switch {
		case m != nil && m.Code < 200:
			return
		case m != nil && m.Code < 300 && c.kind == "late":
			e.dialog.Ack(t, e.describe(m.Body, ""))
		case m != nil && m.Code < 300:
			e.dialog.Ack(t, "")
		}
		done(m)
	})
	if c.kind == "withdrawn" {
		e.robot.Later(c.hold/20, t.Cancel)
	}
}

// outcome is what became of a change (RFC 3261 s12.2.1.2, s14.1).
func (e *simEnd) outcome(m *siptest.Message, c simChange, again func(time.Duration)) {
	switch {
	case e.down:
	case m == nil || m.Code == 408 || m.Code == 481:
		if c.kind != "info" {
			e.hangUp("a request in the call came to nothing")
		}
	case m.Code < 300:
		e.changes++
		e.hear(m)
		if c.kind != "info" {
			e.agree(m, true)
		}
		e.follow(c)
	case again == nil || c.kind == "withdrawn":
	case m.Code == 491 && e.side == 0: // the owner of the Call-ID waits longer
		again(e.random(2100*time.Millisecond, 4*time.Second))
	case m.Code == 491:
		again(e.random(0, 2*time.Second))
	default:
		again(e.random(time.Second, 5*time.Second))
	}
}

// follow goes on after a change: what was put on hold is taken up again, a fax ends.
func (e *simEnd) follow(c simChange) {
	kind := c.kind
	c.kind = map[string]string{"hold": "resume", "update hold": "update resume", "fax": "resume"}[kind]
	switch {
	case c.kind != "":
		e.held = true
		e.robot.Later(c.hold, func() { e.begin(c, 0) })
	case kind == "park":
		e.held = true
		e.refer()
	case strings.HasSuffix(kind, "resume"):
		e.held = false
	}
}

// asked answers a request within the call.
func (e *simEnd) asked(q *siptest.RobotRequest) {
	switch q.Method {
	case "BYE":
		e.over("was hung up on")
		q.Respond(e.dialog, 200, nil, "")
	case "INVITE", "UPDATE":
		e.changed(q)
	case "NOTIFY":
		e.notified(q)
	default:
		q.Respond(e.dialog, 200, nil, "")
	}
}

func (e *simEnd) changed(q *siptest.RobotRequest) {
	switch {
	case e.asking:
		q.Respond(e.dialog, 491, nil, "")
	case e.answers:
		q.Respond(e.dialog, 500, []string{"Retry-After: " + strconv.Itoa(e.call.world.random.IntN(10))}, "")
	default:
		e.answers = true
		e.robot.Later(e.random(time.Millisecond, 300*time.Millisecond), func() {
			e.answers = false
			if q.Code >= 200 { // cancelled
				return
			}
			body := ""
			if q.Body != "" {
				body = e.describe(q.Body, "")
			} else if q.Method == "INVITE" {
				body = e.describe("", "")
			}
			e.hear(q.Message)
			e.agree(q.Message, false)
			q.Respond(e.dialog, 200, e.sessionAnswer(q.Message), body)
		})
	}
}

// sessionHeaders are RFC 4028's for a request of ours.
func (e *simEnd) sessionHeaders() []string {
	if !e.call.timer {
		return nil
	}
	headers := []string{"Supported: timer"}
	if e.session > 0 {
		headers = append(headers, fmt.Sprintf("Session-Expires: %d;refresher=%s", int(e.session.Seconds()), map[bool]string{true: "uac", false: "uas"}[e.ours]))
	}
	return headers
}

// sessionAnswer are those for a 2xx: we let the asker refresh, unless it wants us to.
func (e *simEnd) sessionAnswer(m *siptest.Message) []string {
	asked := m.Header("Session-Expires")
	if !e.call.timer || asked == "" {
		return nil
	}
	if !strings.Contains(asked, "refresher=") {
		asked += ";refresher=uac"
	}
	return []string{"Require: timer", "Session-Expires: " + asked}
}

// agree starts the session interval that a message settles: a 2xx to a request
// of ours, or a request that we answer with 2xx.
func (e *simEnd) agree(m *siptest.Message, uac bool) {
	if !e.call.timer {
		return
	}
	text, params, _ := strings.Cut(m.Header("Session-Expires"), ";")
	seconds, err := strconv.Atoi(strings.TrimSpace(text))
	e.turn++
	if err != nil {
		e.session = 0
		return
	}
	e.session, e.ours = time.Duration(seconds)*time.Second, strings.Contains(params, "uas") != uac
	turn, wait := e.turn, e.session-min(32*time.Second, e.session/3)
	if e.ours {
		wait = e.session / 2
	}
	e.robot.Later(wait, func() {
		switch {
		case e.turn != turn || e.down:
		case e.ours:
			e.begin(simChange{kind: "refresh", hold: time.Duration(e.call.index)}, 0)
			e.robot.Later(e.session/2, func() {
				if e.turn == turn {
					e.hangUp("the session was not refreshed")
				}
			})
		default:
			e.hangUp("the session was not refreshed")
		}
	})
}
