// Package sdp reads session descriptions (RFC 8866) without losing a line, and writes one leg's own
// descriptions (RFC 3264): the other leg's offer or answer with our address in it, or an offer or answer of our own.
// It is pure: no clock, no socket, no resolver. A *Session is immutable; a *Local has one owner.
package sdp
