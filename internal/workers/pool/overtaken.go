package pool

// Overtaken reports the third outcome of a taking back: of the slot's two messages the older one
// came back unread, and the newer one did not. It happens when the worker wakes up in the middle:
// the master receives the first, the worker's thread the second. The older goes back to its turn,
// and the newer is what the slot works on from now on.
func (p *Pool) Overtaken(now Time, id SpawnID, index int) {
	s := p.findSlot(id, index)
	if s == nil || s.n != 2 {
		return
	}
	r := s.line[0]
	s.line[0], s.line[1] = s.line[1], nil
	s.n--
	p.timers.clear(&s.ahead)
	p.begin(now, s)
	if s.w.reserved == r {
		s.w.reserved = nil
	}
	if r.place == placeGhost {
		p.forget(r)
	} else {
		p.totals.TakenBack++
		p.note(Note{Kind: NoteTakenBack, Spawn: s.w.spawn, Number: s.w.number, ID: r.ID})
		p.requeue(now, r)
	}
	p.settle(now)
}
