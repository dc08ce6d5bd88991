package stoplist

import "slices"

//tonegate:pure

// block is how many numbers share a leaf: the unit in which numbers are given to carriers.
const block = 10_000

// leaf is the listed numbers of one block, in order. A nil leaf is empty.
type leaf struct {
	at  []uint16 // number % 10,000
	set []uint32 // of orders
}

func (l *leaf) find(key uint64) uint32 {
	if l == nil {
		return 0
	}
	if i, found := slices.BinarySearch(l.at, uint16(key%block)); found {
		return l.set[i]
	}
	return 0
}

func (l *leaf) size() int {
	if l == nil {
		return 0
	}
	return len(l.at)
}

func (l *leaf) append(at uint16, set uint32) {
	l.at = append(l.at, at)
	l.set = append(l.set, set)
}

// edited returns a new leaf with the changes made, nil if nothing is left. The changes are ordered by number, all of this block.
func (l *leaf) edited(changes []Change, edit func(uint32, Change) (uint32, error)) (*leaf, error) {
	if l == nil {
		l = &leaf{}
	}
	room := len(l.at) + len(changes)
	next := &leaf{make([]uint16, 0, room), make([]uint32, 0, room)}
	i := 0
	for len(changes) > 0 {
		at := uint16(changes[0].Numbers.First.Key() % block)
		for ; i < len(l.at) && l.at[i] < at; i++ {
			next.append(l.at[i], l.set[i])
		}
		var set uint32
		if i < len(l.at) && l.at[i] == at {
			set = l.set[i]
			i++
		}
		for len(changes) > 0 && uint16(changes[0].Numbers.First.Key()%block) == at {
			var err error
			if set, err = edit(set, changes[0]); err != nil {
				return nil, err
			}
			changes = changes[1:]
		}
		if set != 0 {
			next.append(at, set)
		}
	}
	next.at, next.set = append(next.at, l.at[i:]...), append(next.set, l.set[i:]...)
	if len(next.at) == 0 {
		return nil, nil
	}
	return next, nil
}
