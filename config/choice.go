package config

import (
	"errors"
	"slices"
	"strings"
)

// Leg is what lies behind a trunk: the public network, a managed IP network, or the internet.
type Leg string

const (
	PSTN     Leg = "pstn"
	Managed  Leg = "managed"
	Internet Leg = "internet"
)

// Mode is how a caller hears a notice before the call is connected.
type Mode string

const (
	Early    Mode = "early"    // 183 with SDP
	Answered Mode = "answered" // our own 200 first
)

// OnFailure is what becomes of a call whose notice could not be played.
type OnFailure string

const (
	Continue OnFailure = "continue"
	Release  OnFailure = "release"
)

// Otherwise is what becomes of a caller number that a trunk may not present.
type Otherwise string

const (
	Reject   Otherwise = "reject"
	Withhold Otherwise = "withhold"
)

// Reliable is whether provisional answers are confirmed (RFC 3262).
type Reliable string

const (
	Supported Reliable = "supported"
	Required  Reliable = "required"
	Off       Reliable = "off"
)

// Transport is how requests to a peer leave.
type Transport string

const (
	UDP Transport = "udp"
	TCP Transport = "tcp"
)

// Refer is what becomes of a peer's wish to transfer a call (RFC 3515).
type Refer string

const (
	ReferAccept Refer = "accept"
	ReferRefuse Refer = "refuse"
)

// Redirect is what becomes of a peer's redirection, 302 and its like.
type Redirect string

const (
	RedirectFollow Redirect = "follow"
	RedirectRefuse Redirect = "refuse"
)

// EarlyMedia is whether P-Early-Media is spoken with a peer (RFC 5009).
type EarlyMedia string

const (
	EarlyMediaSupported EarlyMedia = "supported"
	EarlyMediaOff       EarlyMedia = "off"
)

// LiveCalls is what becomes of calls in progress whose number is stopped.
type LiveCalls string

const (
	End  LiveCalls = "end"
	Keep LiveCalls = "keep"
)

// Unreadable is the verdict on a number that cannot be read.
type Unreadable string

const (
	Allow  Unreadable = "allow"
	Forbid Unreadable = "refuse"
)

// Caller is the header that holds a trunk's caller number.
type Caller string

const (
	PAI  Caller = "pai" // P-Asserted-Identity, RFC 3325
	From Caller = "from"
)

// Format is the shape of a log line.
type Format string

const (
	JSON Format = "json"
	Text Format = "text"
)

// Engine is the database that holds the stop list.
type Engine string

const SQLite Engine = "sqlite"

var errLater = errors.New("not available yet")

// oneOf is the kind of values that are one of a few words.
func oneOf[T ~string](values ...T) kind[T] { return oneOfNow(values, nil) }

// oneOfNow has words that are known but not available yet.
func oneOfNow[T ~string](now, later []T) kind[T] {
	names := make([]string, len(now))
	for i, v := range now {
		names[i] = string(v)
	}
	return kind[T]{
		allowed: strings.Join(names, ", "),
		parse: func(s string) (T, error) {
			if slices.Contains(now, T(s)) {
				return T(s), nil
			}
			if slices.Contains(later, T(s)) {
				return "", errLater
			}
			return "", errNotKnown
		},
	}
}
