package pool

// takeBack asks for everything unread on the slot; TookBack tells what came.
func (p *Pool) takeBack(s *slot) {
	p.timers.clear(&s.ahead)
	if s.taking {
		return
	}
	s.taking = true
	p.emit(Effect{Op: OpTakeBack, Spawn: s.w.spawn, Slot: s.index})
}

// TookBack reports that the n newest messages of the slot came back unread.
func (p *Pool) TookBack(now Time, id SpawnID, index, n int) {
	s := p.findSlot(id, index)
	if s == nil {
		return
	}
	s.taking = false
	for ; n > 0 && s.n > 0; n-- {
		p.comeBack(now, s, s.last())
	}
	p.settle(now)
}

// Overtaken reports the third outcome of a taking back: of the slot's two messages the older one
// came back unread, and the newer one did not. It happens when the worker wakes up in the middle:
// the master receives the first, the worker's thread the second. The older goes back to its turn,
// and the newer is what the slot works on from now on.
func (p *Pool) Overtaken(now Time, id SpawnID, index int) {
	s := p.findSlot(id, index)
	if s == nil || s.n != 2 {
		return
	}
	s.taking = false
	p.comeBack(now, s, s.line[0])
	p.settle(now)
}

// SendFailed reports that the newest message did not get into the slot's socket, or was refused: the
// worker does not read. What is sent to the same slot later in the same batch of effects must fail
// as well.
func (p *Pool) SendFailed(now Time, id SpawnID, index int) {
	if w := p.find(id); w != nil {
		p.stallWorker(now, w)
		p.TookBack(now, id, index, 1)
	}
}

// comeBack takes an unread request off the slot's line and puts it back to its turn.
func (p *Pool) comeBack(now Time, s *slot, r *request) {
	overtaken := s.n == 2 && s.line[0] == r
	s.off(r)
	p.timers.clear(&s.ahead)
	switch {
	case s.n == 0:
		p.timers.clear(&s.unread)
		s.slow = s.closing
		if !s.closing {
			p.timers.clear(&s.harakiri)
		}
		if s.isFree() {
			p.vacate(now, s)
		}
	case overtaken:
		p.begin(now, s)
	default:
		s.slow = true
	}
	p.unreserve(r)
	if r.place == placeGhost {
		p.forget(r)
	} else {
		p.putBack(now, s, r)
	}
	p.killWhenAlone(s.w)
}

// putBack puts a request that the slot has not begun back to its turn.
func (p *Pool) putBack(now Time, s *slot, r *request) {
	p.totals.TakenBack++
	p.note(Note{Kind: NoteTakenBack, Spawn: s.w.spawn, Number: s.w.number, ID: r.ID})
	p.requeue(now, r)
}
