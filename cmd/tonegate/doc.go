// Command tonegate is the call-forwarding announcement server and its tools:
// serve, check, demo, list. It is the only place that knows the configuration
// file; every part gets values.
package main
