package pool

import "slices"

// takeBack asks for everything unread on the slot; TookBack tells what came.
func (p *Pool) takeBack(s *slot) {
	p.timers.clear(&s.ahead)
	if s.taking {
		return
	}
	s.taking = true
	p.emit(Effect{Op: OpTakeBack, Spawn: s.w.spawn, Slot: s.index})
}

// TookBack reports what came back unread, by the sequences in the order in which they were sent. It need not
// be the end of the line: when the worker wakes up in the middle, its thread receives one between two
// that the master receives, and works on that from then on.
func (p *Pool) TookBack(now Time, id SpawnID, index int, seqs []uint32) {
	s := p.findSlot(id, index)
	if s == nil {
		return
	}
	s.taking = false
	for _, seq := range slices.Backward(seqs) { // so that each keeps its place before the next
		if r := s.sent(seq); r != nil {
			p.comeBack(now, s, r)
		}
	}
	p.settle(now)
}

// SendFailed reports that a message did not get into the slot's socket: the worker does not read.
func (p *Pool) SendFailed(now Time, id SpawnID, index int, seq uint32) {
	s := p.findSlot(id, index)
	if s == nil {
		return
	}
	p.stallWorker(now, s.w)
	if r := s.sent(seq); r != nil {
		p.comeBack(now, s, r)
	}
	p.settle(now)
}

// comeBack takes an unread request off the slot's line and puts it back to its turn.
func (p *Pool) comeBack(now Time, s *slot, r *request) {
	head := s.line[0] == r
	s.off(r)
	p.timers.clear(&s.ahead) // what is left has been read, or comes back as well
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
	case head:
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
