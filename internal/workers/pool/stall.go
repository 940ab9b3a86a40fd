package pool

// unreadTooLong is called when a message has lain long before a thread that should be waiting.
func (p *Pool) unreadTooLong(now Time, s *slot) {
	if p.begun(s.line[0]) {
		if s.late {
			p.seenBegun(now, s)
			p.alive(now, s.w)
		}
		return
	}
	p.stallWorker(now, s.w)
	p.timers.set(&s.unread, timerUnread, now+unreadBound)
	switch {
	case !s.late:
		// If it has been read it cannot be taken back: then it is withdrawn, unless its clocks start
		// since it is seen to be begun.
		s.late = true
		p.takeBack(s)
	case s.withdrawal == withdrawalNone:
		p.withdraw(now, s)
	case s.withdrawal == withdrawalAsked:
		p.withdrawn(now, s)
	}
}

// stallWorker gives the worker nothing more until a frame of it is seen, or a pause is over.
func (p *Pool) stallWorker(now Time, w *worker) {
	w.stallFor = min(max(2*w.stallFor, unreadBound), stallMax)
	w.stalled = true
	p.timers.set(&w.stall, timerStall, now+w.stallFor)
	for i := range w.slots {
		if s := &w.slots[i]; len(s.waiting()) > 0 {
			p.takeBack(s)
		}
	}
}

// alive is called at each first frame of an answer: a worker that was stalled runs again.
func (p *Pool) alive(now Time, w *worker) {
	w.stallFor = 0
	if w.stalled {
		w.stalled = false
		p.timers.clear(&w.stall)
		p.dispatch(now)
	}
}

// seenBegun starts the clocks of a request that was not begun in time, once it is seen to be.
func (p *Pool) seenBegun(now Time, s *slot) {
	if s.late {
		s.late = false
		p.startHarakiri(now, s)
	}
}
