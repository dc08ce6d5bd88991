// Package ledger keeps call records as an append-only chain of lines, in one file a day: a line that is changed,
// removed or moved later breaks the chain, and Verify says where. It never makes the caller wait for the disk.
package ledger
