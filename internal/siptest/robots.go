package siptest

import (
	"container/heap"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"tonegate/internal/simnet"
)

// Timers of every robot, RFC 3261 s17.1.1.1.
const (
	robotT1 = 500 * time.Millisecond
	robotT2 = 4 * time.Second
)

// Robots are user agents that need no script's goroutine: all that they do, they do in functions that are called when
// a message has come or a timer has run out, one at a time for all robots of a network. So hundreds of calls at once
// are cheap, and with a seed for what the functions decide a run is repeatable in a testing/synctest bubble.
//
// A robot has the transactions of RFC 3261 s17 and the dialogs of s12 and s13: it repeats, absorbs repetitions, sends
// an ACK again for a 2xx that comes again. What it wants with its calls is told in functions.
type Robots struct {
	mu      sync.Mutex
	due     alarms
	timer   *time.Timer
	serial  uint64
	broken  []string
	closed  bool
	running sync.WaitGroup
}

// NewRobots is a company without anybody in it.
func NewRobots() *Robots { return &Robots{} }

// Do calls f as the robots' own functions are called.
func (rs *Robots) Do(f func()) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	f()
}

// After calls f in a while. Call it from a robots' function only.
func (rs *Robots) After(d time.Duration, f func()) {
	rs.serial++
	heap.Push(&rs.due, alarm{at: time.Now().Add(max(d, 1)), serial: rs.serial, f: f})
	rs.arm()
}

func (rs *Robots) arm() {
	switch {
	case len(rs.due) == 0 || rs.closed:
	case rs.timer == nil:
		rs.timer = time.AfterFunc(time.Until(rs.due[0].at), rs.ring)
	default:
		rs.timer.Reset(time.Until(rs.due[0].at))
	}
}

func (rs *Robots) ring() {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for !rs.closed && len(rs.due) > 0 && !rs.due[0].at.After(time.Now()) {
		heap.Pop(&rs.due).(alarm).f()
	}
	rs.arm()
}

// Broken lists what the peer did against the rules.
func (rs *Robots) Broken() []string {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return append([]string(nil), rs.broken...)
}

func (rs *Robots) complain(m *Message, format string, args ...any) {
	if len(rs.broken) < maxViolations {
		rs.broken = append(rs.broken, fmt.Sprintf("%s of %s: %s", m, m.CallID(), fmt.Sprintf(format, args...)))
	}
}

// Close ends everything at once. The robots' sockets close with their network.
func (rs *Robots) Close() {
	rs.mu.Lock()
	rs.closed, rs.due = true, nil
	if rs.timer != nil {
		rs.timer.Stop()
	}
	rs.mu.Unlock()
	rs.running.Wait()
}

// alarms is a heap of what is to be called when, in order of setting where the times are equal.
type alarms []alarm

type alarm struct {
	at     time.Time
	serial uint64
	f      func()
}

func (a alarms) Len() int      { return len(a) }
func (a alarms) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a alarms) Less(i, j int) bool {
	if order := a[i].at.Compare(a[j].at); order != 0 {
		return order < 0
	}
	return a[i].serial < a[j].serial
}

// Push is for package heap.
func (a *alarms) Push(x any) { *a = append(*a, x.(alarm)) }

// Pop is for package heap.
func (a *alarms) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	(*a)[last] = alarm{}
	*a = (*a)[:last]
	return x
}

// Robot is a user agent on one socket.
type Robot struct {
	*Robots
	Name string
	// Called is told of each INVITE that opens a call, before any other response than 100.
	Called func(*RobotRequest)
	// NoUpdate says that it does not take UPDATE (RFC 3311).
	NoUpdate bool

	conn    *simnet.Conn
	addr    netip.AddrPort
	peer    netip.AddrPort // everything goes there
	clients map[string]*RobotAsk
	servers map[string]*RobotRequest
	calls   map[string]*RobotCall // by Call-ID and our tag
	awake   time.Time
	life    int // which one, counted by Restart
}

// Join puts a robot on a socket, from where it speaks with one peer.
func (rs *Robots) Join(name string, conn *simnet.Conn, peer netip.AddrPort) *Robot {
	r := &Robot{Robots: rs, Name: name, conn: conn, peer: peer}
	r.addr, _ = netip.ParseAddrPort(conn.String())
	r.forget()
	rs.running.Go(r.read)
	return r
}

func (r *Robot) forget() {
	r.clients, r.servers, r.calls = map[string]*RobotAsk{}, map[string]*RobotRequest{}, map[string]*RobotCall{}
}

// Restart forgets every call and transaction, and hears nothing for a while.
func (r *Robot) Restart(silent time.Duration) {
	for _, c := range r.calls {
		c.Gone = true
	}
	r.forget()
	r.life++
	r.awake = time.Now().Add(silent)
}

// Later calls f in a while unless the robot has restarted by then.
func (r *Robot) Later(d time.Duration, f func()) {
	life := r.life
	r.After(d, func() {
		if r.life == life {
			f()
		}
	})
}

func (r *Robot) read() {
	buf := make([]byte, maxMessage)
	for {
		n, _, err := r.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		r.receive(append([]byte(nil), buf[:n]...))
	}
}

func (r *Robot) receive(raw []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || time.Now().Before(r.awake) {
		return
	}
	m, err := Parse(raw)
	if err != nil {
		r.complain(&Message{Method: "message", URI: err.Error()}, "cannot be read: %q", raw)
		return
	}
	if !m.IsRequest() {
		_, method := m.CSeq()
		if t := r.clients[m.Branch()+method]; t != nil {
			t.receive(m)
		}
		return
	}
	if !strings.HasPrefix(m.Branch(), "z9hG4bK") || m.Header("Max-Forwards") == "" || m.FromTag() == "" {
		r.complain(m, "no branch, Max-Forwards or tag")
	}
	r.request(m)
}

func (r *Robot) transmit(data []byte) {
	if !time.Now().Before(r.awake) {
		r.conn.WriteToUDPAddrPort(data, r.peer)
	}
}

// name is one that nobody had before.
func (r *Robot) name(kind string) string {
	r.serial++
	return fmt.Sprintf("%s%s%d", kind, r.Name, r.serial)
}

// robotRepeat sends the same again: T1, then twice as long each time, for 64*T1 in all.
type robotRepeat struct {
	robot             *Robot
	data              []byte
	interval, longest time.Duration
	end               time.Time
	over              bool
	gaveUp            func()
}

func (r *Robot) repeat(data []byte, longest time.Duration, gaveUp func()) *robotRepeat {
	x := &robotRepeat{robot: r, data: data, interval: robotT1, longest: longest, end: time.Now().Add(64 * robotT1), gaveUp: gaveUp}
	r.transmit(data)
	r.Later(x.interval, x.fire)
	return x
}

func (x *robotRepeat) fire() {
	now := time.Now()
	switch {
	case x.over:
	case !now.Before(x.end):
		x.over = true
		x.gaveUp()
	default:
		x.robot.transmit(x.data)
		x.interval = min(2*x.interval, x.longest)
		x.robot.Later(min(x.interval, x.end.Sub(now)), x.fire)
	}
}

func (x *robotRepeat) stop() {
	if x != nil {
		x.over = true
	}
}

// Addr is the robot's host.
func (r *Robot) Addr() netip.Addr { return r.addr.Addr() }
