// Package peers calls through the built binary with programs that others wrote: sipp as caller and callee, over UDP, TCP
// and TLS (by stunnel), IPv4 and IPv6; baresip as a telephone whose received sound is listened to.
package peers
