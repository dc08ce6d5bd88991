//go:build race

package sip

// raceDetector makes a simulation have fewer seeds.
const raceDetector = true
