package scaler

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// Windows of three seconds begin at second 0, so they end at 3, 6, 9 ...
func TestBusyness_FollowsTraces(t *testing.T) {
	for name, c := range map[string]struct {
		opts Options
		rows []row
	}{
		"starts step workers when a window was busier than max": {
			Options{Step: 2}, []row{
				{from: 0, to: 2, workers: "66", want: 0},
				{from: 3, to: 3, workers: "66", want: +2}, // 60 %
				{from: 4, to: 5, workers: "6666", want: 0},
				{from: 6, to: 6, workers: "6666", want: +2},
				{from: 7, to: 20, workers: "XXXXXX", want: 0}, // processes is 6
			},
		},
		"50 percent is not above 50": {
			Options{}, []row{{from: 0, to: 90, workers: "55", want: 0}},
		},
		"a starting worker counts and has done nothing": {
			Options{}, []row{{from: 0, to: 60, workers: "X", starting: 1, want: 0}},
		},
		"retires one after multiplier windows below min, then one each multiplier windows": {
			Options{Busyness: BusynessOptions{Multiplier: 2}}, []row{
				{from: 0, to: 5, workers: "0200", want: 0},
				{from: 6, to: 6, workers: "0200", want: -1},
				{from: 7, to: 11, workers: "020", want: 0},
				{from: 12, to: 12, workers: "020", want: -1},
				{from: 13, to: 60, workers: "02", want: 0}, // cheaper is 2
			},
		},
		"the default multiplier is ten windows": {
			Options{}, []row{
				{from: 0, to: 29, workers: "000", want: 0},
				{from: 30, to: 30, workers: "000", want: -1},
			},
		},
		"a window between min and max does not count, three in a row begin anew": {
			Options{Busyness: BusynessOptions{Multiplier: 2}}, []row{
				{from: 0, to: 3, workers: "000", want: 0}, // may go at 6
				{from: 4, to: 6, workers: "333", want: 0}, // may go at 9
				{from: 7, to: 8, workers: "000", want: 0},
				{from: 9, to: 9, workers: "000", want: -1}, // may go at 15
				{from: 10, to: 12, workers: "333", want: 0},
				{from: 13, to: 15, workers: "333", want: 0},
				{from: 16, to: 18, workers: "333", want: 0}, // the third: may go at 18 + 6
				{from: 19, to: 23, workers: "000", want: 0},
				{from: 24, to: 24, workers: "000", want: -1},
			},
		},
		"a worker that had to come back too soon makes the next wait longer": {
			Options{Busyness: BusynessOptions{Multiplier: 2, Penalty: 2}}, []row{
				{from: 0, to: 5, workers: "000", want: 0},
				{from: 6, to: 6, workers: "000", want: -1},
				{from: 7, to: 8, workers: "XX", want: 0},
				{from: 9, to: 9, workers: "XX", want: +1}, // one window later: multiplier 4, may go at 21
				{from: 10, to: 20, workers: "000", want: 0},
				{from: 21, to: 21, workers: "000", want: -1}, // may go at 33
				{from: 22, to: 32, workers: "000", want: 0},
				{from: 33, to: 33, workers: "000", want: -1}, // the second in a row: multiplier 3
				{from: 34, to: 41, workers: "000", want: 0},
				{from: 42, to: 42, workers: "000", want: -1}, // nine seconds: multiplier 2
				{from: 43, to: 47, workers: "000", want: 0},
				{from: 48, to: 48, workers: "000", want: -1}, // never below the option
				{from: 49, to: 53, workers: "000", want: 0},
				{from: 54, to: 54, workers: "000", want: -1},
			},
		},
		"a long queue starts emergency workers in any cycle, and they may go soon": {
			Options{Busyness: BusynessOptions{BacklogStep: 3, BacklogMultiplier: 1}}, []row{
				{from: 0, to: 0, workers: "00", want: 0},
				{from: 1, to: 1, workers: "00", queue: 33, want: 0}, // not above 33
				{from: 2, to: 2, workers: "00", queue: 34, want: +3},
				{from: 3, to: 3, workers: "00000", queue: 34, want: +1}, // at a window's end too; processes is 6
				{from: 4, to: 5, workers: "000000", queue: 34, want: 0}, // no place
				{from: 6, to: 6, workers: "000000", want: -1},           // one window after the second
				{from: 7, to: 8, workers: "00000", want: 0},
				{from: 9, to: 9, workers: "00000", want: -1},  // still emergency workers
				{from: 10, to: 12, workers: "3333", want: 0},  // two of them left; one no longer counts
				{from: 13, to: 14, workers: "0000", want: 0},  // may go at 12 + 3
				{from: 15, to: 15, workers: "0000", want: -1}, // the last that counts: 3 s
				{from: 18, to: 18, workers: "000", want: -1},  // none any more: 30 s
				{from: 19, to: 47, workers: "000", want: 0},
				{from: 48, to: 48, workers: "000", want: -1},
				{from: 49, to: 99, workers: "00", want: 0},
			},
		},
		"a queue that is never empty for a minute is an emergency": {
			Options{}, []row{
				{from: 0, to: 1, workers: "44", want: 0},
				{from: 2, to: 20, workers: "44", queue: 1, want: 0},
				{from: 21, to: 21, workers: "44", want: 0},
				{from: 22, to: 81, workers: "44", queue: 1, want: 0},
				{from: 82, to: 82, workers: "44", queue: 1, want: +1},
				{from: 83, to: 141, workers: "444", queue: 1, want: 0},
				{from: 142, to: 142, workers: "444", queue: 1, want: +1},
			},
		},
		"and also where each cycle ends a window": {
			Options{Overload: 1, Busyness: BusynessOptions{BacklogNonzero: 5}}, []row{
				{from: 0, to: 4, workers: "44", queue: 1, want: 0},
				{from: 5, to: 5, workers: "44", queue: 1, want: +1},
			},
		},
		"without memory nothing grows, and all comes when there is some": {
			Options{Busyness: BusynessOptions{BacklogNonzero: 5}}, []row{
				{from: 0, to: 2, workers: "66", queue: 40, full: true, want: 0},
				{from: 3, to: 3, workers: "66", queue: 40, full: true, want: 0},
				{from: 4, to: 4, workers: "66", queue: 40, want: +1},
				{from: 5, to: 5, workers: "444", queue: 1, full: true, want: 0},
				{from: 6, to: 6, workers: "444", queue: 1, want: +1}, // five seconds with a queue, and memory
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.opts.Algo = "busyness"
			trace(t, c.opts, 6, 2, c.rows)
		})
	}
}

