package main

import (
	"fmt"
	"math"
	"slices"
)

// spread is a median with the least and the largest value.
type spread struct {
	Median, Min, Max float64
}

func summarize(values []float64) spread {
	if len(values) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1]}
}

// format prints with that many decimals: 12.3 (11.9 to 13.0).
func (s spread) format(decimals int) string {
	if math.IsNaN(s.Median) {
		return "void"
	}
	return fmt.Sprintf("%.*f (%.*f to %.*f)", decimals, s.Median, decimals, s.Min, decimals, s.Max)
}

// quantity is one measured value of a round.
type quantity struct {
	title    string
	decimals int
	of       func(round) float64
}

var quantities = []quantity{
	{"requests/s", 0, func(r round) float64 { return r.PerS }},
	{"p50 ms", 2, func(r round) float64 { return r.P50 }},
	{"p99 ms", 2, func(r round) float64 { return r.P99 }},
	{"p99.9 ms", 2, func(r round) float64 { return r.P999 }},
	{"CPU µs/request", 0, func(r round) float64 { return r.CPU.sum() }},
	{"of it front", 0, func(r round) float64 { return r.CPU.Front }},
	{"of it workers", 0, func(r round) float64 { return r.CPU.Workers }},
}

// compared is how many of the quantities, from the first, are compared between stacks.
const compared = 5

// quantityOf returns the quantity of that title, which must exist.
func quantityOf(title string) quantity {
	for _, q := range quantities {
		if q.title == title {
			return q
		}
	}
	panic("no quantity " + title)
}

// stacks are those that were measured, in the order of a round.
func (l *loadResult) stacks() []string {
	var names []string
	for _, name := range stackNames() {
		if l.has(name) {
			names = append(names, name)
		}
	}
	return names
}

func (l *loadResult) has(stack string) bool {
	return slices.ContainsFunc(l.Rounds, func(r round) bool { return r.Stack == stack })
}

// counted are the rounds of a stack that are not void, and how many are.
func (l *loadResult) counted(stack string) (rounds []round, void int) {
	for _, r := range l.Rounds {
		switch {
		case r.Stack != stack || r.Plain:
		case r.Void != "":
			void++
		default:
			rounds = append(rounds, r)
		}
	}
	return rounds, void
}

func (l *loadResult) summary(stack string, q quantity) spread {
	rounds, _ := l.counted(stack)
	var values []float64
	for _, r := range rounds {
		values = append(values, q.of(r))
	}
	return summarize(values)
}

// ratio compares two stacks round by round: both met the same state of the machine.
func (l *loadResult) ratio(stack, to string, q quantity) spread {
	other := map[int]float64{}
	rounds, _ := l.counted(to)
	for _, r := range rounds {
		other[r.Number] = q.of(r)
	}
	var values []float64
	rounds, _ = l.counted(stack)
	for _, r := range rounds {
		if value, ok := other[r.Number]; ok && value > 0 {
			values = append(values, q.of(r)/value)
		}
	}
	return summarize(values)
}
