// Package siptest is a scripted SIP telephone, its voice, and a recorder that draws what was said as a ladder.
//
// It is the oracle for tonegate: it reads and writes SIP as text with code of its own, shares nothing with the
// stack under test, follows RFC 3261's transactions unless told to break them (Faults), and reports what a peer
// sends against the rules (Phone.Violations). It runs over any net.PacketConn, in real time and in a
// testing/synctest bubble.
//
// A script is straight-line code; everything that is not the script's business (retransmission, absorbing
// repeats, ACK for refusals, 200 for BYE) happens behind it:
//
//	call := alice.Invite(siptest.InviteOptions{To: "0312340001"})
//	ring := bob.Accept()
//	ring.Respond(180, nil, "")
//	call.Expect(180)
//	ring.Answer()
//	call.Expect(200)
//	call.Ack("")
//	ring.ExpectRequest("ACK")
//	call.Bye().Expect(200)
//
// Where hundreds of calls are wanted at once, Robots are user agents that need no goroutine a call: they act in
// functions that messages and timers call.
//
// A verb that cannot be carried out ends the script through TB.Fatalf, with the latest messages of the phone.
package siptest
