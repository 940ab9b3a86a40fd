package workers

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/workers/osproc"
	"fender/internal/workers/pool"
	"fender/internal/workers/python"
	"fender/internal/workers/worker"
)

// spawnMember makes a worker's sockets and page and has the template fork it.
func (w *Workshop) spawnMember(now time.Duration, e *pool.Effect) {
	t := w.templates[e.Generation]
	if t == nil || t.state != templateReady || t.leaving {
		w.pool.ForkFailed(now, e.Spawn, "it is not there")
		return
	}
	sockets, err := worker.New(w.threads)
	if err != nil {
		w.pool.ForkFailed(now, e.Spawn, err.Error())
		return
	}
	if sockets.Small() && !w.toldSmall {
		w.toldSmall = true
		w.opts.Journal.Warn("the kernel's socket buffers are smaller than two requests (net.core.wmem_max): " +
			"requests with large bodies may wait longer than needed")
	}
	m := &member{
		w: w, spawn: e.Spawn, number: e.Number, generation: e.Generation,
		template: t, sockets: sockets, ends: make([]slotEnd, w.threads),
	}
	for i := range m.ends {
		m.ends[i] = slotEnd{m: m, index: i}
	}
	w.members[e.Spawn] = m
	t.asked[uint64(e.Spawn)] = m
	m.late = w.alarms.set(now+slowBoot, func(time.Duration) {
		m.late = nil
		w.opts.Journal.Warn("worker %d (pid %d) has not come up for %v; it is waited for", m.number, m.pid(), slowBoot)
	})
	t.send(order{name: python.OpSpawn, member: m, message: python.Spawn{
		Spawn: uint64(e.Spawn), Number: e.Number, Generation: e.Generation,
	}.Message()})
}

// forked goes on when the template has named the worker's process.
func (w *Workshop) forked(now time.Duration, m *member, pid int) {
	var err error
	m.proc, err = w.procs.Adopt(osproc.Worker, pid, m.template.proc.PID)
	if err != nil {
		if !errors.Is(err, osproc.ErrGone) {
			w.procs.Discard(pid)
			m.template.reap(m.spawn, pid)
		}
		w.stillborn(now, m, err.Error())
		return
	}
	m.sockets.Given()
	if m.pidfd, err = w.loop.Add(m.proc.Pidfd(), unix.EPOLLIN, procHandler{m}); err != nil {
		m.kill()
		m.template.reap(m.spawn, pid)
		w.stillborn(now, m, err.Error())
		return
	}
	for i := range m.ends {
		m.ends[i].watch(now)
	}
	w.sampler.Watch(uint64(m.spawn), pid)
	if m.killed {
		m.kill()
	}
}

// stillborn buries a worker that never became a process of ours. If there is one all the same it
// sees the end of its slots.
func (w *Workshop) stillborn(now time.Duration, m *member, why string) {
	w.pool.ForkFailed(now, m.spawn, why)
	w.carry(now)
	w.dispose(m)
}

// dispose gives back what a worker has.
func (w *Workshop) dispose(m *member) {
	m.dead, m.buried = true, true
	w.alarms.clear(m.late)
	w.alarms.clear(m.death.alarm)
	w.sampler.Unwatch(uint64(m.spawn))
	w.loop.Remove(m.pidfd)
	for i := range m.ends {
		w.loop.Remove(m.ends[i].token)
	}
	m.sockets.Close()
	if m.proc != nil {
		w.procs.Forget(m.proc.PID)
		m.proc.Close()
	}
	delete(w.members, m.spawn)
	w.checkStopped()
}
