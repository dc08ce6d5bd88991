package main

import "time"

// A scenario is one call of the demonstration, and what must come of it.
type scenario struct {
	name, title    string // in the table and in file names; in words
	from, to       string // trunks
	caller, called string
	headers        []string
	hangsUp        time.Duration // after so much of the tone the caller gives up
	status         int           // of the final response to the caller

	// What must be heard; what must stand in the books.
	hears          [2]sound // by the caller and the callee
	result, reason string
	exempt         string // why no tone is played
	forwarded      bool
	emergency      bool
}

// sound is what one party must hear.
type sound struct {
	tone  string // "before" the call is connected, at "answer", or ""
	cut   bool   // the tone, but not to its end
	voice bool   // the other party's
}

const (
	before   = "before"
	atAnswer = "answer"
)

// isAnswered reports whether the callee picks up.
func (s *scenario) isAnswered() bool { return s.status == 200 }

// How long things take.
const (
	ringing   = 300 * time.Millisecond
	talking   = 1300 * time.Millisecond
	speech    = 5 * time.Second // then the same again
	frameTime = 20 * time.Millisecond
)

// The speakers of the two voices, see ear.Voice.
const (
	callerVoice = 11
	calleeVoice = 3
)

const (
	subscriber = "+815012340000"
	ourNumber  = "+81312340001"
	stopped    = "+815012349001" // on the sample list
)

var diversion = []string{"Diversion: <sip:+81312345555@carrier.example>;reason=unconditional;counter=1"}

var demoCalls = []scenario{
	{
		name: "forwarded", title: "a forwarded call",
		from: carrier, to: pbx, caller: subscriber, called: ourNumber, headers: diversion,
		status: 200, hears: [2]sound{{tone: before, voice: true}, {tone: atAnswer, voice: true}},
		result: "completed", reason: "caller_hung_up", forwarded: true,
	},
	{
		name: "our-number", title: "a call to our fixed-line number",
		from: carrier, to: pbx, caller: subscriber, called: ourNumber,
		status: 200, hears: [2]sound{{tone: atAnswer, voice: true}, {tone: atAnswer, voice: true}},
		result: "completed", reason: "caller_hung_up",
	},
	{
		name: "suspended", title: "a caller on the stop list",
		from: carrier, to: pbx, caller: stopped, called: ourNumber,
		status: 404, result: "refused", reason: "stop_list",
	},
	{
		name: "emergency", title: "an emergency call",
		from: pbx, to: carrier, caller: ourNumber, called: "110",
		status: 200, hears: [2]sound{{voice: true}, {voice: true}},
		result: "completed", reason: "caller_hung_up", exempt: "emergency call", emergency: true,
	},
	{
		name: "given-up", title: "a caller who gives up",
		from: carrier, to: pbx, caller: subscriber, called: ourNumber, headers: diversion, hangsUp: 400 * time.Millisecond,
		status: 487, hears: [2]sound{{tone: before, cut: true}, {}},
		result: "cancelled", reason: "caller_cancelled", forwarded: true,
	},
}
