// Package ledger breaks what a package that is not pure can break.
package ledger
