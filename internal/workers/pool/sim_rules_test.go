package pool

import (
	"slices"
	"time"

	"fender/internal/exchange"
	"fender/internal/observe/event"
)

// checkBegin is asked when an application begins a request.
func (w *world) checkBegin(sw *simWorker, s *simSlot, q *simRequest) {
	if q.released {
		w.failf("request %d is begun again after its answer had begun to leave", q.id)
	}
	if q.begins > 1 && !q.safe {
		w.failf("request %d is unsafe and begun %d times", q.id, q.begins)
	}
	if q.ownDeaths >= poisonDeaths {
		w.failf("request %d is begun again after %d deaths", q.id, q.ownDeaths)
	}
	for i := range sw.slots {
		o := &sw.slots[i]
		if o == s || !o.running() {
			continue
		}
		if q.ownDeaths > 0 || w.request(o.cur.id).ownDeaths > 0 {
			w.failf("request %d is begun beside %d, and one of them is a suspect", q.id, o.cur.id)
		}
	}
}

// checkCapacity fails when a planned event leaves fewer ready workers than wanted.
func (w *world) checkCapacity(id SpawnID) {
	x := w.p.find(id)
	if x == nil || w.p.stopping || x.ready == 0 {
		return
	}
	switch x.reason {
	case event.ReasonMaxRequests, event.ReasonMaxLifetime, event.ReasonMemory, event.ReasonReload,
		event.ReasonCheaper, event.ReasonManual:
		if w.ready < w.target {
			w.failf("worker %d leaves (%s) and %d of %d are left", id, x.reason, w.ready, w.target)
		}
	}
}

// checkLine fails when a line is longer than it may be, after the effect that has made it longer.
func (w *world) checkLine(sw *simWorker, e Effect) {
	s, bytes := &sw.slots[e.Slot], 0
	for _, m := range s.inbox {
		bytes += w.request(m.id).size
	}
	x := w.p.findSlot(e.Spawn, e.Slot)
	switch {
	case len(s.inbox) > w.opts.Ahead+1 || x != nil && x.n > w.opts.Ahead+1:
		w.failf("slot %d of worker %d has %d unread messages, %d in its line", e.Slot, e.Spawn, len(s.inbox), x.n)
	case len(s.inbox) > 2 && bytes > LineBytes:
		w.failf("slot %d of worker %d has %d unread bytes", e.Slot, e.Spawn, bytes)
	case len(s.inbox) > 2:
		w.seen.LongLines++
	}
	if sw.calls && x != nil && x.n > 2 {
		w.failf("slot %d of worker %d, whose requests call, has %d in its line", e.Slot, e.Spawn, x.n)
	}
}

// checkStruck fails when a request is answered with harakiri before it had its time.
func (w *world) checkStruck(q *simRequest) {
	for _, sw := range w.living {
		for i := range sw.slots {
			s := &sw.slots[i]
			if !s.reading || !s.begun || s.cur.id != q.id {
				continue
			}
			had := w.now - s.begunAt - s.frozen
			least := w.opts.Harakiri + s.stood + s.extended - unreadBound - Time(s.gaps)*(cycle+gap)
			if had < least {
				w.failf("request %d is struck after %v, it had at least %v", q.id, had, least)
			}
			return
		}
	}
}

// unreadMost is how long a message may lie unread: behind another one, until that is begun at last,
// and then before a thread that is free and does not run.
const unreadMost = 2*unreadBound + aheadBound

// unbegunMost is how long what a thread has read and not begun may stay there.
const unbegunMost = unreadMost + unreadBound + withdrawBound

// harakiriSlack is how much later than at its deadline a request may be answered: the begin is seen
// late by one look, and a possible victim is spared while it is found out.
const harakiriSlack = unreadBound + probeLate + 5*time.Millisecond

// check compares the pool with itself and with the world.
func (w *world) check() {
	if w.ready != w.p.Ready() || w.target != w.p.target {
		w.failf("%d of %d ready, the notes say %d of %d", w.p.Ready(), w.p.target, w.ready, w.target)
	}
	w.checkLists()
	w.checkWorkers()
	w.checkRequests()
	if !w.p.stopping {
		w.checkWaiting()
	}
	w.checkClocks()
}

