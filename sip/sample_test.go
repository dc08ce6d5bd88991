package sip

import (
	"slices"
	"sync"
	"testing"
	"time"

	"tonegate/announce"
	"tonegate/call"
	"tonegate/number"
)

// memory keeps the records of calls.
type memory struct {
	mu    sync.Mutex
	lines []callRecord
}

// Append keeps one record.
func (m *memory) Append(record any) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = append(m.lines, record.(callRecord))
	return true
}

func (m *memory) all() []callRecord {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.lines)
}

// tones is the sample's library: one neutral tone of a second.
var tones = sync.OnceValue(func() *announce.Library {
	lib, err := announce.NewLibrary(map[string]announce.Spec{"tone": {Synth: "600+1000/200,0/100,600+1000/200,0/500"}}, time.Unix(0, 0))
	if err != nil {
		panic(err)
	}
	return lib
})

// samplePolicy is that of the sample configuration.
func samplePolicy(t testing.TB) call.Policy {
	t.Helper()
	ours, err := number.ParseSet([]string{"+81312340000-+81312349999"})
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	return call.Policy{
		Trunks: map[string]call.Trunk{
			"carrier": {Far: call.PSTN, Unchecked: true},
			"pbx":     {Far: call.Internet, Presents: ours},
		},
		Routes: []call.Route{
			{From: "carrier", To: []call.Target{{Trunk: "pbx"}}, Called: &ours},
			{From: "pbx", To: []call.Target{{Trunk: "carrier"}}},
		},
		Rules: []call.Rule{
			{When: call.Condition{Emergency: &yes}, None: "emergency call"},
			{When: call.Condition{Forwarded: &yes}, Slots: call.Slots{BeforeCaller: "tone", AnswerCallee: "tone"}},
			{When: call.Condition{Class: []number.Class{number.Fixed}, FarLeg: []call.Kind{call.Internet}}, Slots: call.Slots{AnswerCaller: "tone", AnswerCallee: "tone"}},
			{None: "no fixed-line number, not forwarded"},
		},
		Refuse: call.Refusal{Status: 404, Cause: 1},
	}
}
