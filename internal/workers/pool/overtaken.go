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
	s.taking = false
	p.comeBack(now, s, s.line[0])
	p.settle(now)
}
