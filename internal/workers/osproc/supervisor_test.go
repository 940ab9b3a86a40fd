package osproc

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSupervisor_TellsHowAProcessEnded(t *testing.T) {
	s := newSupervisor(t)
	if st := <-begin(t, s, "exit 7").status; st.Code() != 7 || st.Signal() != 0 || st.String() != "exit code 7" {
		t.Errorf("status %v", st)
	}
	c := begin(t, s, "wait")
	c.number(t)
	if err := c.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if st := <-c.status; st.Signal() != unix.SIGKILL || st.Code() != 0 || st.String() != "signal 9 (SIGKILL)" {
		t.Errorf("status %v", st)
	}
}

func TestSupervisor_IsTheOnlyWaiter(t *testing.T) {
	s := newSupervisor(t)
	if _, _, err := New(); err == nil {
		t.Error("a second waiter was made")
	}
	s.Close()
	again, _, err := New()
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestSupervisor_ReapsStrangersAndKeepsTheirStatusUntilAsked(t *testing.T) {
	s := newSupervisor(t)
	c := begin(t, s, "orphans 11 12 13 14 15 16 17 18 19 20")
	pids := make([]int, 0, 10)
	for range 10 {
		pids = append(pids, c.number(t))
	}
	if st := <-c.status; st.Code() != 0 {
		t.Fatalf("the parent: %v", st)
	}
	for i, pid := range pids {
		got := make(chan Status, 1)
		s.Await(pid, func(st Status) { got <- st })
		if st := <-got; st.Code() != 11+i {
			t.Errorf("orphan %d: %v, expected exit code %d", pid, st, 11+i)
		}
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); !errors.Is(err, unix.ECHILD) {
		t.Errorf("a child is left behind: %v", err)
	}
}

func TestSupervisor_ForgetsStatusesThatNobodyWants(t *testing.T) {
	s := newSupervisor(t)
	s.mu.Lock()
	for pid := range 10 * keptStatuses {
		s.keep(1000000+pid, 0)
	}
	for range 10 * keptStatuses {
		s.keep(1, 1) // a number that comes again and again takes one place
		delete(s.kept, 1)
	}
	kept, order := len(s.kept), len(s.order)
	s.mu.Unlock()
	if kept > keptStatuses || order > 4*keptStatuses {
		t.Errorf("%d statuses are kept, %d places in their order", kept, order)
	}
}

func TestSupervisor_TellsNobodyAfterForget(t *testing.T) {
	s := newSupervisor(t)
	c := begin(t, s, "wait")
	c.number(t)
	s.Forget(c.PID)
	other := begin(t, s, "wait")
	other.number(t)
	_ = c.Signal(unix.SIGKILL)
	_ = other.Signal(unix.SIGKILL)
	<-other.status
	for !c.Ended() {
	}
	s.Poll()
	select {
	case st := <-c.status:
		t.Errorf("told %v", st)
	default:
	}
}

func TestSupervisor_SaysWhatCouldNotBeStarted(t *testing.T) {
	s := newSupervisor(t)
	errs := make(chan error, 1)
	s.Start(Command{Kind: Template, Path: "/no/such/python", Args: []string{"x"}}, func(p *Process, err error) {
		errs <- err
	})
	err := <-errs
	if !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "/no/such/python") {
		t.Errorf("error %v", err)
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); !errors.Is(err, unix.ECHILD) {
		t.Errorf("a child is left behind: %v", err)
	}
}

func TestSupervisor_PutsAllIntoOneGroupAsLongAsOneOfItLives(t *testing.T) {
	s := newSupervisor(t)
	first := begin(t, s, "wait")
	first.number(t)
	if g := begin(t, s, "group").number(t); g != first.PID || g != s.Group() || g == unix.Getpgrp() {
		t.Errorf("the second is in group %d, the first has pid %d, the master is in %d", g, first.PID, unix.Getpgrp())
	}
	// The founder dies; another member keeps its group.
	second := begin(t, s, "wait")
	second.number(t)
	_ = first.Signal(unix.SIGKILL)
	<-first.status
	first.Close()
	if g := begin(t, s, "group").number(t); g != first.PID {
		t.Errorf("the third is in group %d, not %d", g, first.PID)
	}
	s.mu.Lock()
	var all []*Process
	for p := range s.living {
		all = append(all, p)
	}
	s.mu.Unlock()
	for _, p := range all {
		_ = p.Signal(unix.SIGKILL)
		for !p.Ended() {
		}
		p.Close()
	}
	last := begin(t, s, "group")
	if g := last.number(t); g != last.PID {
		t.Errorf("without a living member the group is %d, not a new one of pid %d", g, last.PID)
	}
}