func (w *world) checkLists() {
	p := w.p
	if n := p.QueueLength(); n > w.opts.QueueLimit+w.opts.Threads*(w.opts.Ahead+1)*(len(p.workers)+4) {
		w.failf("%d requests wait, the limit is %d", n, w.opts.QueueLimit)
	}
	for _, l := range []*reqList{&p.queue, &p.suspects} {
		n := 0
		for r := l.head.next; r != &l.head; r = r.next {
			n++
			if !r.deadline.on || r.deadline.at < w.now {
				w.failf("request %d waits past its deadline", r.ID)
			}
			if p.requests[r.ID] != r {
				w.failf("request %d waits and is forgotten", r.ID)
			}
			if b := r.prev; l == &p.queue && b != &l.head &&
				(b.Priority < r.Priority || b.Priority == r.Priority && b.ID > r.ID) {
				w.failf("request %d waits behind %d, which came later", r.ID, b.ID)
			}
		}
		if n != l.len {
			w.failf("a list has %d requests and says %d", n, l.len)
		}
	}
}

func (w *world) checkWorkers() {
	p := w.p
	free, closing, oldest, newest := 0, 0, 0, 0
	var numbers [128]bool
	for _, x := range p.workers {
		if oldest == 0 {
			oldest = x.generation
		}
		if x.generation != oldest {
			if newest != 0 && x.generation != newest {
				w.failf("three generations at a time: %d, %d, %d", oldest, newest, x.generation)
			}
			newest = x.generation
		}
		if x.number < 1 || x.number >= len(numbers) || numbers[x.number] {
			w.failf("worker %d has number %d, as another one", x.spawn, x.number)
			return
		}
		numbers[x.number] = true
		occupied := 0
		for i := range x.slots {
			s := &x.slots[i]
			if !s.isFree() {
				occupied++
			} else if x.state == StateReady {
				free++
			}
			if s.closing {
				closing++
			}
			if s.n == 0 && (s.unread.on || s.ahead.on || s.quiet.on) {
				w.failf("a clock runs for an empty slot of worker %d", x.spawn)
			}
			if s.isFree() && (s.harakiri.on || s.grace.on || s.shut.on) {
				w.failf("a clock runs for a free slot of worker %d", x.spawn)
			}
		}
		if occupied != x.occupied {
			w.failf("worker %d has %d occupied slots and says %d", x.spawn, occupied, x.occupied)
		}
		if r := x.reserved; r != nil && (p.requests[r.ID] != r || r.place == placeQueue ||
			r.slot != nil && r.slot.w != x) {
			w.failf("worker %d is kept for request %d, which is elsewhere", x.spawn, r.ID)
		}
	}
	if free != p.freeSlots || closing != p.closing {
		w.failf("%d slots free, the pool says %d; %d closing, it says %d", free, p.freeSlots, closing, p.closing)
	}
}

func (w *world) checkRequests() {
	p := w.p
	known := 0
	for id, r := range p.requests {
		if r.place != placeGhost {
			known++
		}
		switch r.place {
		case placeSlot, placeGhost:
			if s := r.slot; s == nil || !slices.Contains(s.line[:s.n], r) || p.find(s.w.spawn) != s.w {
				w.failf("request %d is on no living slot", id)
			}
		}
		w.checkRelease(r)
	}
	if w.open != known {
		w.failf("%d requests are open, the pool knows %d", w.open, known)
	}
	t := p.totals
	if done := t.Answered + t.Failed + t.Cancelled; t.Submitted != done+uint64(known) {
		w.failf("counters do not add up: %+v with %d open", t, known)
	}
}

