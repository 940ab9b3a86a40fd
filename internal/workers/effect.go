package workers

import (
	"errors"
	"strings"
	"time"

	"fender/internal/exchange"
	"fender/internal/workers/pool"
	"fender/internal/workers/python"
	"fender/internal/workers/worker"
)

// carry does what the pool wants, until it wants nothing more. What is done may be an event for the
// pool again (a message that came back), so the effects are copied off it first; a carry inside of
// a carry leaves its effects to the outer one, in order.
func (w *Workshop) carry(now time.Duration) {
	if w.carrying {
		return
	}
	w.carrying = true
	for {
		effects := w.pool.Effects()
		if len(effects) == 0 {
			break
		}
		w.effects = append(w.effects[:0], effects...)
		for i := range w.effects {
			w.do(now, &w.effects[i])
		}
		clear(w.effects)
		clear(w.failed)
		w.failed = w.failed[:0]
	}
	w.carrying = false
}

// do carries out one effect.
func (w *Workshop) do(now time.Duration, e *pool.Effect) {
	switch e.Op {
	case pool.OpSend:
		w.send(now, e)
	case pool.OpTakeBack:
		w.takeBack(now, e)
	case pool.OpRelease, pool.OpFinish, pool.OpFail, pool.OpCut:
		w.deliver(now, e)
	case pool.OpAbort, pool.OpWithdraw, pool.OpStacks, pool.OpInterrupt, pool.OpProbe, pool.OpRetire, pool.OpKill:
		if m := w.members[e.Spawn]; m != nil && !m.dead {
			w.command(now, m, e)
		}
	case pool.OpSpawn:
		w.spawnMember(now, e)
	case pool.OpStartTemplate:
		w.startTemplate(now, e.Generation)
	case pool.OpStopTemplate:
		if t := w.templates[e.Generation]; t != nil {
			t.leave(now)
		}
	case pool.OpReloadDone:
		w.reloads.done(e.Generation, e.Text)
	case pool.OpFatal:
		w.fail(e.Code, e.Text)
	case pool.OpStopped:
		w.idle = true
		w.checkStopped()
	case pool.OpNote:
		w.tell(now, e.Note)
	}
}

// send puts a request on a slot. One that cannot be sent is given back as unread.
func (w *Workshop) send(now time.Duration, e *pool.Effect) {
	fl, m := w.flights[e.ID], w.members[e.Spawn]
	if fl == nil || m == nil || m.dead {
		w.pool.SendFailed(now, e.Spawn, e.Slot, e.Seq)
		return
	}
	w.again(fl)
	fl.to, fl.slot = m, e.Slot
	err := w.out.Request(m.sockets, e.Slot, e.ID, e.Seq, fl.req.Environ, fl.req.Body)
	if err == nil {
		return
	}
	w.pool.SendFailed(now, e.Spawn, e.Slot, e.Seq)
	if errors.Is(err, worker.ErrClosed) {
		m.leaves(now)
	} else if !errors.Is(err, worker.ErrFull) {
		w.opts.Journal.Warn("request %d cannot be sent to worker %d: %v", e.ID, m.number, err)
	}
}

// takeBack receives what a worker has not read.
func (w *Workshop) takeBack(now time.Duration, e *pool.Effect) {
	m := w.members[e.Spawn]
	if m == nil || m.buried {
		return
	}
	err := w.reclaim(now, m, e.Slot)
	if err != nil {
		w.protocol(now, m, err.Error())
	}
	if m.retiring && !m.dead {
		m.shut()
	}
}

// reclaim takes a slot's unread messages back and tells the pool which they are.
func (w *Workshop) reclaim(now time.Duration, m *member, slot int) error {
	back, err := w.in.TakeBack(w.out, m.sockets, slot)
	w.pool.TookBack(now, m.spawn, slot, back)
	return err
}

// stackPatience is what a worker gets to write a stack before it is killed.
const stackPatience = 100 * time.Millisecond

// command carries out what concerns one worker alone.
func (w *Workshop) command(now time.Duration, m *member, e *pool.Effect) {
	page := m.sockets.Page()
	switch e.Op {
	case pool.OpAbort:
		page.Abort(e.Slot, e.Seq)
	case pool.OpWithdraw:
		page.Withdraw(e.Slot, e.Seq)
	case pool.OpStacks:
		m.signal(page.TID(e.Slot), python.StackSignal)
		m.dumping = now + stackPatience
	case pool.OpInterrupt:
		// The main thread raises the exception in the slot's thread: signals' handlers run there.
		page.Interrupt(e.Slot, e.Seq)
		m.signal(m.pid(), python.InterruptSignal)
	case pool.OpProbe:
		m.signal(m.pid(), python.InterruptSignal)
	case pool.OpRetire:
		m.retiring = true
		m.shut()
	case pool.OpKill:
		if now < m.dumping { // SIGKILL would overtake the signal that asks for the stack
			w.alarms.set(m.dumping, func(time.Duration) { m.kill() })
			return
		}
		m.kill()
	}
}

// deliver is about an answer: it may leave, it is complete, or there is none.
func (w *Workshop) deliver(now time.Duration, e *pool.Effect) {
	fl := w.flights[e.ID]
	if fl == nil {
		return
	}
	if e.Op == pool.OpRelease {
		fl.released = true
		if fl.headed {
			w.flush(fl)
		}
		if fl.full && fl.to != nil {
			if end := &fl.to.ends[fl.slot]; end.paused == 0 && !end.broken && !fl.to.dead {
				end.pause(now, e.ID)
			}
		}
		return
	}
	if m := w.members[pool.SpawnID(e.Facts.Spawn)]; m != nil {
		e.Facts.PID = m.pid()
	}
	answer, to, slot := fl.req.Answer, fl.to, fl.slot
	if e.Op == pool.OpFinish {
		w.flush(fl)
	}
	id := e.ID
	fl.req.LogVars = fl.vars
	if e.Op != pool.OpFinish {
		r := fl.req
		w.failed = append(w.failed, failedFlight{
			r.ID, strings.Clone(r.Method), strings.Clone(r.Path), strings.Clone(r.TraceID), e.Facts.Attempts,
		})
	}
	w.land(fl)
	switch e.Op {
	case pool.OpFinish:
		answer.End(e.Facts)
	case pool.OpFail:
		answer.Fail(e.Cause, e.Facts)
	case pool.OpCut:
		answer.Cut(e.Cause, e.Facts)
	}
	if to != nil && to.ends[slot].paused == id {
		to.ends[slot].unpause(now)
	}
}

// submitted gives a request to the pool.
func (w *Workshop) submitted(now time.Duration, r *exchange.Request) {
	w.newFlight(r)
	w.pool.Submit(now, pool.Request{
		ID: r.ID, Safe: w.safe[r.Method], Class: r.Class, Priority: r.Priority, Size: worker.MessageSize(r.Environ, r.Body),
	})
}

// resumed reads an answer on whose receiver has room again.
func (w *Workshop) resumed(now time.Duration, id exchange.ID) {
	fl := w.flights[id]
	if fl == nil || !fl.full {
		return
	}
	fl.full = false
	if fl.to != nil && fl.to.ends[fl.slot].paused == id {
		fl.to.ends[fl.slot].unpause(now)
	}
}
