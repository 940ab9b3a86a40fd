package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// machine is what the numbers depend on.
type machine struct {
	Time        time.Time         `json:"time"`
	Kernel      string            `json:"kernel"`
	CPUs        int               `json:"cpus"`
	Model       string            `json:"cpu_model"`
	Memory      float64           `json:"memory_gib"`
	Load        string            `json:"load_average_at_start"`
	Interpreter string            `json:"interpreter"`
	Versions    map[string]string `json:"versions"`
	Rounds      int               `json:"rounds"`
	Seconds     float64           `json:"seconds"`
	Connections int               `json:"connections"`
}

func describe(ctx context.Context, set settings, stacks []stack) machine {
	line := func(command ...string) string {
		text, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
		if err != nil && len(text) == 0 {
			return "unknown: " + err.Error()
		}
		first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
		return first
	}
	python := filepath.Join(set.venv, "bin", "python")
	m := machine{
		Time: time.Now().UTC().Truncate(time.Second), CPUs: runtime.NumCPU(), Kernel: "unknown", Model: "unknown",
		Interpreter: line(python, "-c", "import os, sys; print(os.path.realpath(sys.executable), sys.version.split()[0])"),
		Versions: map[string]string{
			"Django": line(python, "-m", "django", "--version"),
			"wrk":    strings.TrimPrefix(line("wrk", "-v"), "wrk "),
		},
		Rounds: set.rounds, Seconds: set.length.Seconds(), Connections: set.connections,
	}
	var name syscall.Utsname
	if syscall.Uname(&name) == nil {
		m.Kernel = text(name.Release[:])
	}
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) == nil {
		m.Memory = float64(info.Totalram) * float64(info.Unit) / (1 << 30)
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = strings.Join(strings.Fields(string(text))[:3], " ")
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.Model = model(string(text))
	}
	for _, s := range stacks {
		for program, command := range s.version {
			// Some say their name before the number.
			m.Versions[program] = strings.TrimPrefix(line(command...), "nginx version: ")
		}
	}
	return m
}

// model is the first processor's name in /proc/cpuinfo.
func model(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// text is a C string of the kernel's: int8 or uint8, by platform.
func text[T int8 | uint8](chars []T) string {
	var b strings.Builder
	for _, c := range chars {
		if c == 0 {
			break
		}
		b.WriteByte(byte(c))
	}
	return b.String()
}
