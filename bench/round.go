package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// bench is one run: what was asked for, which stacks there are, where they live.
type bench struct {
	settings
	stacks []stack
	dir    string
}

// round is one stack under one workload once.
type round struct {
	Number   int     `json:"number"`
	Stack    string  `json:"stack"`
	Void     string  `json:"void,omitempty"` // why the round doesn't count
	Requests int64   `json:"requests"`
	PerS     float64 `json:"requests_per_s"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	Max      float64 `json:"max_ms"`
	CPU      share   `json:"cpu_us_per_request"`
}

// loadResult is all rounds of one workload.
type loadResult struct {
	workload
	Rounds []round          `json:"rounds"`
	Memory map[string]share `json:"memory_mib"`
}

// warmUp comes before the first round of each stack and is not measured.
const warmUp = 2 * time.Second

// load starts all stacks, loads them in turn, round by round, and stops them.
func (b *bench) load(ctx context.Context, w workload) (*loadResult, error) {
	result := &loadResult{workload: w, Memory: map[string]share{}}
	var all []*running
	defer func() {
		for _, r := range all {
			r.stop()
		}
	}()
	var body string
	for _, s := range b.stacks {
		if s.balances != w.Balances {
			continue
		}
		r, err := b.start(ctx, s, w)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
		got, err := r.ask(ctx)
		if err != nil {
			return nil, err
		}
		if body == "" {
			body = got
		} else if body != got && w.Name != "slow" { // which says how long it slept
			return nil, fmt.Errorf("%s answers something else than %s", s.name, all[0].name)
		}
		if _, err := b.wrk(ctx, r, warmUp); err != nil {
			return nil, err
		}
	}
	for number := 1; number <= b.rounds; number++ {
		for _, r := range all {
			one, err := b.round(ctx, r, number)
			if err != nil {
				return nil, err
			}
			result.Rounds = append(result.Rounds, one)
			fmt.Fprintf(os.Stderr, "bench: %s, round %d of %d, %s: %s\n", w.Name, number, b.rounds, r.name, one.line())
		}
	}
	for _, r := range all {
		memory, err := r.memory()
		if err != nil {
			return nil, err
		}
		result.Memory[r.name] = memory
	}
	return result, nil
}

// round loads one stack once.
func (b *bench) round(ctx context.Context, r *running, number int) (round, error) {
	one := round{Number: number, Stack: r.name}
	before, err := r.processes()
	if err != nil {
		return one, err
	}
	got, err := b.wrk(ctx, r, b.length)
	if err != nil {
		return one, err
	}
	after, err := r.processes()
	if err != nil {
		return one, err
	}
	one.Requests = got.Requests
	one.Void = got.void()
	cpu, err := r.spent(before, after)
	if err != nil && one.Void == "" {
		one.Void = err.Error()
	}
	// wrk sees a status, not a body: one look at the body afterwards.
	if _, err := r.ask(ctx); err != nil {
		if ctx.Err() != nil {
			return one, ctx.Err()
		}
		one.Void = "after the round: " + err.Error()
	}
	if one.Void != "" {
		return one, nil
	}
	requests := float64(got.Requests)
	one.PerS = requests / (float64(got.Duration) / 1e6)
	one.P50, one.P99, one.Max = float64(got.P50)/1e3, float64(got.P99)/1e3, float64(got.Max)/1e3
	one.CPU = share{Front: cpu.Front * 1e6 / requests, Workers: cpu.Workers * 1e6 / requests}
	return one, nil
}

func (o round) line() string {
	if o.Void != "" {
		return "void: " + o.Void
	}
	return fmt.Sprintf("%.0f requests/s, p50 %.2f ms, p99 %.2f ms, CPU %.0f us", o.PerS, o.P50, o.P99, o.CPU.sum())
}

// measured is the line of wrk.lua. Times are microseconds.
type measured struct {
	Requests int64 `json:"requests"`
	Duration int64 `json:"duration_us"`
	Bytes    int64 `json:"bytes"`
	Connect  int64 `json:"connect"`
	Read     int64 `json:"read"`
	Write    int64 `json:"write"`
	Status   int64 `json:"status"`
	Timeout  int64 `json:"timeout"`
	P50      int64 `json:"p50_us"`
	P99      int64 `json:"p99_us"`
	Max      int64 `json:"max_us"`
}

// void says why a round doesn't count: one failure is enough, since an instant error
// is the fastest answer of all.
func (m measured) void() string {
	if m.Requests == 0 {
		return "no request was answered"
	}
	if m.Connect+m.Read+m.Write+m.Status+m.Timeout == 0 {
		return ""
	}
	return fmt.Sprintf("%d statuses that are not 200, socket errors: connect %d, read %d, write %d, timeout %d",
		m.Status, m.Connect, m.Read, m.Write, m.Timeout)
}

// wrk runs wrk for that long.
func (b *bench) wrk(ctx context.Context, r *running, length time.Duration) (measured, error) {
	seconds := strconv.Itoa(max(1, int(length.Round(time.Second).Seconds())))
	cmd := exec.CommandContext(ctx, "wrk", "--threads", "1", "--connections", strconv.Itoa(b.connections),
		"--duration", seconds+"s", "--timeout", "10s", "--script", filepath.Join(b.root, "bench", "wrk.lua"),
		"http://"+r.address+r.load.Path)
	text, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return measured{}, ctx.Err()
	}
	if err != nil {
		return measured{}, fmt.Errorf("wrk: %w: %s", err, text)
	}
	return parseWrk(string(text))
}

func parseWrk(text string) (measured, error) {
	var m measured
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "RESULT "); ok {
			err := json.Unmarshal([]byte(rest), &m)
			return m, err
		}
	}
	return m, fmt.Errorf("wrk printed no RESULT line: %s", text)
}
