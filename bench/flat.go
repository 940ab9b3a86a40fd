package main

import (
	"context"
	"fmt"
	"os"
	"slices"
)

// flatGoal is the most that the front's CPU per request may cost, as a multiple of the
// cheapest point of its series.
const flatGoal = 1.15

// series asks whether the front's cost is the same at every point.
type series struct {
	Name   string
	Unit   string
	Points []int
	Long   []int // more points, of the full run
	at     func(point int) workload
}

// allSeries: the number of busy connections, and the number of requests that the workers
// can have at a time.
var allSeries = []series{{
	Name: "connections", Unit: "connections", Points: []int{10, 100, 1000}, Long: []int{10_000},
	at: func(point int) workload {
		w := find("bare")
		w.Steady = true
		w.Connections = point
		return w
	},
}, {
	Name: "slots", Unit: "slots", Points: []int{1, 4, 16, 64},
	at: func(point int) workload {
		w := find("bare")
		w.Steady = true
		w.Connections = 100
		w.Processes = min(2, point)
		w.Threads = point / w.Processes
		return w
	},
}}

// pointsOf are the points of a series in this run.
func (b *bench) pointsOf(s series) []int {
	if b.full {
		return slices.Concat(s.Points, s.Long)
	}
	return s.Points
}

// flatResult is one series: rounds of fender and of NGINX at every point.
type flatResult struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"`
	Points []int   `json:"points"`
	Rounds []round `json:"rounds"`
}

// inSeries says whether the stack is measured in a series: fender, which has the goal, and
// NGINX, beside which one sees what growth is not fender's alone.
func (s stack) inSeries() bool { return s.name == "fender" || s.name == baseline }

func (b *bench) flat(ctx context.Context, s series) (*flatResult, error) {
	points := b.pointsOf(s)
	result := &flatResult{Name: s.Name, Unit: s.Unit, Points: points}
	var all []*running
	defer func() { stopAll(all) }()
	for _, point := range points {
		for _, st := range b.stacks {
			if !st.inSeries() {
				continue
			}
			r, err := b.start(ctx, st, s.at(point)) // each round warms up by itself
			if err != nil {
				return nil, err
			}
			r.point = point
			all = append(all, r)
		}
	}
	var err error
	result.Rounds, err = b.takeTurns(ctx, all, func(r *running, number int, one round) {
		text := fmt.Sprintf("%.0f requests/s, front %.1f us", one.PerS, one.CPU.Front)
		if one.Void != "" {
			text = "void: " + one.Void
		}
		fmt.Fprintf(os.Stderr, "bench: %d %s, round %d of %d, %s: %s\n", r.point, s.Unit, number, b.rounds, r.name, text)
	})
	return result, err
}

// cost is the front's CPU per request at a point, in microseconds.
func (f *flatResult) cost(stack string, point int) spread {
	var values []float64
	for _, r := range f.Rounds {
		if r.Stack == stack && r.Point == point && r.Void == "" {
			values = append(values, r.CPU.Front)
		}
	}
	return summarize(values)
}

// worst is the dearest point's cost as a multiple of the cheapest's, and void when a
// point has no round that counts.
func (f *flatResult) worst(stack string) spread {
	var medians []float64
	for _, point := range f.Points {
		medians = append(medians, f.cost(stack, point).Median)
	}
	s := summarize(medians)
	return summarize([]float64{s.Max / s.Min})
}

func (f *flatResult) stacks() []string {
	var names []string
	for _, r := range f.Rounds {
		if !slices.Contains(names, r.Stack) {
			names = append(names, r.Stack)
		}
	}
	return names
}

func (f *flatResult) verdict() (verdict, bool) {
	if !slices.Contains(f.stacks(), "fender") {
		return verdict{}, false
	}
	what := fmt.Sprintf("%s: front's CPU/request, the dearest of %v as a multiple of the cheapest", f.Name, f.Points)
	return goal{Most: flatGoal}.judge(what, f.worst("fender"), 2), true
}
