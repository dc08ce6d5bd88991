// Package siptest serves tests only.
package siptest

// Patience is how long a test waits.
const Patience = 1
