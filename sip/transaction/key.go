package transaction

import (
	"strconv"
	"strings"

	"tonegate/sip/wire"
)

// Key finds the transaction of a message. It is comparable.
type Key struct {
	Branch string
	Host   string // sent-by of the top Via; "" in a client's key
	Port   int
	Method wire.Method
	Legacy string // what RFC 2543 matches by, when Branch lacks the magic cookie
}

// cookie begins every branch of RFC 3261 s8.1.1.7. A branch that has nothing behind it identifies nothing (RFC 4475 s3.2.1).
const cookie = "z9hG4bK"

// ServerKey is the key of a request (RFC 3261 s17.2.3). An ACK has its INVITE's key, so the ACK for a response other
// than 2xx finds its transaction; the ACK for a 2xx has a branch of its own and finds none. A CANCEL has a key of
// its own; Invite gives that of the request to be cancelled.
func ServerKey(m *wire.Message) Key {
	via := m.Via[0]
	k := Key{Branch: via.Branch, Host: via.Host, Port: via.Port, Method: m.Method}
	if m.Method == wire.ACK {
		k.Method = wire.INVITE
	}
	if !strings.HasPrefix(via.Branch, cookie) || len(via.Branch) == len(cookie) {
		k.Branch, k.Legacy = "", legacy(m)
	}
	return k
}

// legacy joins what RFC 3261 s17.2.3 compares without a branch. The To tag is left out for INVITE, ACK and CANCEL: the
// ACK carries the one that our response made up.
func legacy(m *wire.Message) string {
	toTag := m.To.Tag
	switch m.Method {
	case wire.INVITE, wire.ACK, wire.CANCEL:
		toTag = ""
	}
	parts := [...]string{m.RequestURI.String(), toTag, m.From.Tag, m.CallID, strconv.FormatUint(uint64(m.CSeq), 10), m.Via[0].Raw}
	return strings.Join(parts[:], "\n") // no part holds a line break
}

// Clone is the same key, which keeps no message in memory.
func (k Key) Clone() Key {
	k.Branch, k.Host, k.Legacy = strings.Clone(k.Branch), strings.Clone(k.Host), strings.Clone(k.Legacy)
	return k
}

// Invite is the key of the INVITE that a CANCEL is for (RFC 3261 s9.2).
func (k Key) Invite() Key {
	k.Method = wire.INVITE
	return k
}

// ClientKey is the key of a response (RFC 3261 s17.1.3): the branch that we made and the CSeq method.
func ClientKey(m *wire.Message) Key { return Key{Branch: m.Via[0].Branch, Method: m.Method} }
