package siptest

import (
	"sync"
	"time"
)

// queueLimit bounds every queue between the phone and its script.
const queueLimit = 512

// queue hands things from the network to the script, in order, with a wait that is durable in a bubble.
type queue[T any] struct {
	mu      sync.Mutex
	items   []T
	changed chan struct{} // closed and renewed by every change
	over    bool
}

func newQueue[T any]() *queue[T] { return &queue[T]{changed: make(chan struct{})} }

// put reports whether there was room.
func (q *queue[T]) put(item T) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.over || len(q.items) >= queueLimit {
		return false
	}
	q.items = append(q.items, item)
	q.wake()
	return true
}

func (q *queue[T]) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.over = true
	q.wake()
}

func (q *queue[T]) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// take waits for the first item that matches and removes it; the others stay.
func (q *queue[T]) take(wait time.Duration, match func(T) bool) (T, bool) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		item, found, changed := q.find(match)
		if found || changed == nil {
			return item, found
		}
		select {
		case <-changed:
		case <-timer.C:
			return item, false
		}
	}
}

func (q *queue[T]) find(match func(T) bool) (item T, found bool, changed <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, candidate := range q.items {
		if match == nil || match(candidate) {
			q.items = append(q.items[:i:i], q.items[i+1:]...)
			return candidate, true, q.changed
		}
	}
	if q.over {
		return item, false, nil
	}
	return item, false, q.changed
}

// memory is a map that forgets its oldest entries.
type memory[V any] struct {
	entries map[string]V
	order   []string
}

const memoryLimit = 4096

func (m *memory[V]) set(key string, value V) {
	if m.entries == nil {
		m.entries = make(map[string]V)
	}
	if _, known := m.entries[key]; !known {
		m.order = append(m.order, key)
	}
	m.entries[key] = value
	if len(m.order) > memoryLimit {
		delete(m.entries, m.order[0])
		m.order = m.order[1:]
	}
}
