package media

import (
	"container/heap"
	"math"
	"sync"
	"time"
)

// never is a deadline that is not reached.
const never = time.Duration(math.MaxInt64)

// keeper does for all legs, what is due seldom: reports and the watch for silence.
type keeper struct {
	clock func() time.Duration
	wake  func()
	mu    sync.Mutex
	queue dueQueue
}

// deadline is a leg's place in the queue.
type deadline struct {
	at     time.Duration
	index  int
	queued bool
	closed bool
}

func newKeeper(clock func() time.Duration, wake func()) *keeper {
	return &keeper{clock: clock, wake: wake}
}

// schedule sets when the leg is due next.
func (k *keeper) schedule(l *leg, at time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l.keep.closed {
		return
	}
	first := never
	if len(k.queue) > 0 {
		first = k.queue[0].keep.at
	}
	l.keep.at = at
	if l.keep.queued {
		heap.Fix(&k.queue, l.keep.index)
	} else {
		heap.Push(&k.queue, l)
	}
	if at < first { // or else whoever serves comes in time
		k.wake()
	}
}

// cancel takes the leg out for good.
func (k *keeper) cancel(l *leg) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l.keep.closed = true
	if l.keep.queued {
		heap.Remove(&k.queue, l.keep.index)
	}
}

// pop gives the first leg if it is due, else the time until it is.
func (k *keeper) pop() (*leg, time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.queue) == 0 || k.queue[0].keep.at == never {
		return nil, never
	}
	if wait := k.queue[0].keep.at - k.clock(); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&k.queue).(*leg), 0
}

// advance serves the legs that are due and gives the time until the next one is, or never.
func (k *keeper) advance() time.Duration {
	for {
		l, wait := k.pop()
		if l == nil {
			return wait
		}
		k.schedule(l, l.serve(k.clock()))
	}
}

// dueQueue is a heap.Interface of legs by deadline.
type dueQueue []*leg

func (q dueQueue) Len() int           { return len(q) }
func (q dueQueue) Less(i, j int) bool { return q[i].keep.at < q[j].keep.at }
func (q dueQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].keep.index, q[j].keep.index = i, j
}

func (q *dueQueue) Push(x any) {
	l := x.(*leg)
	l.keep.index, l.keep.queued = len(*q), true
	*q = append(*q, l)
}

func (q *dueQueue) Pop() any {
	last := len(*q) - 1
	l := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	l.keep.queued = false
	return l
}
