package workers

import (
	"errors"
	"time"

	"fender/internal/workers/wire"
	"fender/internal/workers/worker"
)

// frame deals with one message of a slot. file is the descriptor that came with it, or -1; lost is
// worker.ErrNoDescriptor when one came and could not be received. It returns true when the message
// ended an answer.
func (e *slotEnd) frame(now time.Duration, message []byte, file int, lost error) (ended bool) {
	w, m := e.m.w, e.m
	f, err := wire.Decode(message)
	if err == nil {
		given := 0
		if file >= 0 || lost != nil {
			given = 1
		}
		err = f.CheckFromWorker(given)
	}
	if err == nil {
		err = e.inTurn(&f)
	}
	if err == nil {
		switch f.Kind {
		case wire.KindAnswer:
			return e.answer(now, &f, file, lost)
		case wire.KindIdle:
			w.pool.Idle(now, m.spawn, e.index)
		case wire.KindCall:
			err = e.call(now, &f, file, lost)
			file = -1
		case wire.KindRefused:
			err = e.refused(now, &f)
		case wire.KindHello:
			err = m.hello(now, &f)
		case wire.KindFailed:
			err = m.cannotBoot(now, &f)
		}
	}
	w.closeFile(file)
	if err != nil {
		e.stop()
		w.protocol(now, m, err.Error())
	}
	return false
}

var (
	errEarly    = errors.New("a frame came before hello")
	errTwice    = errors.New("a second hello came, or one on another slot than the first")
	errUnowed   = errors.New("an answer came for a request that the slot does not owe")
	errPart     = errors.New("a part of an answer came out of order")
	errHeadless = errors.New("an answer's head could not be read")
)

// inTurn tells whether a frame of this kind may come now.
func (e *slotEnd) inTurn(f *wire.Frame) error {
	m := e.m
	coming := f.Kind == wire.KindHello || f.Kind == wire.KindFailed
	switch {
	case coming && (m.ready || m.failed || e.index != 0):
		return errTwice
	case !coming && !m.ready:
		return errEarly
	}
	return nil
}

// hello deals with the frame that says that a worker is ready.
func (m *member) hello(now time.Duration, f *wire.Frame) error {
	h, err := wire.DecodeHello(f.Head)
	if err != nil {
		return err
	}
	w := m.w
	text := ""
	if err := wire.CheckVector(h.Vector); err != nil {
		text = err.Error()
	} else if h.Threads != len(m.ends) {
		text = "the worker has another number of threads than it was told"
	}
	w.alarms.clear(m.late)
	m.late = nil
	if text != "" {
		m.failed = true
		w.pool.BootFailed(now, m.spawn, 1, text)
		m.kill()
		return nil
	}
	m.ready, m.python = true, h.Python
	w.pool.Hello(now, m.spawn)
	return nil
}

// cannotBoot deals with the frame that a worker sends instead of hello. It ends by itself; one that
// does not is ended.
func (m *member) cannotBoot(now time.Duration, f *wire.Frame) error {
	failed, err := wire.DecodeFailed(f.Head)
	if err != nil {
		return err
	}
	w := m.w
	m.failed = true
	w.alarms.clear(m.late)
	w.pool.BootFailed(now, m.spawn, failed.Code, failed.Text)
	m.late = w.alarms.set(now+exitPatience, func(time.Duration) {
		m.late = nil
		w.opts.Journal.Warn("worker %d (pid %d) could not come up and does not end: killed after %v",
			m.number, m.pid(), exitPatience)
		m.kill()
	})
	return nil
}

// refused deals with a frame of ours that the worker did not take. A request among them was not
// begun and will not be: it goes to another worker.
func (e *slotEnd) refused(now time.Duration, f *wire.Frame) error {
	r, err := wire.DecodeRefused(f.Head)
	if err != nil {
		return err
	}
	m := e.m
	if r.Kind == wire.KindRequest {
		wished, err := e.returned(now, f)
		if err != nil || wished {
			return err
		}
	}
	if m.refusals++; m.refusals > maxRefusals {
		return nil
	}
	what := r.Name
	if what == "" {
		what = r.Kind.String()
	}
	m.w.opts.Journal.Warn("worker %d (pid %d) refused %q: %s", m.number, m.pid(), what, r.Why)
	return nil
}

// returned gives a request back to the pool that the worker has refused. It tells whether the pool
// had withdrawn it.
func (e *slotEnd) returned(now time.Duration, f *wire.Frame) (wished bool, err error) {
	w, m := e.m.w, e.m
	owed, is := m.sockets.Owed(e.index)
	if !is || owed.ID != f.ID || owed.Seq != f.Seq || e.part > 0 || m.sockets.Page().Begun(e.index, f.Seq) {
		return false, errUnowed
	}
	m.sockets.Answered(e.index) // it has no more to say about it
	wished = w.pool.Refused(now, m.spawn, e.index)
	if m.retiring && !m.dead {
		m.shut()
	}
	return wished, nil
}

// headOf is a frame's head, wherever it lies. It closes file.
func (w *Workshop) headOf(f *wire.Frame, file int) ([]byte, error) {
	if f.Flags.Has(wire.FlagHeadInDescriptor) {
		defer w.closeFile(file)
		return worker.ReadHead(file)
	}
	return f.Head, nil
}
