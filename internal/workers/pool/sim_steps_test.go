package pool

import (
	"time"

	"fender/internal/exchange"
	"fender/internal/observe/event"
)

// step does one random thing.
func (w *world) step() {
	w.seen.Steps++
	switch k := w.rng.IntN(100); {
	case k < 15:
		for range 1 + w.rng.IntN(w.opts.Ahead) {
			w.submit()
		}
	case k < 17:
		w.cancel()
	case k < 56:
		for range 3 {
			w.workerStep()
		}
	case k < 74:
		for range 2 {
			w.deliver()
		}
	case k < 84:
		w.pass(time.Duration(w.rng.IntN(20)) * time.Millisecond / 4)
	case k < 88:
		w.pass(time.Duration(w.rng.IntN(1500)) * time.Millisecond)
	case k < 91:
		w.killOne()
	case k < 93:
		w.bury()
	case k < 95:
		w.templateStep()
	case k < 96:
		w.rareStep()
	case k < 97:
		w.p.Scale(w.now, 1-2*w.rng.IntN(2))
		w.act()
	case k < 98:
		for range 4 {
			w.pauseOne()
		}
		w.extendOne()
	case k < 99:
		w.memory()
	default:
		if w.chance(15) {
			w.killTemplate()
		} else if w.chance(5) {
			w.stop()
		}
	}
}

func (w *world) rareStep() {
	switch k := w.rng.IntN(100); {
	case k < 50:
		w.badCode = w.chance(30)
		w.say("reload")
		w.p.Reload(w.now, event.ReasonReload)
		w.seen.Reloads++
		w.act()
	case k < 65:
		w.gap()
	case k < 80:
		w.garbage()
	case k < 82:
		w.call()
	case k < 87:
		// A thread of the application that answers no request holds the interpreter's lock.
		if sw := w.anyAlive(); sw != nil {
			w.say("worker %d is deaf", sw.id)
			sw.deaf = true
		}
	default:
		w.forceRelease()
	}
}

func (w *world) stop() {
	w.say("stop")
	w.seen.Stops++
	w.p.Stop(w.now)
	w.act()
	if w.chance(30) {
		w.say("force")
		w.seen.Forced++
		w.p.Force(w.now)
		w.act()
		if w.open > 0 {
			w.failf("%d requests are open after Force", w.open)
		}
	}
}

func (w *world) submit() {
	q := &simRequest{id: exchange.ID(len(w.requests) + 1), safe: w.chance(60), length: -1}
	if !w.calm {
		q.killer, q.sticks, q.streams = w.chance(4), w.chance(4), w.chance(15)
		q.bad, q.brk = w.chance(3), w.chance(3)
	}
	q.priority = int8(w.rng.IntN(8) / 7)
	if q.size = 1 << 10; w.chance(20) {
		q.size = 60 << 10
	}
	w.requests = append(w.requests, q)
	w.open++
	w.seen.Submitted++
	w.say("submit %d safe=%v killer=%v sticks=%v", q.id, q.safe, q.killer, q.sticks)
	w.p.Submit(w.now, Request{ID: q.id, Safe: q.safe, Priority: q.priority, Size: q.size})
	w.act()
}

func (w *world) cancel() {
	if len(w.requests) == 0 {
		return
	}
	q := w.requests[w.rng.IntN(len(w.requests))]
	if !q.over() {
		w.seen.Cancelled++
	}
	w.say("cancel %d", q.id)
	w.p.Cancel(w.now, q.id)
	w.act()
	if !q.over() {
		w.failf("request %d is not over after its client has gone", q.id)
	}
}

// pass lets time pass, deadline by deadline.
func (w *world) pass(d time.Duration) {
	until := w.now + d
	for n := 0; w.fault == ""; n++ {
		at, ok := w.p.Next()
		if !ok || at > until {
			break
		}
		if n > 100_000 {
			w.failf("the pool wants to be woken at %v again and again", at)
			return
		}
		w.now = max(w.now, at)
		w.p.Tick(w.now)
		w.act()
		w.check()
	}
	w.now = until
	w.p.Tick(w.now)
	w.act()
}

// gap stops the whole container for a while.
func (w *world) gap() {
	d := time.Duration(w.rng.IntN(8000)) * time.Millisecond
	w.say("everything stands still for %v", d)
	w.seen.Gaps++
	w.now += d
	for _, sw := range w.living {
		for i := range sw.slots {
			s := &sw.slots[i]
			if s.running() && !s.paused {
				s.frozen += d
				s.gaps++
			}
			s.cur.sent += d
			s.clearAt += d
			for j := range s.inbox {
				s.inbox[j].sent += d
			}
		}
	}
	w.p.Tick(w.now)
	w.act()
}

func (w *world) killOne() {
	if sw := w.anyAlive(); sw != nil {
		w.seen.OutsideKills++
		w.die(sw, w.chance(20))
		if !sw.death.Own {
			sw.death.Signal = 9
		}
	}
}

