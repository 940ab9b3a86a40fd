package scaler

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// workshop carries decisions out, as badly as a real one may: workers start late, leave late and
// die; the bounds move.
type workshop struct {
	sample   Sample
	starting int
	leaving  int
	spawn    uint64
}

func TestScaler_NeverLeavesItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := New(Options{
			Algo:     rapid.SampledFrom(Algos).Draw(t, "algo"),
			Step:     rapid.IntRange(0, 6).Draw(t, "step"),
			Overload: rapid.IntRange(0, 5).Draw(t, "overload"),
			Idle:     rapid.IntRange(0, 5).Draw(t, "idle"),
			Busyness: BusynessOptions{
				Multiplier:     rapid.IntRange(0, 3).Draw(t, "multiplier"),
				BacklogAlert:   rapid.IntRange(0, 5).Draw(t, "alert"),
				BacklogStep:    rapid.IntRange(0, 5).Draw(t, "backlog step"),
				BacklogNonzero: rapid.IntRange(0, 9).Draw(t, "nonzero"),
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		shop := workshop{}
		shop.sample.Processes = rapid.IntRange(1, 8).Draw(t, "processes")
		shop.sample.Cheaper = rapid.IntRange(0, shop.sample.Processes).Draw(t, "cheaper")
		for range rapid.IntRange(1, 60).Draw(t, "cycles") {
			shop.cycle(t, s)
		}
	})
}

func (shop *workshop) cycle(t *rapid.T, s *Scaler) {
	shop.sample.Now += time.Duration(rapid.IntRange(900, 2500).Draw(t, "ms")) * time.Millisecond
	shop.live(t)
	in := shop.sample
	active := len(in.Workers) + in.Starting
	got := s.Decide(in)
	after := active + got.Delta
	switch {
	case got.Delta < -1:
		t.Fatalf("removes %d at once", -got.Delta)
	case got.Delta > 0 && after+in.Leaving > in.Processes:
		t.Fatalf("%d workers and %d leaving after %+v, processes is %d", after, in.Leaving, got, in.Processes)
	case got.Delta < 0 && after < max(1, in.Cheaper):
		t.Fatalf("%d workers after %+v, cheaper is %d", after, got, in.Cheaper)
	case got.Delta > 0 && in.MemoryLimit > 0 &&
		in.MemoryUsed+int64(in.Starting+got.Delta)*in.WorkerMemory > in.MemoryLimit:
		t.Fatalf("grows without memory: %+v in %+v", got, in)
	case got.Delta != 0 && got.Why == "":
		t.Fatalf("%+v without a reason", got)
	}
	if got.Delta > 0 {
		shop.starting += got.Delta
	}
	if got.Delta < 0 {
		shop.retire(t, got.Spawn)
	}
}

func (shop *workshop) retire(t *rapid.T, spawn uint64) {
	for i, w := range shop.sample.Workers {
		if w.Spawn == spawn {
			if w.busy() {
				t.Fatalf("retires %+v, which is busy", w)
			}
			shop.sample.Workers = append(shop.sample.Workers[:i], shop.sample.Workers[i+1:]...)
			shop.leaving++
			return
		}
	}
	t.Fatalf("retires %d, which is no worker", spawn)
}

// live lets one cycle pass in the workshop.
func (shop *workshop) live(t *rapid.T) {
	for shop.starting > 0 && rapid.Bool().Draw(t, "ready") {
		shop.starting--
		shop.spawn++
		shop.sample.Workers = append(shop.sample.Workers, WorkerSample{
			Spawn: shop.spawn, Slots: 2, LastSpawn: shop.sample.Now,
		})
	}
	shop.leaving -= rapid.IntRange(0, shop.leaving).Draw(t, "gone")
	if n := len(shop.sample.Workers); n > 0 && rapid.IntRange(0, 9).Draw(t, "death") == 0 {
		shop.sample.Workers = shop.sample.Workers[:n-1]
	}
	for i := range shop.sample.Workers {
		w := &shop.sample.Workers[i]
		w.BusySlots = rapid.IntRange(0, w.Slots).Draw(t, "busy")
		w.Busy = w.BusySlots > 0
		w.Running += time.Duration(w.BusySlots) * time.Second
	}
	if rapid.IntRange(0, 15).Draw(t, "move") == 0 {
		shop.sample.Processes = rapid.IntRange(1, 8).Draw(t, "processes")
		shop.sample.Cheaper = rapid.IntRange(0, shop.sample.Processes).Draw(t, "cheaper")
	}
	shop.sample.Starting, shop.sample.Leaving = shop.starting, shop.leaving
	shop.sample.Queue = rapid.SampledFrom([]int{0, 0, 1, 4, 40}).Draw(t, "queue")
	shop.sample.MemoryLimit = rapid.SampledFrom([]int64{0, 0, 1000}).Draw(t, "limit")
	shop.sample.MemoryUsed = rapid.Int64Range(0, 1100).Draw(t, "used")
	shop.sample.WorkerMemory = rapid.Int64Range(1, 400).Draw(t, "share")
}
