package scaler

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// row is one cycle or several equal ones: seconds from to to, what the workshop looks like, and
// the delta of each.
type row struct {
	from, to int
	// workers has one letter for each ready worker, in the order of their start: how many tenths
	// of the second it was busy, 0 to 9 and X for all ten. All but 0 are busy at the cycle too.
	workers string
	want    int
	// The rest is 0 in most rows.
	starting, leaving, queue int
	full                     bool // no memory for one more worker
}

// trace runs rows through a scaler and stops at the first cycle that decides otherwise.
func trace(t *testing.T, opts Options, processes, cheaper int, rows []row) {
	t.Helper()
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	running := map[int]time.Duration{}
	for _, r := range rows {
		for second := r.from; second <= r.to; second++ {
			sample := Sample{
				Now: time.Duration(second) * time.Second, Processes: processes, Cheaper: cheaper,
				Starting: r.starting, Leaving: r.leaving, Queue: r.queue, OldestWait: time.Second,
			}
			if r.full {
				sample.MemoryUsed, sample.MemoryLimit, sample.WorkerMemory = 450<<20, 512<<20, 63<<20
			}
			for i := range r.workers {
				tenths := strings.IndexByte("0123456789X", r.workers[i])
				running[i] += time.Duration(tenths) * time.Second / 10
				sample.Workers = append(sample.Workers, WorkerSample{
					Spawn: uint64(i + 1), Busy: tenths > 0, Slots: 1, BusySlots: min(tenths, 1),
					Running: running[i], LastSpawn: time.Duration(i),
				})
			}
			if got := s.Decide(sample); got.Delta != r.want {
				t.Fatalf("second %d, workers %q, queue %d: delta %+d (%q), want %+d",
					second, r.workers, r.queue, got.Delta, got.Why, r.want)
			} else if got.Delta != 0 && got.Why == "" {
				t.Fatalf("second %d: delta %+d without a reason", second, got.Delta)
			}
		}
	}
}

func TestSpare_FollowsTraces(t *testing.T) {
	for name, c := range map[string]struct {
		opts               Options
		processes, cheaper int
		rows               []row
	}{
		"starts one after more than three full cycles and rests at one free": {
			Options{}, 10, 1, []row{
				{from: 1, to: 3, workers: "X", want: 0},
				{from: 4, to: 4, workers: "X", want: +1},
				{from: 5, to: 100, workers: "X0", want: 0},
			},
		},
		"starts step workers at a time and never more than there are places": {
			Options{Step: 4}, 6, 1, []row{
				{from: 1, to: 3, workers: "X", want: 0},
				{from: 4, to: 4, workers: "X", want: +4},
				{from: 5, to: 7, workers: "XXXXX", want: 0},
				{from: 8, to: 8, workers: "XXXXX", want: +1},
				{from: 9, to: 30, workers: "XXXXXX", want: 0},
			},
		},
		"a worker that still leaves holds its place": {
			Options{}, 3, 1, []row{
				{from: 1, to: 10, workers: "XX", leaving: 1, want: 0},
				// The count went back to 0 in the fourth and the eighth second, as uWSGI's does
				// when no place is free: the next chance is the twelfth.
				{from: 11, to: 11, workers: "XX", want: 0},
				{from: 12, to: 12, workers: "XX", want: +1},
			},
		},
		"a free cycle takes one full cycle back": {
			Options{}, 10, 1, []row{
				{from: 1, to: 3, workers: "XX", want: 0},  // 3
				{from: 4, to: 4, workers: "X0", want: 0},  // 2
				{from: 5, to: 5, workers: "XX", want: 0},  // 3
				{from: 6, to: 6, workers: "XX", want: +1}, // 4
			},
		},
		"a starting worker is not a busy one": {
			Options{}, 10, 1, []row{
				{from: 1, to: 60, workers: "XX", starting: 1, want: 0},
			},
		},
		// The example of uWSGI's own documentation: 10 processes, 2 cheaper, step 2, overload 3.
		"retires one each three cycles down to cheaper": {
			Options{Step: 2}, 10, 2, []row{
				{from: 1, to: 5, workers: "XXXXXX0", want: 0}, // stable: exactly one free
				{from: 6, to: 7, workers: "0000000", want: 0},
				{from: 8, to: 8, workers: "0000000", want: -1},
				{from: 9, to: 10, workers: "000000", want: 0},
				{from: 11, to: 11, workers: "000000", want: -1},
				{from: 12, to: 13, workers: "00000", want: 0},
				{from: 14, to: 14, workers: "00000", want: -1},
				{from: 15, to: 16, workers: "0000", want: 0},
				{from: 17, to: 17, workers: "0000", want: -1},
				{from: 18, to: 19, workers: "000", want: 0},
				{from: 20, to: 20, workers: "000", want: -1},
				{from: 21, to: 60, workers: "00", want: 0},
			},
		},
		"a new wave of load interrupts the retiring": {
			Options{}, 10, 2, []row{
				{from: 1, to: 2, workers: "0000", want: 0},
				{from: 3, to: 3, workers: "XXXX", want: 0}, // idle count back to 0
				{from: 4, to: 4, workers: "0000", want: 0}, // overload count 1 -> 0: idle 1
				{from: 5, to: 5, workers: "0000", want: 0},
				{from: 6, to: 6, workers: "0000", want: -1},
			},
		},
		// The incident: cheaper-overload=30, cheaper 1, 10 processes.
		"cheaper-overload 30 waits for more than 30 cycles": {
			Options{Overload: 30, Step: 1}, 10, 1, []row{
				{from: 1, to: 30, workers: "X", want: 0},
				{from: 31, to: 31, workers: "X", want: +1},
				{from: 32, to: 61, workers: "XX", want: 0},
				{from: 62, to: 62, workers: "XX", want: +1},
			},
		},
		"without memory the count stays and the worker comes with the memory": {
			Options{}, 10, 1, []row{
				{from: 1, to: 20, workers: "X", full: true, want: 0},
				{from: 21, to: 21, workers: "X", want: +1},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.opts.Algo = "spare"
			trace(t, c.opts, c.processes, c.cheaper, c.rows)
		})
	}
}

