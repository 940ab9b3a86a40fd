package pool

import (
	"fmt"

	"fender/internal/exchange"
)

// Submit takes a request. It goes to a free slot, else behind a running one, else into the queue.
func (p *Pool) Submit(now Time, q Request) {
	if _, double := p.requests[q.ID]; double {
		panic(fmt.Sprintf("pool: request %d submitted twice", q.ID))
	}
	r := p.newRequest(q)
	r.turn, r.arrived = p.totals.Submitted, now
	p.totals.Submitted++
	p.requests[q.ID] = r
	switch {
	case p.stopping:
		p.fail(now, r, exchange.CauseDraining)
	case p.QueueLength() >= p.opts.QueueLimit && p.freeSlot() == nil:
		p.fail(now, r, exchange.CauseQueueFull)
	default:
		p.enqueue(r)
		p.dispatch(now)
	}
}

// Cancel says that the client of a request has gone.
func (p *Pool) Cancel(now Time, id exchange.ID) {
	r := p.requests[id]
	if r == nil || r.place == placeGhost {
		return
	}
	p.totals.Cancelled++
	switch r.place {
	case placeQueue, placeSuspects:
		p.unlist(r)
		p.emit(Effect{Op: OpFail, ID: r.ID, Cause: exchange.CauseClientGone, Facts: p.facts(now, r)})
		p.forget(r)
		p.dispatch(now)
		return
	}
	s := r.slot
	p.emit(p.lastWord(now, r, exchange.CauseClientGone))
	p.discard(r)
	if s.line[0] == r {
		p.abort(s)
	} else {
		p.takeBack(s)
	}
	p.killWhenAlone(s.w)
}

// abort tells the worker that nobody waits for what the slot works on.
func (p *Pool) abort(s *slot) {
	p.emit(Effect{Op: OpAbort, Spawn: s.w.spawn, Slot: s.index, Seq: s.line[0].seq})
}

func (p *Pool) enqueue(r *request) {
	r.place, r.slot = placeQueue, nil
	p.queue.pushBack(r)
	p.timers.set(&r.deadline, timerQueue, r.arrived+p.opts.QueueTimeout)
}

// requeue puts a request that was sent but not begun, or may be begun again, back to its turn. It
// returns false when that is too late: r has failed then.
func (p *Pool) requeue(now Time, r *request) bool {
	r.slot = nil
	deadline := r.arrived + p.opts.QueueTimeout
	if r.begins > 0 {
		if r.until == 0 {
			// The time that it ran was not the queue's, and without harakiri has no bound.
			r.until = max(deadline+p.opts.Harakiri, now+p.opts.QueueTimeout)
		}
		deadline = r.until
	}
	switch {
	case p.stopping: // no worker takes anything any more
		p.fail(now, r, exchange.CauseDraining)
		return false
	case !retrying:
		p.fail(now, r, exchange.CauseWorkerCrash)
		return false
	case deadline <= now:
		p.fail(now, r, p.lateCause(r))
		return false
	}
	p.timers.set(&r.deadline, timerQueue, deadline)
	if r.suspect {
		r.place = placeSuspects
		p.suspects.pushFront(r)
	} else {
		r.place = placeQueue
		p.queue.pushFront(r)
	}
	return true
}

func (p *Pool) unlist(r *request) {
	switch r.place {
	case placeQueue:
		p.queue.remove(r)
	case placeSuspects:
		p.suspects.remove(r)
		p.unreserve(r)
	}
	p.timers.clear(&r.deadline)
}

// begun tells whether the application has begun r, which is or was on its slot.
func (p *Pool) begun(r *request) bool {
	at, _ := p.pages.State(r.slot.w.spawn, r.slot.index)
	return int32(at-r.seq) >= 0
}

// dispatch sends what waits to where there is room.
func (p *Pool) dispatch(now Time) {
	if p.suspects.len != 0 {
		p.placeSuspects(now)
	}
	for p.queue.len > 0 {
		r, s := p.queue.first(), p.freeSlot()
		if s == nil {
			p.lookAtClosing(now)
			s = p.freeSlot()
		}
		if s == nil {
			s = p.aheadSlot(now, r)
		}
		if s == nil {
			return
		}
		p.unlist(r)
		p.send(now, r, s)
	}
	p.steal(now)
}

// freeSlot chooses where the next request goes: the least busy worker, since the threads of one
// interpreter share its lock; among equals the lowest number, so that the others stay idle and
// scaling in finds them.
func (p *Pool) freeSlot() *slot {
	if p.freeSlots == 0 {
		return nil
	}
	var best *worker
	for _, w := range p.workers {
		if !w.takes() || w.occupied == len(w.slots) {
			continue
		}
		if best == nil || w.occupied < best.occupied ||
			w.occupied == best.occupied && w.number < best.number {
			best = w
		}
	}
	if best == nil {
		return nil
	}
	for i := range best.slots {
		if best.slots[i].isFree() {
			return &best.slots[i]
		}
	}
	return nil
}

