package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// bench is one run: what was asked for, which stacks there are, where they live.
type bench struct {
	settings
	stacks []stack
	dir    string
}

// loadResult is all rounds of one workload.
type loadResult struct {
	workload
	Rounds  []round           `json:"rounds"`
	Memory  map[string]share  `json:"memory_mib"`
	LeftOut map[string]string `json:"left_out,omitempty"` // why a stack isn't here
	// Capacity is that of each stack, where an open loop asks for a share of it.
	Capacity map[string]*capacity `json:"capacity,omitempty"`
}

// How a stack is brought up to its speed before the first round; not measured.
const warmUp = time.Second

// recycleAfter is how many requests a worker lives under a workload with recycling.
const recycleAfter = 50

// load starts all stacks, loads them in turn, round by round, and stops them.
func (b *bench) load(ctx context.Context, w workload) (*loadResult, error) {
	result := &loadResult{workload: w, Memory: map[string]share{}, LeftOut: map[string]string{}}
	var all []*running
	defer func() { stopAll(all) }()
	for _, s := range b.stacks {
		if why := s.leftOut(w); why != "" {
			if s.sameKind(w) {
				result.LeftOut[s.name] = why
			}
			continue
		}
		variants := []bool{false}
		if w.Recycled { // beside one of the same stack whose workers stay
			variants = []bool{true, false}
		}
		for _, plain := range variants {
			var extra []string
			if w.Recycled && !plain {
				extra = s.recycle
			}
			r, err := b.warm(ctx, s, w, extra...)
			if err != nil {
				return nil, err
			}
			r.plain = plain
			all = append(all, r)
		}
	}
	if err := sameAnswers(ctx, all); err != nil {
		return nil, err
	}
	var err error
	if w.Open {
		if result.Capacity, err = b.capacities(ctx, all); err != nil {
			return nil, err
		}
	}
	result.Rounds, err = b.takeTurns(ctx, all, func(r *running, number int, one round) {
		fmt.Fprintf(os.Stderr, "bench: %s, round %d of %d, %s: %s\n", w.Name, number, b.rounds, r.name, one.line())
	})
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.plain {
			continue
		}
		memory, err := r.memory()
		if err != nil {
			return nil, err
		}
		result.Memory[r.name] = memory
	}
	return result, nil
}

// sameAnswers fails when two stacks answer differently.
func sameAnswers(ctx context.Context, all []*running) error {
	var first string
	for i, r := range all {
		got, err := r.ask(ctx)
		switch {
		case err != nil && r.load.Recycled && !r.plain: // what fails there is counted in the rounds
		case err != nil:
			return err
		case i == 0:
			first = got
		case got != first && !r.load.Varies:
			return fmt.Errorf("%s answers something else than %s", r.name, all[0].name)
		}
	}
	return nil
}
