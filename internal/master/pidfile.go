package master

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// pidfile is a file with the master's process id.
type pidfile struct {
	path string
	own  os.FileInfo
}

// writePidfile writes the file. One that names a process that lives is somebody else's and is
// replaced with a warning, as uWSGI does: a container's old file often names a number that was
// given out again.
func writePidfile(path string, warn func(string, ...any)) (*pidfile, error) {
	if path == "" {
		return &pidfile{}, nil
	}
	if pid := readPid(path); pid > 0 && pid != os.Getpid() && alive(pid) {
		warn("pidfile %s names process %d, which is alive: if that is a fender too, both write this file", path, pid)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, 0o644)
	if err != nil {
		return nil, fmt.Errorf("pidfile: %w: choose a path that can be written, or leave the option out", err)
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "%d\n", os.Getpid()); err != nil {
		return nil, fmt.Errorf("pidfile: %w", err)
	}
	own, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("pidfile: %w", err)
	}
	return &pidfile{path: path, own: own}, nil
}

func readPid(path string) int {
	text, err := os.ReadFile(path)
	if err != nil || len(text) > 32 {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return pid
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// remove deletes the file, if it is still the one that was written.
func (p *pidfile) remove() error {
	if p.path == "" {
		return nil
	}
	now, err := os.Lstat(p.path)
	if err == nil && os.SameFile(p.own, now) {
		err = os.Remove(p.path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("vacuum: pidfile: %w", err)
	}
	return nil
}
