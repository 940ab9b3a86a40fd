package pool

import (
	"flag"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	schedules = flag.Int("schedules", 0, "random schedules to simulate; 0 is 100,000, or ten million in the full form")
	oneSeed   = flag.Uint64("schedule", 0, "simulate only this schedule, with its trace")
)

// TestPool_KeepsItsPromisesInRandomSchedules runs the pool against a simulated kernel, workers and
// clients in random order and checks the design's invariants after every step. The world is in
// sim_*_test.go: what it does, what it answers to the pool's effects, and the rules.
func TestPool_KeepsItsPromisesInRandomSchedules(t *testing.T) {
	if *oneSeed != 0 {
		w := simulate(*oneSeed, true)
		t.Log(strings.Join(w.trace, "\n"))
		if w.fault != "" {
			t.Fatal(w.fault)
		}
		return
	}
	n := *schedules
	switch {
	case n > 0:
	case os.Getenv("FENDER_FULL") != "":
		n = 10_000_000
	default:
		n = 100_000
	}
	if testing.Short() {
		n = min(n, 10_000)
	}
	if raceEnabled {
		n = min(n, 5_000)
	}
	var next atomic.Uint64
	var sum coverage
	var mu sync.Mutex
	var failed atomic.Bool
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			var own coverage
			for !failed.Load() {
				seed := next.Add(1)
				if seed > uint64(n) {
					break
				}
				w := simulate(seed, false)
				own.add(&w.seen)
				if w.fault != "" {
					failed.Store(true)
					t.Errorf("schedule %d: %s\n(again with -schedule=%d)", seed, w.fault, seed)
				}
			}
			mu.Lock()
			sum.add(&own)
			mu.Unlock()
		})
	}
	wg.Wait()
	// A simulation in which something never happens shows nothing about it.
	if !failed.Load() && n >= 20_000 {
		sum.check(t)
	}
	t.Logf("%d schedules: %+v", n, sum)
}

// coverage counts what happened, so that the test fails when a fault was never tried.
type coverage struct {
	Steps, Submitted, Answered, Begun, Retried, Poisoned, CrashAnswers, Cut, Cancelled int
	SentAhead, TakenBack, Overtaken, MovedNotBegun, SendsFailed, LongLines, Calls      int
	Withdrawn, MovedWithdrawn, Refused, Torn                                           int
	Struck, StruckInClose, Interrupted, Probed, Frozen, Killed                         int
	OutsideKills, OwnDeaths, SentToTheDead, Protocol                                   int
	BootFailures, ForkFailures, TemplateDeaths, Reloads, ReloadsDone, ReloadsRefused   int
	Recycled, Scaled, QueueTimeouts, QueueFull, Booting, Draining, Stops, Forced       int
	SlowCloses, Streams, Released, ForcedReleases, Paused, Extended, Gaps              int
}

func (c *coverage) add(o *coverage) {
	from, to := reflect.ValueOf(o).Elem(), reflect.ValueOf(c).Elem()
	for i := range to.NumField() {
		to.Field(i).SetInt(to.Field(i).Int() + from.Field(i).Int())
	}
}

func (c *coverage) check(t *testing.T) {
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		if v.Field(i).Int() == 0 {
			t.Errorf("%s is 0: that never happened: %+v", v.Type().Field(i).Name, *c)
		}
	}
}
