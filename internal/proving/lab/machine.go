package lab

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"fender/internal/proving/lab/stack"
	"fender/internal/proving/report"

	"golang.org/x/sys/unix"
)

// describe says what the numbers depend on.
func describe(ctx context.Context, h stack.Host, version string) report.Machine {
	python := filepath.Join(h.Venv, "bin", "python")
	m := describeMachine(version)
	m.Python = firstLine(ctx, python, "-c", "import os, sys; print('Python', sys.version.split()[0], 'at', os.path.realpath(sys.executable))")
	m.Django = firstLine(ctx, python, "-m", "django", "--version")
	return m
}

func describeMachine(version string) report.Machine {
	m := report.Machine{CPUs: runtime.NumCPU(), Fender: version}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.Memory = int64(info.Totalram) * int64(info.Unit)
	}
	return m
}

// firstLine is the first line that a command prints.
func firstLine(ctx context.Context, program string, args ...string) string {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.WaitDelay = time.Second // what it has left behind may hold its output open
	text, err := cmd.CombinedOutput()
	if err != nil && len(text) == 0 {
		return fmt.Sprintf("unknown: %v", err)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return report.Plain(line)
}
