package pool

import (
	"cmp"

	"fender/internal/exchange"
	"fender/internal/observe/event"
)

// bootState is what is known about coming up. Only deaths before ready count here, and those before
// a first answer that no request explains: a worker that crashes after it served is replaced at once.
type bootState struct {
	ever     bool  // a worker has been ready once
	failures int   // since a worker's first answer
	until    timer // runs while no attempt is made
	fatal    bool  // nothing can ever be served; said once
}

// fatalBoots is how many workers may die before the first one ever was ready.
const fatalBoots = 5

func (b *bootState) pause() Time {
	return min(backoffMin<<min(b.failures-1, 10), backoffMax)
}

func (p *Pool) backOff(now Time) {
	p.boot.failures++
	p.timers.set(&p.boot.until, timerBackoff, now+p.boot.pause())
}

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

// Hello reports that a worker is ready.
func (p *Pool) Hello(now Time, id SpawnID) {
	w := p.find(id)
	if w == nil || w.state != StateStarting {
		return
	}
	w.ready = now
	if life := p.opts.MaxLifetime; life > 0 {
		w.leaveAt = now + life + Time(p.rng.Int64N(int64(p.opts.LifetimeDelta)+1))
		p.startCycle(now)
	}
	p.boot.ever = true
	p.move(w, StateReady, now-w.decided, nil)
	if w.proving {
		w.proving = false
		p.commitReload(now)
	}
	if p.opts.Scaler != nil {
		p.startCycle(now)
	}
	p.settle(now)
}

// firstAnswer ends the pauses between attempts: a worker has come up and served.
func (p *Pool) firstAnswer(w *worker) {
	if w.requests == 1 {
		p.boot.failures = 0
		p.timers.clear(&p.boot.until)
	}
}

// BootFailed reports that a worker could not come up and says why. Its process ends by itself.
func (p *Pool) BootFailed(now Time, id SpawnID, code int, text string) {
	w := p.find(id)
	if w == nil || w.state != StateStarting {
		return
	}
	w.failCode, w.failText = code, text
}

// bootFailed deals with the death of a worker that never was ready.
func (p *Pool) bootFailed(now Time, w *worker, d Death) {
	text := w.failText
	if text == "" {
		text = d.Text
	}
	if w.proving {
		p.refuseReload(now, text)
		return
	}
	p.backOff(now)
	if p.boot.ever {
		p.warn("a worker did not come up: %s; next attempt in %v", text, p.boot.pause())
		return
	}
	if w.failText != "" && p.opts.NeedApp || p.boot.failures >= fatalBoots {
		code := w.failCode
		if code == 0 {
			code = 1
		}
		p.fatal(code, text)
	}
}

func (p *Pool) fatal(code int, text string) {
	if !p.boot.fatal {
		p.boot.fatal = true
		p.emit(Effect{Op: OpFatal, Code: code, Text: text})
	}
}

// ForkFailed reports that the template could not fork.
func (p *Pool) ForkFailed(now Time, id SpawnID, text string) {
	w := p.find(id)
	if w == nil {
		return
	}
	w.failText = "the template could not fork: " + text
	p.Died(now, id, Death{Text: w.failText})
}

// retire lets a worker go as planned.
func (p *Pool) retire(now Time, w *worker, why event.Reason) {
	w.reason = why
	p.leave(now, w, StateRetiring)
}

// leave takes a worker out of service: what it has not read comes back, then its slots are
// half-closed, so that it ends when its requests are done.
func (p *Pool) leave(now Time, w *worker, to State) {
	w.reserved = p.keepReservation(w)
	p.move(w, to, 0, nil)
	for i := range w.slots {
		s := &w.slots[i]
		if s.n == 0 {
			continue
		}
		at, _ := p.pages.State(w.spawn, s.index)
		if s.n > 1 || int32(at-s.line[0].seq) < 0 {
			p.takeBack(s)
		}
	}
	p.emit(Effect{Op: OpRetire, Spawn: w.spawn})
	p.timers.set(&w.mercy, timerMercy, now+p.opts.RetireMercy)
}

// keepReservation keeps the mark of a suspect that runs already; one that still waits for the
// worker gets another.
func (p *Pool) keepReservation(w *worker) *request {
	if w.reserved != nil && w.reserved.place == placeSuspects {
		return nil
	}
	return w.reserved
}

func (p *Pool) armMercy(now Time, w *worker) {
	p.timers.set(&w.mercy, timerMercy, now+p.opts.RetireMercy)
}

// mercyOver is called when a retired worker should have ended. A request that still runs is never
// killed for a planned event: harakiri bounds it, if anything does.
func (p *Pool) mercyOver(w *worker) {
	if w.occupied == 0 {
		p.warn("worker %d (spawn %d) has no request and does not end (threads or atexit hooks of the application?): killed after %v",
			w.number, w.spawn, p.opts.RetireMercy)
		p.kill(w)
		return
	}
	p.warn("worker %d (spawn %d) is to leave (%s) but still has a request after %v; set harakiri to bound requests",
		w.number, w.spawn, w.reason, p.opts.RetireMercy)
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

// Stop lets everything end: nothing is queued any more, every worker retires when its requests
// are answered. OpStopped follows.
func (p *Pool) Stop(now Time) {
	p.stopping = true
	for _, r := range p.waiting() {
		p.unlist(r)
		p.fail(now, r, exchange.CauseDraining)
	}
	for _, w := range p.workers {
		if w.state == StateReady || w.state == StateStarting {
			p.retire(now, w, event.ReasonShutdown)
		}
	}
	for _, g := range []*generation{p.gen, p.next, p.old} {
		p.stopTemplate(g)
	}
	p.checkStopped()
}

func (p *Pool) waiting() []*request {
	var all []*request
	for _, l := range []*reqList{&p.queue, &p.suspects} {
		for r := l.head.next; r != &l.head; r = r.next {
			all = append(all, r)
		}
	}
	return all
}

// Force ends everything now: what is still running is answered with 503 or cut, and its workers
// are killed.
func (p *Pool) Force(now Time) {
	p.Stop(now)
	for _, w := range p.workers {
		for i := range w.slots {
			s := &w.slots[i]
			for j := 0; j < s.n; j++ {
				if r := s.line[j]; r.place == placeSlot {
					p.refuse(now, r, exchange.CauseDraining, "")
					p.discard(r)
				}
			}
		}
		p.kill(w)
	}
}

func (p *Pool) checkStopped() {
	if p.stopping && !p.stopped && len(p.workers) == 0 {
		p.stopped = true
		p.emit(Effect{Op: OpStopped})
	}
}
