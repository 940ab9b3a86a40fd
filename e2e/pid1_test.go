//go:build linux

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"fender/internal/observe/event"
)

// pid1 starts fender as process 1 of a namespace of its own, as in a container.
func pid1(t *testing.T, env []string, flags []string, args ...string) *server {
	t.Helper()
	before := append([]string{"unshare", "--pid", "--fork", "--mount-proc", "--kill-child"}, flags...)
	if out, err := exec.Command(before[0], append(before[1:], "true")...).CombinedOutput(); err != nil {
		may(t, "make namespaces with unshare(1)", fmt.Errorf("%w: %s", err, out))
	}
	s := start{before: before, env: env}.launch(t, append(args, "--access-log", "off")...)
	s.wait("a listening address", 1, func(e event.Event) bool { return e.Kind == event.Listening })
	s.addr = strings.TrimPrefix(s.events.matching(func(e event.Event) bool { return e.Kind == event.Listening })[0].Address, "http://")
	s.wait("a ready worker", 1, becomes(event.StateReady))
	return s
}

// may skips a test that needs a right which this user or machine does not have; CI skips nothing.
func may(t *testing.T, what string, err error) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("CI skips nothing, and this user may not %s: %v", what, err)
	}
	t.Skipf("this user may not %s: %v", what, err)
}

// master is the number that process 1 has outside of its namespace.
func (s *server) master() int {
	s.t.Helper()
	parent := s.cmd.Process.Pid
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	if err != nil {
		s.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		s.t.Fatalf("the children of unshare: %q", text)
	}
	return pid
}

// namespace are the processes in the namespace of process pid.
func namespace(t *testing.T, pid int) (pids []int) {
	t.Helper()
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
	if err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob("/proc/[0-9]*/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		if other, err := os.Readlink(path); err == nil && other == own {
			n, err := strconv.Atoi(strings.Split(path, "/")[2])
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, n)
		}
	}
	return pids
}

func TestAsProcess1ItListensOnAllAddresses(t *testing.T) {
	// A network of its own, where port 8000 is free and nobody can come in.
	s := pid1(t, nil, []string{"--net"}, testdata("orphans")...)
	if s.addr != "0.0.0.0:8000" {
		t.Errorf("it listens on %s", s.addr)
	}
	if strings.Contains(s.log.String(), "running as root") {
		t.Error("in a container, where everybody is root, it complains about root")
	}
}

func TestAsProcess1ItReapsStrangersAndDrainsAtSIGTERM(t *testing.T) {
	port := freePort(t)
	s := pid1(t, []string{"PORT=" + port}, nil, append(testdata("orphans"), "--processes", "2", "--drain-quiet", "200ms")...)
	if s.addr != "0.0.0.0:"+port {
		t.Fatalf("it listens on %s and not on $PORT", s.addr)
	}
	s.addr = "127.0.0.1:" + port
	orphans := []float64{}
	for range 20 {
		doc := s.facts("/orphan")
		if doc["parent"] != 1.0 {
			t.Errorf("the orphan's parent is process %v", doc["parent"])
		}
		orphans = append(orphans, doc["pid"].(float64))
	}
	var left []any
	for begin := time.Now(); time.Since(begin) < patience; {
		if left = s.facts("/")["zombies"].([]any); len(left) == 0 {
			break
		}
	}
	for _, pid := range left {
		t.Errorf("process %v has ended and nobody reaps it; the orphans were %v", pid, orphans)
	}
	// A killed worker is reaped too.
	s.wait("2 workers", 2, becomes(event.StateReady))
	inside := s.pids()
	master := s.master()
	for _, pid := range namespace(t, master) {
		if number := inner(t, pid); number == inside[0] {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.wait("its successor", 3, becomes(event.StateReady))
	for begin := time.Now(); time.Since(begin) < patience; {
		if left = s.facts("/")["zombies"].([]any); len(left) == 0 {
			break
		}
	}
	if len(left) != 0 {
		t.Errorf("zombies: %v", left)
	}
	if err := syscall.Kill(master, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// inner is the number of a process in its own namespace.
func inner(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0 // it has ended
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "NSpid:"); ok {
			numbers := strings.Fields(rest)
			n, err := strconv.Atoi(numbers[len(numbers)-1])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no NSpid")
	return 0
}

func TestKillingProcess1EndsAll(t *testing.T) {
	port := freePort(t)
	s := pid1(t, []string{"PORT=" + port}, nil, append(testdata("orphans"), "--processes", "3")...)
	s.wait("3 workers", 3, becomes(event.StateReady))
	master := s.master()
	pids := namespace(t, master)
	if len(pids) != 5 || !slices.Contains(pids, master) { // with the template
		t.Errorf("processes %v, the master is %d", pids, master)
	}
	var fds []int
	for _, pid := range pids {
		fd, err := pidfdOpen(pid)
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(fd)
		fds = append(fds, fd)
	}
	if err := syscall.Kill(master, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for i, fd := range fds {
		if !pidfdEnds(fd, patience) {
			t.Errorf("process %d goes on", pids[i])
		}
	}
	s.exit()
}

// freePort is a port that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