// bury tells the pool of one death in the order of the design: frames, taking back, and, often
// later, what the death was.
func (w *world) bury() {
	for _, sw := range w.living {
		if !sw.dead {
			continue
		}
		if !sw.noticed {
			w.notice(sw)
			if w.chance(50) {
				return
			}
		}
		if sw.bootFail {
			w.p.BootFailed(w.now, sw.id, 22, "no module named nowhere")
		}
		w.say("worker %d is buried", sw.id)
		w.remove(sw)
		w.p.Died(w.now, sw.id, sw.death)
		w.act()
		return
	}
}

func (w *world) notice(sw *simWorker) {
	sw.noticed = true
	if sw.hello && !sw.helloed {
		sw.helloed = true
		w.p.Hello(w.now, sw.id)
		w.act()
	}
	for i := range sw.slots {
		s := &sw.slots[i]
		s.paused = false
		for len(s.outbox) > 0 && w.fault == "" {
			w.deliverFrom(sw, i)
		}
		w.takeBack(sw, i)
		w.act()
		if s.reading && !s.begun {
			w.seen.MovedNotBegun++
		}
	}
}

func (w *world) remove(sw *simWorker) {
	sw.gone = true
	for i, x := range w.living {
		if x == sw {
			w.living = append(w.living[:i:i], w.living[i+1:]...)
			return
		}
	}
}

func (w *world) templateStep() {
	for g := 1; g <= w.p.lastGeneration; g++ {
		if w.temps[g] != "loading" {
			continue
		}
		if w.badCode && g > 1 && !w.calm {
			w.temps[g] = "dead"
			w.p.TemplateFailed(w.now, g, 1, "does not import")
		} else {
			w.temps[g] = "ready"
			w.say("template %d ready", g)
			w.p.TemplateReady(w.now, g)
		}
		w.act()
		return
	}
}

func (w *world) killTemplate() {
	for g := w.p.lastGeneration; g > 0; g-- {
		if w.temps[g] == "ready" {
			w.seen.TemplateDeaths++
			w.temps[g] = "dead"
			w.say("template %d dies", g)
			w.p.TemplateDied(w.now, g, "killed")
			w.act()
			return
		}
	}
}

// pauseOne has a client read too slowly, or again.
func (w *world) pauseOne() {
	for _, sw := range w.living {
		for i := range sw.slots {
			s := &sw.slots[i]
			if s.paused {
				w.resume(sw, i)
				return
			}
			if !sw.dead && s.running() && sw.helloed && w.request(s.cur.id).released {
				s.paused, s.pausedAt = true, w.now
				w.seen.Paused++
				w.say("pause %d", s.cur.id)
				w.p.Paused(w.now, sw.id, i)
				w.act()
				return
			}
		}
	}
}

func (w *world) resume(sw *simWorker, i int) {
	s := &sw.slots[i]
	s.paused = false
	s.stood += w.now - s.pausedAt
	w.say("resume worker %d slot %d", sw.id, i)
	w.p.Resumed(w.now, sw.id, i)
	w.act()
}

// extendOne has an application ask for more time.
func (w *world) extendOne() {
	for _, sw := range w.living {
		for i := range sw.slots {
			s := &sw.slots[i]
			if !sw.dead && sw.helloed && s.running() && len(s.outbox) == 0 && w.chance(30) {
				d := time.Duration(1+w.rng.IntN(4000)) * time.Millisecond
				s.extended += d
				w.seen.Extended++
				w.say("extend %d by %v", s.cur.id, d)
				w.p.Extend(w.now, sw.id, i, d)
				w.act()
				return
			}
		}
	}
}

// call has an application ask the master for something.
func (w *world) call() {
	if sw := w.anyAlive(); sw != nil && sw.helloed {
		for i := range sw.slots {
			if x := w.p.findSlot(sw.id, i); x != nil && x.n > 2 {
				return // it is longer than it may become
			}
		}
		w.seen.Calls++
		w.say("worker %d calls", sw.id)
		sw.calls = true
		w.p.Called(sw.id)
	}
}

// forceRelease has the hands run out of memory for an answer that they hold.
func (w *world) forceRelease() {
	for _, q := range w.requests {
		if q.hasParts && !q.over() && !q.released {
			q.forced = true
			w.seen.ForcedReleases++
			w.p.ForceRelease(q.id)
			w.act()
			return
		}
	}
}

// garbage is a frame that no honest worker sends.
func (w *world) garbage() {
	if sw := w.anyAlive(); sw != nil {
		w.seen.Protocol++
		w.say("garbage from worker %d", sw.id)
		w.blame(sw)
		sw.garbage = true
		w.p.Protocol(w.now, sw.id, "garbage")
		w.act()
	}
}

func (w *world) memory() {
	if sw := w.anyAlive(); sw != nil {
		w.p.Memory(w.now, sw.id, int64(50+w.rng.IntN(80)))
		w.act()
	}
}
