package osproc

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Status is how a process ended: a wait status as wait4 gives it.
type Status unix.WaitStatus

// Signal is the signal that ended the process, 0 when it exited.
func (s Status) Signal() unix.Signal {
	if w := unix.WaitStatus(s); w.Signaled() {
		return w.Signal()
	}
	return 0
}

// Code is the exit code, 0 when a signal ended the process.
func (s Status) Code() int {
	if w := unix.WaitStatus(s); w.Exited() {
		return w.ExitStatus()
	}
	return 0
}

// String says it in words.
func (s Status) String() string {
	sig := s.Signal()
	if sig == 0 {
		return fmt.Sprintf("exit code %d", s.Code())
	}
	text := fmt.Sprintf("signal %d", int(sig))
	if name := unix.SignalName(sig); name != "" {
		text = fmt.Sprintf("signal %d (%s)", int(sig), name)
	}
	if unix.WaitStatus(s).CoreDump() {
		text += ", core dumped"
	}
	return text
}
