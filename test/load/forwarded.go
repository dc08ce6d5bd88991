package main

import (
	"context"
	"net/netip"
	"time"
)

// hold is how long a forwarded call lasts after its answer.
const hold = 1500 * time.Millisecond

// forwarded places forwarded calls at a rate through the running server, and measures.
func forwarded(ctx context.Context, dir string, server []*process, rate, seconds int) ([]figure, error) {
	var heard [sockets]tones
	callers, err := listen(callerIP, func(socket int, p []byte, from netip.AddrPort, at time.Time) {
		heard[socket].packet(p, from, at)
	})
	if err != nil {
		return nil, err
	}
	defer callers.close()
	before, err := costOf(server)
	if err != nil {
		return nil, err
	}
	b := batch{scenario: "caller", calls: rate * seconds, rate: rate, setup: tone + ringing, hold: hold}
	begun := time.Now()
	calls, err := call(ctx, dir, b, func() error { return nil })
	if err != nil {
		return nil, err
	}
	late := max(0, time.Since(begun)-b.length()-calleeLinger)
	after, err := costOf(server)
	if err != nil {
		return nil, err
	}
	dropped, err := callers.dropped()
	if err != nil {
		return nil, err
	}
	callers.close()
	whole, nearly, streams := 0, 0, 0
	var deviations []time.Duration
	for i := range heard {
		whole += heard[i].whole(tonePackets)
		nearly += heard[i].whole(tonePackets - 1)
		streams += len(heard[i].streams)
		deviations = append(deviations, heard[i].deviations...)
	}
	perCall := (after.cpu - before.cpu).Seconds() * 1000 / float64(max(1, calls.ok))
	return []figure{
		{"calls", 0, float64(b.calls)},
		{"failed", 0, float64(b.calls - calls.ok)},
		{"retransmissions", 0, float64(calls.retransmissions)},
		{"last call ended late, s", 1, late.Seconds()},
		{"CPU s per 1000 calls", 3, perCall},
		{"INVITE to 183 p50, ms", 1, ms(percentile(calls.early, 50))},
		{"INVITE to 183 p99, ms", 1, ms(percentile(calls.early, 99))},
		{"INVITE to 200 p50, ms less 1100", 1, ms(percentile(calls.answer, 50) - b.setup)},
		{"INVITE to 200 p99, ms less 1100", 1, ms(percentile(calls.answer, 99) - b.setup)},
		{"tones heard", 0, float64(streams)},
		{"tones whole (50 of 50 packets), %", 2, percent(whole, b.calls)},
		{"tones of 49 packets or more, %", 2, percent(nearly, b.calls)},
		{"packet spacing deviation p50, ms", 3, ms(percentile(deviations, 50))},
		{"packet spacing deviation p99, ms", 3, ms(percentile(deviations, 99))},
		{"memory before, PSS MB", 1, mb(before.pss)},
		{"memory after, PSS MB", 1, mb(after.pss)},
		{"packets the load itself dropped", 0, float64(dropped)},
	}, nil
}
