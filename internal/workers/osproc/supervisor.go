// Package osproc starts, watches, signals and buries processes. It owns the one place where this
// process waits for children, the process group of templates and workers, and what is read of the
// machine: memory limits, open files, file systems, the memory of a pid.
//
// It does not know what the processes do, decides nothing about their lives, and never uses
// exec.Cmd: a second waiter beside wait4(-1) loses statuses, and peeking with WNOWAIT leaves
// orphans hidden behind known children.
package osproc

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Kind says what a supervised process is.
type Kind string

// The kinds of processes. Daemons, mules and spoolers come later.
const (
	Template Kind = "template"
	Worker   Kind = "worker"
	Daemon   Kind = "daemon"
	Mule     Kind = "mule"
	Spooler  Kind = "spooler"
)

// keptStatuses bounds the statuses of processes that nobody has asked for yet: strangers that a
// PID 1 or a subreaper inherits, and workers whose template died before it named them.
const keptStatuses = 1024

// startQueue bounds the starts that wait for the starter's thread.
const startQueue = 64

// waiting is true while this process has a Supervisor: the kernel keeps one list of children per
// process, so there can be only one waiter.
var waiting atomic.Bool

// Supervisor is the one waiter of this process, and its starter.
type Supervisor struct {
	// mu is held while a child is waited for, so that a pid which was seen alive under it is not
	// given to another process before it is let go.
	mu      sync.Mutex
	await   map[int]func(Status)
	kept    map[int]Status
	order   []int                 // of kept, oldest first; may name pids that were asked for meanwhile
	living  map[*Process]struct{} // of the group
	group   int                   // process group of templates and workers, 0 when there is none
	reaped  chan struct{}         // closed and replaced when a child was waited for
	holding bool                  // nobody is waited for: a process is being started

	signals chan os.Signal
	starts  chan start
	stop    chan struct{}
	ended   sync.WaitGroup
	closing sync.Once
}

// New makes this process a subreaper and starts to wait for all its children. The warnings are
// sentences for the operator.
func New() (s *Supervisor, warnings []string, err error) {
	if !waiting.CompareAndSwap(false, true) {
		return nil, nil, errors.New("this process already has a waiter for its children")
	}
	s = &Supervisor{
		await: make(map[int]func(Status)), kept: make(map[int]Status),
		living: make(map[*Process]struct{}), reaped: make(chan struct{}),
		signals: make(chan os.Signal, 1), starts: make(chan start, startQueue),
		stop: make(chan struct{}),
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		warnings = append(warnings, fmt.Sprintf("this process cannot become the parent of orphans "+
			"(PR_SET_CHILD_SUBREAPER: %v): if a template dies, the exit status of its workers stays unknown", err))
	}
	signal.Notify(s.signals, unix.SIGCHLD)
	s.ended.Add(2)
	go s.waiter()
	go s.starter()
	return s, warnings, nil
}

// Close ends the waiting and the starting. Processes are not touched.
func (s *Supervisor) Close() {
	s.closing.Do(func() {
		signal.Stop(s.signals)
		close(s.stop)
		s.ended.Wait()
		waiting.Store(false)
	})
}
