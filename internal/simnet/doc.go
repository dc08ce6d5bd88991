// Package simnet is a datagram network in memory: sockets that are net.PacketConns, links that delay,
// lose, duplicate and reorder by seed, and a filter and a recorder that see every datagram.
//
// It runs in real time and, unchanged, in a testing/synctest bubble, where every wait is durable. A network
// belongs to the bubble in which New was called.
//
// The wire delivers one datagram an instant: two that are due at the same time arrive a nanosecond apart, and
// none arrives in the instant in which it was sent. In a bubble time moves on only when everyone has nothing
// left to do, so each datagram is dealt with completely before the next one is seen, and a run is repeatable.
// The price is a few nanoseconds: compare durations after rounding.
package simnet
