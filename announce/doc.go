// Package announce holds the audio assets that notices play: loaded and converted once, encoded per codec,
// and shared read-only by all calls.
package announce
