// Package proctree looks at processes through /proc: what is below a process, what it has cost and
// how much memory it holds. It owns nothing and changes nothing.
package proctree

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is one process as /proc shows it.
type Process struct {
	PID     int
	Parent  int
	Comm    string
	Zombie  bool          // it has ended, and its parent has not waited for it
	CPU     time.Duration // user and system time until now
	Reaped  time.Duration // the same of its children that it has waited for, and of theirs
	Threads int
	Started uint64 // clock ticks since boot; with the pid it names the process for good
}

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on every Linux platform.
const tick = 10 * time.Millisecond

// Tree returns the roots and everything below them, by pid.
func Tree(roots ...int) ([]Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	all := map[int]Process{}
	for _, e := range entries {
		if c := e.Name()[0]; c < '0' || c > '9' {
			continue
		}
		path := filepath.Join("/proc", e.Name(), "stat")
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) || errors.Is(err, fs.ErrPermission) {
			continue // it has ended meanwhile, or is hidden from this user (hidepid)
		}
		if err != nil { // no descriptor is left: the process is there, and must not seem to be gone
			return nil, err
		}
		p, err := ParseStat(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all[p.PID] = p
	}
	var found []Process
	for _, p := range all {
		for at, ok := p, true; ok; at, ok = all[at.Parent] {
			if slices.Contains(roots, at.PID) {
				found = append(found, p)
				break
			}
		}
	}
	slices.SortFunc(found, func(a, b Process) int { return a.PID - b.PID })
	return found, nil
}

// ParseStat reads /proc/PID/stat (proc_pid_stat(5)). The name may hold anything, also
// blanks and brackets: the fields go on behind the last bracket.
func ParseStat(text []byte) (Process, error) {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return Process{}, fmt.Errorf("no name in %q", text)
	}
	fields := strings.Fields(string(text[end+1:])) // the first is field 3, the state
	if len(fields) < 20 {
		return Process{}, fmt.Errorf("%d fields behind the name", len(fields))
	}
	number := func(field int) uint64 {
		n, _ := strconv.ParseUint(fields[field-3], 10, 64)
		return n
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:open])))
	if err != nil {
		return Process{}, err
	}
	return Process{
		PID: pid, Comm: string(text[open+1 : end]), Zombie: fields[0] == "Z", Parent: int(number(4)), Threads: int(number(20)),
		CPU:     time.Duration(number(14)+number(15)) * tick,
		Reaped:  time.Duration(number(16)+number(17)) * tick,
		Started: number(22),
	}, nil
}

// Same says whether the pid is still this process.
func (p Process) Same() bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID))
	if err != nil {
		return false
	}
	now, err := ParseStat(text)
	return err == nil && now.Started == p.Started
}

// PSS is the process's proportional set size in bytes: shared pages count by the share.
func (p Process) PSS() (int64, error) { return p.rollup("Pss:") }

// RSS is the process's resident set size in bytes: shared pages count whole.
func (p Process) RSS() (int64, error) { return p.rollup("Rss:") }

func (p Process) rollup(name string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.PID))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib * 1024, err
		}
	}
	return 0, fmt.Errorf("no %s of process %d", name, p.PID)
}
