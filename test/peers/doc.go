// Package peers calls through the built binary with programs that others wrote: sipp as caller and callee,
// baresip as a telephone whose received sound is listened to.
package peers
