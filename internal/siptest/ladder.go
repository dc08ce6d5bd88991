package siptest

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"tonegate/internal/simnet"
)

// maxRungs bounds a ladder; what comes later is counted.
const maxRungs = 10_000

// Ladder records the SIP messages between hosts and draws them. Names given to addresses become its columns,
// in that order; further addresses get columns of their own. Fill it by Watch (on a simnet) or by
// Options.Ladder of the phones. A nil Ladder records nothing.
type Ladder struct {
	mu       sync.Mutex
	columns  []string
	hosts    map[netip.AddrPort]string
	addrs    map[netip.Addr]string
	phones   map[netip.AddrPort]bool // that record what they send
	shown    []string
	replaced []string // old, new, old, new, …
	rungs    []rung
	seen     map[string]bool // messages on their way
	missed   int
}

type rung struct {
	at       time.Time
	from, to netip.AddrPort
	message  *Message
	again    bool // the same octets on the same way before
	lost     bool
}

// NewLadder returns an empty ladder.
func NewLadder() *Ladder {
	return &Ladder{
		hosts:  make(map[netip.AddrPort]string),
		addrs:  make(map[netip.Addr]string),
		phones: make(map[netip.AddrPort]bool),
		seen:   make(map[string]bool),
		shown: []string{"Route", "Record-Route", "Require", "RSeq", "RAck", "Reason", "Retry-After", "Session-Expires",
			"P-Asserted-Identity", "Privacy", "Diversion", "History-Info", "Warning"},
	}
}

// Host names all ports of an address. Several addresses may have one name.
func (l *Ladder) Host(name string, addr netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.addrs[addr.Unmap()] = name
	l.column(name)
}

// HostPort names one port, where several hosts share an address.
func (l *Ladder) HostPort(name string, addr netip.AddrPort) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hosts[addr] = name
	l.column(name)
}

// Show adds headers to those that are drawn where a message has them.
func (l *Ladder) Show(names ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown = append(l.shown, names...)
}

// Replace draws text that differs from run to run under a stable name.
func (l *Ladder) Replace(text, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.replaced = append(l.replaced, text, name)
}

// Watch records all SIP that crosses the network: when it arrives, or would have if it had not been lost.
func (l *Ladder) Watch(n *simnet.Network) {
	n.Watch(l.Add)
}

// Add records one datagram if it is SIP.
func (l *Ladder) Add(e simnet.Event) {
	l.record(e.At, e.From, e.To, e.Data, e.Fate != simnet.Delivered)
}

// attach makes known that a phone of that name records what it sends from an address.
func (l *Ladder) attach(phone netip.AddrPort, name string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.phones[phone] = true
	if l.hosts[phone] == "" && l.addrs[phone.Addr()] == "" {
		l.hosts[phone] = name
	}
}

func (l *Ladder) sent(at time.Time, from, to netip.AddrPort, data []byte, lost bool) {
	if l != nil {
		l.record(at, from, to, data, lost)
	}
}

// received records what no phone of this ladder has recorded as sent.
func (l *Ladder) received(at time.Time, from, to netip.AddrPort, data []byte) {
	if l == nil {
		return
	}
	l.mu.Lock()
	known := l.phones[from]
	l.mu.Unlock()
	if !known {
		l.record(at, from, to, data, false)
	}
}

func (l *Ladder) record(at time.Time, from, to netip.AddrPort, data []byte, lost bool) {
	if line, _, _ := bytes.Cut(data, []byte("\r\n")); !bytes.Contains(line, []byte("SIP/2.0")) {
		return // media
	}
	m, err := Parse(data)
	if err != nil {
		line, _, _ := strings.Cut(string(data), "\r\n")
		m = &Message{Method: "malformed", URI: line, Raw: data}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rungs) >= maxRungs {
		l.missed++
		return
	}
	key := fmt.Sprintf("%v>%v %s", from, to, data)
	l.rungs = append(l.rungs, rung{at: at, from: from, to: to, message: m, lost: lost, again: l.seen[key]})
	l.seen[key] = true
}

// name is the column of an address, under the lock.
func (l *Ladder) name(addr netip.AddrPort) string {
	if name := l.hosts[addr]; name != "" {
		return name
	}
	if name := l.addrs[addr.Addr()]; name != "" {
		return name
	}
	return addr.String()
}

func (l *Ladder) column(name string) int {
	for i, c := range l.columns {
		if c == name {
			return i
		}
	}
	l.columns = append(l.columns, name)
	return len(l.columns) - 1
}
