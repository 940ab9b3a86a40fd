package main

import (
	"context"
	"fmt"
	"net"
)

// round is one stack under one workload once.
type round struct {
	Number   int     `json:"number"`
	Stack    string  `json:"stack"`
	Point    int     `json:"point,omitempty"` // of a series
	Plain    bool    `json:"plain,omitempty"` // without the recycling that the workload is about
	Void     string  `json:"void,omitempty"`  // why the round doesn't count
	Requests int64   `json:"requests"`
	Failures int64   `json:"failures"`
	Failed   string  `json:"failed,omitempty"` // the failures by kind
	Asked    float64 `json:"requests_per_s_asked,omitempty"`
	PerS     float64 `json:"requests_per_s"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	P999     float64 `json:"p999_ms"`
	Max      float64 `json:"max_ms"`
	Lag      float64 `json:"generator_lag_ms,omitempty"` // the most that the open loop's generator was behind
	CPU      share   `json:"cpu_us_per_request"`
	Recycled int     `json:"recycled,omitempty"` // workers that were replaced
}

// warm starts a stack and gives it a first load, which counts for nothing.
func (b *bench) warm(ctx context.Context, s stack, w workload, extra ...string) (*running, error) {
	r, err := b.start(ctx, s, w, extra...)
	if err != nil {
		return nil, err
	}
	got, err := b.wrk(ctx, r, warmUp)
	if err != nil {
		r.stop()
		return nil, err
	}
	r.warmed = got.perSecond()
	return r, nil
}

// takeTurns measures all in turn, round by round, and tells each round as it ends.
func (b *bench) takeTurns(ctx context.Context, all []*running, tell func(r *running, number int, one round)) ([]round, error) {
	var rounds []round
	for number := 1; number <= b.rounds; number++ {
		for _, r := range all {
			one, err := b.round(ctx, r, number)
			if err != nil {
				return nil, err
			}
			rounds = append(rounds, one)
			tell(r, number, one)
		}
	}
	return rounds, nil
}

// round loads one stack once.
func (b *bench) round(ctx context.Context, r *running, number int) (round, error) {
	one := round{Number: number, Stack: r.name, Point: r.point, Plain: r.plain, Asked: r.rate}
	recycling := r.load.Recycled && !r.plain
	idle, err := hold(ctx, r, r.load.Idle)
	if err != nil {
		return one, err
	}
	defer idle.close()
	born := r.births()
	got, err := b.generate(ctx, r)
	if err != nil {
		return one, err
	}
	one.Requests, one.Failures, one.Failed = got.Requests, got.failures(), got.failed()
	switch {
	case got.Requests == 0 && r.load.Steady:
		one.Void = "not all connections came up"
	case got.Requests == 0:
		one.Void = "no request was answered"
	case one.Failures > 0 && !recycling: // where failures are what is measured
		one.Void = one.Failed
	}
	cpu, err := r.spent(got.before, got.after, recycling)
	if err != nil && one.Void == "" {
		one.Void = err.Error()
	}
	if n := idle.open(); n < r.load.Idle && one.Void == "" {
		one.Void = fmt.Sprintf("%d of %d idle connections were closed", r.load.Idle-n, r.load.Idle)
	}
	// wrk sees a status, not a body: one look at the body afterwards.
	if _, err := r.ask(ctx); err != nil && !recycling {
		if ctx.Err() != nil {
			return one, ctx.Err()
		}
		one.Void = "after the round: " + err.Error()
	}
	if recycling {
		one.Recycled = r.births() - born
		if one.Recycled <= 0 && one.Void == "" {
			one.Void = "no worker was replaced"
		}
	}
	if one.Void != "" {
		return one, nil
	}
	requests := float64(got.Requests)
	one.PerS, one.Lag = got.perSecond(), got.Lag/1e3
	one.P50, one.P99, one.P999, one.Max = got.P50/1e3, got.P99/1e3, got.P999/1e3, got.Max/1e3
	one.CPU = share{Front: cpu.Front * 1e6 / requests, Workers: cpu.Workers * 1e6 / requests}
	return one, nil
}

func (o round) line() string {
	if o.Void != "" {
		return "void: " + o.Void
	}
	text := fmt.Sprintf("%.0f requests/s, p50 %.2f ms, p99 %.2f ms, CPU %.0f us", o.PerS, o.P50, o.P99, o.CPU.sum())
	if o.Recycled > 0 {
		text += fmt.Sprintf(", %d workers replaced, %d failures", o.Recycled, o.Failures)
	}
	return text
}

// held are connections that are open and say nothing.
type held []net.Conn

// hold opens that many. Each of them has had one answer, as a load balancer's have.
func hold(ctx context.Context, r *running, n int) (held, error) {
	var all held
	for range n {
		c, err := holdOne(ctx, r)
		if c != nil {
			all = append(all, c)
		}
		if err != nil {
			all.close()
			return nil, fmt.Errorf("idle connection %d: %w", len(all), err)
		}
	}
	return all, nil
}

// open is how many of them are still open.
func (h held) open() int {
	n := 0
	for _, c := range h {
		if silent(c) {
			n++
		}
	}
	return n
}

func (h held) close() {
	for _, c := range h {
		c.Close()
	}
}