func TestSupervisor_AdoptsAGrandchildAndReadsItsDeathOffThePidfd(t *testing.T) {
	s := newSupervisor(t)
	parent := begin(t, s, "parent")
	pid := parent.number(t)
	p, err := s.Adopt(Worker, pid, parent.PID)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.Ended() {
		t.Error("a living process has ended")
	}
	if err := p.SignalThread(pid, 0); err != nil {
		t.Errorf("signalling its main thread: %v", err)
	}
	if err := p.SignalThread(os.Getpid(), 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("a thread of another process was signalled: %v", err)
	}
	_ = p.Signal(unix.SIGKILL)
	for !p.Ended() {
	}
	// Its parent has not waited for it: the number is still its own, and safe.
	if err := p.SignalThread(pid, 0); !errors.Is(err, ErrGone) {
		t.Errorf("a dead process was signalled: %v", err)
	}
	if _, err := parent.orders.WriteString("reap\n"); err != nil {
		t.Fatal(err)
	}
	if !parent.lines.Scan() || parent.lines.Text() != "reaped" {
		t.Fatal("the parent did not reap")
	}
	if err := p.Signal(unix.SIGKILL); !errors.Is(err, ErrGone) {
		t.Errorf("signal to a reaped process: %v", err)
	}
	if _, err := s.Adopt(Worker, pid, parent.PID); !errors.Is(err, ErrGone) {
		t.Errorf("adopting a reaped process: %v", err)
	}
}

func TestSupervisor_BecomesTheParentWhenATemplateDies(t *testing.T) {
	s := newSupervisor(t)
	parent := begin(t, s, "parent")
	pid := parent.number(t)
	p, err := s.Adopt(Worker, pid, parent.PID)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	_ = parent.Signal(unix.SIGKILL)
	<-parent.status
	got := make(chan Status, 1)
	s.Await(pid, func(st Status) { got <- st })
	_ = p.Signal(unix.SIGTERM)
	if st := <-got; st.Signal() != unix.SIGTERM {
		t.Errorf("the orphan's status: %v", st)
	}
}

func TestSupervisor_AdoptsNobodyElsesProcess(t *testing.T) {
	s := newSupervisor(t)
	c := begin(t, s, "wait")
	c.number(t)
	for _, pid := range []int{-5, 0, 1, os.Getpid(), os.Getppid()} {
		if p, err := s.Adopt(Worker, pid, c.PID); err == nil {
			p.Close()
			t.Errorf("pid %d was adopted", pid)
		}
	}
	s.Discard(os.Getppid()) // would be felt
}

func TestSupervisor_LeaksNoDescriptorAndNoThread(t *testing.T) {
	s := newSupervisor(t)
	count := func(dir string) int {
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	var before, threads int
	for i := range 220 {
		done := make(chan *Process, 1)
		s.Start(Command{
			Kind: Template, Path: "/bin/true", Args: []string{"true"},
		}, func(p *Process, err error) {
			if err != nil {
				t.Error(err)
			}
			done <- p
		})
		p := <-done
		ended := make(chan struct{})
		s.Await(p.PID, func(Status) { close(ended) })
		<-ended
		p.Close()
		p.Close() // twice is once
		if i == 19 {
			before, threads = count("/proc/self/fd"), count("/proc/self/task")
		}
	}
	if after := count("/proc/self/fd"); after != before {
		t.Errorf("%d descriptors, %d after 200 processes more", before, after)
	}
	if after := count("/proc/self/task"); after > threads+4 { // the runtime may start a few
		t.Errorf("%d threads, %d after 200 processes more", threads, after)
	}
}
