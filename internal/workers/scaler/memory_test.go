package scaler

import (
	"math"
	"testing"
)

func TestMemory_CountsTheWorkersThatFit(t *testing.T) {
	const mib = 1 << 20
	two := make([]WorkerSample, 2)
	for name, c := range map[string]struct {
		sample Sample
		want   int
	}{
		"no limit":                     {Sample{MemoryUsed: 1 << 50, WorkerMemory: 1}, math.MaxInt},
		"exactly one":                  {Sample{MemoryUsed: 100 * mib, MemoryLimit: 150 * mib, WorkerMemory: 50 * mib}, 1},
		"one byte too few":             {Sample{MemoryUsed: 100*mib + 1, MemoryLimit: 150 * mib, WorkerMemory: 50 * mib}, 0},
		"at the limit":                 {Sample{MemoryUsed: 150 * mib, MemoryLimit: 150 * mib}, 0},
		"above the limit":              {Sample{MemoryUsed: 151 * mib, MemoryLimit: 150 * mib, WorkerMemory: 1}, 0},
		"nothing known of the worker":  {Sample{MemoryUsed: 90 * mib, MemoryLimit: 150 * mib, Workers: two}, 2}, // a third each, the template has one
		"nothing known at all":         {Sample{MemoryLimit: 150 * mib}, math.MaxInt},
		"starting ones take their own": {Sample{MemoryUsed: 100 * mib, MemoryLimit: 250 * mib, WorkerMemory: 50 * mib, Starting: 2}, 1},
		"absurd numbers":               {Sample{MemoryUsed: math.MaxInt64 - 1, MemoryLimit: math.MaxInt64, WorkerMemory: math.MaxInt64, Starting: 9}, 0},
		"negative numbers are none":    {Sample{MemoryUsed: -1, MemoryLimit: -1, WorkerMemory: -1, Starting: -1}, math.MaxInt},
	} {
		if got := weigh(c.sample).room(); got != c.want {
			t.Errorf("%s: room for %d, want %d", name, got, c.want)
		}
	}
}

func TestScaler_StartsNoMoreThanMemoryHolds(t *testing.T) {
	s, err := New(Options{Algo: "backlog", Step: 8})
	if err != nil {
		t.Fatal(err)
	}
	got := s.Decide(Sample{
		Processes: 10, Cheaper: 1, Queue: 99, Workers: make([]WorkerSample, 1),
		MemoryUsed: 300 << 20, MemoryLimit: 512 << 20, WorkerMemory: 60 << 20,
	})
	if got.Delta != 3 {
		t.Errorf("%+v, want 3: 212 MiB are left", got)
	}
}
