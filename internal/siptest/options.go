package siptest

import (
	"net"
	"net/netip"
	"time"
)

// TB is the part of testing.TB that a script needs to fail.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Options of a phone. Only Peer is needed.
type Options struct {
	Name string         // user part of its addresses and its name in failures; "phone" if empty
	Peer netip.AddrPort // where requests go that no route or remote target sends elsewhere
	TB   TB             // ends the script on failure; without one the phone panics

	SDP    SDP                  // its own description for offers and answers that a script does not write itself; the zero value is none
	Media  func(netip.AddrPort) // called with the audio address of each description that arrives; it must not call the phone
	Ladder *Ladder              // records what the phone sends and receives; on a simnet use Ladder.Watch instead

	Allow   string        // what its Allow says; every method that a phone knows if empty
	Manual  []string      // methods that the script answers itself; INVITE always is one of them
	Timeout time.Duration // of every wait; 40 s if zero, more than 64*T1
	T1      time.Duration // 500 ms if zero
	T2      time.Duration // 4 s if zero
	Faults  Faults
	Lenient bool // a violation by the peer is kept but does not end the script

	Stream   net.Conn     // requests leave over this TCP or TLS (*tls.Conn) connection instead of datagrams
	Listener net.Listener // TCP or TLS connections accepted here are served too
}

// Faults make a phone misbehave. The zero value behaves.
type Faults struct {
	LoseFirst         int  // so many of the next datagrams and messages that it sends get lost
	NeverAck          bool // no ACK for any final response, neither the script's nor the automatic one
	NeverAckAgain     bool // no ACK for a repeated final response
	NeverRepeat       bool // neither requests nor responses are retransmitted by timer
	NeverTrying       bool // no 100 after 200 ms
	NeverAnswer       bool // requests are received, but nothing is answered automatically
	CancelAtOnce      bool // CANCEL does not wait for a provisional response, against RFC 3261 s9.1
	ForgetTransaction bool // a repeated request is not answered with the repeated response
}

// InviteOptions describe a request outside a dialog.
type InviteOptions struct {
	To, From   string   // number or user, URI, or the whole header value; From is the phone's own name if empty
	RequestURI string   // the URI of To if empty
	CallID     string   // new if empty
	Headers    []string // "Name: value"; replaces the default of that name, "Name:" removes it
	Body       string   // SDP unless Headers has Content-Type; for an INVITE the phone's offer if empty
	NoSDP      bool     // an INVITE without an offer
}
