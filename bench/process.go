package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// process is one line of /proc.
type process struct {
	pid     int
	parent  int
	comm    string
	cpu     time.Duration // user and system time until now
	started uint64        // clock ticks since boot; with the pid it names the process for good
}

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on every Linux platform.
const tick = 10 * time.Millisecond

// tree returns the roots and everything below them.
func tree(roots []int) ([]process, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	all := map[int]process{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		p, err := parseStat(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all[p.pid] = p
	}
	var found []process
	for _, p := range all {
		for at, ok := p, true; ok; at, ok = all[at.parent] {
			if slices.Contains(roots, at.pid) {
				found = append(found, p)
				break
			}
		}
	}
	return found, nil
}

// parseStat reads /proc/PID/stat (proc_pid_stat(5)). The name may hold anything, also
// blanks and brackets: the fields go on behind the last bracket.
func parseStat(text []byte) (process, error) {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return process{}, fmt.Errorf("no name in %q", text)
	}
	fields := strings.Fields(string(text[end+1:])) // the first is field 3, the state
	if len(fields) < 20 {
		return process{}, fmt.Errorf("%d fields behind the name", len(fields))
	}
	number := func(field int) uint64 {
		n, _ := strconv.ParseUint(fields[field-3], 10, 64)
		return n
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:open])))
	if err != nil {
		return process{}, err
	}
	return process{
		pid: pid, comm: string(text[open+1 : end]), parent: int(number(4)),
		cpu:     time.Duration(number(14)+number(15)) * tick,
		started: number(22),
	}, nil
}

// same says whether the pid is still this process.
func (p process) same() bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		return false
	}
	now, err := parseStat(text)
	return err == nil && now.started == p.started
}

// pss is the process's proportional set size in bytes: shared pages count by the share.
func (p process) pss() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "Pss:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib * 1024, err
		}
	}
	return 0, fmt.Errorf("no Pss of process %d", p.pid)
}

// share is a quantity of the front and one of the workers.
type share struct {
	Front   float64 `json:"front"`
	Workers float64 `json:"workers"`
}

func (s share) sum() float64 { return s.Front + s.Workers }

func (s *share) add(front bool, value float64) {
	if front {
		s.Front += value
	} else {
		s.Workers += value
	}
}

// memory is the stack's PSS now, in MiB.
func (r *running) memory() (share, error) {
	processes, err := r.processes()
	if err != nil {
		return share{}, err
	}
	var total share
	for _, p := range processes {
		bytes, err := p.pss()
		if err != nil {
			return share{}, fmt.Errorf("memory of %s (%s): %w", r.name, p.comm, err)
		}
		total.add(r.front(p.comm), float64(bytes)/(1<<20))
	}
	return total, nil
}

// spent is the CPU time between two looks at the stack, in seconds. It fails when a
// process came or went: its time would be missing.
func (r *running) spent(before, after []process) (share, error) {
	was := map[int]process{}
	for _, p := range before {
		was[p.pid] = p
	}
	var total share
	for _, p := range after {
		old, ok := was[p.pid]
		if !ok || old.started != p.started {
			return share{}, fmt.Errorf("process %d (%s) was born during the round", p.pid, p.comm)
		}
		total.add(r.front(p.comm), (p.cpu - old.cpu).Seconds())
	}
	if len(after) != len(before) {
		return share{}, fmt.Errorf("%d processes at the start of the round, %d at its end", len(before), len(after))
	}
	return total, nil
}
