package osproc

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// role is the variable that makes the test binary play a child.
const role = "OSPROC_TEST_ROLE"

func TestMain(m *testing.M) {
	if words := strings.Fields(os.Getenv(role)); len(words) > 0 {
		os.Exit(play(words[0], words[1:]))
	}
	goleak.VerifyTestMain(m)
}

// play is a child. It tells what the test wants to know on descriptor 3, if it has one.
func play(name string, args []string) int {
	tell := os.NewFile(3, "tell")
	switch name {
	case "exit":
		n, _ := strconv.Atoi(args[0])
		return n
	case "group":
		fmt.Fprintln(tell, unix.Getpgrp())
		return 0
	case "wait": // until it is killed
		fmt.Fprintln(tell, os.Getpid())
		forever()
	case "orphans": // leaves children behind that end with the given codes
		for _, code := range args {
			pid, err := syscall.ForkExec("/proc/self/exe", []string{"orphan"}, &syscall.ProcAttr{
				Env: []string{role + "=exit " + code}, Files: []uintptr{0, 1, 2},
			})
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			fmt.Fprintln(tell, pid)
		}
		return 0
	case "parent": // of a child that waits to be killed; reaps it when told on descriptor 4
		pid, err := syscall.ForkExec("/proc/self/exe", []string{"child"}, &syscall.ProcAttr{
			Env: []string{role + "=wait"}, Files: []uintptr{0, 1, 2, 3},
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		line, _ := bufio.NewReader(os.NewFile(4, "orders")).ReadString('\n')
		if line == "reap\n" {
			_, _ = unix.Wait4(pid, nil, 0, nil)
			fmt.Fprintln(tell, "reaped")
			forever()
		}
		return 0
	}
	return 99
}

// newSupervisor is the one supervisor of the test.
func newSupervisor(t *testing.T) *Supervisor {
	t.Helper()
	s, warnings, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Log(w)
	}
	t.Cleanup(s.Close)
	return s
}

// child is a started test binary.
type child struct {
	*Process
	lines  *bufio.Scanner // what it tells
	orders *os.File       // what it is told
	status chan Status
}

// begin starts the test binary in a role.
func begin(t *testing.T, s *Supervisor, words string) *child {
	t.Helper()
	told, tell := pipe(t)
	orders, order := pipe(t)
	type result struct {
		p   *Process
		err error
	}
	done := make(chan result, 1)
	s.Start(Command{
		Kind: Template, Path: "/proc/self/exe", Args: []string{"child"}, Env: []string{role + "=" + words},
		Files: []int{int(tell.Fd()), int(orders.Fd())},
	}, func(p *Process, err error) { done <- result{p, err} })
	r := <-done
	_ = tell.Close()
	_ = orders.Close()
	if r.err != nil {
		t.Fatal(r.err)
	}
	c := &child{Process: r.p, lines: bufio.NewScanner(told), orders: order, status: make(chan Status, 1)}
	s.Await(r.p.PID, func(st Status) { c.status <- st })
	t.Cleanup(func() {
		_ = r.p.Signal(unix.SIGKILL)
		r.p.Close()
	})
	return c
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.Close()
		_ = w.Close()
	})
	return r, w
}

// number is the next line, which must be a number.
func (c *child) number(t *testing.T) int {
	t.Helper()
	if !c.lines.Scan() {
		t.Fatal("the child said nothing more")
	}
	n, err := strconv.Atoi(c.lines.Text())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// forever waits for a signal's default action.
func forever() {
	for {
		_ = unix.Pause()
	}
}
