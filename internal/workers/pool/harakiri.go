package pool

import (
	"time"

	"fender/internal/exchange"
	"fender/internal/observe/event"
)

// overTime is called when the clock of what the slot works on has run out. The page says what that
// is: the request, the close() of the one before it, or nothing yet.
func (p *Pool) overTime(now Time, s *slot) {
	if s.struck {
		return
	}
	at, phase := p.pages.State(s.w.spawn, s.index)
	if s.closing {
		if p.returned(s, s.closingSeq) {
			p.closed(now, s)
			p.settle(now)
			return
		}
		p.strike(now, s, nil)
		return
	}
	if s.n == 0 {
		return
	}
	r := s.line[0]
	if int32(at-r.seq) < 0 {
		// Not begun: whoever holds the interpreter has a clock of its own.
		p.timers.set(&s.harakiri, timerHarakiri, now+p.opts.Harakiri)
		return
	}
	if phase == PhaseIdle && at == r.seq && r.place == placeGhost {
		return
	}
	if p.victim(now, s) {
		return
	}
	p.strike(now, s, r)
}

// A thread that is over its time and sleeps on a lock may be the victim of a neighbour that holds
// the interpreter's. The main thread knows: as long as it hears an interrupt, the interpreter runs
// and the thread's own lock is its own fault. probeSoon and probeLate are when that is asked; a
// worker that has not heard by the later one is frozen.
const (
	probeSoon = 100 * time.Millisecond
	probeLate = harakiriGrace / 2
)

// victim tells whether the slot's request is spared for now, because its thread may be held up by
// a neighbour. A frozen worker is killed without anybody being named: what it had begun safely is
// begun again, alone.
func (p *Pool) victim(now Time, s *slot) bool {
	w := s.w
	if len(w.slots) == 1 || w.occupied < 2 || s.line[0].place == placeGhost || !p.pages.Blocked(w.spawn, s.index) {
		return false
	}
	switch {
	case s.probed == 0:
		s.heard = p.pages.Heard(w.spawn)
		s.probed = now
		p.emit(Effect{Op: OpProbe, Spawn: w.spawn})
		p.timers.set(&s.harakiri, timerHarakiri, now+probeSoon)
	case p.pages.Heard(w.spawn) != s.heard:
		return false
	case now-s.probed < probeLate:
		p.timers.set(&s.harakiri, timerHarakiri, s.probed+probeLate)
	default:
		p.freeze(now, w)
	}
	return true
}

func (p *Pool) freeze(now Time, w *worker) {
	w.frozen = true
	for i := range w.slots {
		if w.slots[i].struck {
			w.frozen = false // it is known who did it
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
		p.totals.Failed++
		if r.released {
			p.totals.Cut++
		}
		p.emit(p.lastWord(now, r, exchange.CauseHarakiri))
		p.note(Note{
			Kind: NoteError, ID: r.ID, Cause: exchange.CauseHarakiri,
			Spawn: w.spawn, Number: w.number, Generation: w.generation,
		})
		r.place = placeGhost
	}
	seq := s.closingSeq
	if r != nil {
		seq = r.seq
	}
	p.doom(now, w, event.ReasonHarakiri)
	p.emit(Effect{Op: OpStacks, Spawn: w.spawn, Slot: s.index, Seq: seq})
	if p.opts.NoInterrupt {
		p.killWhenAlone(now, w)
		p.settle(now)
		return
	}
	s.heard = p.pages.Heard(w.spawn)
	p.emit(Effect{Op: OpInterrupt, Spawn: w.spawn, Slot: s.index, Seq: seq})
	p.timers.set(&s.grace, timerGrace, now+harakiriGrace/2)
	p.settle(now)
}

// unstrike is called when a struck slot's thread has come back.
func (p *Pool) unstrike(now Time, s *slot) {
	if !s.struck || s.closing {
		return
	}
	s.struck = false
	p.timers.clear(&s.grace)
	if s.n == 0 {
		p.killWhenAlone(now, s.w)
	}
}

// graceOver is called when an interrupted thread has not come back in half its grace.
func (p *Pool) graceOver(now Time, s *slot) {
	if s.closing && p.returned(s, s.closingSeq) {
		p.closed(now, s)
		p.settle(now)
		return
	}
	w := s.w
	if p.pages.Heard(w.spawn) == s.heard {
		// Not even the main thread runs: the interpreter lock is held, and the neighbours stand
		// as still as the guilty one. What they had begun safely is begun again elsewhere.
		p.kill(w)
		return
	}
	w.condemned = true
	p.killWhenAlone(now, w)
}

// killWhenAlone kills a condemned worker as soon as none of its slots works on a request whose
// client still waits.
func (p *Pool) killWhenAlone(now Time, w *worker) {
	if p.opts.NoInterrupt && w.reason == event.ReasonHarakiri {
		w.condemned = true
	}
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
		if w.reason == event.ReasonNone {
			w.reason = event.ReasonManual
		}
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
	p.doom(now, w, event.ReasonProtocol)
	p.kill(w)
	p.settle(now)
}
