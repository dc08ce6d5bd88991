//go:build race

package call

// raceDetector makes the tests that try every order go less deep: a Call has
// one owner, so that the detector has little to find in them.
const raceDetector = true
