// Package stoplist holds the suspended numbers: an immutable table that answers calls, the change sets that make one table
// from another, and the import of carriers' lists. The log of change sets is the record; a table is a view of it.
package stoplist
