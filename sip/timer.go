package sip

import (
	"container/heap"
	"time"
)

// expirer is told when its timer is due. It sets the timer again if it wants more.
type expirer interface{ expire(now time.Time) }

// timer is one deadline in a shard's queue. Its zero value is not set.
type timer struct {
	at    time.Time
	index int // place in the heap, plus one; 0 when not queued
	owner expirer
}

// timerQueue is a shard's deadlines, the nearest first. It belongs to the shard's goroutine.
type timerQueue []*timer

func (q timerQueue) Len() int           { return len(q) }
func (q timerQueue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q timerQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i+1, j+1
}

// Push is for package heap.
func (q *timerQueue) Push(x any) {
	t := x.(*timer)
	*q = append(*q, t)
	t.index = len(*q)
}

// Pop is for package heap.
func (q *timerQueue) Pop() any {
	old := *q
	n := len(old) - 1
	t := old[n]
	old[n] = nil
	*q = old[:n]
	t.index = 0
	return t
}

// set queues t for at, moves it there, or takes it out when at is zero.
func (q *timerQueue) set(t *timer, at time.Time) {
	switch {
	case at.IsZero():
		if t.index > 0 {
			heap.Remove(q, t.index-1)
		}
	case t.index == 0:
		t.at = at
		heap.Push(q, t)
	case !t.at.Equal(at):
		t.at = at
		heap.Fix(q, t.index-1)
	}
}

// due takes the nearest timer out if its time has come.
func (q *timerQueue) due(now time.Time) *timer {
	if len(*q) == 0 || (*q)[0].at.After(now) {
		return nil
	}
	return heap.Pop(q).(*timer)
}

// next is the nearest deadline; false when there is none.
func (q timerQueue) next() (time.Time, bool) {
	if len(q) == 0 {
		return time.Time{}, false
	}
	return q[0].at, true
}
