package siptest

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// allow is what a phone says without an Options.Allow.
const allow = "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, OPTIONS"

// Phone is a scripted user agent on one socket. Its methods may be called from several goroutines.
type Phone struct {
	options Options
	tb      TB
	t1, t2  time.Duration
	addr    netip.AddrPort
	conn    packetConn
	running sync.WaitGroup

	mu         sync.Mutex
	faults     Faults
	clients    memory[*Transaction] // by branch and method
	servers    memory[*Request]     // by branch, sent-by and method
	calls      []*Call
	repeats    map[*repeat]struct{}
	timers     map[*time.Timer]struct{}
	streams    map[*stream]struct{}
	stream     *stream // for requests, if not datagrams
	violations []string
	recent     []string
	heard      int // messages received
	closed     bool

	incoming *queue[*Call]
	outside  *queue[*Request] // requests of no dialog, except INVITE
	strays   *queue[*Message]
}

// NewPhone starts a phone on a socket, which it owns from now on. The socket needs an explicit address.
func NewPhone(conn net.PacketConn, o Options) *Phone {
	p := &Phone{
		options:  o,
		tb:       o.TB,
		faults:   o.Faults,
		conn:     datagrams(conn),
		repeats:  make(map[*repeat]struct{}),
		timers:   make(map[*time.Timer]struct{}),
		streams:  make(map[*stream]struct{}),
		incoming: newQueue[*Call](),
		outside:  newQueue[*Request](),
		strays:   newQueue[*Message](),
	}
	local := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	p.addr = netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
	if p.tb == nil {
		p.tb = panics{}
	}
	p.setDefaults()
	o.Ladder.attach(p.addr, p.options.Name)
	p.running.Go(p.readDatagrams)
	if o.Stream != nil {
		p.stream = p.serve(o.Stream)
	}
	if o.Listener != nil {
		p.running.Go(p.accept)
	}
	return p
}

func (p *Phone) setDefaults() {
	o := &p.options
	if o.Name == "" {
		o.Name = "phone"
	}
	if o.Allow == "" {
		o.Allow = allow
	}
	if o.Timeout == 0 {
		o.Timeout = 40 * time.Second
	}
	if p.t1 = o.T1; p.t1 == 0 {
		p.t1 = 500 * time.Millisecond
	}
	if p.t2 = o.T2; p.t2 == 0 {
		p.t2 = 4 * time.Second
	}
}

type panics struct{}

func (panics) Helper() {}

func (panics) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// Addr is where the phone is reached by datagrams.
func (p *Phone) Addr() netip.AddrPort { return p.addr }

// Name is the phone's name.
func (p *Phone) Name() string { return p.options.Name }

// SetFaults makes the phone behave otherwise from now on.
func (p *Phone) SetFaults(f Faults) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = f
}

// Violations lists what the peer did against the rules so far.
func (p *Phone) Violations() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.violations)
}

// Close ends everything at once: no BYE is sent. Waiting scripts fail.
func (p *Phone) Close() error {
	p.mu.Lock()
	p.closed = true
	for r := range p.repeats {
		r.stop()
	}
	for timer := range p.timers {
		timer.Stop()
	}
	for s := range p.streams {
		s.conn.Close()
	}
	for _, c := range p.calls {
		c.close()
	}
	for _, t := range p.clients.entries {
		t.responses.close()
	}
	p.mu.Unlock()
	p.incoming.close()
	p.outside.close()
	p.strays.close()
	if p.options.Listener != nil {
		p.options.Listener.Close()
	}
	err := p.conn.Close()
	p.running.Wait()
	return err
}

// after runs f under the lock unless the phone has closed by then.
func (p *Phone) after(d time.Duration, f func()) *time.Timer {
	var timer *time.Timer
	timer = time.AfterFunc(d, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.timers, timer)
		if !p.closed {
			f()
		}
	})
	p.timers[timer] = struct{}{}
	return timer
}

// Accept waits for an INVITE that opens a call.
func (p *Phone) Accept() *Call {
	p.tb.Helper()
	c, ok := p.incoming.take(p.options.Timeout, nil)
	if !ok {
		p.fatalf("no INVITE within %v", p.options.Timeout)
	}
	p.complain()
	return c
}

// ExpectRequest waits for a request outside any dialog, such as OPTIONS or REGISTER.
func (p *Phone) ExpectRequest(method string) *Request {
	p.tb.Helper()
	return p.expect(p.outside, method)
}

// Receive waits for a message that belongs to no transaction and no call, or that cannot be parsed; of the
// latter only Raw, Source and At are set.
func (p *Phone) Receive() *Message {
	p.tb.Helper()
	m, ok := p.strays.take(p.options.Timeout, nil)
	if !ok {
		p.fatalf("nothing arrived within %v", p.options.Timeout)
	}
	return m
}

// Quiet waits for d and fails if any message arrives meanwhile, repeated ones included.
func (p *Phone) Quiet(d time.Duration) {
	p.tb.Helper()
	before := p.Received()
	time.Sleep(d)
	if n := p.Received() - before; n != 0 {
		p.fatalf("%d messages arrived, want none for %v", n, d)
	}
}

// Received counts every message that has arrived, repeated ones included.
func (p *Phone) Received() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard
}

// SendRaw sends octets to the peer as they are.
func (p *Phone) SendRaw(data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.transmit(p.way(), data)
}

// way is how requests leave that nothing sends elsewhere.
func (p *Phone) way() path { return path{addr: p.options.Peer, stream: p.stream} }

// expect takes a request from a queue.
func (p *Phone) expect(q *queue[*Request], method string) *Request {
	p.tb.Helper()
	r, ok := q.take(p.options.Timeout, func(r *Request) bool { return r.Method == method })
	if !ok {
		p.fatalf("no %s within %v", method, p.options.Timeout)
	}
	p.complain()
	return r
}

// complain ends the script if the peer broke a rule.
func (p *Phone) complain() {
	p.tb.Helper()
	if p.options.Lenient {
		return
	}
	if v := p.Violations(); len(v) > 0 {
		p.fatalf("the peer broke a rule: %s", strings.Join(v, "; "))
	}
}

func (p *Phone) fatalf(format string, args ...any) {
	p.tb.Helper()
	p.mu.Lock()
	recent := strings.Join(p.recent, "\n")
	p.mu.Unlock()
	p.tb.Fatalf("%s: %s\nits latest messages:\n%s", p.options.Name, fmt.Sprintf(format, args...), recent)
}

// note keeps one line of the phone's latest messages for failures.
func (p *Phone) note(arrow string, text string) {
	if len(p.recent) >= 40 {
		p.recent = p.recent[1:]
	}
	line, _, _ := strings.Cut(text, "\r\n")
	p.recent = append(p.recent, time.Now().Format("15:04:05.000 ")+arrow+" "+line)
}

func newID() string { return strings.ToLower(rand.Text()[:16]) }
