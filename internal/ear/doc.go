// Package ear measures what a person at a telephone would hear: which tone, whose voice, how loud. It is for tests
// and the demonstration; nothing in it trusts what the sender says it sent.
package ear