func TestSpare2_FollowsTraces(t *testing.T) {
	for name, c := range map[string]struct {
		opts Options
		rows []row
	}{
		"keeps cheaper workers idle before all are busy": {
			Options{Step: 2}, []row{
				{from: 1, to: 1, workers: "000", want: 0},
				{from: 2, to: 2, workers: "X00", want: +1},
				{from: 3, to: 3, workers: "XX000", want: 0},
				{from: 4, to: 4, workers: "XXXXX", want: +2}, // 3 are missing, the step is 2
				{from: 5, to: 5, workers: "XXXXX", starting: 2, want: +1},
				{from: 6, to: 6, workers: "XXXXXXX0", want: 0}, // processes is 8
			},
		},
		"retires after cheaper-idle cycles in a row with too many": {
			Options{Idle: 4}, []row{
				{from: 1, to: 3, workers: "0000", want: 0},
				{from: 4, to: 4, workers: "X000", want: 0}, // exactly three: from the beginning
				{from: 5, to: 7, workers: "0000", want: 0},
				{from: 8, to: 8, workers: "0000", want: -1},
				{from: 9, to: 30, workers: "000", want: 0},
			},
		},
		"the default is ten cycles": {
			Options{}, []row{
				{from: 1, to: 9, workers: "0000", want: 0},
				{from: 10, to: 10, workers: "0000", want: -1},
			},
		},
		"waits for memory": {
			Options{}, []row{
				{from: 1, to: 9, workers: "XX0", full: true, want: 0},
				{from: 10, to: 10, workers: "XX0", want: +1},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.opts.Algo = "spare2"
			trace(t, c.opts, 8, 3, c.rows)
		})
	}
}

func TestBacklog_FollowsTraces(t *testing.T) {
	trace(t, Options{Algo: "backlog", Step: 2, Overload: 10}, 6, 2, []row{
		{from: 1, to: 1, workers: "XX", queue: 10, want: 0}, // neither above nor below
		{from: 2, to: 2, workers: "XX", queue: 11, want: +2},
		{from: 3, to: 3, workers: "XXXX", queue: 11, starting: 1, want: +1},
		{from: 4, to: 4, workers: "XXXXXX", queue: 500, want: 0},
		{from: 5, to: 5, workers: "XXXXX0", queue: 9, want: -1},
		{from: 6, to: 6, workers: "XXX00", queue: 0, want: -1},
		{from: 7, to: 7, workers: "X000", queue: 11, full: true, want: 0},
		{from: 8, to: 8, workers: "X000", queue: 0, full: true, want: -1},
		{from: 9, to: 9, workers: "X00", queue: 0, want: -1},
		{from: 10, to: 20, workers: "X0", queue: 0, want: 0},
	})
}

func TestBacklog_NeverRetiresTheLastWorker(t *testing.T) {
	trace(t, Options{Algo: "backlog"}, 4, 0, []row{
		{from: 1, to: 1, workers: "00", want: -1},
		{from: 2, to: 9, workers: "0", want: 0},
	})
}

func TestManual_DecidesNothing(t *testing.T) {
	trace(t, Options{Algo: "manual"}, 4, 1, []row{
		{from: 1, to: 99, workers: "XX", queue: 1000, want: 0},
		{from: 100, to: 199, workers: "00", want: 0},
	})
}

