// Package dialog is RFC 3261 s12 to s15: what two user agents keep of a
// conversation. It is pure: a Dialog is a value that reads messages, starts
// requests and says what is due; somebody else owns sockets and timers.
package dialog
