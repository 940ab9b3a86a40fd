package main

import (
	"context"
	"fmt"
	"os"
	"slices"
)

// What an open loop asks for, and how the capacity that it is a share of is measured.
const (
	openShare = 0.7
	// capacityRounds is how often, in turn.
	capacityRounds = 3
	// overload is what is offered then, as a multiple of the most that the stack was seen to do.
	overload = 2
	// keepsUp is the share of what is offered from which on that was no overload.
	keepsUp = 0.8
	// openConnections bounds the requests under way: far less than any backlog of a
	// listening socket, for stacks that are asked on a new connection each time.
	openConnections = 256
)

// capacity is what a stack can do at most while the generator of its open loop takes its
// part of the same machine.
type capacity struct {
	PerS     []float64        `json:"requests_per_s"` // each time that it was measured
	Requests int64            `json:"requests"`       // with those that failed
	Failures map[string]int64 `json:"failures"`       // by kind; an overloaded stack may refuse
}

func (c *capacity) add(got measured) {
	c.PerS = append(c.PerS, got.perSecond())
	c.Requests += got.Requests + got.failures()
	if c.Failures == nil {
		c.Failures = map[string]int64{}
	}
	for kind, n := range got.Failed {
		c.Failures[kind] += n
	}
}

// overloaded offers more than was ever seen to be done, and still more when the stack
// keeps up, and returns what came of the last offer. seen is the rate of another load.
func (c *capacity) overloaded(seen float64, offer func(rate float64) (measured, error)) (measured, error) {
	offered := max(1, overload*slices.Max(append([]float64{seen}, c.PerS...)))
	for {
		got, err := offer(offered)
		if err != nil || got.perSecond() < keepsUp*offered {
			return got, err
		}
		offered *= overload
	}
}

// rate is what the open loop asks for, in requests/s.
func (c *capacity) rate() float64 { return openShare * summarize(c.PerS).Median }

// manyFailures is the share of failed requests from which on a capacity is told with them.
const manyFailures = 0.01

// warning says in a sentence that many requests failed, or is empty.
func (c *capacity) warning() string {
	failed := measured{Failed: c.Failures}
	if float64(failed.failures()) < manyFailures*float64(c.Requests) || failed.failures() == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d requests failed while its capacity was measured: %s", failed.failures(), c.Requests, failed.failed())
}

// capacityOf is a stack's capacity in requests/s.
func (l *loadResult) capacityOf(stack string) spread {
	if c := l.Capacity[stack]; c != nil {
		return summarize(c.PerS)
	}
	return summarize(nil)
}

// capacities measures what each stack can do, in turn, and sets the rate of its open loop:
// siege offers more than it can do, and what is answered until all is answered counts.
func (b *bench) capacities(ctx context.Context, all []*running) (map[string]*capacity, error) {
	found := map[string]*capacity{}
	for range capacityRounds {
		for _, r := range all {
			c := found[r.name]
			if c == nil {
				c = &capacity{}
				found[r.name] = c
			}
			got, err := c.overloaded(r.warmed, func(offered float64) (measured, error) {
				got, err := b.siege(ctx, r, offered, b.length/overload)
				if err == nil {
					fmt.Fprintf(os.Stderr, "bench: %s, capacity of %s: %.0f requests/s of %.0f\n", r.load.Name, r.name, got.perSecond(), offered)
				}
				return got, err
			})
			if err != nil {
				return nil, err
			}
			c.add(got)
		}
	}
	for _, r := range all {
		c := found[r.name]
		if r.rate = c.rate(); r.rate < 1 {
			return nil, fmt.Errorf("%s: less than one request a second", r.name)
		}
		if why := c.warning(); why != "" {
			fmt.Fprintf(os.Stderr, "bench: %s, %s: %s\n", r.load.Name, r.name, why)
		}
	}
	return found, nil
}
