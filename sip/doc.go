// Package sip is the server: sockets, event loops that own the calls, and the
// agent that carries out what a call.Call decides. It is the only package, with
// those below it, that knows sipgo, which frames and parses TCP and TLS.
//
// The way of a message: packet.go (a datagram: wire.Parse), or streams.go (a
// connection: sipgo, then wire.Read) -> dispatch.go (refuse what needs no state;
// which shard) -> shard.go (which transaction, dialog or call) -> request.go,
// response.go, reinvite.go, update.go, referral.go (what it says) -> agent.go
// (event to call.Call, actions from it) -> route.go (where what they send goes).
package sip
