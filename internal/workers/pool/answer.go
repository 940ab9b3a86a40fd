package pool

import (
	"fender/internal/exchange"
	"fender/internal/observe/event"
)

// owes tells whether (id, seq) is what the slot answers next. What was withdrawn is not answered.
func (s *slot) owes(id exchange.ID, seq uint32) bool {
	return s.n > 0 && s.line[0].ID == id && s.line[0].seq == seq && s.withdrawal != withdrawalDone
}

// AnswerPart reports a frame of an answer that does not end it: n body bytes, and in the first
// frame the Content-Length or -1. It returns false when the frame is not the one that the slot
// owes: the caller then reports Protocol.
func (p *Pool) AnswerPart(now Time, id SpawnID, index int, rid exchange.ID, seq uint32, n int, length int64) bool {
	s := p.findSlot(id, index)
	if s == nil || !s.owes(rid, seq) {
		return false
	}
	r := s.line[0]
	p.firstPart(now, s, r, length)
	r.held += int64(n)
	if r.place == placeGhost || r.released {
		return true
	}
	switch {
	case r.length > p.opts.AnswerBuffer, r.held > p.opts.AnswerBuffer:
		p.release(s, r)
	case r.length >= 0: // leaves when it is complete
	case r.held >= streamBytes:
		p.release(s, r)
	default:
		p.timers.set(&s.quiet, timerQuiet, now+streamQuiet)
	}
	return true
}

func (p *Pool) firstPart(now Time, s *slot, r *request, length int64) {
	if s.part {
		return
	}
	if s.closing { // of the one before: it has returned, or this frame could not be
		p.closed(now, s)
	}
	s.part = true
	r.length, r.held = length, 0
	p.seenBegun(now, s)
	p.timers.clear(&s.unread)
	p.alive(now, s.w)
}

// release lets r's answer begin to leave. From here on r is never begun again.
func (p *Pool) release(s *slot, r *request) {
	p.timers.clear(&s.quiet)
	r.released = true
	p.emit(Effect{Op: OpRelease, ID: r.ID})
}

// ForceRelease is for an answer that the hands cannot hold any longer: no memory is left.
func (p *Pool) ForceRelease(id exchange.ID) {
	r := p.requests[id]
	if r != nil && r.place == placeSlot && !r.released && r.slot.part && r.slot.line[0] == r {
		p.release(r.slot, r)
	}
}

// AnswerEnd reports the last frame of an answer. closing says that close() is still to be called,
// broken that the application failed after the answer had begun. It returns false as AnswerPart does.
func (p *Pool) AnswerEnd(now Time, id SpawnID, index int, rid exchange.ID, seq uint32, n int, length int64, closing, broken bool) bool {
	s := p.findSlot(id, index)
	if s == nil || !s.owes(rid, seq) {
		return false
	}
	r, w := s.line[0], s.w
	p.firstPart(now, s, r, length)
	if r.place != placeGhost {
		p.finish(now, r, broken)
	}
	s.off(r)
	w.requests++
	p.usual += (now - s.began - p.usual) / usualWeight
	if w.reserved == r {
		w.reserved = nil
	}
	s.paused = false
	p.timers.clear(&s.quiet)
	p.forget(r)
	if closing && !p.returned(s, seq) {
		s.closing, s.closingSeq = true, seq
		p.closing++
		p.timers.set(&s.shut, timerClosing, now+closingCheck)
	} else {
		p.timers.clear(&s.harakiri)
		p.unstrike(s)
	}
	p.advance(now, s)
	p.killWhenAlone(w)
	p.firstAnswer(w)
	p.checkLimits(now, w)
	p.settle(now)
	return true
}

func (p *Pool) finish(now Time, r *request, broken bool) {
	f := p.facts(now, r)
	if !broken {
		p.totals.Answered++
		p.emit(Effect{Op: OpFinish, ID: r.ID, Facts: f})
		return
	}
	p.refuse(now, r, badCause(r), "the application failed while it gave its answer")
}

// badCause names an answer that cannot be completed.
func badCause(r *request) exchange.Cause {
	if r.released {
		return exchange.CauseAnswerCut
	}
	return exchange.CauseBadAnswer
}

// BadAnswer says that the content of the answer that the slot is giving cannot be sent. What still
// comes of it is discarded.
func (p *Pool) BadAnswer(now Time, id SpawnID, index int, text string) {
	s := p.findSlot(id, index)
	if s == nil || s.n == 0 || s.line[0].place == placeGhost {
		return
	}
	r := s.line[0]
	p.refuse(now, r, badCause(r), text)
	p.discard(r)
	p.killWhenAlone(s.w)
}

