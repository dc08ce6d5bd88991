// Package wire validates the SIP messages that arrive and builds the ones that leave. It is the only place that
// knows what sipgo's parser accepts, loses or misreads; above it a Message is trusted and never changed.
package wire
