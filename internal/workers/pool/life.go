package pool

import (
	"cmp"

	"fender/internal/observe/event"
)

// reconcile compares the workers that there are with those that there shall be. All planned
// changes go through it, so the rule stands in one place: the replacement is ready first.
func (p *Pool) reconcile(now Time) {
	if p.stopping || p.boot.fatal || p.gen == nil {
		return
	}
	ready, starting, due := 0, 0, 0
	for _, w := range p.workers {
		switch {
		case w.state == StateReady:
			ready++
			if w.due != event.ReasonNone {
				due++
			}
		case w.state == StateStarting && !w.proving:
			starting++
		}
	}
	// More than wanted are ready: those that are due may go, then, if the set point has been
	// lowered, idle ones.
	for ready > p.target {
		w := p.leaver(due > 0)
		if w == nil {
			break
		}
		if w.due != event.ReasonNone {
			due--
		} else {
			w.due = cmp.Or(p.shrink, event.ReasonManual)
		}
		p.retire(now, w, w.due)
		ready--
	}
	if p.boot.until.on {
		return
	}
	if p.gen.state == generationDead {
		p.startTemplate(p.gen)
	}
	if p.gen.state != generationReady {
		return
	}
	want := p.target - ready - starting + min(due, p.opts.ReloadStep)
	for ; want > 0; want-- {
		p.spawnWorker(now, p.gen, false)
	}
}

// leaver chooses who goes when there are more ready workers than wanted: one that is due, the
// least busy first; else the oldest idle one.
func (p *Pool) leaver(due bool) *worker {
	var best *worker
	for _, w := range p.workers {
		if w.state != StateReady || due != (w.due != event.ReasonNone) || !due && w.occupied > 0 {
			continue
		}
		if best == nil || w.occupied < best.occupied {
			best = w
		}
	}
	return best
}

func (p *Pool) spawnWorker(now Time, g *generation, proving bool) {
	p.lastSpawn++
	w := &worker{
		spawn: p.lastSpawn, number: p.freeNumber(), generation: g.number,
		slots: make([]slot, p.opts.Threads), decided: now, proving: proving,
	}
	for i := range w.slots {
		w.slots[i].init(w, i)
	}
	w.stall.worker, w.mercy.worker = w, w
	if n := p.opts.MaxRequests; n > 0 {
		w.limit = n + p.rng.IntN(p.opts.MaxRequestsDelta+1)
	}
	p.workers = append(p.workers, w)
	p.totals.Born++
	p.move(w, StateStarting, 0, nil)
	p.emit(Effect{Op: OpSpawn, Spawn: w.spawn, Number: w.number, Generation: w.generation})
}

// Memory reports a worker's resident memory in bytes.
func (p *Pool) Memory(now Time, id SpawnID, rss int64) {
	w := p.find(id)
	if w == nil {
		return
	}
	w.rss = rss
	p.checkLimits(now, w)
	p.settle(now)
}
