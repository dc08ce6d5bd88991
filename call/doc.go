// Package call is the rule book of one forwarded call: two legs, a plan, and
// what must happen next. A [Call] is a plain value; [Call.Step] takes what
// happened and returns what to do. It owns no goroutine, timer, socket or
// clock, so that every order of events can be executed in microseconds.
package call
