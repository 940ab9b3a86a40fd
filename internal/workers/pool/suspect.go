package pool

// A suspect was on a worker when it died by its own doing. It is begun again only in a worker that
// has no other request and gets none until the suspect's answer is there: whoever dies then, it is
// known who did it, and nobody else goes along.

// placeSuspects sends each suspect that has an empty worker, and keeps workers free for the rest:
// at most half of the ready ones, so that suspects never stop everybody else.
func (p *Pool) placeSuspects(now Time) {
	p.lookAtClosing(now)
	ready, reserved := 0, 0
	for _, w := range p.workers {
		if w.state == StateReady {
			ready++
			if w.reserved != nil {
				reserved++
			}
		}
	}
	var next *request
	for r := p.suspects.first(); r != nil && r != &p.suspects.head; r = next {
		next = r.next
		w := p.host(r)
		if w == nil || !w.isEmpty() {
			x := p.quietest()
			switch {
			case x == nil:
			case w == nil && (reserved == 0 || reserved < ready/2):
				reserved++
				p.reserve(x, r)
				w = x
			case w != nil && x.occupied == 0:
				// Better than waiting for the requests of its own.
				w.reserved = nil
				p.reserve(x, r)
				w = x
			}
		}
		if w != nil && w.isEmpty() {
			p.unlistSuspect(r)
			p.send(now, r, &w.slots[0])
		}
	}
}

func (w *worker) isEmpty() bool { return w.occupied == 0 && !w.stalled }

// reserve keeps a worker for r: what waits there goes elsewhere.
func (p *Pool) reserve(w *worker, r *request) {
	w.reserved = r
	for i := range w.slots {
		if s := &w.slots[i]; len(s.waiting()) > 0 {
			p.takeBack(s)
		}
	}
}

func (p *Pool) unlistSuspect(r *request) {
	p.suspects.remove(r)
	p.timers.clear(&r.deadline)
}

// host is the worker that is kept free for r, or nil.
func (p *Pool) host(r *request) *worker {
	for _, w := range p.workers {
		if w.reserved == r && w.state == StateReady {
			return w
		}
	}
	return nil
}

func (p *Pool) unreserve(r *request) {
	for _, w := range p.workers {
		if w.reserved == r {
			w.reserved = nil
		}
	}
}

// quietest is the ready worker that is nearest to having no request.
func (p *Pool) quietest() *worker {
	var best *worker
	for _, w := range p.workers {
		if !w.takes() {
			continue
		}
		if best == nil || w.occupied < best.occupied {
			best = w
		}
	}
	return best
}
