package main

import (
	"context"
	"time"
)

// plain places calls without a tone at a rate through the running server, and measures what their signalling costs.
// Nobody sends any voice.
func plain(ctx context.Context, dir string, server []*process, rate, seconds int) ([]figure, error) {
	before, err := costOf(server)
	if err != nil {
		return nil, err
	}
	b := batch{scenario: "plain", calls: rate * seconds, rate: rate, setup: ringing, hold: hold}
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
	return []figure{
		{"calls", 0, float64(b.calls)},
		{"failed", 0, float64(b.calls - calls.ok)},
		{"retransmissions", 0, float64(calls.retransmissions)},
		{"last call ended late, s", 1, late.Seconds()},
		{"CPU s per 1000 calls", 3, (after.cpu - before.cpu).Seconds() * 1000 / float64(max(1, calls.ok))},
		{"INVITE to 200 p50, ms less 100", 1, ms(percentile(calls.answer, 50) - b.setup)},
		{"INVITE to 200 p99, ms less 100", 1, ms(percentile(calls.answer, 99) - b.setup)},
		{"memory before, PSS MB", 1, mb(before.pss)},
		{"memory after, PSS MB", 1, mb(after.pss)},
	}, nil
}
