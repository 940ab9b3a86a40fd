package pool

import (
	"fender/internal/exchange"
	"fender/internal/observe/event"
)

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
