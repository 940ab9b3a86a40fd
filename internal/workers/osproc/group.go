package osproc

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// Group is the process group of templates and workers, 0 before the first.
func (s *Supervisor) Group() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.group
}

// joinable is the group of the living, or 0 if none of them is left: a group without members may
// belong to others by now.
func (s *Supervisor) joinable() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.living) == 0 || s.groupGone() {
		s.group = 0
	}
	return s.group
}

// groupGone reports whether the group has no member, a zombie included. mu is held.
func (s *Supervisor) groupGone() bool {
	return s.group == 0 || errors.Is(unix.Kill(-s.group, 0), unix.ESRCH)
}

// KillGroup sends SIGKILL to the whole group, also to what a template has just forked and not yet
// named. It does nothing when no known process of it is left.
func (s *Supervisor) KillGroup() {
	if g := s.joinable(); g != 0 {
		_ = unix.Kill(-g, unix.SIGKILL)
	}
}

// AwaitGroup waits until the group has no member any more, at most for so long, and reports whether
// that is so.
func (s *Supervisor) AwaitGroup(most time.Duration) bool {
	late := time.NewTimer(most)
	defer late.Stop()
	for {
		s.mu.Lock()
		gone, reaped := s.groupGone(), s.reaped
		s.mu.Unlock()
		if gone {
			return true
		}
		select {
		case <-reaped:
		case <-late.C:
			return false
		}
	}
}