// checkWaiting fails when something waits although there is room for it.
func (w *world) checkWaiting() {
	p := w.p
	free := false
	for _, x := range p.workers {
		if x.state != StateReady || x.reserved != nil || x.stalled {
			continue
		}
		for i := range x.slots {
			free = free || x.slots[i].isFree()
		}
	}
	if free && p.queue.len > 0 {
		w.failf("%d requests wait while a slot is free", p.queue.len)
	}
	if r := p.suspects.first(); r != nil {
		for _, x := range p.workers {
			if x.state == StateReady && x.reserved != nil && x.reserved.place == placeSuspects && x.occupied == 0 && !x.stalled {
				w.failf("suspect %d waits while worker %d is empty for it", x.reserved.ID, x.spawn)
			}
		}
	}
	for _, sw := range w.living {
		if sw.dead {
			continue
		}
		for i := range sw.slots {
			s := &sw.slots[i]
			if x := p.findSlot(sw.id, i); s.reading && !s.begun && !s.torn && !s.owed() && x != nil && !x.closing {
				if r := p.requests[s.cur.id]; r != nil && r.place == placeSlot && r.slot == x && r.seq == s.cur.seq {
					if waited := w.now - max(s.cur.sent, s.clearAt); waited > unbegunMost {
						w.failf("request %d is read and not begun on worker %d for %v", s.cur.id, sw.id, waited)
					}
				}
			}
			for _, m := range s.inbox {
				waited := w.now - m.sent
				if waited > unreadMost {
					w.failf("request %d lies unread on worker %d for %v", m.id, sw.id, waited)
				}
				if free && waited > aheadSteal && p.queue.len == 0 && waitsBehind(p.findSlot(sw.id, i), m.id) {
					w.failf("request %d waits behind another one for %v while a slot is free", m.id, waited)
				}
			}
		}
	}
}

// waitsBehind tells whether the pool has the request wait behind another one, or its close(), there.
func waitsBehind(s *slot, id exchange.ID) bool {
	return s != nil && slices.ContainsFunc(s.waiting(), func(r *request) bool { return r.ID == id })
}

// checkClocks fails when a request runs longer than harakiri lets it, or a struck thread longer
// than its grace.
func (w *world) checkClocks() {
	for _, sw := range w.living {
		for i := range sw.slots {
			s := &sw.slots[i]
			if w.opts.Harakiri == 0 || sw.dead || s.paused || !s.running() || w.request(s.cur.id).over() || s.owed() {
				continue
			}
			ran := w.now - max(s.begunAt, s.knownAt)
			most := w.opts.Harakiri + s.stood + s.extended + s.frozen + Time(s.gaps)*cycle + harakiriSlack
			if ran > most {
				w.failf("request %d runs for %v on worker %d, harakiri allows %v", s.cur.id, ran, sw.id, most)
			}
		}
	}
	for k := range w.p.timers.lists {
		for x := range w.p.timers.all(timerKind(k)) {
			if x.at < w.now && timerKind(k) != timerSteal {
				w.failf("a timer of kind %d is late", k)
			}
			if x.slot != nil && w.p.find(x.slot.w.spawn) == nil || x.worker != nil && w.p.find(x.worker.spawn) == nil {
				w.failf("a timer of kind %d runs for the dead", k)
			}
			if x.req != nil && x.req.place != placeQueue && x.req.place != placeSuspects {
				w.failf("a deadline in the queue runs for request %d, which is elsewhere", x.req.ID)
			}
		}
	}
}

// owed tells whether frames that came before what the slot works on have not been delivered.
func (s *simSlot) owed() bool {
	return len(s.outbox) > 0 && s.outbox[0].seq != s.cur.seq
}

// checkRelease fails when a stream is held for too long.
func (w *world) checkRelease(r *request) {
	q := w.request(r.ID)
	if r.place != placeSlot || !q.hasParts || q.released || r.slot.line[0] != r || !r.slot.part {
		return
	}
	quiet := q.length < 0 && (q.held >= streamBytes || w.now-q.partAt > streamQuiet)
	if most := w.opts.AnswerBuffer; quiet || q.held > most || q.length > most {
		w.failf("answer %d (length %d, %d bytes, quiet since %v) is held", r.ID, q.length, q.held, q.partAt)
	}
}
