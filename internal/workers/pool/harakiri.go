package pool

import (
	"time"

	"fender/internal/exchange"
	"fender/internal/observe/event"
)

// overTime is called when the clock of what the slot works on has run out. The page says what that
// is: the request, the close() of the one before it, or nothing yet.
func (p *Pool) overTime(now Time, s *slot) {
	switch {
	case s.struck || s.w.killed:
	case s.closing && p.returned(s, s.closingSeq):
		p.closed(now, s)
		p.settle(now)
	case s.closing:
		p.strike(now, s, nil)
	case !p.begun(s.line[0]):
		p.neverBegun(now, s)
	case s.late:
		p.seenBegun(now, s)
	case !p.victim(now, s):
		p.strike(now, s, s.line[0])
	}
}

// neverBegun is called when a thread has read a request and not begun it for all that time. Another
// slot that may hold it up has a clock of its own; without one the interpreter is frozen, or this
// thread is starved. What was not begun moves when the worker dies.
func (p *Pool) neverBegun(now Time, s *slot) {
	w := s.w
	for i := range w.slots {
		o := &w.slots[i]
		if (o.harakiri.on || o.grace.on) && (o.closing || p.begun(o.line[0])) {
			s.probed = 0
			p.startHarakiri(now, s)
			return
		}
	}
	switch p.probe(now, s) {
	case interpreterRuns:
		s.probed = 0
		p.startHarakiri(now, s)
	case interpreterFrozen:
		p.freeze(now, w)
	}
}

// probeSoon and probeLate are when a probe's answer is looked for; a worker that has not heard by the
// later one is frozen.
const (
	probeSoon = 100 * time.Millisecond
	probeLate = harakiriGrace / 2
	probeStep = 20 * time.Millisecond // between two looks at a thread that was not seen on a lock
)

type probed uint8

const (
	interpreterUnknown probed = iota // the slot's harakiri clock tells when to ask again
	interpreterRuns
	interpreterFrozen
)

// probe finds out whether the worker's interpreter runs: whether its main thread hears anything.
func (p *Pool) probe(now Time, s *slot) probed {
	w := s.w
	switch {
	case s.probed == 0:
		s.heard, s.probed = p.pages.Heard(w.spawn), now
		p.emit(Effect{Op: OpProbe, Spawn: w.spawn})
		p.timers.set(&s.harakiri, timerHarakiri, now+probeSoon)
	case p.pages.Heard(w.spawn) != s.heard:
		return interpreterRuns
	case now-s.probed < probeLate:
		p.timers.set(&s.harakiri, timerHarakiri, s.probed+probeLate)
	default:
		return interpreterFrozen
	}
	return interpreterUnknown
}

// victim tells whether the slot's request is spared for now. A thread that is over its time and
// sleeps on a lock may be the victim of a neighbour that holds the interpreter's; as long as that
// runs, the thread's own lock is its own fault. A frozen worker is killed without anybody being
// named: what it had begun safely is begun again, alone.
//
// A thread that waits for the interpreter's lock wakes every few milliseconds to ask for it, and on
// a busy machine then waits for a processor: one look may miss that it sleeps, so it is looked at
// several times before it counts as guilty.
func (p *Pool) victim(now Time, s *slot) bool {
	w := s.w
	if w.occupied < 2 || s.line[0].place == placeGhost {
		return false
	}
	s.onLock = s.onLock && s.probed != 0 || p.pages.Blocked(w.spawn, s.index)
	switch p.probe(now, s) {
	case interpreterRuns:
		return false
	case interpreterFrozen:
		if !s.onLock {
			return false
		}
		p.freeze(now, w)
	default:
		if !s.onLock && now-s.probed >= probeSoon {
			return false
		}
		if !s.onLock {
			p.timers.set(&s.harakiri, timerHarakiri, now+probeStep)
		}
	}
	return true
}

func (p *Pool) freeze(now Time, w *worker) {
	w.own = true
	for i := range w.slots {
		if w.slots[i].struck {
			w.own = false // it is known who did it
		}
	}
	p.doom(now, w, event.ReasonHarakiri)
	p.kill(w)
	p.settle(now)
}

// strike answers the request in the front's name, interrupts its thread and dooms the worker: it
// gets nothing more, and its neighbours finish.
func (p *Pool) strike(now Time, s *slot, r *request) {
	w := s.w
	p.totals.Harakiri++
	s.struck = true
	if r != nil && r.place != placeGhost {
		p.refuse(now, r, exchange.CauseHarakiri, "")
		p.discard(r)
	}
	seq := s.closingSeq
	if r != nil {
		seq = r.seq
	}
	p.doom(now, w, event.ReasonHarakiri)
	p.emit(Effect{Op: OpStacks, Spawn: w.spawn, Slot: s.index, Seq: seq})
	s.heard = p.pages.Heard(w.spawn)
	p.timers.set(&s.grace, timerGrace, now+harakiriGrace/2)
	if p.opts.NoInterrupt {
		p.emit(Effect{Op: OpProbe, Spawn: w.spawn})
		w.condemned = true
		p.killWhenAlone(w)
	} else {
		p.emit(Effect{Op: OpInterrupt, Spawn: w.spawn, Slot: s.index, Seq: seq})
	}
	p.settle(now)
}

// unstrike is called when a slot's thread has come back, struck or not.
func (p *Pool) unstrike(s *slot) {
	s.struck = false
	p.timers.clear(&s.grace)
}

// graceOver is called when an interrupted thread has not come back in half its grace.
func (p *Pool) graceOver(now Time, s *slot) {
	w := s.w
	switch {
	case s.closing && p.returned(s, s.closingSeq):
		p.closed(now, s)
	case p.pages.Heard(w.spawn) == s.heard:
		// Not even the main thread runs: the interpreter lock is held, and the neighbours stand
		// as still as the guilty one. What they had begun safely is begun again elsewhere.
		p.kill(w)
	default:
		w.condemned = true
		p.killWhenAlone(w)
	}
}

// killWhenAlone kills a condemned worker as soon as none of its slots works on a request whose
// client still waits.
func (p *Pool) killWhenAlone(w *worker) {
	if !w.condemned {
		return
	}
	stuck := false
	for i := range w.slots {
		s := &w.slots[i]
		stuck = stuck || s.struck
		for j := 0; j < s.n; j++ {
			if s.line[j].place == placeSlot {
				return
			}
		}
	}
	if stuck {
		p.kill(w)
	}
}

func (p *Pool) kill(w *worker) {
	if w.killed {
		return
	}
	w.killed = true
	if w.state != StateDoomed {
		p.move(w, StateDoomed, 0, nil)
	}
	p.emit(Effect{Op: OpKill, Spawn: w.spawn})
}

// doom takes a worker out of service by force: nothing is sent any more, what is unread comes
// back. It does not kill.
func (p *Pool) doom(now Time, w *worker, why event.Reason) {
	if w.state == StateDoomed {
		return
	}
	w.reason = why
	p.leave(now, w, StateDoomed)
}

// Protocol says that the worker has sent what it must not send. Nothing more of it can be
// trusted, so it is killed at once.
func (p *Pool) Protocol(now Time, id SpawnID, text string) {
	w := p.find(id)
	if w == nil || w.killed {
		return
	}
	p.note(Note{
		Kind: NoteWarning, Spawn: w.spawn, Number: w.number, Generation: w.generation,
		Reason: event.ReasonProtocol, Text: text,
	})
	w.own = true
	p.doom(now, w, event.ReasonProtocol)
	p.kill(w)
	p.settle(now)
}
