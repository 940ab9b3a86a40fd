// Package python is everything about Python that the master has to know: the worker program, which
// is embedded here (program/*.py, standard library only, CPython 3.6 and newer), the interpreter
// that runs it, the command that starts a template, and the messages of the control socket.
//
// It starts no process (but the short question to an interpreter in Find), owns no socket and
// decides nothing: osproc starts what Command describes, and worker speaks the frames of the slots.
package python

import "syscall"

// Signals that the master sends to one thread of a worker (tgkill), and only after its hello: until
// then their default action ends it. They are numbers because SIGRTMIN is 34 with glibc and 35 with
// musl, and Go knows neither. program/harakiri.py has the same two.
const (
	// StackSignal makes the thread that gets it write its Python stack to standard error, also
	// while it holds the interpreter lock in C.
	StackSignal = syscall.Signal(36)
	// InterruptSignal, sent to the main thread, makes the worker raise Harakiri in the slots whose
	// interrupt word is the sequence that they work on.
	InterruptSignal = syscall.Signal(37)
)

// Exit codes of templates and workers.
const (
	ExitOK     = 0
	ExitFailed = 1  // did not come up, or a slot failed
	ExitNoApp  = 22 // no application, with need-app; uWSGI's number
)
