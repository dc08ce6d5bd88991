package sip

import (
	"encoding/binary"
	"fmt"
	"net/netip"
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
	more  []*simEnd // those whom it was redirected or transferred to
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
	party  int           // 0 the caller, 1 the callee, 2 and more those of simPlan.more
	host   int           // of simWorld.hosts
	talk   time.Duration // hangs up so long after it was connected; 0: does not

	ear    *simEar
	voice  netip.AddrPort
	mouth  voiceSocket
	remote netip.AddrPort
	spoken uint16

	version int
	up      bool // answered and acknowledged
	down    bool
	how     string           // it went down
	asking  bool             // a re-INVITE or UPDATE of ours is open
	answers bool             // one of the peer's is
	session time.Duration    // RFC 4028
	ours    bool             // it is ours to refresh it
	turn    int              // counts refreshes
	changes int              // of ours that the other side agreed to
	putOff  int              // times that a change of ours was refused for now
	began   time.Time        // when it began to speak
	gone    time.Time        // when it went down
	held    bool             // it has put the other side on hold
	heard   string           // the direction that the other side last said
	next    int              // of simPlan.transfers
	notices map[string][]int // statuses that NOTIFYs told, by Event
}

// simFax is a description of a fax: port, version and address to be filled in.
const simFax = "v=0\r\no=- 1%[1]d %[2]d IN IP4 %[3]s\r\ns=-\r\nc=IN IP4 %[3]s\r\nt=0 0\r\nm=image %[1]d udptl t38\r\na=T38FaxVersion:0\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"

type voiceSocket interface {
	WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error)
	Close() error
}

func (c *simCall) end(side, party, host int) *simEnd {
	w := c.world
	e := &simEnd{call: c, side: side, party: party, host: host, robot: w.hosts[host], notices: map[string][]int{}}
	if party < 2 {
		e.talk = c.talk[side]
	}
	at := netip.MustParseAddrPort(fmt.Sprintf("%s:%d", append([]string{simCarriers[0].at, simCarriers[1].at, simCarriers[2].at, simCarriers[3].at}, simCallees...)[host], 10000+2*len(w.journal.ears)))
	e.voice, e.mouth = at, w.listen(at.Addr(), at.Port())
	w.journal.mu.Lock()
	defer w.journal.mu.Unlock()
	e.ear = &simEar{call: c.index, party: party, tone: map[uint16]struct{}{}, voices: map[int][]time.Time{}}
	w.journal.ears[at] = e.ear
	return e
}

func (e *simEnd) random(from, to time.Duration) time.Duration {
	return from + time.Duration(e.call.world.random.Int64N(int64(to-from)))
}

// describe is our offer, or our answer to one.
func (e *simEnd) describe(offer, direction string) string {
	e.version++
	if direction == "fax" || strings.Contains(offer, "m=image") {
		return fmt.Sprintf(simFax, e.voice.Port(), e.version, e.voice.Addr())
	}
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
		e.heard = s.Direction
		first := !e.remote.IsValid()
		if e.remote = s.Address; first {
			e.began = time.Now()
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
	if watched || e.spoken < 10 || time.Since(e.began) < e.call.patience() || time.Since(heard) < e.call.patience() {
		packet := make([]byte, 12, 12+160)
		packet[0] = 2 << 6
		e.spoken++
		binary.BigEndian.PutUint16(packet[2:], e.spoken)
		binary.BigEndian.PutUint32(packet[4:], uint32(e.spoken)*160)
		binary.BigEndian.PutUint32(packet[8:], uint32(e.voice.Port()))
		packet = append(packet, fmt.Sprintf("%s%06d%d", simVoice, e.call.index, e.party)...)
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
		if change.side == e.side && e.party < 2 {
			e.robot.Later(change.at, func() { e.begin(change, 0) })
		}
	}
	if len(p.transfers) > 0 && e.party == p.transferor() {
		e.robot.Later(p.transfers[0].at, e.refer)
	}
	if e.talk > 0 {
		e.robot.Later(e.talk, func() { e.hangUp("hung up") })
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
