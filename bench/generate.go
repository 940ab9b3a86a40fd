package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"fender/internal/proving/proctree"
)

// measured is what a load generator saw. Times are microseconds.
type measured struct {
	Requests int64
	Duration float64
	P50      float64
	P99      float64
	P999     float64
	Max      float64
	Lag      float64
	Failed   map[string]int64 // by kind; those that are 0 may be there
}

func (m measured) perSecond() float64 {
	if m.Duration <= 0 {
		return 0
	}
	return float64(m.Requests) / (m.Duration / 1e6)
}

func (m measured) failures() int64 {
	var n int64
	for _, count := range m.Failed {
		n += count
	}
	return n
}

// failed says the failures by kind: 3 read, 1 status.
func (m measured) failed() string {
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(m.Failed)) {
		if m.Failed[kind] > 0 {
			all = append(all, fmt.Sprintf("%d %s", m.Failed[kind], kind))
		}
	}
	return strings.Join(all, ", ")
}

// observed is what a load generator saw, and the stack's processes before and after it.
type observed struct {
	measured
	before, after []proctree.Process
}

// generate loads the stack for one round, as its workload asks.
func (b *bench) generate(ctx context.Context, r *running) (seen observed, err error) {
	if r.load.Steady {
		return b.steady(ctx, r)
	}
	if seen.before, err = r.processes(); err != nil {
		return seen, err
	}
	if r.load.Open {
		seen.measured, err = b.siege(ctx, r, r.rate, b.length)
	} else {
		seen.measured, err = b.wrk(ctx, r, b.length)
	}
	if err != nil {
		return seen, err
	}
	seen.after, err = r.processes()
	return seen, err
}

// wrk runs wrk for that long: a closed loop.
func (b *bench) wrk(ctx context.Context, r *running, length time.Duration) (measured, error) {
	text, err := output(ctx, b.wrkCommand(ctx, r, length))
	if err != nil {
		return measured{}, err
	}
	return parseWrk(text)
}

// wrkCommand is wrk for that long; more are further arguments for wrk.lua.
func (b *bench) wrkCommand(ctx context.Context, r *running, length time.Duration, more ...string) *exec.Cmd {
	method, keep := "GET", "keep"
	if r.load.Body > 0 {
		method = "POST"
	}
	if r.closes {
		keep = "close"
	}
	seconds := max(1, int(length.Round(time.Second).Seconds())) // it takes whole ones only
	args := []string{"--threads", "1", "--connections", number(b.connectionsOf(r.load)),
		"--duration", number(seconds) + "s", "--timeout", "10s", "--script", filepath.Join(b.root, "bench", "wrk.lua"),
		"http://" + r.address + r.load.Path, "--", method, number(r.load.Body), keep}
	return exec.CommandContext(ctx, "wrk", append(args, more...)...)
}

// connectionsOf is how many connections wrk has under this workload.
func (b *bench) connectionsOf(w workload) int {
	if w.Connections > 0 {
		return w.Connections
	}
	return b.connections
}

// siege runs fender siege for that long, and until all is answered: an open loop with
// random arrivals, the same for every stack but for their rate, in requests/s.
func (b *bench) siege(ctx context.Context, r *running, rate float64, length time.Duration) (measured, error) {
	text, err := output(ctx, exec.CommandContext(ctx, b.fender, r.siegeArgs(rate, length)...))
	if err != nil {
		return measured{}, err
	}
	return parseSiege(text)
}

func (r *running) siegeArgs(rate float64, length time.Duration) []string {
	args := []string{"siege", "--rate", fmt.Sprintf("%.0f/s", max(1, rate)), "--poisson", "--seed", "1",
		"--time", fmt.Sprintf("%gS", length.Seconds()), "--max-connections", number(openConnections),
		"--timeout", "10s", "--expect-status", "200", "--json"}
	if r.closes {
		args = append(args, "--connection", "close")
	}
	return append(args, "http://"+r.address+r.load.Path)
}

// output runs a generator and returns what it prints.
func output(ctx context.Context, cmd *exec.Cmd) (string, error) {
	var words strings.Builder
	cmd.Stderr = &words
	text, err := cmd.Output()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s%s", filepath.Base(cmd.Path), err, text, words.String())
	}
	return string(text), nil
}

// parseWrk reads the line of wrk.lua.
func parseWrk(text string) (measured, error) {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, "RESULT ")
		if !ok {
			continue
		}
		var said struct {
			Requests int64   `json:"requests"`
			Duration float64 `json:"duration_us"`
			P50      float64 `json:"p50_us"`
			P99      float64 `json:"p99_us"`
			P999     float64 `json:"p999_us"`
			Max      float64 `json:"max_us"`
			Connect  int64   `json:"connect"`
			Read     int64   `json:"read"`
			Write    int64   `json:"write"`
			Status   int64   `json:"status"`
			Timeout  int64   `json:"timeout"`
		}
		if err := json.Unmarshal([]byte(rest), &said); err != nil {
			return measured{}, fmt.Errorf("wrk: %w", err)
		}
		return measured{
			Requests: said.Requests, Duration: said.Duration, P50: said.P50, P99: said.P99, P999: said.P999, Max: said.Max,
			Failed: map[string]int64{"connect": said.Connect, "read": said.Read, "write": said.Write, "status": said.Status, "timeout": said.Timeout},
		}, nil
	}
	return measured{}, fmt.Errorf("wrk printed no RESULT line: %s", text)
}

// parseSiege reads the result that docs/siege.md describes.
func parseSiege(text string) (measured, error) {
	var said struct {
		Elapsed  float64          `json:"elapsed_s"`
		OK       int64            `json:"ok"`
		Failures map[string]int64 `json:"failures"`
		Latency  struct {
			P50  float64 `json:"p50_s"`
			P99  float64 `json:"p99_s"`
			P999 float64 `json:"p999_s"`
			Max  float64 `json:"max_s"`
		} `json:"latency"`
		Open struct {
			Lag float64 `json:"lag_s"`
		} `json:"open"`
	}
	if err := json.Unmarshal([]byte(text), &said); err != nil {
		return measured{}, fmt.Errorf("siege: %w", err)
	}
	return measured{
		Requests: said.OK, Duration: said.Elapsed * 1e6, Failed: said.Failures, Lag: said.Open.Lag * 1e6,
		P50: said.Latency.P50 * 1e6, P99: said.Latency.P99 * 1e6, P999: said.Latency.P999 * 1e6, Max: said.Latency.Max * 1e6,
	}, nil
}
