package pool

import (
	"slices"
	"time"

	"fender/internal/observe/event"
)

// rest stops all faults, lets everything run and checks that everything comes to rest.
func (w *world) rest() {
	if w.fault != "" {
		return
	}
	w.calm = true
	w.badCode = false
	w.p.opts.MaxLifetime = 0 // lifetimes would go on for ever
	for round := 0; round < 400 && w.fault == "" && !w.fatal; round++ {
		for _, sw := range slices.Clone(w.living) {
			if sw.dead {
				w.bury()
			} else {
				w.restWorker(sw)
			}
		}
		w.templateStep()
		w.pass(500 * time.Millisecond)
		w.check()
		if w.resting() {
			w.checkRest()
			return
		}
	}
	if w.fault == "" && !w.fatal {
		w.failf("no rest: %d requests open, ready %d of %d, queue %d, stopped %v, %+v",
			w.open, w.p.Ready(), w.p.target, w.p.QueueLength(), w.stopped, w.p.Status(w.now))
	}
}

func (w *world) restWorker(sw *simWorker) {
	if w.opts.Harakiri == 0 {
		// Nothing bounds what is stuck: let it come back.
		sw.deaf = false
	}
	if !sw.hello {
		sw.hello, sw.bootFail = true, false
	}
	if !sw.helloed {
		sw.helloed = true
		w.p.Hello(w.now, sw.id)
		w.act()
	}
	for i := range sw.slots {
		s := &sw.slots[i]
		if w.opts.Harakiri == 0 {
			s.stuck = false
		}
		if s.paused {
			w.resume(sw, i)
		}
		for n := 0; n < 12 && !sw.dead; n++ {
			w.threadStep(sw, s)
		}
		for len(s.outbox) > 0 && w.fault == "" {
			w.deliverFrom(sw, i)
		}
	}
}

func (w *world) resting() bool {
	if w.open > 0 {
		return false
	}
	if w.p.stopping {
		return w.stopped
	}
	if w.p.Ready() != w.p.target || len(w.p.workers) != w.p.target || w.p.reloading() || w.p.reload.again != event.ReasonNone || w.p.boot.until.on {
		return false
	}
	for _, sw := range w.living {
		if sw.dead {
			return false
		}
	}
	for _, state := range w.temps {
		if state == "loading" {
			return false
		}
	}
	for _, x := range w.p.workers {
		if x.occupied > 0 || x.reserved != nil || x.stalled {
			return false
		}
	}
	return true
}

// checkRest is asked once, at the end of a schedule.
func (w *world) checkRest() {
	p := w.p
	if len(p.requests) > 0 {
		w.failf("%d requests stay in the pool", len(p.requests))
	}
	if len(w.living) != len(p.workers) {
		w.failf("%d processes live, the pool knows %d", len(w.living), len(p.workers))
	}
	if !p.stopping && w.began != w.done {
		w.failf("%d reloads began, %d ended", w.began, w.done)
	}
	ready := 0
	for _, state := range w.temps {
		if state == "ready" {
			ready++
		}
	}
	if p.stopping && ready != 0 || !p.stopping && ready != 1 {
		w.failf("%d templates are left", ready)
	}
	for k := range p.timers.lists {
		if x := p.timers.first(timerKind(k)); x != nil {
			w.failf("a timer of kind %d runs though nothing happens", k)
		}
	}
	if t := p.totals; !p.stopping && t.Born-t.Gone != uint64(len(p.workers)) {
		w.failf("counters do not add up: %+v with %d workers", t, len(p.workers))
	}
}