// discard says that r has had its last word while it is on a slot: what still comes of it is nobody's.
func (p *Pool) discard(r *request) {
	r.place = placeGhost
	if s := r.slot; s.line[0] == r {
		p.timers.clear(&s.quiet)
	}
}

// returned tells from the page whether close() of the request seq has returned.
func (p *Pool) returned(s *slot, seq uint32) bool {
	at, phase := p.pages.State(s.w.spawn, s.index)
	return int32(at-seq) > 0 || phase == PhaseIdle
}

// lookAtClosing frees the slots whose close() has returned meanwhile.
func (p *Pool) lookAtClosing(now Time) {
	if p.closing == 0 {
		return
	}
	for _, w := range p.workers {
		for i := range w.slots {
			if s := &w.slots[i]; s.closing && p.returned(s, s.closingSeq) {
				p.closed(now, s)
			}
		}
	}
}

func (p *Pool) closed(now Time, s *slot) {
	s.closing = false
	p.closing--
	p.timers.clear(&s.shut)
	p.timers.clear(&s.harakiri)
	p.unstrike(s)
	p.advance(now, s)
}

// advance is called when the slot's thread is done with a request: it goes on with the next of the line.
func (p *Pool) advance(now Time, s *slot) {
	if s.n > 0 {
		p.begin(now, s)
		p.clockAhead(now, s)
	} else if s.isFree() {
		p.vacate(now, s)
	}
}

// Idle reports the frame that a worker sends when close() took long.
func (p *Pool) Idle(now Time, id SpawnID, index int) {
	s := p.findSlot(id, index)
	if s == nil {
		return
	}
	p.alive(now, s.w)
	if s.closing && p.returned(s, s.closingSeq) {
		p.closed(now, s)
	}
	p.settle(now)
}

// Paused says that the client's side takes no more of the slot's answer for now; Resumed that it
// does again. Harakiri's clock stands between them: it is not the application that is slow.
func (p *Pool) Paused(now Time, id SpawnID, index int) {
	s := p.findSlot(id, index)
	if s == nil || s.paused || s.n == 0 {
		return
	}
	s.paused, s.left = true, 0
	if s.harakiri.on {
		s.left = max(s.harakiri.at-now, 1) // due already is not the same as no clock
		p.timers.clear(&s.harakiri)
	}
	if s.n > 1 {
		p.takeBack(s)
	}
}

// Resumed ends what Paused began.
func (p *Pool) Resumed(now Time, id SpawnID, index int) {
	s := p.findSlot(id, index)
	if s == nil || !s.paused {
		return
	}
	s.paused = false
	if s.left > 0 {
		p.timers.set(&s.harakiri, timerHarakiri, now+s.left)
	}
	p.dispatch(now)
}

// Called says that a request on the slot asks the master for something, as an application's
// requests do that ask once. While a thread waits for what a call returns it receives what was sent
// ahead as well, and what it has received cannot be taken back: so from now on the worker's lines hold
// one request ahead at most.
func (p *Pool) Called(id SpawnID) {
	if w := p.find(id); w != nil {
		w.calls = true
	}
}

// Extend moves the deadline of the request that the slot works on; never back.
func (p *Pool) Extend(now Time, id SpawnID, index int, d Time) {
	s := p.findSlot(id, index)
	if s == nil || s.n == 0 {
		return
	}
	if s.closing && p.returned(s, s.closingSeq) {
		p.closed(now, s)
	}
	p.seenBegun(now, s)
	switch {
	case s.paused && s.left > 0:
		s.left = max(s.left, min(s.left+d, extendMost))
	case s.harakiri.on:
		at := s.harakiri.at
		p.timers.set(&s.harakiri, timerHarakiri, max(at, min(at+d, now+extendMost)))
	}
}

// checkLimits marks a worker that has done its share; it leaves when its replacement is ready.
func (p *Pool) checkLimits(now Time, w *worker) {
	if w.state != StateReady || w.due != event.ReasonNone || now-w.ready < p.opts.MinLifetime {
		return
	}
	switch {
	case w.limit > 0 && w.requests >= w.limit:
		w.due = event.ReasonMaxRequests
	case p.opts.ReloadOnRSS > 0 && w.rss >= p.opts.ReloadOnRSS:
		w.due = event.ReasonMemory
	case p.opts.MaxLifetime > 0 && now >= w.leaveAt:
		w.due = event.ReasonMaxLifetime
	}
}
