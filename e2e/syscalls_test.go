//go:build linux

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"fender/e2e/load"
)

// traced counts the system calls of all threads of a process while do runs, by name.
func traced(t *testing.T, pid int, do func()) map[string]int {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		may(t, "run strace(1), which is not installed", err)
	}
	table := filepath.Join(t.TempDir(), "calls")
	strace := exec.Command("strace", "-f", "-c", "-o", table, "-p", strconv.Itoa(pid))
	said, err := strace.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := strace.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = strace.Process.Kill() }()
	lines := bufio.NewScanner(said)
	if !lines.Scan() || !strings.Contains(lines.Text(), "attached") {
		may(t, "trace a process", fmt.Errorf("%q", lines.Text()))
	}
	do()
	if err := strace.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() { // until it has let go of all threads
	}
	_ = strace.Wait() // it ends with the signal
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]int{}
	for line := range strings.Lines(string(text)) {
		// % time, seconds, usecs/call, calls, errors (or nothing), name
		if f := strings.Fields(line); len(f) >= 5 {
			if n, err := strconv.Atoi(f[3]); err == nil && f[len(f)-1] != "total" {
				calls[f[len(f)-1]] = n
			}
		}
	}
	return calls
}

// shipped has the test run the binary that is shipped: the race detector's runtime has calls and memory of its own.
func shipped(t *testing.T) {
	if path := os.Getenv("FENDER_BIN"); path != "" {
		before := binary
		binary = path
		t.Cleanup(func() { binary = before })
	}
}

// What a request costs the master in system calls, on connections that are kept: a read, a message to the worker
// and one back, a write. The rest is the loop's waiting and Go's runtime.
func TestARequestCostsTheMasterFourSystemCalls(t *testing.T) {
	shipped(t)
	s := serve(t, append(app(t, "def application(e, s):\n    s('200 OK', [('Content-Length', '2')])\n    return [b'ok']\n"),
		"--processes", "2")...)
	s.wait("two workers", 2, becomes("ready"))
	const connections, requests = 5, 400
	var conns [connections]*load.Conn
	ask := func(i int) {
		if _, kind, err := conns[i%connections].Do(&load.Request{Target: "/"}); kind != load.OK {
			t.Fatal(err)
		}
	}
	for i := range conns {
		conns[i] = &load.Conn{Addr: s.addr}
		defer conns[i].Close()
	}
	for i := range 10 * connections { // everything is open, known and warm
		ask(i)
	}
	calls := traced(t, s.cmd.Process.Pid, func() {
		for i := range requests {
			ask(i)
		}
	})
	t.Logf("%v", calls)
	const few = requests / 20 // what else a process does now and then
	for _, name := range []string{"read", "sendmsg", "recvmsg", "writev"} {
		if n := calls[name]; n < requests || n > requests+few {
			t.Errorf("%d requests are %d of %s", requests, n, name)
		}
		delete(calls, name)
	}
	// The loop asks what is ready before it waits: that is twice for each of the two things it waits for.
	waiting := calls["epoll_pwait"] + calls["epoll_pwait2"] + calls["epoll_wait"]
	if waiting > 4*requests+few {
		t.Errorf("%d requests are %d waits", requests, waiting)
	}
	if n := calls["epoll_ctl"]; n > few {
		t.Errorf("%d requests on connections that are kept change %d times what is watched", requests, n)
	}
	if n := calls["futex"]; n > 3*requests {
		t.Errorf("%d requests wake or wait for threads %d times", requests, n)
	}
	// Go's watcher of threads works by the clock, not by requests.
	watcher := []string{"nanosleep", "clock_nanosleep", "restart_syscall", "tgkill", "getpid", "rt_sigreturn", "sched_yield"}
	for _, name := range append(watcher, "epoll_pwait", "epoll_pwait2", "epoll_wait", "epoll_ctl", "futex") {
		delete(calls, name)
	}
	rest := 0
	for _, n := range calls {
		rest += n
	}
	if rest > few {
		t.Errorf("%d requests are %d other calls: %v", requests, rest, calls)
	}
}