// takes tells whether the worker gets requests from the queue now.
func (w *worker) takes() bool {
	return w.state == StateReady && w.reserved == nil && !w.stalled
}

// aheadSlot chooses the slot in whose line r may wait, while none is free: the shortest line, and among
// equals the one whose thread has worked longest, since it will be done first.
func (p *Pool) aheadSlot(now Time, r *request) *slot {
	var best *slot
	for _, w := range p.workers {
		if !w.takes() {
			continue
		}
		for i := range w.slots {
			s := &w.slots[i]
			if !s.isOpen(now) || !p.fits(r, s) {
				continue
			}
			if best == nil || s.n < best.n || s.n == best.n && s.began < best.began {
				best = s
			}
		}
	}
	return best
}

// isOpen tells whether anything may wait in the line of a slot that is not free. What is sent while something
// is being taken back could come back in its stead.
func (s *slot) isOpen(now Time) bool {
	return !s.taking && !s.slow && !s.paused && now-s.began < aheadBound && (s.n == 0 || !s.closing)
}

// fits tells whether r may wait in the slot's line, which is open: what is before it there is done soon,
// if it takes what requests usually take, and the socket has room for all.
func (p *Pool) fits(r *request, s *slot) bool {
	n := max(s.n, 1)
	if n > p.opts.Ahead || n > 1 && (s.w.calls || s.bytes+r.Size > LineBytes) {
		return false
	}
	return Time(n)*p.usual <= p.opts.AheadBelow
}

func (p *Pool) send(now Time, r *request, s *slot) {
	ahead := !s.isFree()
	if !ahead {
		p.occupy(now, s)
	}
	s.seq++
	r.place, r.slot, r.seq, r.sent, r.headed = placeSlot, s, s.seq, now, never
	s.line[s.n] = r
	s.n++
	s.bytes += r.Size
	if ahead {
		p.totals.SentAhead++
		if !s.ahead.on { // else it runs for one that was sent before
			p.timers.set(&s.ahead, timerAhead, now+aheadBound)
		}
	}
	if s.n == 1 {
		p.begin(now, s)
	}
	p.emit(Effect{
		Op: OpSend, ID: r.ID, Spawn: s.w.spawn, Slot: s.index, Seq: r.seq, Ahead: ahead,
	})
}

// begin starts the clocks of line[0], which is now the request that the slot's thread works on, or
// will as soon as close() has returned.
func (p *Pool) begin(now Time, s *slot) {
	s.began, s.slow, s.late, s.part, s.probed = now, false, false, false, 0
	s.line[0].headed = now
	if s.line[0].place == placeGhost {
		p.abort(s)
	}
	if !s.closing { // else it waits for close(), which the clock of what is sent ahead bounds
		p.timers.set(&s.unread, timerUnread, now+unreadBound)
	}
	p.startHarakiri(now, s)
}

// clockAhead sets the clock of what waits in the slot's line, whose head has changed.
func (p *Pool) clockAhead(now Time, s *slot) {
	if waiting := s.waiting(); len(waiting) > 0 {
		p.timers.set(&s.ahead, timerAhead, max(now, waiting[0].sent+aheadBound))
	} else {
		p.timers.clear(&s.ahead)
	}
}

// startHarakiri starts the clock of line[0], unless that of the close() before it still runs.
func (p *Pool) startHarakiri(now Time, s *slot) {
	if p.opts.Harakiri > 0 && !s.closing {
		p.timers.set(&s.harakiri, timerHarakiri, now+p.opts.Harakiri)
	}
}

// steal takes what waits behind another request back when a slot is free for it.
func (p *Pool) steal(now Time) {
	if p.timers.first(timerAhead) == nil || p.queue.len > 0 || p.freeSlot() == nil {
		return
	}
	// Not always the first to be taken back for its own sake: that may have been put off.
	var s *slot
	for x := range p.timers.all(timerAhead) {
		if s == nil || x.slot.waiting()[0].sent < s.waiting()[0].sent {
			s = x.slot
		}
	}
	if sent := s.waiting()[0].sent; now-sent < aheadSteal {
		p.timers.set(&p.stealing, timerSteal, sent+aheadSteal)
		return
	}
	p.takeBack(s)
}

// settle brings everything to where it belongs after an event: lives first, then requests.
func (p *Pool) settle(now Time) {
	p.reconcile(now)
	p.finishReload(now)
	p.dispatch(now)
}
