package simnet

import (
	"cmp"
	"container/heap"
	"sync"
	"time"
)

// wire holds the datagrams in flight and delivers them one at a time. It owns a timer but no goroutine.
type wire struct {
	mu     *sync.Mutex // the network's; held by every caller
	arrive func(Packet, Fate)
	flying flying
	last   time.Time // of the latest arrival
	timer  *time.Timer
}

type arrival struct {
	Packet
	at   time.Time
	fate Fate // that is meant for it
}

func (w *wire) put(a arrival) bool {
	if len(w.flying) >= maxInFlight {
		return false
	}
	heap.Push(&w.flying, a)
	w.arm()
	return true
}

func (w *wire) arm() {
	if len(w.flying) == 0 {
		return
	}
	wait := max(time.Until(w.due()), 0)
	if w.timer == nil {
		w.timer = time.AfterFunc(wait, w.ring)
		return
	}
	w.timer.Reset(wait)
}

// due is when the next datagram arrives: at its time, but never in the instant of the one before it.
func (w *wire) due() time.Time {
	at, free := w.flying[0].at, w.last.Add(1)
	if at.Before(free) {
		return free
	}
	return at
}

func (w *wire) ring() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.flying) > 0 {
		now := time.Now()
		if now.Before(w.due()) {
			break
		}
		w.last = now
		a := heap.Pop(&w.flying).(arrival)
		w.arrive(a.Packet, a.fate)
	}
	w.arm()
}

func (w *wire) stop() {
	w.flying = nil
	if w.timer != nil {
		w.timer.Stop()
	}
}

// flying is a heap in order of arrival. Equal times are ordered by address and by order of sending, never by
// which goroutine happened to run first.
type flying []arrival

func (f flying) Len() int      { return len(f) }
func (f flying) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f flying) Less(i, j int) bool {
	a, b := f[i], f[j]
	return cmp.Or(a.at.Compare(b.at), a.From.Compare(b.From), cmp.Compare(a.order, b.order)) < 0
}
func (f *flying) Push(x any) { *f = append(*f, x.(arrival)) }
func (f *flying) Pop() any {
	last := len(*f) - 1
	x := (*f)[last]
	(*f)[last] = arrival{}
	*f = (*f)[:last]
	return x
}
