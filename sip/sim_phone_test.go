package sip

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"tonegate/internal/siptest"
)

// simCall is one call of a simulation, as its user agents saw it.
type simCall struct {
	simPlan
	world *simWorld
	index int
	id    string // Call-ID of leg A
	a     *simEnd
	b     []*simEnd // every dialog that leg B opened
	hit   bool      // a host of it restarted meanwhile
	hitAt time.Time // the last one
	final int       // of A's INVITE; 0 none
	asked bool      // its number has got on the list
}

// simEnd is one user agent's dialog in a call.
type simEnd struct {
	call   *simCall
	robot  *siptest.Robot
	dialog *siptest.RobotCall
	side   int
	host   int // of simWorld.hosts

	ear    *simEar
	voice  netip.AddrPort
	mouth  voiceSocket
	remote netip.AddrPort
	spoken uint16

	version int
	up      bool // answered and acknowledged
	down    bool
	how     string        // it went down
	asking  bool          // a re-INVITE or UPDATE of ours is open
	answers bool          // one of the peer's is
	session time.Duration // RFC 4028
	ours    bool          // it is ours to refresh it
	turn    int           // counts refreshes
	changes int           // of ours that the other side agreed to
	gone    time.Time     // when it went down
}

type voiceSocket interface {
	WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error)
	Close() error
}

func (c *simCall) end(side, host int) *simEnd {
	w := c.world
	e := &simEnd{call: c, side: side, host: host, robot: w.hosts[host]}
	at := netip.MustParseAddrPort(fmt.Sprintf("%s:%d", append([]string{simCarriers[0].at, simCarriers[1].at, simCarriers[2].at, simCarriers[3].at}, simCallees...)[host], 10000+2*len(w.journal.ears)))
	e.voice, e.mouth = at, w.listen(at.Addr(), at.Port())
	w.journal.mu.Lock()
	defer w.journal.mu.Unlock()
	e.ear = &simEar{call: c.index, side: side, tone: map[uint16]struct{}{}}
	w.journal.ears[at] = e.ear
	return e
}

func (e *simEnd) random(from, to time.Duration) time.Duration {
	return from + time.Duration(e.call.world.random.Int64N(int64(to-from)))
}

// describe is our offer, or our answer to one.
func (e *simEnd) describe(offer, direction string) string {
	e.version++
	s := siptest.SDP{Address: e.voice, Codecs: []siptest.Codec{siptest.PCMU, siptest.PCMA, siptest.DTMF}, Ptime: 20, Version: e.version, Direction: direction}
	if offer != "" {
		return s.Answer(offer)
	}
	return s.Offer()
}

// hear takes a description of the other side.
func (e *simEnd) hear(m *siptest.Message) {
	if m.Body == "" {
		return
	}
	if s, err := siptest.ParseSDP(m.Body); err == nil && s.Address.Port() != 0 {
		first := !e.remote.IsValid()
		if e.remote = s.Address; first {
			e.speak()
		}
	}
}

// speak says a word now and then, and stops when nobody has been heard for long.
func (e *simEnd) speak() {
	if e.down {
		return
	}
	j := &e.call.world.journal
	j.mu.Lock()
	heard := e.ear.heard
	j.mu.Unlock()
	watched := e.call.carrier >= 2 && e.call.firm // both legs have session timers, so that nobody need fall silent
	if watched || e.spoken < 10 || time.Since(heard) < 20*time.Second {
		packet := make([]byte, 12, 12+160)
		packet[0] = 2 << 6
		e.spoken++
		binary.BigEndian.PutUint16(packet[2:], e.spoken)
		binary.BigEndian.PutUint32(packet[4:], uint32(e.spoken)*160)
		binary.BigEndian.PutUint32(packet[8:], uint32(e.voice.Port()))
		packet = append(packet, fmt.Sprintf("%s%06d%d", simVoice, e.call.index, e.side)...)
		e.mouth.WriteToUDPAddrPort(packet[:12+160], e.remote)
	}
	wait := 3 * time.Second
	if e.spoken < 10 {
		wait = 200 * time.Millisecond
	}
	e.robot.Later(wait+e.random(0, time.Millisecond), e.speak)
}

// connected begins the call's own life: changes, refreshes, and its end.
func (e *simEnd) connected() {
	if e.up || e.down {
		return
	}
	e.up = true
	p := &e.call.simPlan
	for _, change := range p.changes {
		if change.side == e.side {
			e.robot.Later(change.at, func() { e.begin(change, 0) })
		}
	}
	if talk := p.talk[e.side]; talk > 0 {
		e.robot.Later(talk, func() { e.hangUp("hung up") })
	}
}

func (e *simEnd) hangUp(why string) {
	if e.down {
		return
	}
	e.over(why)
	e.dialog.Bye(func(m *siptest.Message) {
		if m == nil {
			e.how += ", unanswered"
		}
	})
}

func (e *simEnd) over(how string) {
	if !e.down {
		e.down, e.how, e.gone = true, how, time.Now()
		e.dialog.Gone = true
		e.mouth.Close()
	}
}

// begin changes something, once nothing else is under way.
func (e *simEnd) begin(c simChange, tries int) {
	if e.down || tries > 30 {
		return
	}
	again := func(wait time.Duration) { e.robot.Later(wait, func() { e.begin(c, tries+1) }) }
	if c.kind == "info" {
		e.dialog.Request("INFO", []string{"Content-Type: application/dtmf-relay"}, "Signal=5\r\nDuration=160\r\n", func(m *siptest.Message) { e.outcome(m, c, nil) })
		return
	}
	if e.asking || e.answers {
		again(e.random(300*time.Millisecond, time.Second))
		return
	}
	e.asking = true
	done := func(m *siptest.Message) {
		e.asking = false
		e.outcome(m, c, again)
	}
	direction := map[string]string{"hold": "sendonly"}[c.kind]
	if c.kind == "update" || c.kind == "refresh" && c.hold%2 == 0 {
		body := ""
		if c.kind == "update" {
			body = e.describe("", "")
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
		e.agree(m, true)
		if c.kind == "hold" {
			c.kind = "resume"
			e.robot.Later(c.hold, func() { e.begin(c, 0) })
		}
	case again == nil || c.kind == "withdrawn":
	case m.Code == 491 && e.side == 0: // the owner of the Call-ID waits longer
		again(e.random(2100*time.Millisecond, 4*time.Second))
	case m.Code == 491:
		again(e.random(0, 2*time.Second))
	default:
		again(e.random(time.Second, 5*time.Second))
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
