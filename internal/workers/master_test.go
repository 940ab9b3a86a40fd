package workers

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fender/internal/observe/event"
	"fender/internal/workers/osproc"
	"fender/internal/workers/pool"
)

// playMaster is a master with three workers, which tells their pids on descriptor 3 and waits to be
// killed. Its template's playbook comes in the environment.
func playMaster() int {
	journal, err := event.Open(event.Options{Observe: func(e event.Event) {
		if e.Kind == event.Template && e.To == event.StateReady || e.Kind == event.Worker && e.To == event.StateReady {
			_, _ = fmt.Fprintln(os.NewFile(3, "tell"), e.PID)
		}
	}})
	if err != nil {
		return 1
	}
	launch := func(int) (Launch, error) {
		return Launch{
			Command: osproc.Command{Path: "/proc/self/exe", Args: []string{"template"}, Env: []string{role + "=template", quickExit}},
			Boot:    []byte(os.Getenv("WORKERS_TEST_BOOK")),
		}, nil
	}
	if dir := os.Getenv("WORKERS_TEST_SITE"); dir != "" {
		launch = pythonLaunch(dir, 2)
	}
	w, err := New(Options{Pool: pool.Options{Processes: 3, Threads: 2}, Journal: journal, Launch: launch})
	if err != nil {
		return 1
	}
	w.Start()
	forever()
	return 0
}

func TestMaster_LeavesNoProcessBehindWhenItIsKilled(t *testing.T) {
	for name, env := range map[string]string{
		"played": `WORKERS_TEST_BOOK={"op":"boot","stage":"/nowhere","worker":"stuck"}`,
		"Python": "WORKERS_TEST_SITE=" + site(t, 1),
	} {
		t.Run(name, func(t *testing.T) { killMaster(t, env) })
	}
}

// A template that imports does not see that the master has gone.
func TestMaster_LeavesNoTemplateBehindThatHangsInItsImport(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, dir, fmt.Sprintf("import os, time\nopen(%q, 'w').write(str(os.getpid()))\ntime.sleep(3600)\n", fifo))
	s, master, tell := startMaster(t, "WORKERS_TEST_SITE="+dir)
	defer s.Close()
	defer master.Close()
	defer func() { _ = tell.Close() }()
	text, err := os.ReadFile(fifo) // until the template has closed it: it is in the middle of its import
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	killAndBury(t, s, master, []int{pid})
}

func killMaster(t *testing.T, env string) {
	s, master, tell := startMaster(t, env)
	defer s.Close()
	defer master.Close()
	defer func() { _ = tell.Close() }()
	var pids []int
	lines := bufio.NewScanner(tell)
	for len(pids) < 4 && lines.Scan() { // the template and three workers
		pid, err := strconv.Atoi(strings.TrimSpace(lines.Text()))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if len(pids) != 4 {
		t.Fatalf("pids %v", pids)
	}
	killAndBury(t, s, master, pids)
}

// startMaster starts a master that tells the pids of its processes.
func startMaster(t *testing.T, env string) (s *osproc.Supervisor, master *osproc.Process, tell *os.File) {
	t.Helper()
	s, _, err := osproc.New()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan *osproc.Process, 1)
	s.Start(osproc.Command{
		Kind: osproc.Daemon, Path: "/proc/self/exe", Args: []string{"master"},
		Env:   []string{role + "=master", env},
		Files: []int{int(w.Fd())},
	}, func(p *osproc.Process, err error) {
		if err != nil {
			t.Error(err)
		}
		done <- p
	})
	master = <-done
	_ = w.Close()
	if master == nil {
		s.Close()
		t.FailNow()
	}
	return s, master, r
}

// killAndBury kills the master and waits until it and the others are dead.
func killAndBury(t *testing.T, s *osproc.Supervisor, master *osproc.Process, pids []int) {
	t.Helper()
	if err := master.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for _, pid := range append(pids, master.PID) {
		dead(t, pid)
	}
	// All are children of this process by now, and it waits for them.
	for _, pid := range append(pids, master.PID) {
		ended := make(chan struct{})
		s.Await(pid, func(osproc.Status) { close(ended) })
		<-ended
	}
}
