package sip

import (
	"net/netip"
	"testing"
	"time"

	"tonegate/call"
	"tonegate/number"
	"tonegate/sip/wire"
	"tonegate/stoplist"
)

// BenchmarkParseToPlan is what every INVITE costs before anything is sent:
// from the datagram to the decision.
func BenchmarkParseToPlan(b *testing.B) {
	raw := request("INVITE sip:0312340001@127.0.0.1 SIP/2.0", "1 INVITE",
		"Max-Forwards: 70\nP-Asserted-Identity: <tel:+815012340001>\nDiversion: <sip:0399990001@127.0.0.2>;reason=unconditional\nSupported: 100rel, timer\n",
		"v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n")
	policy, table := samplePolicy(b), listOf(b, 100000)
	source, now := netip.MustParseAddrPort("127.0.0.2:5060"), time.Unix(1, 0)
	var numbers []number.Number
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		m, problem := wire.Parse(raw, wire.UDP, source)
		if problem != nil {
			b.Fatal(problem)
		}
		facts := readFacts(m, &Trunk{Name: "carrier"})
		numbers = facts.Numbers(numbers[:0])
		v := table.FindAll(numbers, now)
		plan := policy.Plan(facts, call.Screening{Revision: uint64(v.Revision), Stopped: v.Stopped >= 0})
		if plan.Refusal != nil || plan.Notices.BeforeCaller == "" {
			b.Fatalf("%+v", plan)
		}
	}
}

// listOf is a stop list of n numbers.
func listOf(b *testing.B, n int) *stoplist.Table {
	b.Helper()
	order := stoplist.Order{Reason: "fraud", Source: "carrier"}.Identified()
	cs := stoplist.ChangeSet{Revision: 1, Orders: []stoplist.Order{order}}
	for i := range n {
		one, err := number.FromKey(815090000000 + uint64(i))
		if err != nil {
			b.Fatal(err)
		}
		cs.Changes = append(cs.Changes, stoplist.Change{Op: stoplist.Add, Numbers: number.Range{First: one, Last: one}, Order: order.ID})
	}
	table, err := new(stoplist.Table).Apply(cs)
	if err != nil {
		b.Fatal(err)
	}
	if table.Numbers() != n {
		b.Fatalf("%d numbers", table.Numbers())
	}
	return table
}
