package osproc

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// waiter is the goroutine that reaps every child, known or not.
func (s *Supervisor) waiter() {
	defer s.ended.Done()
	for {
		s.reap()
		select {
		case <-s.signals:
		case <-s.stop:
			return
		}
	}
}

// reap takes the status of every child that has ended.
func (s *Supervisor) reap() {
	for {
		var w unix.WaitStatus
		s.mu.Lock()
		if s.holding {
			s.mu.Unlock()
			return // release kicks again
		}
		pid, err := unix.Wait4(-1, &w, unix.WNOHANG, nil)
		if err == unix.EINTR {
			s.mu.Unlock()
			continue
		}
		if err != nil || pid <= 0 {
			s.mu.Unlock()
			return
		}
		close(s.reaped)
		s.reaped = make(chan struct{})
		tell := s.await[pid]
		if tell != nil {
			delete(s.await, pid)
		} else {
			s.keep(pid, Status(w))
		}
		s.mu.Unlock()
		if tell != nil {
			tell(Status(w))
		}
	}
}

// hold stops the waiting while a process is being started: its number must be known before its
// status is taken, or a status that was kept for an earlier process of that number would be its.
func (s *Supervisor) hold() {
	s.mu.Lock()
	s.holding = true
	s.mu.Unlock()
}

// release ends what hold began. mu is held.
func (s *Supervisor) release() {
	s.holding = false
	select {
	case s.signals <- unix.SIGCHLD:
	default:
	}
}

// keep remembers a status until somebody asks for it, or until too many others came. mu is held.
func (s *Supervisor) keep(pid int, w Status) {
	if _, again := s.kept[pid]; !again {
		s.order = append(s.order, pid)
	}
	s.kept[pid] = w
	for len(s.kept) > keptStatuses || len(s.order) > 4*keptStatuses {
		delete(s.kept, s.order[0])
		s.order = s.order[1:]
	}
}

// Await calls tell once with the status of pid: at once, in this goroutine, if it is there
// already, else from the waiter's goroutine. tell must not block. A later Await of the same pid
// replaces an earlier one.
func (s *Supervisor) Await(pid int, tell func(Status)) {
	s.mu.Lock()
	w, there := s.kept[pid]
	if there {
		delete(s.kept, pid)
	} else {
		s.await[pid] = tell
	}
	s.mu.Unlock()
	if there {
		tell(w)
	}
}

// Forget takes an Await back.
func (s *Supervisor) Forget(pid int) {
	s.mu.Lock()
	delete(s.await, pid)
	delete(s.kept, pid)
	s.mu.Unlock()
}

// starter starts processes on a thread of its own: fork and exec take milliseconds in a process
// with much memory, and a parent-death signal is bound to the thread that forked.
func (s *Supervisor) starter() {
	defer s.ended.Done()
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	for {
		select {
		case job := <-s.starts:
			job.done(s.run(job.command))
		case <-s.stop:
			return
		}
	}
}
