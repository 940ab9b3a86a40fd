package pool

import (
	"fender/internal/observe/event"
	"fender/internal/workers/scaler"
)

// Next tells when Tick is to be called at the latest.
func (p *Pool) Next() (Time, bool) {
	at, ok := p.timers.next()
	switch {
	case !p.cycling:
		return at, ok
	case !ok:
		return p.nextCycle, true
	}
	return min(at, p.nextCycle), true
}

// Tick does what is due by now.
func (p *Pool) Tick(now Time) {
	if p.cycling && now-p.nextCycle > gap {
		// The loop itself did not run: a paused container, a suspended machine. What ran on the
		// applications' clocks meanwhile was not theirs.
		p.timers.shift(timerHarakiri, now-p.nextCycle+cycle)
		p.timers.shift(timerGrace, now-p.nextCycle+cycle)
	}
	for x := p.timers.due(now); x != nil; x = p.timers.due(now) {
		p.fire(now, x)
	}
	if p.cycling && p.nextCycle <= now {
		p.runCycle(now)
	}
}

func (p *Pool) fire(now Time, x *timer) {
	switch x.kind {
	case timerQueue:
		r := x.req
		p.unlist(r)
		p.fail(now, r, p.lateCause(r))
		p.dispatch(now)
	case timerUnread:
		p.unreadTooLong(now, x.slot)
	case timerAhead:
		p.aheadTooLong(x.slot)
	case timerSteal:
		p.steal(now)
	case timerQuiet:
		p.release(x.slot, x.slot.line[0])
	case timerClosing:
		if s := x.slot; s.closing && p.returned(s, s.closingSeq) {
			p.closed(now, s)
			p.settle(now)
		}
	case timerHarakiri:
		p.overTime(now, x.slot)
	case timerGrace:
		p.graceOver(now, x.slot)
	case timerStall:
		x.worker.stalled = false
		p.settle(now)
	case timerMercy:
		p.mercyOver(x.worker)
	case timerBackoff:
		p.settle(now)
	}
}

// aheadTooLong is called when a request has waited long behind another one.
func (p *Pool) aheadTooLong(s *slot) {
	if !p.begun(s.line[0]) && s.unread.on {
		// The head of the line has not been begun either, and only all could be taken back: that is
		// the stalled worker's case, which has a bound of its own.
		p.timers.set(&s.ahead, timerAhead, s.unread.at)
		return
	}
	p.takeBack(s)
}

// startCycle begins the cycles of one second when there is something for them to watch.
func (p *Pool) startCycle(now Time) {
	if !p.cycling && !p.stopping {
		p.cycling = true
		p.nextCycle = now + cycle
	}
}

func (p *Pool) runCycle(now Time) {
	p.nextCycle += cycle
	if p.nextCycle <= now {
		p.nextCycle = now + cycle
	}
	for _, w := range p.workers {
		p.checkLimits(now, w)
	}
	p.scale(now)
	p.settle(now)
	busy := p.count(func(w *worker) bool { return w.occupied > 0 }) > 0
	p.cycling = (busy || p.opts.Scaler != nil || p.opts.MaxLifetime > 0) && !p.stopped
}

// scale asks the scaler and moves the set point.
func (p *Pool) scale(now Time) {
	if p.opts.Scaler == nil || p.stopping {
		return
	}
	m := scaler.Sample{
		Now: now, Processes: p.processes, Cheaper: min(p.opts.Cheaper, p.processes),
		Queue: p.QueueLength(), MemoryUsed: p.memoryUsed, MemoryLimit: p.memoryLimit,
	}
	if r := p.queue.first(); r != nil {
		m.OldestWait = now - r.arrived
	}
	for _, w := range p.workers {
		switch {
		case w.state == StateReady:
			w.clock(now)
			m.Workers = append(m.Workers, scaler.WorkerSample{
				Spawn: uint64(w.spawn), LastSpawn: w.decided, Running: w.busyFor,
				Busy: w.occupied > 0, Slots: len(w.slots), BusySlots: w.occupied,
			})
		case w.state == StateRetiring && w.reason == event.ReasonCheaper:
			m.Leaving++
		}
	}
	// Wanted and not there. What starts beyond that is a replacement: its elder is counted.
	m.Starting = max(0, p.target-len(m.Workers))
	d, before := p.opts.Scaler.Decide(m), p.target
	switch {
	case d.Delta >= 0:
		p.moveTarget(min(p.target+d.Delta, p.processes), d.Why)
	case p.target > max(m.Cheaper, 1) && p.leaver(false) != nil: // only busy ones: the scaler asks again
		p.shrink = event.ReasonCheaper
		p.moveTarget(p.target-1, d.Why)
	}
	if d.Report != "" && p.target == before { // a change says why itself
		p.note(Note{Kind: NoteScale, Text: d.Report})
	}
}

func (p *Pool) moveTarget(to int, why string) {
	if to == p.target {
		return
	}
	p.note(Note{Kind: NoteScale, Delta: to - p.target, Text: why})
	p.target = to
}

// Scale moves the number of workers by hand: SIGTTIN and SIGTTOU.
func (p *Pool) Scale(now Time, delta int) {
	if p.stopping {
		return
	}
	p.processes = min(max(p.processes+delta, 1), maxProcesses)
	p.shrink = event.ReasonManual
	p.moveTarget(min(max(p.target+delta, 1), p.processes), "by hand")
	p.settle(now)
}

// maxProcesses bounds what SIGTTIN may ask for.
const maxProcesses = 1024

// MemoryUse reports the memory of the whole container in bytes, for the scaler; 0 is unknown.
func (p *Pool) MemoryUse(used, limit int64) { p.memoryUsed, p.memoryLimit = used, limit }
