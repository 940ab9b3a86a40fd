package pool

import (
	"fender/internal/exchange"
	"fender/internal/observe/event"
)

// act carries the pool's effects out, in order, until it wants nothing more.
func (w *world) act() {
	for {
		es := w.p.Effects()
		if len(es) == 0 {
			return
		}
		for i := range es {
			w.carryOut(es[i])
		}
	}
}

func (w *world) carryOut(e Effect) {
	switch e.Op {
	case OpSend:
		w.send(e)
	case OpTakeBack:
		if sw := w.worker(e.Spawn); !sw.gone {
			w.takeBack(sw, e.Slot)
		}
	case OpRelease:
		w.released(e)
	case OpFinish, OpFail, OpCut:
		w.answered(e)
	case OpAbort:
		w.worker(e.Spawn).slots[e.Slot].abort = e.Seq
	case OpWithdraw:
		w.seen.Withdrawn++
		w.say("withdraw seq %d on worker %d slot %d", e.Seq, e.Spawn, e.Slot)
		w.worker(e.Spawn).slots[e.Slot].barred = e.Seq
	case OpStacks:
		w.seen.Struck++
		if w.worker(e.Spawn).slots[e.Slot].phase == PhaseClosing {
			w.seen.StruckInClose++
		}
	case OpProbe:
		w.seen.Probed++
		if sw := w.worker(e.Spawn); !sw.deaf && !sw.dead {
			sw.heard++
		}
	case OpInterrupt:
		w.interrupt(e)
	case OpSpawn:
		w.spawn(e)
	case OpRetire:
		sw := w.worker(e.Spawn)
		w.say("retire worker %d (%s)", e.Spawn, w.reason(e.Spawn))
		sw.retired = true
		for i := range sw.slots {
			sw.slots[i].shut = true
		}
		w.checkCapacity(e.Spawn)
	case OpKill:
		w.kill(e)
	case OpStartTemplate:
		w.temps[e.Generation] = "loading"
		w.say("start template %d", e.Generation)
	case OpStopTemplate:
		w.temps[e.Generation] = "dead"
	case OpReloadDone:
		w.done++
		if e.Text != "" {
			w.seen.ReloadsRefused++
		} else {
			w.seen.ReloadsDone++
		}
	case OpFatal:
		w.fatal = true
	case OpStopped:
		w.stopped = true
		if len(w.living) > 0 || w.open > 0 || len(w.p.requests) > 0 {
			w.failf("stopped with %d workers and %d open requests", len(w.living), w.open)
		}
	case OpNote:
		w.noted(e.Note)
	}
}

func (w *world) send(e Effect) {
	sw := w.worker(e.Spawn)
	if sw == nil || sw.gone || sw.retired || !sw.helloed {
		w.failf("request %d is sent to worker %d, which takes nothing", e.ID, e.Spawn)
		return
	}
	if q := w.request(e.ID); q.over() {
		w.failf("request %d is sent after it was answered", e.ID)
	}
	s := &sw.slots[e.Slot]
	switch {
	case sw.noticed:
		w.seen.SentToTheDead++
		w.p.SendFailed(w.now, e.Spawn, e.Slot, e.Seq)
		return
	case !w.calm && w.chance(1):
		w.say("request %d does not get into the socket of worker %d", e.ID, e.Spawn)
		w.seen.SendsFailed++
		w.p.SendFailed(w.now, e.Spawn, e.Slot, e.Seq)
		return
	}
	w.say("send %d to worker %d slot %d seq %d ahead=%v", e.ID, e.Spawn, e.Slot, e.Seq, e.Ahead)
	if e.Ahead {
		w.seen.SentAhead++
	}
	s.inbox = append(s.inbox, message{e.ID, e.Seq, w.now})
	w.checkLine(sw, e)
}

// takeBack receives what is unread. The thread may read one of several between two of the front's
// receives.
func (w *world) takeBack(sw *simWorker, i int) {
	s := &sw.slots[i]
	if n := len(s.inbox); n > 1 && !s.reading && !sw.dead && !sw.deaf && !s.stuck && w.chance(20) {
		w.seen.Overtaken++
		w.read(s, 1+w.rng.IntN(n-1))
		w.say("worker %d reads %d meanwhile", sw.id, s.cur.id)
	}
	var seqs []uint32
	for _, m := range s.inbox {
		seqs = append(seqs, m.seq)
	}
	s.inbox = s.inbox[:0]
	w.say("take back %v from worker %d slot %d", seqs, sw.id, i)
	w.seen.TakenBack += len(seqs)
	w.p.TookBack(w.now, sw.id, i, seqs)
}

func (w *world) interrupt(e Effect) {
	w.seen.Interrupted++
	sw := w.worker(e.Spawn)
	if sw.deaf || sw.dead || w.chance(20) { // or it came right before a system call
		return
	}
	sw.heard++
	s := &sw.slots[e.Slot]
	if w.chance(70) {
		s.stuck = false
		if s.running() {
			s.outbox = append(s.outbox, frame{message: s.cur, end: true, length: -1, broken: s.parts > 0})
			s.ended, s.phase = true, PhaseIdle
		}
	}
}

