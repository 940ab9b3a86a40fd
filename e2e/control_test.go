//go:build linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// control is a path for a control socket, short enough for sun_path.
func control(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fender")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "control")
}

func (s *server) controlPath() string {
	if i := slices.Index(s.cmd.Args, "--control"); i >= 0 {
		return s.cmd.Args[i+1]
	}
	s.t.Fatal("the server has no control socket")
	return ""
}

// tryCtl runs fender ctl and returns what it prints and its exit code.
func (s *server) tryCtl(args ...string) (string, int) {
	s.t.Helper()
	cmd := exec.Command(binary, append(append([]string{"ctl"}, args...), "--control", s.controlPath())...)
	cmd.Env = append(cleanEnviron(), quickExit)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (s *server) ctl(args ...string) string {
	s.t.Helper()
	out, code := s.tryCtl(args...)
	if code != 0 {
		s.t.Fatalf("fender ctl %v: exit code %d: %s", args, code, out)
	}
	return out
}

func pidfdOpen(pid int) (int, error) { return unix.PidfdOpen(pid, 0) }

// pidfdEnds waits for the end of a process.
func pidfdEnds(fd int, wait time.Duration) bool {
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(poll, int(wait/time.Millisecond))
		if err == unix.EINTR {
			continue
		}
		return err == nil && n == 1
	}
}

func fifo(t *testing.T, path string) {
	t.Helper()
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

// stands waits until a process that was sent SIGSTOP has stopped: the signal may find it running.
func stands(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			t.Fatal(err)
		}
		if _, rest, ok := strings.Cut(string(stat), ") "); ok && rest[0] == 'T' {
			return
		}
	}
	t.Fatalf("process %d does not stop", pid)
}
