package main

import (
	"context"
	"fmt"
	"os"
)

// eightWorkers is how many Django workers' memory is compared.
const eightWorkers = 8

// eightResult is the memory of one stack's Django workers after load.
type eightResult struct {
	Stack  string `json:"stack"`
	Memory share  `json:"memory_mib"`
}

// eight measures each stack's memory with 8 Django workers that have all answered.
func (b *bench) eight(ctx context.Context) ([]eightResult, error) {
	w := find("hello")
	w.Processes = eightWorkers
	w.Connections = 8 * eightWorkers
	var results []eightResult
	for _, s := range b.stacks {
		if s.leftOut(w) != "" {
			continue
		}
		memory, err := b.memoryAfterLoad(ctx, s, w)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		results = append(results, eightResult{s.name, memory})
		fmt.Fprintf(os.Stderr, "bench: %d workers, %s: %.1f MiB and %.1f of the front\n", eightWorkers, s.name, memory.Workers, memory.Front)
	}
	return results, nil
}

func (b *bench) memoryAfterLoad(ctx context.Context, s stack, w workload) (share, error) {
	r, err := b.start(ctx, s, w)
	if err != nil {
		return share{}, err
	}
	defer r.stop()
	if _, err := b.wrk(ctx, r, 2*warmUp); err != nil {
		return share{}, err
	}
	return r.memory()
}

// verdictOfEight judges fender's workers, and what they are forked from, beside uWSGI's.
func verdictOfEight(results []eightResult) (verdict, bool) {
	of := map[string]float64{}
	for _, r := range results {
		of[r.Stack] = r.Memory.Workers
	}
	if of["fender"] == 0 || of[baseline] == 0 {
		return verdict{}, false
	}
	return goal{Most: 1}.judge(fmt.Sprintf("memory: PSS of %d Django workers as a multiple of uWSGI's", eightWorkers),
		summarize([]float64{of["fender"] / of[baseline]}), 2), true
}
