package osproc

import "golang.org/x/sys/unix"

// Poll takes the statuses of children that have ended by now, in the caller's goroutine: whoever
// was told by a pidfd need not wait for the signal. It does not block.
func (s *Supervisor) Poll() { s.reap() }

// Discard kills a process that could not be adopted, if it is of our group.
func (s *Supervisor) Discard(pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if group, err := unix.Getpgid(pid); err == nil && pid > 1 && group == s.group {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}