func TestBusyness_ReportsEachWindowWhenItIsToBeVerbose(t *testing.T) {
	for _, verbose := range []bool{false, true} {
		s := busynessOf(t, Options{Overload: 2, Busyness: BusynessOptions{Verbose: verbose}})
		var reports []string
		for second := range 5 {
			d := s.Decide(Sample{
				Now: time.Duration(second) * time.Second, Processes: 6, Cheaper: 1,
				Workers: []WorkerSample{{Spawn: 1, Slots: 1, Running: time.Duration(second) * 400 * time.Millisecond}},
			})
			if d.Report != "" {
				reports = append(reports, fmt.Sprint(second, ": ", d.Report))
			}
		}
		want := []string{"2: 40% busy in 2s, cheaper-busyness-min is 25%, max 50%", "4: 40% busy in 2s, cheaper-busyness-min is 25%, max 50%"}
		if !verbose {
			want = nil
		}
		if !slices.Equal(reports, want) {
			t.Errorf("verbose %v: %q", verbose, reports)
		}
	}
}

func TestBusyness_LeavesASingleWorkerAlone(t *testing.T) {
	trace(t, Options{Algo: "busyness", Busyness: BusynessOptions{Multiplier: 1}}, 6, 1, []row{
		{from: 0, to: 30, workers: "0", want: 0},
		{from: 31, to: 60, workers: "4", want: 0},
		// Three windows between min and max in a row would have put the removal off.
		{from: 61, to: 62, workers: "00", want: 0},
		{from: 63, to: 63, workers: "00", want: -1},
	})
}

