package pool

import (
	"time"

	"fender/internal/observe/event"
)

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
