package peers

import (
	"net/netip"
	"slices"
	"testing"
)

// A record is what a line of data/records says of one call, as far as the tests ask.
type record struct {
	Result, Reason, Exempt         string
	Caller, Called, To             string
	Diverting                      []string
	Redirected                     []string `json:"redirected_to"`
	Forwarded, Emergency, Transfer bool
	Notices                        []proof
}

// A proof is the evidence of one notice.
type proof struct {
	Phase, Leg, Codec, Failed string
	Hash                      string `json:"sha256"`
	SentTo                    string `json:"sent_to"`
	Packets                   int
	Complete                  bool
}

// tonePackets is how many packets of 20 ms the test tone has.
const tonePackets = 50

// checkRecords compares the only record with what was planned for the call, and each proof with what must have been sent.
func (c call) checkRecords(t *testing.T, records []record, ears map[string]netip.Addr) {
	t.Helper()
	if c.unrecorded && len(records) == 0 {
		return
	}
	if c.retried && len(records) == 2 {
		if records[0].Result != "refused" {
			t.Errorf("the record of the first INVITE says %s, want refused", records[0].Result)
		}
		records = records[1:]
	}
	if len(records) != 1 || c.unrecorded {
		t.Fatalf("%d records, want 1 unless there was no call: %+v", len(records), records)
	}
	r := records[0]
	if r.Result != c.result || (c.why != "" && r.Reason != c.why) {
		t.Errorf("the record says %s, %q; want %s %s", r.Result, r.Reason, c.result, c.why)
	}
	if forwarded := c.caller.headers != ""; r.Forwarded != forwarded {
		t.Errorf("the record says forwarded %t, want %t", r.Forwarded, forwarded)
	}
	if r.Emergency != (r.Exempt == "emergency call") {
		t.Errorf("the record says emergency %t, exempt %q", r.Emergency, r.Exempt)
	}
	var complete []string
	for _, p := range r.Notices {
		if !p.Complete {
			if p.Failed == "" || p.Packets >= tonePackets {
				t.Errorf("an interrupted notice without a reason: %+v", p)
			}
			continue
		}
		complete = append(complete, p.Phase+" "+p.Leg)
		if to := netip.AddrPortFrom(ears[p.Leg], rtpPort).String(); p.SentTo != to || p.Packets != tonePackets || p.Codec != "PCMU" || len(p.Hash) != 64 {
			t.Errorf("proof %+v; want %d packets of PCMU to %s and a SHA-256", p, tonePackets, to)
		}
	}
	slices.Sort(complete)
	if want := slices.Sorted(slices.Values(c.notices)); !slices.Equal(complete, want) {
		t.Errorf("the record proves the notices %q, want %q", complete, want)
	}
}
