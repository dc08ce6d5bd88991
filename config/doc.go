// Package config reads tonegate.yaml into settings that cannot hold a bad value, and reports every problem of
// the file at once, each with its line, its key, what is wrong and what is allowed.
package config
