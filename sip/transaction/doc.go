// Package transaction is the transaction layer of RFC 3261 s17 with the corrections of RFC 6026: four machines that
// are told what arrived and what time it is, and say what to send and what to tell the user. It has no clock, no
// timer and no socket; it keeps the octets to repeat and nothing else of a message.
package transaction
