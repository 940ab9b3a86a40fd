package pool

import (
	"fender/internal/observe/event"
)

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
