package pool

import "time"

// anyAlive is a random worker whose process runs, or nil.
func (w *world) anyAlive() *simWorker {
	n := 0
	for _, sw := range w.living {
		if !sw.dead {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	n = w.rng.IntN(n)
	for _, sw := range w.living {
		if sw.dead {
			continue
		}
		if n == 0 {
			return sw
		}
		n--
	}
	return nil
}

// workerStep lets one thread of one worker do its next thing.
func (w *world) workerStep() {
	sw := w.anyAlive()
	switch {
	case sw == nil:
	case sw.hello:
		w.threadStep(sw, &sw.slots[w.rng.IntN(len(sw.slots))])
	case sw.bootFail:
		sw.dead = true
		sw.death = Death{Own: true, Code: 1}
		w.seen.BootFailures++
	default:
		sw.hello = true
	}
}

func (w *world) threadStep(sw *simWorker, s *simSlot) {
	if sw.deaf || s.stuck {
		return
	}
	switch {
	case !s.reading && len(s.inbox) > 0:
		w.say("worker %d reads %d", sw.id, s.inbox[0].id)
		w.read(s, 0)
	case !s.reading:
		if s.shut {
			for i := range sw.slots {
				if x := &sw.slots[i]; x.reading || len(x.inbox) > 0 || !x.shut {
					return
				}
			}
			sw.dead = true
			sw.death = Death{}
			w.say("worker %d ends", sw.id)
		}
	case !s.begun:
		w.begin(sw, s)
	case !s.ended:
		w.produce(s)
	default: // close() returns
		if s.phase == PhaseClosing {
			s.phase = PhaseIdle
			if w.now-s.endedAt >= time.Millisecond {
				w.seen.SlowCloses++
				s.outbox = append(s.outbox, frame{message: s.cur, idle: true})
			}
		}
		s.reading = false
	}
}

// read has the thread take the message i of the socket.
func (w *world) read(s *simSlot, i int) {
	s.cur, s.reading, s.begun, s.parts, s.ended = s.inbox[i], true, false, 0, false
	s.inbox = append(s.inbox[:i:i], s.inbox[i+1:]...)
}

func (w *world) begin(sw *simWorker, s *simSlot) {
	q := w.request(s.cur.id)
	if s.barred == s.cur.seq {
		w.refuse(sw, s, q)
		return
	}
	s.begun, s.seq, s.phase = true, s.cur.seq, PhaseCalling
	s.begunAt, s.stood, s.extended, s.frozen, s.gaps = w.now, 0, 0, 0, 0
	q.begins++
	q.hasParts, q.held, q.length = false, 0, -1
	w.seen.Begun++
	w.say("worker %d begins %d", sw.id, q.id)
	w.checkBegin(sw, s, q)
	if q.killer && w.chance(70) {
		w.die(sw, true)
	} else if q.sticks && !w.calm {
		s.stuck = true
		sw.deaf = w.chance(30)
		w.say("%d is stuck, deaf=%v", q.id, sw.deaf)
	}
}

// refuse gives back what was withdrawn. The thread may be held up between saying that it begins and
// looking whether it may.
func (w *world) refuse(sw *simWorker, s *simSlot, q *simRequest) {
	if !s.torn && w.chance(20) {
		w.seen.Torn++
		w.say("worker %d says that it begins %d", sw.id, s.cur.id)
		s.torn, q.torn = true, true
		s.seq, s.phase = s.cur.seq, PhaseCalling
		return
	}
	w.seen.Refused++
	w.say("worker %d refuses %d", sw.id, s.cur.id)
	s.seq, s.phase, s.reading, s.torn = s.cur.seq-1, PhaseIdle, false, false
	s.outbox = append(s.outbox, frame{message: s.cur, refused: true})
}

func (w *world) produce(s *simSlot) {
	q := w.request(s.cur.id)
	f := frame{message: s.cur, n: w.rng.IntN(200), length: -1}
	if !q.streams {
		f.length = 1000
	} else if w.chance(30) {
		f.n = 2 << 20
	} else if w.chance(30) {
		f.n = 40 << 10
	}
	s.parts++
	if s.abort == s.cur.seq || w.chance(60) || s.parts > 4 {
		f.end = true
		f.closing = w.chance(50)
		f.broken = q.brk
		f.bad = q.bad
		if f.closing {
			s.phase, s.endedAt = PhaseClosing, w.now
			// A close() may be what never comes back, too.
			s.stuck = q.sticks && !w.calm && w.opts.Harakiri > 0
		} else {
			s.phase = PhaseIdle
		}
		s.ended = true
	} else {
		s.phase = PhaseIterating
		w.seen.Streams++
	}
	s.outbox = append(s.outbox, f)
}

func (w *world) die(sw *simWorker, own bool) {
	sw.dead = true
	sw.death = Death{Own: own, Signal: 11}
	w.say("worker %d dies own=%v", sw.id, own)
	if own {
		w.seen.OwnDeaths++
		w.blame(sw)
	}
}

// blame counts the death of a worker by its own doing for everything that it had begun.
func (w *world) blame(sw *simWorker) {
	for i := range sw.slots {
		if s := &sw.slots[i]; s.running() {
			w.request(s.cur.id).ownDeaths++
		}
	}
}

// deliver hands one frame to the pool.
func (w *world) deliver() {
	sw := w.anyAlive()
	if sw == nil {
		return
	}
	if sw.hello && !sw.helloed {
		sw.helloed = true
		w.say("worker %d is ready", sw.id)
		w.p.Hello(w.now, sw.id)
		w.act()
		return
	}
	i := w.rng.IntN(len(sw.slots))
	if s := &sw.slots[i]; len(s.outbox) > 0 && !s.paused {
		w.deliverFrom(sw, i)
	}
}

func (w *world) deliverFrom(sw *simWorker, i int) {
	s := &sw.slots[i]
	f := s.outbox[0]
	s.outbox = s.outbox[1:]
	w.say("frame of %d from worker %d end=%v closing=%v idle=%v n=%d", f.id, sw.id, f.end, f.closing, f.idle, f.n)
	q := w.request(f.id)
	if !f.idle && !f.refused && !q.over() {
		if !q.hasParts {
			q.length = f.length
		}
		q.hasParts, q.partAt = true, w.now
		q.held += int64(f.n)
	}
	if f.bad {
		w.p.BadAnswer(w.now, sw.id, i, "bad")
	}
	ok := true
	switch {
	case f.idle:
		w.p.Idle(w.now, sw.id, i)
		s.knownAt, s.clearAt = w.now, w.now
	case f.refused:
		if !w.p.Refused(w.now, sw.id, i) {
			w.failf("the pool did not withdraw %d, which worker %d refuses", f.id, sw.id)
		}
		s.knownAt, s.clearAt = w.now, w.now
	case f.end:
		ok = w.p.AnswerEnd(w.now, sw.id, i, f.id, f.seq, f.n, f.length, f.closing, f.broken)
		s.knownAt, s.clearAt = w.now, w.now
	default:
		ok = w.p.AnswerPart(w.now, sw.id, i, f.id, f.seq, f.n, f.length)
	}
	if !ok {
		w.failf("the pool does not know the answer %d of worker %d", f.id, sw.id)
	}
	w.act()
}
