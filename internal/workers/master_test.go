package workers

import (
	"bufio"
	"fmt"
	"os"
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

func killMaster(t *testing.T, env string) {
	s, _, err := osproc.New()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
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
	master := <-done
	_ = w.Close()
	if master == nil {
		return
	}
	defer master.Close()
	var pids []int
	lines := bufio.NewScanner(r)
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
