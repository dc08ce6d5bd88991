package stoplist

import "sync/atomic"

// List is the table in force. Readers load it once for a call and never wait; one follower publishes.
type List struct{ table atomic.Pointer[Table] }

// Load returns the table in force, an empty one before the first Publish.
func (l *List) Load() *Table {
	if t := l.table.Load(); t != nil {
		return t
	}
	return empty
}

// Publish puts the table in force for every call that comes after.
func (l *List) Publish(t *Table) { l.table.Store(t) }

var empty = &Table{}
