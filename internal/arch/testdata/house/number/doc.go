// Package number keeps every rule.
package number
