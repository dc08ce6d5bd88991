// Package media is the media plane: port pairs, relay, player, RTCP and statistics behind one interface, Plane.
//
// The arithmetic of packets is in pure values that every backend shares: header (RTP), stream (one outgoing direction),
// reception (one incoming one), meter, ports, and the RTCP of report.go. So are the legs; only
// the drivers differ: they wait for packets and for the time, UDP in a goroutine for each socket, Epoll in a reactor for many legs.
//
//   - leg.in is written by the goroutine that reads the leg's RTP socket, leg.out by the one goroutine that feeds the leg:
//     the reader of the bridged leg, or the pacer; with Epoll these are one. Each has its own lock. On the packet
//     path these locks have one user, so they are not contended; control calls, Stats and RTCP take them a few times a second at most.
//   - leg.out stays locked while a packet is written, so that the order of sequence numbers is the order on the wire, and so that
//     nothing more is sent once Stop, Bridge, Unbridge or Close has returned. A datagram write does not wait for a peer.
//   - which leg is bridged with which, the table of legs and the ports belong to plane.mu. It is taken before the locks
//     of a leg; no two legs, and no two halves of one, are ever locked together.
package media
