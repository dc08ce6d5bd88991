// Command load places many calls at once through the built server and says what they cost: processor time,
// delay, whole tones, memory. Kamailio with rtpengine, where installed, is measured in turn with it, doing the same.
//
//	go run ./test/load -binary bin/tonegate -rate 100 -seconds 20 -rounds 2
package main
