package pool

import (
	"fender/internal/exchange"
)

// lastWord is what a request hears that will get no answer of its own.
func (p *Pool) lastWord(now Time, r *request, c exchange.Cause) Effect {
	e := Effect{Op: OpFail, ID: r.ID, Cause: c, Facts: p.facts(now, r)}
	if r.released {
		e.Op = OpCut
	}
	return e
}

func (p *Pool) facts(now Time, r *request) exchange.Facts {
	f := exchange.Facts{Attempts: r.begins}
	if s := r.slot; s != nil {
		f.Worker, f.Spawn, f.Generation, f.Slot = s.w.number, uint64(s.w.spawn), s.w.generation, s.index
		if f.Queue = now - r.arrived; r.headed != never {
			f.Queue, f.Work = r.headed-r.arrived, now-r.headed
		}
		if r.place == placeSlot && p.begun(r) {
			f.Attempts++
		}
	} else {
		f.Queue = now - r.arrived
	}
	return f
}

// lateCause names what a request waited for in vain.
func (p *Pool) lateCause(r *request) exchange.Cause {
	if r.begins > 0 {
		return exchange.CauseWorkerCrash
	}
	if !p.boot.ever {
		return exchange.CauseBooting
	}
	return exchange.CauseQueueTimeout
}

// fail answers r, which is in no list, with the cause and forgets it.
func (p *Pool) fail(now Time, r *request, c exchange.Cause) {
	p.refuse(now, r, c, "")
	p.forget(r)
}

// refuse gives r its last word, which is not its answer: it is counted and noted.
func (p *Pool) refuse(now Time, r *request, c exchange.Cause, text string) {
	p.totals.Failed++
	if r.released {
		p.totals.Cut++
	}
	p.emit(p.lastWord(now, r, c))
	n := Note{Kind: NoteError, ID: r.ID, Cause: c, Text: text}
	if r.slot != nil {
		n.Spawn, n.Number, n.Generation = r.slot.w.spawn, r.slot.w.number, r.slot.w.generation
	}
	p.note(n)
}
