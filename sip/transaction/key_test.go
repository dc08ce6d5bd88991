package transaction

import (
	"net/netip"
	"strings"
	"testing"

	"tonegate/sip/wire"
)

func message(t testing.TB, text string) *wire.Message {
	t.Helper()
	msg, err := wire.NewParser().ParseSIP([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	m, p := wire.Read(msg, wire.UDP, netip.MustParseAddrPort("192.0.2.1:5060"))
	if p != nil {
		t.Fatal(p)
	}
	return m
}

func request(t testing.TB, method, via, toTag string) *wire.Message {
	return message(t, method+` sip:+81312340002@example.jp SIP/2.0
Via: SIP/2.0/UDP `+via+`
From: <sip:+81312340001@example.jp>;tag=1
To: <sip:+81312340002@example.jp>`+toTag+`
Call-ID: a
CSeq: 7 `+method+`

`)
}

// RFC 3261 s17.2.3: "1. the branch parameter in the request is equal to the one in the top Via header field of the
// request that created the transaction, and 2. the sent-by value in the top Via of the request is equal to the one in
// the request that created the transaction, and 3. the method of the request matches the one that created the
// transaction, except for ACK, where the method of the request that created the transaction is INVITE."
func TestS17_2_3Matching(t *testing.T) {
	const via = "192.0.2.1:5060;branch=z9hG4bKx"
	invite := ServerKey(request(t, "INVITE", via, ""))
	if ServerKey(request(t, "INVITE", via, "")) != invite {
		t.Error("a repetition does not match")
	}
	if ServerKey(request(t, "ACK", via, ";tag=2")) != invite {
		t.Error("the ACK for a final response other than 2xx does not match")
	}
	cancel := ServerKey(request(t, "CANCEL", via, ""))
	if cancel == invite || cancel.Invite() != invite {
		t.Error("a CANCEL is a transaction of its own that names its INVITE")
	}
	for what, other := range map[string]string{
		"branch":          "192.0.2.1:5060;branch=z9hG4bKy",
		"sent-by port":    "192.0.2.1:5061;branch=z9hG4bKx",
		"sent-by host":    "192.0.2.2:5060;branch=z9hG4bKx",
		"no branch":       "192.0.2.1:5060",
		"no cookie":       "192.0.2.1:5060;branch=x",
		"only the cookie": "192.0.2.1:5060;branch=z9hG4bK",
	} {
		if ServerKey(request(t, "INVITE", other, "")) == invite {
			t.Errorf("%s differs and matches", what)
		}
	}
}

// RFC 3261 s17.2.3: "If the branch parameter in the top Via header field is not present, or does not contain the
// magic cookie, the following procedures are used."
// And: "The ACK request matches a transaction if the Request-URI, From tag, Call-ID, CSeq number (not the method),
// and top Via header field match those of the INVITE request which created the transaction, and the To tag of the ACK
// matches the To tag of the response sent by the server transaction."
// The To tag of an ACK is left to the user: it is the one that our response made up.
func TestS17_2_3MatchingOfRFC2543(t *testing.T) {
	for _, via := range []string{"192.0.2.1", "192.0.2.1;branch=1", "192.0.2.1;branch=z9hG4bK"} {
		invite := ServerKey(request(t, "INVITE", via, ""))
		if invite.Branch != "" || invite.Legacy == "" {
			t.Fatalf("%s: %+v", via, invite)
		}
		if ServerKey(request(t, "INVITE", via, "")) != invite || ServerKey(request(t, "ACK", via, ";tag=ours")) != invite {
			t.Errorf("%s: repetition or ACK does not match", via)
		}
		if ServerKey(request(t, "CANCEL", via, "")).Invite() != invite {
			t.Errorf("%s: CANCEL does not find its INVITE", via)
		}
		if ServerKey(request(t, "BYE", via, ";tag=a")) == ServerKey(request(t, "BYE", via, ";tag=b")) {
			t.Errorf("%s: BYEs of two dialogs match", via)
		}
	}
}

// RFC 3261 s17.1.3: "1. If the response has the same value of the branch parameter in the top Via header field as the
// branch parameter in the top Via header field of the request that created the transaction. 2. If the method
// parameter in the CSeq header field matches the method of the request that created the transaction."
func TestS17_1_3Matching(t *testing.T) {
	res := message(t, `SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKours;received=192.0.2.7
From: <sip:a@example.jp>;tag=1
To: <sip:b@example.jp>;tag=2
Call-ID: a
CSeq: 7 CANCEL

`)
	if k := ClientKey(res); k != (Key{Branch: "z9hG4bKours", Method: wire.CANCEL}) {
		t.Fatalf("%+v", k)
	}
}

func TestServerKeyDoesNotAllocate(t *testing.T) {
	m := request(t, "INVITE", "192.0.2.1:5060;branch=z9hG4bKx", "")
	if n := testing.AllocsPerRun(100, func() { ServerKey(m) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
