package workers

import (
	"fmt"
	"time"

	"fender/internal/exchange"
	"fender/internal/workers/wire"
)

// answer deals with a part of an answer: it checks that it is the one that is owed, holds what it
// brings, and tells the pool, whose effects then let it go. It returns true at the answer's end.
func (e *slotEnd) answer(now time.Duration, f *wire.Frame, file int, lost error) (ended bool) {
	w, m := e.m.w, e.m
	breach := func(err error) bool {
		w.closeFile(file)
		e.stop()
		w.protocol(now, m, err.Error())
		return false
	}
	owed, is := m.sockets.Owed(e.index)
	switch {
	case !is || owed.ID != f.ID || owed.Seq != f.Seq:
		return breach(fmt.Errorf("%w: request %d, sequence %d", errUnowed, f.ID, f.Seq))
	case f.Part != e.part:
		return breach(fmt.Errorf("%w: part %d instead of %d", errPart, f.Part, e.part))
	}
	e.part++

	// A request that is not in flight was answered in the front's name; what comes is discarded.
	fl := w.flights[f.ID]
	if fl != nil && (fl.to != m || fl.slot != e.index) {
		fl = nil
	}
	n, length := 0, int64(-1)
	broken := f.Flags.Has(wire.FlagError) && f.Part > 0
	roomless := false
	if fl == nil {
		w.closeFile(file)
	} else {
		got := w.take(fl, f, file, lost)
		file = -1
		if got.breach != nil {
			return breach(got.breach)
		}
		n, length, roomless = got.n, fl.length, got.roomless
		if got.bad != "" {
			w.pool.BadAnswer(now, m.spawn, e.index, got.bad)
			w.carry(now) // the flight has landed
		}
	}
	id := f.ID
	if !f.Flags.Has(wire.FlagEnd) {
		if !w.pool.AnswerPart(now, m.spawn, e.index, id, f.Seq, n, length) {
			return breach(errUnowed)
		}
		if roomless {
			w.pool.ForceRelease(id)
		}
		w.carry(now)
		e.forward(now, id)
		return false
	}
	m.sockets.Answered(e.index)
	m.answers++
	e.part = 0
	if !w.pool.AnswerEnd(now, m.spawn, e.index, id, f.Seq, n, length, f.Flags.Has(wire.FlagClosing), broken) {
		return breach(errUnowed)
	}
	w.carry(now)
	if m.retiring && !m.dead {
		m.shut()
	}
	return true
}

// forward gives the receiver what has come of an answer that is leaving already.
func (e *slotEnd) forward(now time.Duration, id exchange.ID) {
	fl := e.m.w.flights[id]
	if fl == nil || !fl.released {
		return
	}
	if len(fl.parts) > 0 {
		e.m.w.flush(fl)
	}
	if fl.full && e.paused == 0 {
		e.pause(now, id)
	}
}
