package pool

import (
	"slices"

	"fender/internal/exchange"
	"fender/internal/observe/event"
)

// Death says how a worker's process ended.
type Death struct {
	// Own is whether the worker's own doing ended it: a fatal signal, an exit, the kernel for want
	// of memory. A SIGKILL or SIGTERM from outside is not its doing, nor is one that we sent.
	Own    bool
	Signal int // 0 when it exited
	Code   int // exit code
	OOM    bool
	Text   string
}

// Died reports that a worker's process is gone: after the rest of its frames and what came back
// unread were reported, and while its page can still be read.
func (p *Pool) Died(now Time, id SpawnID, d Death) {
	w := p.find(id)
	if w == nil {
		return
	}
	p.totals.Gone++
	booting := w.state == StateStarting || w.ready == 0 && w.reason == event.ReasonProtocol
	crashed := w.reason == event.ReasonNone
	if crashed {
		switch {
		case booting:
			w.reason = event.ReasonBootFailure
		case d.OOM:
			w.reason = event.ReasonOOM
		default:
			w.reason = event.ReasonCrash
		}
	}
	p.move(w, StateGone, now-max(w.ready, w.decided), &d)
	p.remove(w)
	own := d.Own || w.own
	worked := false
	for i := range w.slots {
		worked = p.orphan(now, &w.slots[i], own) || worked
	}
	p.timers.clear(&w.stall)
	p.timers.clear(&w.mercy)
	if p.stopping {
		p.checkStopped()
		return
	}
	switch {
	case booting || w.proving:
		p.bootFailed(now, w, d)
	case crashed && own && w.requests == 0 && !worked:
		p.backOff(now)
		p.warn("worker %d (spawn %d) died before it served anything: %s; next attempt in %v",
			w.number, w.spawn, d.Text, p.boot.pause())
	}
	p.settle(now)
}

func (p *Pool) remove(w *worker) {
	p.workers = slices.DeleteFunc(p.workers, func(x *worker) bool { return x == w })
}

// orphan decides about what a dead worker's slot had, by the table of ARCHITECTURE.md. It tells
// whether the slot had begun anything that was not answered.
func (p *Pool) orphan(now Time, s *slot, own bool) (worked bool) {
	w := s.w
	if s.closing {
		p.closing--
	}
	for _, t := range []*timer{&s.unread, &s.ahead, &s.quiet, &s.shut, &s.harakiri, &s.grace} {
		p.timers.clear(t)
	}
	// The newest first, so that the older of two unread requests keeps its place before it.
	for s.n > 0 {
		r := s.last()
		s.off(r)
		begun := p.begun(r)
		worked = worked || begun
		switch {
		case r.place == placeGhost:
			p.forget(r)
		case !begun:
			p.totals.TakenBack++
			p.note(Note{Kind: NoteTakenBack, Spawn: w.spawn, Number: w.number, ID: r.ID})
			p.requeue(now, r)
		default:
			r.begins++
			r.place = placeGhost
			p.begunOrphan(now, r, own)
		}
	}
	return worked
}

func (p *Pool) begunOrphan(now Time, r *request, own bool) {
	w, id := r.slot.w, r.ID
	switch {
	case r.released:
		p.fail(now, r, exchange.CauseAnswerCut)
	case !r.Safe && w.killed && w.reason == event.ReasonHarakiri:
		p.fail(now, r, exchange.CauseHarakiri)
	case !r.Safe:
		p.fail(now, r, exchange.CauseWorkerCrash)
	case own && r.deaths+1 >= poisonDeaths:
		p.totals.Poison++
		p.fail(now, r, exchange.CausePoison)
	default:
		if own {
			r.deaths++
			r.suspect = true
		}
		if p.requeue(now, r) {
			p.totals.Retried++
			p.note(Note{Kind: NoteRetry, ID: id, Spawn: w.spawn, Number: w.number, Generation: w.generation})
		}
	}
}
