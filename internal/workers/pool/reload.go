package pool

import (
	"fmt"

	"fender/internal/observe/event"
)

// A generation is one reading of the application's code: a template and the workers forked from
// it. At most two exist at a time: the one that serves, and either the one that shall take over
// (next) or the one that was replaced (old).
type generation struct {
	number int
	state  generationState
}

type generationState uint8

const (
	generationLoading generationState = iota + 1
	generationReady
	generationDead // its template is gone; its workers may live on
)

// reloadState is about the reload that runs.
type reloadState struct {
	reason event.Reason
	again  event.Reason // asked for once more meanwhile
	began  Time
	told   bool // its end was reported
}

func (p *Pool) newGeneration() *generation {
	p.lastGeneration++
	return &generation{number: p.lastGeneration}
}

func (p *Pool) startTemplate(g *generation) {
	g.state = generationLoading
	p.emit(Effect{Op: OpStartTemplate, Generation: g.number})
	p.note(Note{Kind: NoteTemplate, Generation: g.number, Text: "starting"})
}

func (p *Pool) stopTemplate(g *generation) {
	if g == nil || g.state == generationDead {
		return
	}
	g.state = generationDead
	p.emit(Effect{Op: OpStopTemplate, Generation: g.number})
}

// Reload asks for the application's code to be read anew. While a reload runs, or the old
// generation still has workers, all further wishes become one more reload afterwards.
func (p *Pool) Reload(now Time, why event.Reason) {
	if p.stopping {
		return
	}
	if p.reloading() {
		p.reload.again = why
		p.note(Note{Kind: NoteReload, Text: "merged: another reload runs, one more follows it"})
		return
	}
	p.reload = reloadState{reason: why, began: now}
	p.next = p.newGeneration()
	p.note(Note{Kind: NoteReload, Generation: p.next.number, Reason: why, Text: "began"})
	p.startTemplate(p.next)
}

// reloading tells whether a reload must wait: another one runs, workers of another generation are
// still there, or nothing has ever been ready.
func (p *Pool) reloading() bool {
	return p.next != nil || p.old != nil || !p.boot.ever ||
		p.count(func(w *worker) bool { return w.generation != p.gen.number }) > 0
}

// TemplateReady reports that a template has imported the application.
func (p *Pool) TemplateReady(now Time, number int) {
	switch {
	case p.stopping:
	case p.gen != nil && p.gen.number == number:
		p.gen.state = generationReady
		p.note(Note{Kind: NoteTemplate, Generation: number, Text: "ready"})
		if p.boot.ever {
			p.boot.failures = 0
			p.timers.clear(&p.boot.until)
		}
		p.settle(now)
	case p.next != nil && p.next.number == number:
		p.next.state = generationReady
		p.note(Note{Kind: NoteTemplate, Generation: number, Text: "ready"})
		p.spawnWorker(now, p.next, true)
	}
}

// TemplateFailed reports that a template could not import the application.
func (p *Pool) TemplateFailed(now Time, number, code int, text string) {
	p.templateGone(now, number, code, "failed", text)
}

// TemplateDied reports the death of a template that had been ready.
func (p *Pool) TemplateDied(now Time, number int, text string) {
	p.templateGone(now, number, 1, "gone", text)
}

func (p *Pool) templateGone(now Time, number, code int, word, text string) {
	switch {
	case p.stopping:
	case p.next != nil && p.next.number == number:
		p.next.state = generationDead
		p.refuseReload(now, text)
	case p.gen != nil && p.gen.number == number && p.gen.state != generationDead:
		was := p.gen.state
		p.gen.state = generationDead
		p.note(Note{Kind: NoteTemplate, Generation: number, Text: word + ": " + text})
		if !p.boot.ever && was == generationLoading {
			p.fatal(max(code, 1), text)
			return
		}
		// Its workers go on. A new template takes its place, at once if this one had been ready.
		if was == generationLoading {
			p.backOff(now)
			p.warn("the template did not come up again: %s; the workers go on, next attempt in %v", text, p.boot.pause())
		}
		p.reconcile(now)
	case p.old != nil && p.old.number == number:
		p.old.state = generationDead
	}
}

// commitReload is called when the first worker of the new generation is ready: from now on new
// workers are of that generation, and the old ones leave one by one.
func (p *Pool) commitReload(now Time) {
	p.old, p.gen, p.next = p.gen, p.next, nil
	for _, w := range p.workers {
		if w.generation == p.gen.number {
			continue
		}
		switch w.state {
		case StateReady:
			w.due = p.reload.reason
		case StateStarting:
			p.retire(now, w, p.reload.reason)
		}
	}
	p.timers.clear(&p.boot.until)
}

// refuseReload ends a reload whose new code does not come up. The old generation never stopped.
func (p *Pool) refuseReload(now Time, text string) {
	g := p.next
	p.next = nil
	for _, w := range p.workers {
		if w.generation == g.number {
			w.proving, w.reason = false, p.reload.reason
			p.kill(w)
		}
	}
	p.stopTemplate(g)
	p.note(Note{
		Kind: NoteReload, Generation: g.number, Reason: p.reload.reason,
		Text: fmt.Sprintf("refused, generation %d goes on: %s", p.gen.number, text),
	})
	p.emit(Effect{Op: OpReloadDone, Generation: g.number, Code: 4, Text: text})
	p.settle(now)
}

// finishReload reports the end of a reload once no old worker serves any more, and lets the old
// template go when none is left at all.
func (p *Pool) finishReload(now Time) {
	if p.stopping {
		return
	}
	if p.old == nil {
		p.again(now)
		return
	}
	serving, alive := 0, 0
	for _, w := range p.workers {
		if w.generation == p.gen.number {
			continue
		}
		alive++
		if w.state == StateReady {
			serving++
		}
	}
	if serving == 0 && !p.reload.told {
		p.reload.told = true
		p.totals.Reloads++
		p.note(Note{
			Kind: NoteReload, Generation: p.gen.number, Reason: p.reload.reason,
			Text: "done", After: now - p.reload.began,
		})
		p.emit(Effect{Op: OpReloadDone, Generation: p.gen.number})
	}
	if alive == 0 {
		p.stopTemplate(p.old)
		p.old = nil
		p.again(now)
	}
}

// again begins the reload that was asked for while another one ran.
func (p *Pool) again(now Time) {
	if why := p.reload.again; why != event.ReasonNone && !p.reloading() {
		p.Reload(now, why)
	}
}
