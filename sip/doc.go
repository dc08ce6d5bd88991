// Package sip is the server: sockets below sipgo's transport layer, event
// loops that own the calls, and the agent that carries out what a call.Call
// decides. It is the only package, with those below it, that knows sipgo.
//
// The way of a message: packet.go or streams.go (socket) -> listen.go (parse,
// validate) -> dispatch.go (which shard) -> shard.go (which transaction,
// dialog or call) -> agent.go (event to call.Call, actions from it).
package sip
