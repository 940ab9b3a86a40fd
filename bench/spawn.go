package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// spawns is how many births are timed.
const spawns = 10

// spawnResult is fender's time from the decision to spawn a worker to its being ready.
type spawnResult struct {
	Seconds []float64 `json:"seconds"`
	Median  float64   `json:"median_ms"`
	Min     float64   `json:"min_ms"`
	Max     float64   `json:"max_ms"`
}

// eventLine is what is read here of a line of fender's events file.
type eventLine struct {
	Event   string   `json:"event"`
	From    string   `json:"from"`
	To      string   `json:"to"`
	Spawn   uint64   `json:"spawn"`
	Seconds *float64 `json:"seconds"` // from the decision to this step
}

// spawn kills workers of the Django site one by one and reads from the events how
// long each replacement took. It returns nil when fender is not among the stacks.
func (b *bench) spawn(ctx context.Context) (*spawnResult, error) {
	for _, s := range b.stacks {
		if s.name == "fender" {
			return b.spawnOf(ctx, s)
		}
	}
	fmt.Fprintln(os.Stderr, "bench: skipped spawn: it measures fender only")
	return nil, nil
}

// spawnGoal is the longest that a birth may take, as a median, in milliseconds.
const spawnGoal = 10

func (s *spawnResult) verdict() verdict {
	return goal{Most: spawnGoal}.judge("spawn: from the decision to ready, ms", spread{s.Median, s.Min, s.Max}, 1)
}

func (b *bench) spawnOf(ctx context.Context, s stack) (*spawnResult, error) {
	path := filepath.Join(b.dir, "events.jsonl")
	load := find("hello")
	load.Path = "/pid"
	r, err := b.start(ctx, s, load, "--events", path)
	if err != nil {
		return nil, err
	}
	defer r.stop()
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	births := &births{lines: bufio.NewReader(file)}
	// The start's own births are not counted: the import is part of them.
	for range 2 {
		if _, err := births.next(ctx); err != nil {
			return nil, err
		}
	}
	result := &spawnResult{}
	for range spawns {
		// This one has answered: its death is no failure to boot, which would be held back.
		pid, err := r.somebody(ctx)
		if err != nil {
			return nil, err
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return nil, err
		}
		seconds, err := births.next(ctx)
		if err != nil {
			return nil, err
		}
		result.Seconds = append(result.Seconds, seconds)
	}
	all := summarize(result.Seconds)
	result.Median, result.Min, result.Max = all.Median*1000, all.Min*1000, all.Max*1000
	fmt.Fprintf(os.Stderr, "bench: spawn: %.1f ms\n", result.Median)
	return result, nil
}

// somebody is the pid of a worker that has just answered.
func (r *running) somebody(ctx context.Context) (int, error) {
	body, err := r.ask(ctx)
	if err != nil {
		return 0, err
	}
	var said struct {
		PID int `json:"pid"`
	}
	if err := json.Unmarshal([]byte(body), &said); err != nil || said.PID <= 1 {
		return 0, fmt.Errorf("/pid answered %q", body)
	}
	processes, err := r.processes()
	if err != nil {
		return 0, err
	}
	for _, p := range processes {
		if p.PID == said.PID && !r.front(p.Comm) {
			return p.PID, nil
		}
	}
	return 0, fmt.Errorf("process %d is none of fender's workers", said.PID)
}

// births reads the events of workers that became ready.
type births struct {
	lines *bufio.Reader
	half  string // of a line that is not complete yet
}

// next waits for the next birth and returns how long it took.
func (b *births) next(ctx context.Context) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		text, err := b.lines.ReadString('\n')
		b.half += text
		if errors.Is(err, io.EOF) {
			select {
			case <-ctx.Done():
				return 0, fmt.Errorf("no worker became ready in the events file: %w", ctx.Err())
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		if err != nil {
			return 0, err
		}
		var line eventLine
		err = json.Unmarshal([]byte(b.half), &line)
		b.half = ""
		if err != nil {
			return 0, fmt.Errorf("events file: %w", err)
		}
		if line.Event == "worker" && line.From == "starting" && line.To == "ready" {
			if line.Seconds == nil {
				return 0, fmt.Errorf("the event of spawn %d's readiness has no field seconds", line.Spawn)
			}
			return *line.Seconds, nil
		}
	}
}