// A worker that died comes back by itself, and SIGTTOU is carried out elsewhere: a scaler that did
// the same would do it twice.
func TestScaler_LeavesABoundThatMovedToOthers(t *testing.T) {
	for _, algo := range []string{"spare", "busyness", "manual"} {
		t.Run(algo, func(t *testing.T) {
			trace(t, Options{Algo: algo}, 2, 2, []row{{from: 0, to: 40, workers: "XX0", want: 0}})
			trace(t, Options{Algo: algo}, 8, 4, []row{{from: 0, to: 40, workers: "0", want: 0}})
		})
	}
	// backlog and spare2 decide by what is there, as ever: growth past a lowered bound is not theirs.
	trace(t, Options{Algo: "backlog"}, 2, 2, []row{{from: 0, to: 9, workers: "XXX", queue: 99, want: 0}})
	trace(t, Options{Algo: "spare2"}, 2, 2, []row{{from: 0, to: 9, workers: "XXX", want: 0}})
}

func TestScaler_RemembersARemovalUntilAWorkerIsIdle(t *testing.T) {
	rows := []row{
		{from: 1, to: 3, workers: "XXX", want: 0}, // backlog wants one away each cycle: nobody idle
		{from: 4, to: 4, workers: "XXX", queue: 3, want: 0},
		{from: 5, to: 5, workers: "X0X", queue: 3, want: -1}, // the queue asks for nothing, the debt is paid
		{from: 6, to: 6, workers: "X0", queue: 3, want: 0},
	}
	trace(t, Options{Algo: "backlog"}, 4, 1, rows)

	rows = []row{
		{from: 1, to: 1, workers: "XX", want: 0},
		{from: 2, to: 2, workers: "XX", queue: 4, want: +1}, // growth cancels it
		{from: 3, to: 3, workers: "X00", queue: 3, want: 0},
	}
	trace(t, Options{Algo: "backlog"}, 4, 1, rows)

	rows = []row{
		{from: 1, to: 1, workers: "XX", want: 0},
		{from: 2, to: 2, workers: "0", queue: 3, want: 0}, // one died by itself: at the floor
		{from: 3, to: 3, workers: "00", queue: 3, want: 0},
	}
	trace(t, Options{Algo: "backlog"}, 4, 1, rows)
}

func TestScaler_RetiresTheOldestIdleWorker(t *testing.T) {
	s, err := New(Options{Algo: "backlog"})
	if err != nil {
		t.Fatal(err)
	}
	got := s.Decide(Sample{Processes: 9, Cheaper: 1, Workers: []WorkerSample{
		{Spawn: 7, LastSpawn: 1 * time.Second, BusySlots: 1}, // older, but one of its slots is busy
		{Spawn: 9, LastSpawn: 3 * time.Second},
		{Spawn: 8, LastSpawn: 2 * time.Second},
		{Spawn: 6, LastSpawn: 2 * time.Second},
	}})
	if got.Delta != -1 || got.Spawn != 6 {
		t.Errorf("%+v, want spawn 6 retired: the oldest idle one, the lower spawn of two", got)
	}
}

func TestScaler_SaysWhyThereIsNoGrowth(t *testing.T) {
	for _, algo := range []string{"spare", "spare2", "backlog", "busyness"} {
		s, err := New(Options{Algo: algo})
		if err != nil {
			t.Fatal(err)
		}
		var last Decision
		for second := range 5 {
			now := time.Duration(second) * time.Second
			last = s.Decide(Sample{
				Now: now, Processes: 4, Cheaper: 1, Queue: 40,
				MemoryUsed: 500 << 20, MemoryLimit: 512 << 20, WorkerMemory: 60 << 20,
				Workers: []WorkerSample{{Spawn: 1, Busy: true, Slots: 1, Running: now}},
			})
			if last.Delta != 0 {
				t.Errorf("%s grows without memory", algo)
			}
		}
		want := "no memory for it: 500 MiB of 512 MiB used, a worker takes 60 MiB"
		if !strings.HasSuffix(last.Why, want) {
			t.Errorf("%s says %q, want the end %q", algo, last.Why, want)
		}
	}
}

func TestNew_NamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		opts Options
		want string
	}{
		{Options{Algo: "spair"}, `cheaper-algo "spair": unknown cheaper algorithm: known are [spare spare2 backlog busyness manual]`},
		{Options{Step: -1}, "cheaper-step is -1: it must be between 0 and 1000000 (0 means the default, 1)"},
		{Options{Busyness: BusynessOptions{Penalty: maxValue + 1}}, "cheaper-busyness-penalty is 1000001: it must be between 0 and 1000000 (0 means the default, 2)"},
	} {
		if _, err := New(c.opts); err == nil || err.Error() != c.want {
			t.Errorf("New(%+v): %v, want %s", c.opts, err, c.want)
		}
	}
}

func TestOptions_DefaultsAreThoseOfUWSGI(t *testing.T) {
	got := fmt.Sprintf("%+v", Options{}.withDefaults())
	want := "{Algo:spare Step:1 Overload:3 Idle:10 Busyness:{Max:50 Min:25 Multiplier:10 Penalty:2 " +
		"BacklogAlert:33 BacklogMultiplier:3 BacklogStep:1 BacklogNonzero:60 Verbose:false}}"
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
