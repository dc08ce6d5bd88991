package sip

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// Whatever comes after the end finds a call that has let go of nearly all it
// had: it is answered, and nothing breaks.
func TestLateMessagesFindAFinishedCall(t *testing.T) {
	s := newBench(t, &still{})
	number, dialog := s.begin()
	var invite []byte
	for key, tx := range s.shard.clients {
		if key.Method == "INVITE" {
			i := tx.out.invite
			invite = fmt.Appendf(nil, "Via: %s\r\nFrom: %s\r\nTo: %s;tag=%%s\r\nCall-ID: %s\r\nCSeq: %d INVITE\r\nContact: <sip:127.0.0.3:5060>\r\n", i.Via, i.From, i.To, i.CallID, i.CSeq)
		}
	}
	s.end(number, dialog)
	respond := func(status, tag, more, sdp string) {
		s.text = fmt.Appendf(s.text[:0], "SIP/2.0 %s\r\n%s%sContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
			status, fmt.Sprintf(string(invite), tag), more, len(sdp), sdp)
		s.arrive(hostPBX)
	}
	sent := func() string {
		var all []string
		for _, b := range s.out.sent {
			line, _, _ := bytes.Cut(b, []byte("\r\n"))
			all = append(all, string(bytes.Fields(line)[0])+" "+string(bytes.Fields(line)[1]))
		}
		return strings.Join(all, ", ")
	}
	const target = " sip:127.0.0.3:5060"
	for _, late := range []struct{ status, tag, more, want string }{
		{"183 Session Progress", "callee", "", ""},
		{"183 Session Progress", "other", "Require: 100rel\r\nRSeq: 1\r\n", ""}, // RFC 6026 s7.2: after a 2xx only others pass
		{"200 OK", "callee", "", "ACK" + target},
		{"200 OK", "other", "", "ACK" + target + ", BYE" + target},
		{"200 OK", "other", "", "ACK" + target},
	} {
		if respond(late.status, late.tag, late.more, benchSDP); sent() != late.want {
			t.Errorf("%s with the tag %s: sent %q, want %q", late.status, late.tag, sent(), late.want)
		}
	}
	for i, late := range []struct{ method, want string }{
		{"ACK", ""}, {"BYE", "SIP/2.0 200"}, {"INFO", "SIP/2.0 481"}, {"UPDATE", "SIP/2.0 481"},
		{"PRACK", "SIP/2.0 481"}, {"INVITE", "SIP/2.0 481"}, {"OPTIONS", "SIP/2.0 200"}, {"CANCEL", "SIP/2.0 481"},
	} {
		if s.request(late.method, 3+i, number+1, dialog); sent() != late.want {
			t.Errorf("%s: sent %q, want %q", late.method, sent(), late.want)
		}
	}
	s.later(lifetime)
	r := prometheus.NewRegistry()
	r.MustRegister(s.server.metrics.faults)
	if families, err := r.Gather(); err != nil || families[0].Metric[0].GetCounter().GetValue() != 0 {
		t.Errorf("faults: %v, %v", families, err)
	}
	if n := len(s.shard.servers) + len(s.shard.clients) + len(s.shard.legs) + len(s.shard.timers); n != 0 {
		t.Errorf("%d things are left after 64*T1", n)
	}
}
