// Package scaler decides how many workers there shall be: uWSGI's cheaper algorithms, each with
// uWSGI's exact meaning unless its own comment says where and why it differs. It is pure: values
// go in once per cycle, a decision comes out. It owns the counters that the algorithms keep from
// one cycle to the next, and nothing else.
//
// It does not know processes, sockets or clocks, it does not start or retire a worker, and it does
// not replace a worker that died or was recycled: it decides the number that is wanted.
//
// Source of the meanings: uWSGI 2.0, core/master_utils.c (spare, backlog, manual, the choice of the
// worker that goes) and plugins/cheaper_busyness; spare2 is uWSGI 2.1's.
//
// Three differences hold for every algorithm:
//
//   - No growth without memory: Sample.MemoryUsed and one more worker must fit below MemoryLimit.
//   - A removal for which no worker is idle is remembered, as in uWSGI, but the algorithm goes on
//     being asked, and growth cancels it. In uWSGI a remembered removal stops the algorithm, so
//     that a server that is busy throughout can no longer grow.
//   - The floor is never below one worker. With `cheaper` 0 uWSGI has scaling switched off.
package scaler

import (
	"errors"
	"fmt"
)

// ErrUnknownAlgo is the error of New for a name that is none of Algos. uWSGI then warns and goes
// on with spare.
var ErrUnknownAlgo = errors.New("unknown cheaper algorithm")

// Algos lists the names of the algorithms. The first is the default.
var Algos = []string{"spare", "spare2", "backlog", "busyness", "manual"}

// Scaler decides, once per cycle, how many workers there shall be. It is not safe for concurrent
// use.
type Scaler struct {
	algo algorithm
	owed bool // a removal is still to be done: no worker was idle when it was decided
}

// algorithm is one of uWSGI's cheaper algorithms.
type algorithm interface {
	want(view) want
}

// want is what an algorithm asks for, before the bounds that hold for all of them.
type want struct {
	delta int
	why   string
	held  bool // would grow, may not: no memory
	// report is Decision.Report.
	report string
}

// New returns a scaler. Its error wraps ErrUnknownAlgo, or names the option that is out of range.
func New(opts Options) (*Scaler, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	switch opts.Algo {
	case "spare":
		return &Scaler{algo: &spare{step: opts.Step, overload: opts.Overload}}, nil
	case "spare2":
		return &Scaler{algo: &spare2{step: opts.Step, patience: opts.Idle}}, nil
	case "backlog":
		return &Scaler{algo: backlog{step: opts.Step, overload: opts.Overload}}, nil
	case "busyness":
		return &Scaler{algo: newBusyness(opts)}, nil
	case "manual":
		return &Scaler{algo: manual{}}, nil
	}
	return nil, fmt.Errorf("cheaper-algo %q: %w: known are %v", opts.Algo, ErrUnknownAlgo, Algos)
}

// manual never decides anything: only SIGTTIN, SIGTTOU and the control socket change the number.
type manual struct{}

func (manual) want(view) want { return want{} }

// Decide is called once per cycle (one second, uWSGI's master cycle). It never asks for more
// workers than Processes allows, and never removes one of the last Cheaper; a bound that moved past
// the workers that are there is its caller's to enforce, as is the return of a worker that died.
func (s *Scaler) Decide(sample Sample) Decision {
	v := look(sample)
	w := s.algo.want(v)
	d := s.decide(v, w)
	d.Report = w.report
	return d
}

func (s *Scaler) decide(v view, w want) Decision {
	switch {
	case w.held:
		return Decision{Why: w.why + "; " + v.memory.missing()}
	case w.delta > 0:
		return s.grow(v, w)
	case w.delta < 0:
		return s.shrink(v, w.why)
	case s.owed:
		return s.shrink(v, "a removal that waited for an idle worker")
	}
	return Decision{}
}

// grow starts what the algorithm asks for (never more than there are places), as far as memory goes.
func (s *Scaler) grow(v view, w want) Decision {
	s.owed = false
	return Decision{Delta: min(w.delta, v.memory.room()), Why: w.why}
}

// shrink retires the oldest idle worker, now or when there is one.
func (s *Scaler) shrink(v view, why string) Decision {
	if v.active <= v.floor {
		s.owed = false
		return Decision{}
	}
	spawn, ok := oldestIdle(v.workers)
	s.owed = !ok
	if !ok {
		return Decision{}
	}
	return Decision{Delta: -1, Spawn: spawn, Why: why}
}