func TestBusyness_StandsAWorkshopWithoutWorkers(t *testing.T) {
	trace(t, Options{Algo: "busyness"}, 6, 2, []row{
		{from: 0, to: 60, workers: "", want: 0},
		{from: 61, to: 61, workers: "", queue: 34, want: +1},
	})
}

func busynessOf(t *testing.T, opts Options) *Scaler {
	t.Helper()
	opts.Algo = "busyness"
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// In uWSGI a worker with four threads of which two are always busy is 200 % busy, cut to 100.
func TestBusyness_TakesTheShareOfAllSlots(t *testing.T) {
	for _, c := range []struct {
		busySlots int
		want      int
	}{{2, 0}, {3, +1}} {
		s := busynessOf(t, Options{})
		for second := 0; second <= 3; second++ {
			now := time.Duration(second) * time.Second
			got := s.Decide(Sample{Now: now, Processes: 4, Cheaper: 1, Workers: []WorkerSample{{
				Spawn: 1, Busy: true, Slots: 4, BusySlots: c.busySlots, Running: now * time.Duration(c.busySlots),
			}}})
			if second == 3 && got.Delta != c.want {
				t.Errorf("%d of 4 slots busy: %+v, want delta %+d", c.busySlots, got, c.want)
			}
		}
	}
}

func TestBusyness_MeasuresFromTheFirstCycleAndFromEachWorkersStart(t *testing.T) {
	s := busynessOf(t, Options{Overload: 10})
	old := WorkerSample{Spawn: 1, Slots: 1, Running: 1000 * time.Hour} // long before the scaler
	sample := Sample{Processes: 4, Cheaper: 1, Workers: []WorkerSample{old}}
	s.Decide(sample)
	// A second worker, busy since it was started: 6 of 10 s. With the idle one 30 %.
	sample.Now = 10 * time.Second
	sample.Workers = append(sample.Workers, WorkerSample{Spawn: 2, Slots: 1, Running: 6 * time.Second})
	if got := s.Decide(sample); got.Delta != 0 {
		t.Errorf("%+v, want no growth at 30 %%", got)
	}
	// Then the new one only, busy for 5.2 s more.
	sample.Now = 20 * time.Second
	sample.Workers = []WorkerSample{{Spawn: 2, Slots: 1, Running: 11200 * time.Millisecond}}
	if got := s.Decide(sample); got.Delta != 1 || got.Why != "workers 52% busy in 10s, cheaper-busyness-max is 50%" {
		t.Errorf("%+v, want growth at 52 %%", got)
	}
}

func TestBusyness_DoesNotTakeALateCycleForLoad(t *testing.T) {
	s := busynessOf(t, Options{})
	sample := Sample{Processes: 4, Cheaper: 1, Workers: []WorkerSample{{Spawn: 1, Slots: 1}}}
	s.Decide(sample)
	sample.Now, sample.Workers[0].Running = 6*time.Second, 3*time.Second
	if got := s.Decide(sample); got.Delta != 0 {
		t.Errorf("%+v: 3 of 6 seconds are 50 %%, not 100", got)
	}
}

func TestBusyness_StandsTheEndOfTime(t *testing.T) {
	s := busynessOf(t, Options{Overload: maxValue, Busyness: BusynessOptions{Multiplier: maxValue, Penalty: maxValue}})
	sample := Sample{Processes: 4, Cheaper: 1, Workers: []WorkerSample{{Spawn: 1, Slots: 1}, {Spawn: 2, Slots: 1}}}
	for _, now := range []time.Duration{0, math.MaxInt64 / 2, math.MaxInt64 - 1, math.MaxInt64} {
		sample.Now = now
		if got := s.Decide(sample); got.Delta > 0 {
			t.Errorf("at %v: %+v", now, got)
		}
	}
}
