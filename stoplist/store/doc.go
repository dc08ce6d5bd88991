// Package store keeps the log of stop-list change sets in a database and follows it: what is committed here is what every
// node's table is made of. Nothing is ever changed or deleted; each change set is chained to the one before by a hash.
package store
