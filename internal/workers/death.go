package workers

import (
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/workers/osproc"
	"fender/internal/workers/pool"
	"fender/internal/workers/python"
)

// death is what is known of a worker's end.
type death struct {
	known  bool
	status osproc.Status
	alarm  *alarm
}

// ended is called when a worker's pidfd says that its process has ended, which is the only sign of
// it. The order is the design's: first what it had sent is delivered, since a finished answer must
// not be lost or run twice; then what it had not read is taken back and moves at once; then its
// exit status is asked for, since it says who is to blame; then the pool reads the page and decides.
func (w *Workshop) ended(now time.Duration, m *member) {
	if m.dead {
		return
	}
	m.dead = true
	w.loop.Remove(m.pidfd)
	w.alarms.clear(m.late)
	w.sampler.Unwatch(uint64(m.spawn))
	for i := range m.ends {
		m.ends[i].read(now, 0)
		w.loop.Remove(m.ends[i].token)
	}
	for i := range m.ends {
		_ = w.reclaim(now, m, i) // a breach of the protocol changes nothing any more
		w.carry(now)
	}
	m.death.alarm = w.alarms.set(now+statusPatience, func(now time.Duration) { w.died(now, m, false) })
	w.procs.Await(m.pid(), func(s osproc.Status) {
		w.post(func(now time.Duration) { w.autopsy(now, m, s) })
	})
	if t := m.template; t.state == templateReady {
		t.reap(m.spawn, m.pid())
	} else {
		w.procs.Poll() // an orphan: it is ours by now
	}
}

// corpse is the dead worker that a template's report is about, or nil.
func (w *Workshop) corpse(r *python.Report) *member {
	if m := w.members[pool.SpawnID(r.Spawn)]; m != nil && m.dead && m.pid() == r.PID {
		return m
	}
	return nil
}

// autopsy finds out whose doing a death was. A SIGKILL that we did not send came from outside, or
// from the kernel for want of memory; its counter is read elsewhere, it is a file.
func (w *Workshop) autopsy(now time.Duration, m *member, s osproc.Status) {
	if m.death.known || m.buried {
		return
	}
	m.death.known, m.death.status = true, s
	if s.Signal() != unix.SIGKILL || m.killed || w.memory == nil {
		w.died(now, m, false)
		return
	}
	w.helpers.Go(func() {
		kills := w.memory.Kills()
		w.post(func(now time.Duration) { w.died(now, m, w.outOfMemory(m, kills)) })
	})
}

// outOfMemory tells whether the kernel's count of processes that it ended for want of memory has
// grown by this death.
func (w *Workshop) outOfMemory(m *member, kills int64) bool {
	if kills <= w.kills {
		return false
	}
	w.kills = kills
	for _, other := range w.members {
		if other != m && other.dead {
			// Another death is being looked into at the same time: it may be the other half.
			w.kills = kills - 1
			break
		}
	}
	return true
}

// died tells the pool, whose effects move or fail what the worker had, and buries the worker.
func (w *Workshop) died(now time.Duration, m *member, oom bool) {
	if m.buried {
		return
	}
	for _, fl := range w.flights {
		if fl.to == m && !fl.released {
			w.again(fl) // half an answer of the dead is no answer
		}
	}
	w.pool.Died(now, m.spawn, m.verdict(oom))
	w.carry(now)
	w.dispose(m)
}

// verdict says how the worker ended and whether that was its own doing.
func (m *member) verdict(oom bool) pool.Death {
	d := pool.Death{OOM: oom}
	if !m.death.known {
		d.Text = "exit status unknown"
		return d
	}
	s := m.death.status
	d.Signal, d.Code, d.Text = int(s.Signal()), s.Code(), s.String()
	switch s.Signal() {
	case unix.SIGKILL:
		d.Own = oom
	case unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT:
		d.Own = false // sent by somebody who wants it to end
	default:
		d.Own = true // an exit, or a signal that a fault of its own raised
	}
	return d
}
