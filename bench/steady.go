package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"fender/internal/proving/proctree"
)

// How a steady load begins and ends; neither counts.
const (
	settle = 500 * time.Millisecond // at least, from wrk's first line on
	// overtime is how long wrk goes on when the connections don't come up; it is
	// interrupted as soon as the part that counts is over.
	overtime = 10 * time.Second
)

// window is the part of a steady load that counts: from when all connections are open
// and some time has passed, for a round's length. On every connection is one request at
// both ends of it: as many are sent in between as are answered.
type window struct {
	length      time.Duration
	connections int

	began       time.Time // wrk's first line
	first, last mark
}

// mark is one end of a window.
type mark struct {
	at        time.Time
	sent      int64 // requests, since wrk's beginning
	processes []proctree.Process
}

// due says whether an end of the window may be now.
func (w *window) due(now time.Time) bool {
	switch {
	case w.began.IsZero():
		w.began = now
		return false
	case w.first.at.IsZero():
		return now.Sub(w.began) >= settle
	}
	return now.Sub(w.first.at) >= w.length
}

// take makes the mark an end of the window, and says whether it was the last. open is
// how many files the front has open, one for each connection at least.
func (w *window) take(m mark, open int) (over bool) {
	switch {
	case !w.first.at.IsZero():
		w.last = m
		return true
	case open >= w.connections:
		w.first = m
	}
	return false
}

// observed is what was seen in the window, with wrk's failures.
func (w *window) observed(failed map[string]int64) observed {
	if w.last.at.IsZero() {
		return observed{measured: measured{Failed: failed}}
	}
	return observed{
		measured: measured{Requests: w.last.sent - w.first.sent, Duration: float64(w.last.at.Sub(w.first.at).Microseconds()), Failed: failed},
		before:   w.first.processes, after: w.last.processes,
	}
}

// steady loads the stack with wrk and measures the middle of it: no connection is opened
// or closed meanwhile. It gives no latencies.
func (b *bench) steady(ctx context.Context, r *running) (observed, error) {
	cmd := b.wrkCommand(ctx, r, settle+b.length+overtime, "count")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return observed{}, err
	}
	var words, text strings.Builder
	cmd.Stderr = &words
	if err := cmd.Start(); err != nil {
		return observed{}, err
	}
	w := &window{length: b.length, connections: b.connectionsOf(r.load)}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		sent, ok := strings.CutPrefix(lines.Text(), "SENT ")
		if !ok {
			fmt.Fprintln(&text, lines.Text())
			continue
		}
		if err = r.look(w, sent); err != nil {
			break
		}
		if !w.last.at.IsZero() {
			_ = cmd.Process.Signal(os.Interrupt) // it prints what it has
		}
	}
	if err != nil {
		_ = cmd.Process.Kill()
	}
	ended := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return observed{}, ctx.Err()
	case err != nil:
		return observed{}, err
	case ended != nil:
		return observed{}, fmt.Errorf("wrk: %w: %s%s", ended, text.String(), words.String())
	}
	all, err := parseWrk(text.String())
	return w.observed(all.Failed), err
}

// look lets the window see how many requests wrk has sent by now.
func (r *running) look(w *window, sent string) error {
	now := time.Now()
	if !w.last.at.IsZero() || !w.due(now) {
		return nil
	}
	n, err := strconv.ParseInt(sent, 10, 64)
	if err != nil {
		return fmt.Errorf("wrk: %w", err)
	}
	processes, err := r.processes()
	if err != nil {
		return err
	}
	open, err := r.descriptors(processes)
	if err != nil {
		return err
	}
	w.take(mark{now, n, processes}, open)
	return nil
}

// descriptors is how many files the front's processes have open.
func (r *running) descriptors(processes []proctree.Process) (int, error) {
	n := 0
	for _, p := range processes {
		if !r.front(p.Comm) {
			continue
		}
		all, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.PID))
		if err != nil {
			return 0, err
		}
		n += len(all)
	}
	return n, nil
}
