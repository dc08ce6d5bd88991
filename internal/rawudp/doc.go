// Package rawudp sends and receives on UDP sockets that do not wait. It does not tell the scheduler: nothing here takes longer than a
// function call does, and what the runtime does around a system call, above all its monitor that wakes up with the first one after an
// idle moment, costs more than the call.
package rawudp
