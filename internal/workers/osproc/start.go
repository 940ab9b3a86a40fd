package osproc

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Command is a program to start.
type Command struct {
	Kind Kind
	Path string   // of the executable
	Args []string // with the program's name in front
	Env  []string
	Dir  string // "" is the current one
	// Files become descriptors 3, 4 ... of the process. They stay the caller's and must be open
	// until done was called. Standard input is /dev/null; output and error are inherited.
	Files []int
	// Credential is the user that the program runs as; nil is the current one.
	Credential *syscall.Credential
}

type start struct {
	command Command
	done    func(*Process, error)
}

// Start starts c on the starter's thread and calls done from there. done must not block. A template
// joins the group of the living templates and workers, or founds it; other kinds get one of their own.
//
// No parent-death signal is set: a template has to outlive the master for the moment in which it
// ends its group, and a worker its template.
func (s *Supervisor) Start(c Command, done func(*Process, error)) {
	select {
	case s.starts <- start{c, done}:
	default:
		done(nil, fmt.Errorf("starting the %s: %d others wait to be started", c.Kind, startQueue))
	}
}

func (s *Supervisor) run(c Command) (*Process, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, fmt.Errorf("starting the %s: %w", c.Kind, err)
	}
	defer func() { _ = null.Close() }()
	s.hold() // from here on: the group's last member shall not be reaped in between
	pidfd := -1
	group, grouped := 0, c.Kind == Template || c.Kind == Worker
	if grouped {
		group = s.joinable()
	}
	attr := &syscall.ProcAttr{
		Dir: c.Dir, Env: c.Env,
		Files: []uintptr{null.Fd(), 1, 2},
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pgid: group, PidFD: &pidfd, Credential: c.Credential},
	}
	for _, fd := range c.Files {
		attr.Files = append(attr.Files, uintptr(fd))
	}
	pid, err := syscall.ForkExec(c.Path, c.Args, attr)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.release()
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.Path, err)
	}
	delete(s.kept, pid)
	if pidfd < 0 { // a kernel or sandbox whose clone does not give one
		if pidfd, err = unix.PidfdOpen(pid, 0); err != nil {
			_ = unix.Kill(pid, unix.SIGKILL)
			return nil, fmt.Errorf("watching %s (pid %d): %w", c.Path, pid, err)
		}
	}
	p := &Process{Kind: c.Kind, PID: pid, s: s, fd: pidfd}
	if grouped {
		if group == 0 {
			s.group = pid
		}
		s.living[p] = struct{}{}
	}
	return p, nil
}
