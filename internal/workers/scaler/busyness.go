package scaler

import (
	"fmt"
	"math"
	"time"
)

// busyness looks at windows of `overload` seconds. The mean share of time for which the workers
// were busy in a window starts workers when it is above max; when it is below min for long enough
// one goes. How long is enough is the multiplier: so many windows, more after a worker that went
// had to come back too soon, fewer again when all is calm. Besides, a long queue starts emergency
// workers at once.
//
// Where it differs from uWSGI, and why:
//   - A worker's share is of all its slots. uWSGI divides the time summed over the threads by one
//     window, so that a worker with N threads looks fully busy at 1/N of its real use.
//   - The share is of the time that really passed, not of the nominal window: a late cycle is not
//     counted as load.
//   - The watch for a queue that is never empty runs in every cycle. uWSGI leaves out the cycle in
//     which a window ends, and so never has it with cheaper-overload 1.
type busyness struct {
	BusynessOptions
	step   int
	window time.Duration

	began       bool
	windowStart time.Duration
	before      map[uint64]time.Duration // each worker's Running at windowStart

	multiplier int           // now; never below the option
	mayGo      time.Duration // no worker goes before
	last       action
	removed    time.Duration // when last is or was actionRemove
	hasRemoved bool
	calm       int // windows in a row between min and max
	emergency  int // emergency workers that still count as such

	queued      bool // the queue was not empty in the cycle before
	queuedSince time.Duration
}

type action uint8

const (
	actionNone action = iota
	actionStart
	actionRemove
)

// calmWindows between min and max in a row make a removal wait anew from the beginning.
const calmWindows = 3

func newBusyness(o Options) *busyness {
	return &busyness{
		BusynessOptions: o.Busyness,
		step:            o.Step,
		window:          time.Duration(o.Overload) * time.Second,
		multiplier:      o.Busyness.Multiplier,
		before:          map[uint64]time.Duration{},
	}
}

func (a *busyness) want(v view) want {
	if !a.began {
		a.began = true
		a.measureFrom(v)
		a.postpone(v.Now)
	}
	long := a.watchQueue(v)
	var w want
	report := ""
	switch {
	case v.Now-a.windowStart >= a.window:
		mean := a.mean(v)
		if a.Verbose {
			report = fmt.Sprintf("%d%% busy in %v, cheaper-busyness-min is %d%%, max %d%%", mean, a.window, a.Min, a.Max)
		}
		a.measureFrom(v)
		w = a.judge(v, mean)
	case v.Queue > a.BacklogAlert && v.active < v.Processes:
		w = a.help(v)
	}
	if long && w.delta == 0 && !w.held {
		w = a.help(v)
		if v.canSpawn {
			a.queuedSince = v.Now
		}
	}
	w.report = report
	return w
}

// judge decides at the end of a window.
func (a *busyness) judge(v view, mean int) want {
	switch {
	case mean > a.Max:
		return a.growth(v, mean)
	case v.Queue > a.BacklogAlert && v.active < v.Processes && v.canSpawn:
		return a.help(v)
	case v.active == 1:
		return want{}
	case mean < a.Min:
		return a.removal(v, mean)
	}
	a.emergency = max(0, a.emergency-1)
	a.calm++
	if a.calm >= calmWindows {
		a.postpone(v.Now)
	} else {
		a.mayGo = later(a.mayGo, a.window, 1) // this window does not count as idle
	}
	return want{}
}

func (a *busyness) growth(v view, mean int) want {
	a.calm = 0
	w := want{why: fmt.Sprintf("workers %d%% busy in %v, cheaper-busyness-max is %d%%", mean, a.window, a.Max)}
	if !v.canSpawn {
		w.held = v.places > 0
		return w
	}
	w.delta = min(a.step, v.places)
	if w.delta == 0 {
		return w
	}
	a.last = actionStart
	if a.hasRemoved && int((v.Now-a.removed)/a.window) <= a.multiplier {
		a.multiplier += a.Penalty // the one that went is missed
	} else {
		a.relax()
	}
	a.postpone(v.Now)
	return w
}

func (a *busyness) removal(v view, mean int) want {
	a.calm = 0
	if v.active <= v.floor || v.Now < a.mayGo {
		return want{}
	}
	if a.last == actionRemove {
		a.relax()
	}
	a.postpone(v.Now)
	a.last, a.removed, a.hasRemoved = actionRemove, v.Now, true
	a.emergency = max(0, a.emergency-1)
	return want{delta: -1, why: fmt.Sprintf("workers %d%% busy in %v, cheaper-busyness-min is %d%%", mean, a.window, a.Min)}
}

// help starts emergency workers.
func (a *busyness) help(v view) want {
	w := want{why: fmt.Sprintf("%d requests wait, the first for %v: emergency workers",
		v.Queue, v.OldestWait.Round(time.Millisecond))}
	if !v.canSpawn {
		w.held = v.places > 0
		return w
	}
	a.multiplier = a.Multiplier
	a.last = actionStart
	a.postpone(v.Now)
	w.delta = min(a.BacklogStep, v.places)
	a.emergency += w.delta
	return w
}

// watchQueue reports whether the queue has not been empty for BacklogNonzero seconds.
func (a *busyness) watchQueue(v view) bool {
	switch {
	case v.Queue <= 0:
		a.queued = false
	case !a.queued:
		a.queued, a.queuedSince = true, v.Now
	default:
		return v.Now-a.queuedSince >= time.Duration(a.BacklogNonzero)*time.Second
	}
	return false
}

// mean is the mean over all workers of the share of the window for which each was busy, in whole
// percent, cut off as uWSGI does. A worker that is still starting has done nothing.
func (a *busyness) mean(v view) int {
	if v.active == 0 {
		return 0
	}
	sum := 0
	for _, w := range v.workers {
		whole := (v.Now - a.windowStart) * time.Duration(max(1, w.Slots))
		worked := min(max(0, w.Running-a.before[w.Spawn]), whole)
		sum += int(worked / (whole / 100))
	}
	return sum / v.active
}

// measureFrom begins a window. A worker that is not there yet begins at 0.
func (a *busyness) measureFrom(v view) {
	a.windowStart = v.Now
	clear(a.before)
	for _, w := range v.workers {
		a.before[w.Spawn] = w.Running
	}
}

// postpone sets the earliest time of the next removal. With emergency workers it is sooner, so
// that a short wave of load leaves soon.
func (a *busyness) postpone(now time.Duration) {
	windows := a.multiplier
	if a.emergency > 0 {
		windows = a.BacklogMultiplier
	}
	a.mayGo = later(now, a.window, windows)
}

// relax lowers the multiplier, never below the option.
func (a *busyness) relax() { a.multiplier = max(a.Multiplier, a.multiplier-1) }

// later is t plus n windows, or the end of time when there is no such time.
func later(t, window time.Duration, n int) time.Duration {
	if window > (math.MaxInt64-t)/time.Duration(max(1, n)) {
		return math.MaxInt64
	}
	return t + window*time.Duration(n)
}
