package pool

// A request that a thread has read and not begun is out of reach for a taking back: it lies in the
// worker's own memory, and the thread waits for the interpreter's lock, or the process stands still.
// It is withdrawn instead. The page has a word for that:
//
//	worker                                     pool
//	1. page: it begins the sequence            a. page: the sequence is withdrawn
//	2. is the sequence withdrawn?              b. a moment passes (withdrawBound)
//	   no: the application is called           c. has the sequence begun? no: it is moved
//	   yes: page as before, and refuses it
//
// Whoever comes first is seen by the other: if 1. had not happened at c. then 2. comes after a. So
// what was moved is never begun by the old worker, whenever that wakes up.

type withdrawal uint8

const (
	withdrawalNone  withdrawal = iota
	withdrawalAsked            // of line[0]: the moment passes
	withdrawalDone             // line[0] has moved, what stands there waits for its refusal
)

// withdraw has a worker not begin what it has read.
func (p *Pool) withdraw(now Time, s *slot) {
	s.withdrawal = withdrawalAsked
	p.timers.set(&s.unread, timerUnread, now+withdrawBound)
	p.emit(Effect{Op: OpWithdraw, Spawn: s.w.spawn, Slot: s.index, Seq: s.line[0].seq})
}

// withdrawn moves what is not begun after its withdrawal. The slot stays occupied until the worker
// says that it has let go of it, or dies.
func (p *Pool) withdrawn(now Time, s *slot) {
	s.withdrawal = withdrawalDone
	r := s.line[0]
	if r.place == placeGhost {
		return // its client has gone
	}
	stand := p.newRequest(r.Request)
	stand.place, stand.slot, stand.seq, stand.headed = placeGhost, s, r.seq, r.headed
	s.line[0] = stand
	p.unreserve(r)
	p.putBack(now, s, r)
	p.killWhenAlone(s.w)
	p.settle(now)
}

// Refused reports that the worker gives the request that its slot works on back: it was not begun
// and will not be. It tells whether that was the pool's own wish.
func (p *Pool) Refused(now Time, id SpawnID, index int) (wished bool) {
	s := p.findSlot(id, index)
	if s == nil || s.n == 0 {
		return false
	}
	wished = s.withdrawal != withdrawalNone
	if wished {
		p.alive(now, s.w)
	} else {
		p.stallWorker(now, s.w)
	}
	p.unstrike(s) // its thread had said that it begins, and was held up right there
	p.comeBack(now, s, s.line[0])
	p.settle(now)
	return wished
}
