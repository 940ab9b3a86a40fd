package osproc

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrGone means that the process had ended and was waited for before it could be watched. Await
// gives its status if it became this process's child.
var ErrGone = errors.New("the process is gone")

// Process is one supervised process, known by its pidfd: a pid alone may name another process by
// now. It belongs to one goroutine; Close gives the pidfd back.
type Process struct {
	Kind Kind
	PID  int
	s    *Supervisor
	fd   int
}

// Adopt watches a process that another one of ours has forked: a template's worker. The pid comes
// from a process that runs foreign code, so it must be of our group, or a child of parent.
func (s *Supervisor) Adopt(kind Kind, pid, parent int) (*Process, error) {
	if pid <= 1 || pid == os.Getpid() {
		return nil, fmt.Errorf("pid %d cannot be a %s", pid, kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) {
		return nil, ErrGone // EINVAL: a thread of another process has the number now
	}
	if err != nil {
		return nil, fmt.Errorf("watching the %s with pid %d: %w", kind, pid, err)
	}
	if group, err := unix.Getpgid(pid); (err != nil || group != s.group) && parentOf(pid) != parent {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("pid %d is no %s: it belongs to another group and has another parent", pid, kind)
	}
	// A status under this number is of an earlier process: this one has not been waited for.
	delete(s.kept, pid)
	p := &Process{Kind: kind, PID: pid, s: s, fd: fd}
	s.living[p] = struct{}{}
	return p, nil
}

// parentOf reads the parent's pid, -1 if it cannot be known. It is only asked about a process that
// left the group by itself.
func parentOf(pid int) int {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return -1
	}
	// The name in parentheses may hold anything, also parentheses and spaces.
	i := strings.LastIndexByte(string(b), ')')
	f := strings.Fields(string(b[i+1:]))
	if i < 0 || len(f) < 2 {
		return -1
	}
	n, err := strconv.Atoi(f[1])
	if err != nil {
		return -1
	}
	return n
}

// Pidfd is readable once the process has ended. It is closed by Close.
func (p *Process) Pidfd() int { return p.fd }

// Signal sends a signal to the process; never to another one that has its number now.
func (p *Process) Signal(sig unix.Signal) error {
	err := unix.PidfdSendSignal(p.fd, sig, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return ErrGone
	}
	return err
}

// SignalThread sends a signal to one thread of the process. tid may come from a hostile page: the
// kernel refuses a thread of another process.
func (p *Process) SignalThread(tid int, sig unix.Signal) error {
	if tid <= 0 {
		return fmt.Errorf("thread %d of pid %d does not exist", tid, p.PID)
	}
	// tgkill knows numbers only. The number is safe as long as the process is not waited for:
	// a template does that only when it is told to, and we only while mu is ours.
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if p.Ended() {
		return ErrGone
	}
	return unix.Tgkill(p.PID, tid, sig)
}

// Ended reports whether the process has ended.
func (p *Process) Ended() bool {
	fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0
}

// Close gives the pidfd back. The process is not touched.
func (p *Process) Close() {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	if p.fd < 0 {
		return
	}
	delete(p.s.living, p)
	_ = unix.Close(p.fd)
	p.fd = -1
}
