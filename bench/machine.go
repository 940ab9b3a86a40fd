package main

import (
	"context"
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
	Interpreter string            `json:"interpreter"`
	Versions    map[string]string `json:"versions"`
	Rounds      int               `json:"rounds"`
	Seconds     float64           `json:"seconds"`
	Connections int               `json:"connections"`
}

func describe(ctx context.Context, set settings, stacks []stack) machine {
	line := func(program string, args ...string) string {
		text, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
		if err != nil && len(text) == 0 {
			return "unknown: " + err.Error()
		}
		first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
		return first
	}
	bin := func(name string) string { return filepath.Join(set.venv, "bin", name) }
	m := machine{
		Time: time.Now().UTC().Truncate(time.Second), CPUs: runtime.NumCPU(), Kernel: "unknown",
		Interpreter: line(bin("python"), "-c", "import os, sys; print(os.path.realpath(sys.executable), sys.version.split()[0])"),
		Versions:    map[string]string{"Django": line(bin("python"), "-m", "django", "--version")},
		Rounds:      set.rounds, Seconds: set.length.Seconds(), Connections: set.connections,
	}
	var name syscall.Utsname
	if syscall.Uname(&name) == nil {
		m.Kernel = text(name.Release[:])
	}
	for _, s := range stacks {
		switch s.name {
		case "fender":
			m.Versions["fender"] = line(set.fender, "version")
		case "nginx-uwsgi":
			m.Versions["NGINX"] = strings.TrimPrefix(line("nginx", "-v"), "nginx version: ")
			m.Versions["uWSGI"] = line(bin("uwsgi"), "--version")
		case "gunicorn":
			m.Versions["gunicorn"] = line(bin("gunicorn"), "--version")
		case "haproxy":
			m.Versions["HAProxy"] = strings.TrimPrefix(line("haproxy", "-v"), "HAProxy version ")
		}
	}
	return m
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
