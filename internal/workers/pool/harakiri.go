package pool

import (
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
	seq := s.guilty()
	p.doom(now, w, event.ReasonHarakiri)
	p.emit(Effect{Op: OpStacks, Spawn: w.spawn, Slot: s.index, Seq: seq})
	s.heard, s.tries = p.pages.Heard(w.spawn), 0
	p.interrupt(now, s, seq)
	if p.opts.NoInterrupt {
		w.condemned = true
		p.killWhenAlone(w)
	}
	p.settle(now)
}

// interrupt raises the exception in a struck slot's thread, or at least finds out whether the main
// thread hears.
func (p *Pool) interrupt(now Time, s *slot, seq uint32) {
	s.tries++
	p.timers.set(&s.grace, timerGrace, now+interruptAgain)
	if p.opts.NoInterrupt {
		p.emit(Effect{Op: OpProbe, Spawn: s.w.spawn})
	} else {
		p.emit(Effect{Op: OpInterrupt, Spawn: s.w.spawn, Slot: s.index, Seq: seq})
	}
}

// interrupts is how often a thread is interrupted until half its grace is over.
const interrupts = int(harakiriGrace / 2 / interruptAgain)

// guilty is the sequence that a struck slot's thread works on.
func (s *slot) guilty() uint32 {
	if s.closing {
		return s.closingSeq
	}
	return s.line[0].seq
}

// unstrike is called when a slot's thread has come back, struck or not.
func (p *Pool) unstrike(s *slot) {
	s.struck = false
	p.timers.clear(&s.grace)
}

// graceOver is called when an interrupted thread has not come back for a part of its grace.
func (p *Pool) graceOver(now Time, s *slot) {
	w := s.w
	heard := p.pages.Heard(w.spawn) != s.heard
	switch {
	case w.killed:
	case s.closing && p.returned(s, s.closingSeq):
		p.closed(now, s)
	case s.tries < interrupts && heard:
		p.timers.set(&s.grace, timerGrace, now+Time(interrupts-s.tries)*interruptAgain)
		s.tries = interrupts
	case s.tries < interrupts:
		p.interrupt(now, s, s.guilty())
	case !heard:
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
