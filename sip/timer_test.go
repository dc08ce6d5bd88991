package sip

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

type counted struct{ at []time.Time }

func (c *counted) expire(now time.Time) { c.at = append(c.at, now) }

func TestTimersComeInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	start := time.Unix(0, 0)
	var q timerQueue
	timers := make([]timer, 500)
	owner := &counted{}
	for i := range timers {
		timers[i].owner = owner
		q.set(&timers[i], start.Add(time.Duration(rng.IntN(1000))*time.Millisecond))
	}
	live := len(timers)
	for i := range timers { // move a third, take out a third
		switch rng.IntN(3) {
		case 0:
			q.set(&timers[i], start.Add(time.Duration(rng.IntN(1000))*time.Millisecond))
		case 1:
			q.set(&timers[i], time.Time{})
			live--
		}
	}
	var fired []time.Time
	for now := start; now.Before(start.Add(time.Second)); now = now.Add(time.Millisecond) {
		for timer := q.due(now); timer != nil; timer = q.due(now) {
			if timer.at.After(now) {
				t.Fatal("a timer came early")
			}
			fired = append(fired, timer.at)
		}
	}
	if len(fired) != live || len(q) != 0 {
		t.Errorf("%d timers fired, want %d; %d left", len(fired), live, len(q))
	}
	if !slices.IsSortedFunc(fired, time.Time.Compare) {
		t.Error("out of order")
	}
	q.set(&timers[0], time.Time{}) // taking out what is not in is nothing
	q.set(&timers[0], start)
	if q.due(start) != &timers[0] {
		t.Error("a timer cannot be set again")
	}
}

func TestMintedNamesFindTheirShard(t *testing.T) {
	seen := map[string]bool{}
	for shard := range 256 {
		m := newMint(shard)
		for _, name := range []string{m.token(), m.branch()} {
			if got, ok := shardOf(name, 256); !ok || got != shard {
				t.Errorf("%s: shard %d %v, want %d", name, got, ok, shard)
			}
			if seen[name] {
				t.Errorf("%s minted twice", name)
			}
			seen[name] = true
		}
	}
	for _, foreign := range []string{"", "z9hG4bK", "z9hG4bK-524287-1---c95a", "as7f3a9b21", "zz0123456789abcdef0123", newMint(9).token()} {
		if shard, ok := shardOf(foreign, 4); ok {
			t.Errorf("%q belongs to shard %d", foreign, shard)
		}
	}
}
