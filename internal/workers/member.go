package workers

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
	"fender/internal/loop"
	"fender/internal/workers/osproc"
	"fender/internal/workers/pool"
	"fender/internal/workers/worker"
)

// member is one worker of the workshop: its sockets, its process, and how far it has come.
type member struct {
	w          *Workshop
	spawn      pool.SpawnID
	number     int
	generation int
	template   *template

	sockets *worker.Worker
	ends    []slotEnd
	proc    *osproc.Process // nil until the template has named it
	pidfd   loop.Token
	python  string

	ready    bool // hello came
	failed   bool // it said that it cannot come up
	retiring bool // slots are half-closed as their requests end
	killed   bool // we sent SIGKILL, or will as soon as there is a process
	dead     bool // its process has ended
	buried   bool
	answers  int           // that it has completed
	refusals int           // told to the journal
	dumping  time.Duration // until then it may be writing a stack
	late     *alarm
	death    death
}

// slotEnd is the master's end of one slot. It is the loop's handler.
type slotEnd struct {
	m     *member
	index int
	token loop.Token
	part  uint32 // that comes next of the answer that is being read
	// paused is the request whose receiver has no room: the slot is not read.
	paused exchange.ID
	broken bool // nothing is read any more: the worker broke the protocol here
}

// maxRefusals bounds what one worker's refusals can do to the journal.
const maxRefusals = 10

func (m *member) pid() int {
	if m.proc == nil {
		return 0
	}
	return m.proc.PID
}

// Ready reads the frames of a slot, a bounded number of bytes.
func (e *slotEnd) Ready(now time.Duration, events uint32) {
	if e.paused != 0 || e.broken {
		// Nothing is asked for, so this is a hang-up, which only the worker can have made by
		// shutting its own end. It would be reported for ever.
		e.m.w.loop.Remove(e.token)
		e.token = loop.Token{}
		return
	}
	e.read(now, loop.PerTurn)
}

// read takes frames until there is none, until an answer is complete, or for so many bytes; most
// <= 0 is until there is none. An answer's end is where the worker usually has nothing more to
// say, and asking costs as much as receiving.
func (e *slotEnd) read(now time.Duration, most int) {
	w, m := e.m.w, e.m
	for n := 0; most <= 0 || n < most; {
		if e.broken || m.buried || e.paused != 0 && !m.dead {
			return
		}
		message, file, err := w.in.Receive(m.sockets, e.index)
		if errors.Is(err, worker.ErrEmpty) {
			return
		}
		if err != nil && !errors.Is(err, worker.ErrNoDescriptor) {
			if !m.dead || !errors.Is(err, worker.ErrClosed) {
				w.protocol(now, m, err.Error())
			}
			e.stop()
			return
		}
		// What a frame costs besides its bytes: a flood of empty ones shall be bounded too.
		n += len(message) + 1024
		ended := e.frame(now, message, file, err)
		w.carry(now)
		if ended && most > 0 {
			return
		}
	}
}

// stop ends the reading of a slot for good.
func (e *slotEnd) stop() {
	e.broken = true
	e.m.w.loop.Remove(e.token)
	e.token = loop.Token{}
}

// pause stops reading while the receiver of id has no room.
func (e *slotEnd) pause(now time.Duration, id exchange.ID) {
	w := e.m.w
	e.paused = id
	_ = w.loop.Change(e.token, 0)
	w.pool.Paused(now, e.m.spawn, e.index)
}

// unpause reads again.
func (e *slotEnd) unpause(now time.Duration) {
	w := e.m.w
	e.paused = 0
	w.pool.Resumed(now, e.m.spawn, e.index)
	if e.broken || e.m.dead {
		return
	}
	if e.token == (loop.Token{}) {
		e.watch(now)
		return
	}
	if err := w.loop.Change(e.token, unix.EPOLLIN); err != nil {
		w.protocol(now, e.m, err.Error())
	}
}

// watch begins to read a slot.
func (e *slotEnd) watch(now time.Duration) {
	var err error
	e.token, err = e.m.w.loop.Add(e.m.sockets.End(e.index), unix.EPOLLIN, e)
	if err != nil {
		e.m.w.protocol(now, e.m, err.Error())
	}
}

// protocol dooms a worker that has broken the protocol.
func (w *Workshop) protocol(now time.Duration, m *member, text string) {
	w.pool.Protocol(now, m.spawn, text)
}

// kill sends SIGKILL, at the latest when the process is known.
func (m *member) kill() {
	m.killed = true
	if m.proc != nil && !m.dead {
		_ = m.proc.Signal(unix.SIGKILL) // the only error is that it has ended
	}
}

// signal sends a signal to one thread of the worker. A thread that has ended meanwhile, or that the
// worker made up, gets none.
func (m *member) signal(tid int, sig unix.Signal) {
	if m.proc == nil {
		return
	}
	if err := m.proc.SignalThread(tid, sig); err != nil && !errors.Is(err, osproc.ErrGone) {
		m.w.opts.Journal.Warn("worker %d (pid %d): signal %d for thread %d: %v", m.number, m.pid(), int(sig), tid, err)
	}
}

// shut half-closes the slots that have nothing left to answer.
func (m *member) shut() {
	for i := range m.ends {
		if m.sockets.Waiting(i) == 0 {
			m.sockets.Shut(i)
		}
	}
}

// leaves is called when a worker has shut its end for reading: it has been told by somebody else to
// go, or something in it failed. It finishes what it has and ends; one that does not is ended.
func (m *member) leaves(now time.Duration) {
	if m.late != nil {
		return
	}
	m.late = m.w.alarms.set(now+exitPatience, func(now time.Duration) {
		m.late = nil
		for i := range m.ends {
			if m.sockets.Waiting(i) > 0 {
				m.leaves(now)
				return
			}
		}
		m.w.opts.Journal.Warn("worker %d (pid %d) takes no more requests and does not end: killed after %v",
			m.number, m.pid(), exitPatience)
		m.kill()
	})
}

// procHandler is told when a worker's process has ended.
type procHandler struct{ m *member }

func (h procHandler) Ready(now time.Duration, _ uint32) { h.m.w.ended(now, h.m) }
