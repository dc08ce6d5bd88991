// Package number reads telephone numbers in every spelling that Japanese trunks use and gives one comparable value for one number.
// It is pure: no I/O, no clock, no allocation while parsing.
package number
