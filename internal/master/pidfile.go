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

// pidfile is a file with the master's process id. The zero value is none.
type pidfile struct {
	path    string
	file    *os.File // until it is written
	own     os.FileInfo
	made    bool // it did not exist
	written bool
}

// openPidfile opens the file, while this is still the user that may, and changes nothing in it: it
// may be that of a fender that runs, and this one may not come up.
func openPidfile(path string) (*pidfile, error) {
	if path == "" {
		return &pidfile{}, nil
	}
	p := &pidfile{path: path, made: true}
	const flags = os.O_WRONLY | os.O_CREATE | syscall.O_NOFOLLOW
	var err error
	if p.file, err = os.OpenFile(path, flags|os.O_EXCL, 0o644); errors.Is(err, fs.ErrExist) {
		p.made = false
		p.file, err = os.OpenFile(path, flags, 0o644)
	}
	if err != nil {
		return nil, fmt.Errorf("pidfile: %w: choose a path that can be written, or leave the option out", err)
	}
	if p.own, err = p.file.Stat(); err != nil {
		return p, fmt.Errorf("pidfile: %w", err)
	}
	return p, nil
}

// write writes the number. A file that names a process that lives is somebody else's and is
// replaced with a warning, as uWSGI does: a container's old file often names a number that was
// given out again.
func (p *pidfile) write(warn func(string, ...any)) error {
	if p.file == nil {
		return nil
	}
	if pid := readPid(p.path); pid > 0 && pid != os.Getpid() && alive(pid) {
		warn("pidfile %s names process %d, which is alive: if that is a fender too, both write this file", p.path, pid)
	}
	p.written = true
	err := p.file.Truncate(0)
	if err != nil && !p.own.Mode().IsRegular() { // /dev/stdout and the like
		err = nil
	}
	if err == nil {
		_, err = fmt.Fprintf(p.file, "%d\n", os.Getpid())
	}
	if cerr := p.file.Close(); err == nil {
		err = cerr
	}
	p.file = nil
	if err != nil {
		return fmt.Errorf("pidfile: %w", err)
	}
	return nil
}

// giveBack undoes openPidfile when nothing was written.
func (p *pidfile) giveBack() error {
	if p.file == nil {
		return nil
	}
	p.file.Close()
	p.file = nil
	if !p.made {
		return nil
	}
	return p.remove()
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
		return fmt.Errorf("pidfile: %w", err)
	}
	return nil
}
