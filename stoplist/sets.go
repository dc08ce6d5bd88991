package stoplist

import (
	"encoding/binary"
	"maps"
	"slices"
)

//tonegate:pure

// sets interns sets of orders: thousands of numbers under the same orders share one small integer. 0 is the empty set.
type sets struct {
	list [][]uint32 // each ordered
	ids  map[string]uint32
}

func (s sets) clone() sets {
	if s.list == nil {
		return sets{list: [][]uint32{nil}, ids: map[string]uint32{"": 0}}
	}
	return sets{slices.Clip(s.list), maps.Clone(s.ids)}
}

func (s *sets) with(set, order uint32) uint32 {
	i, found := slices.BinarySearch(s.list[set], order)
	if found {
		return set
	}
	return s.intern(slices.Insert(slices.Clone(s.list[set]), i, order))
}

func (s *sets) without(set, order uint32) uint32 {
	i, found := slices.BinarySearch(s.list[set], order)
	if !found {
		return set
	}
	return s.intern(slices.Delete(slices.Clone(s.list[set]), i, i+1))
}

// union is the set of all orders of both.
func (s *sets) union(a, b uint32) uint32 {
	for _, o := range s.list[b] {
		a = s.with(a, o)
	}
	return a
}

func (s *sets) intern(orders []uint32) uint32 {
	key := make([]byte, 0, 4*len(orders))
	for _, o := range orders {
		key = binary.BigEndian.AppendUint32(key, o)
	}
	id, found := s.ids[string(key)]
	if !found {
		id = uint32(len(s.list))
		s.list = append(s.list, orders)
		s.ids[string(key)] = id
	}
	return id
}