func (w *world) spawn(e Effect) {
	sw := &simWorker{id: e.Spawn, gen: e.Generation, slots: make([]simSlot, w.opts.Threads)}
	w.workers = append(w.workers, sw)
	w.living = append(w.living, sw)
	w.say("spawn worker %d number %d generation %d", e.Spawn, e.Number, e.Generation)
	if e.Spawn != SpawnID(len(w.workers)) {
		w.failf("worker %d is spawned as number %d", e.Spawn, len(w.workers))
	}
	switch {
	case w.temps[e.Generation] != "ready":
		w.failf("worker %d is spawned from template %d, which is %q", e.Spawn, e.Generation, w.temps[e.Generation])
	case !w.calm && w.chance(1) && w.p.boot.ever:
		w.seen.ForkFailures++
		w.remove(sw)
		w.p.ForkFailed(w.now, e.Spawn, "no more processes")
	default:
		sw.bootFail = !w.calm && w.chance(4) && w.p.boot.ever
	}
}

func (w *world) kill(e Effect) {
	sw := w.worker(e.Spawn)
	if sw.dead || sw.gone {
		return
	}
	w.seen.Killed++
	if x := w.p.find(e.Spawn); x != nil && x.own && !sw.garbage {
		w.seen.Frozen++
		w.blame(sw)
	}
	sw.dead = true
	sw.death = Death{Signal: 9}
	sw.retired = true
	w.say("kill worker %d", e.Spawn)
}

func (w *world) reason(id SpawnID) event.Reason {
	if x := w.p.find(id); x != nil {
		return x.reason
	}
	return ""
}

func (w *world) noted(n *Note) {
	switch n.Kind {
	case NoteTakenBack:
		sw := w.worker(n.Spawn)
		for i := range sw.slots {
			if s := &sw.slots[i]; !sw.dead && s.reading && !s.begun && s.cur.id == n.ID {
				w.seen.MovedWithdrawn++
			}
		}
	case NoteRetry:
		w.seen.Retried++
	case NoteScale:
		w.seen.Scaled++
		w.target += n.Delta
	case NoteReload:
		if n.Text == "began" {
			w.began++
		}
	case NoteWorker:
		if n.From == StateReady {
			w.ready--
		}
		if n.To == StateReady {
			w.ready++
		}
		if n.To == StateRetiring {
			switch n.Reason {
			case event.ReasonMaxRequests, event.ReasonMaxLifetime, event.ReasonMemory:
				w.seen.Recycled++
			}
		}
	}
}

// released checks the rules of when an answer may begin to leave.
func (w *world) released(e Effect) {
	q := w.request(e.ID)
	w.say("release %d", e.ID)
	if q.released || q.over() {
		w.failf("answer %d is released twice or after its end", e.ID)
	}
	q.released = true
	w.seen.Released++
	most := w.opts.AnswerBuffer
	quiet := q.length < 0 && (q.held >= streamBytes || w.now-q.partAt >= streamQuiet)
	if !q.forced && !quiet && q.length <= most && q.held <= most {
		w.failf("answer %d (length %d, %d bytes, quiet since %v) is released", e.ID, q.length, q.held, q.partAt)
	}
}

// answered checks the last word about a request.
func (w *world) answered(e Effect) {
	q := w.request(e.ID)
	w.say("answer %d op=%d cause=%s", e.ID, e.Op, e.Cause)
	if q.over() {
		w.failf("request %d is answered twice", e.ID)
	}
	w.open--
	switch e.Op {
	case OpFinish:
		q.finished = true
		w.seen.Answered++
		if e.Facts.Attempts != q.begins && !q.torn {
			w.failf("request %d was begun %d times, its facts say %d", e.ID, q.begins, e.Facts.Attempts)
		}
	case OpFail:
		if q.released {
			w.failf("request %d fails with %s after its answer had begun to leave", e.ID, e.Cause)
		}
		q.failed = true
	case OpCut:
		if !q.released {
			w.failf("request %d is cut before its answer had begun to leave", e.ID)
		}
		w.seen.Cut++
		q.cut = true
	}
	switch e.Cause {
	case exchange.CauseWorkerCrash:
		w.seen.CrashAnswers++
		if q.begins == 0 && !q.torn {
			w.failf("request %d was never begun and fails with worker-crash", e.ID)
		}
	case exchange.CausePoison:
		w.seen.Poisoned++
		if q.ownDeaths < poisonDeaths {
			w.failf("request %d is called poison after %d deaths", e.ID, q.ownDeaths)
		}
	case exchange.CauseHarakiri:
		w.checkStruck(q)
	case exchange.CauseQueueTimeout:
		w.seen.QueueTimeouts++
	case exchange.CauseQueueFull:
		w.seen.QueueFull++
	case exchange.CauseBooting:
		w.seen.Booting++
	case exchange.CauseDraining:
		w.seen.Draining++
	}
}
