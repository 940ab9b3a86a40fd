package workers

import (
	"time"

	"golang.org/x/sys/unix"

	"fender/internal/exchange"
)

// Stop lets everything end: what waits in the queue is answered with 503, what runs is finished.
// The channel is closed when no worker and no template is left.
func (w *Workshop) Stop() <-chan struct{} {
	ok := w.post(func(now time.Duration) {
		w.stopping = true
		w.reloads.end()
		w.pool.Stop(now)
		w.carry(now)
		for t := range w.processes {
			t.leave(now)
		}
		w.checkStopped()
	})
	if !ok {
		return w.done
	}
	return w.stopped
}

// Force ends what Stop waits for: what still runs is answered with 503 or cut, and every process
// is killed.
func (w *Workshop) Force() {
	w.post(func(now time.Duration) {
		w.stopping = true
		w.reloads.end()
		w.procs.KillGroup()
		w.pool.Force(now)
		w.carry(now)
		for t := range w.processes {
			t.leaving = true
			if t.proc != nil {
				t.end("")
			}
		}
		w.checkStopped()
	})
}

// checkStopped closes stopped once nothing is left.
func (w *Workshop) checkStopped() {
	if !w.stopping || !w.idle || len(w.members) > 0 || len(w.processes) > 0 {
		return
	}
	select {
	case <-w.stopped:
	default:
		close(w.stopped)
	}
}

const (
	// closePatience bounds how long Close waits for processes that were killed.
	closePatience = 5 * time.Second
	// closerPatience bounds how long it waits for files to be closed: a disk may hang for ever.
	closerPatience = time.Second
)

// Close ends the workshop, by force if Stop has not ended it, and gives everything back. Requests
// that come later are answered with CauseDraining.
func (w *Workshop) Close() {
	w.closing.Do(func() {
		if w.begun.Load() {
			w.Force()
			late := time.NewTimer(closePatience)
			select {
			case <-w.stopped:
			case <-late.C:
			}
			late.Stop()
			w.post(func(time.Duration) { w.ending = true })
			<-w.done
			if w.ownsLoop {
				w.loop.Quit()
				<-w.ran
			}
		} else {
			w.end(w.loop.Now())
		}
		w.sampler.Close()
		w.helpers.Wait()
		w.awaitClosers()
		w.procs.AwaitGroup(closePatience)
		if w.ownsProcs {
			w.procs.Close()
		}
		if w.ownsLoop {
			w.loop.Close()
		}
	})
}

// awaitClosers waits for the closing of files, which is for nobody any more.
func (w *Workshop) awaitClosers() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		w.closer.Wait()
	}()
	late := time.NewTimer(closerPatience)
	defer late.Stop()
	select {
	case <-closed:
	case <-late.C:
	}
}

// end lets go of everything. It is the last that the loop does for the workshop.
func (w *Workshop) end(now time.Duration) {
	w.stopping = true
	w.lastLetters(now)
	// What could not be killed in time, a process in the kernel's own sleep: its template's end of the
	// control socket ends with ours.
	for t := range w.processes {
		w.loop.Remove(t.token)
		w.loop.Remove(t.pidfd)
		_ = unix.Close(t.control)
		t.untie()
		if t.proc != nil {
			t.proc.Close()
		}
	}
	for _, m := range w.members {
		w.dispose(m)
	}
	for _, fl := range w.flights {
		w.abandon(fl)
	}
	w.over = true
	close(w.done)
}

// lastLetters answers what was put after the loop's last look.
func (w *Workshop) lastLetters(now time.Duration) {
	for _, l := range w.box.Close() {
		switch l.kind {
		case letterSubmit:
			l.req.Answer.Fail(exchange.CauseDraining, exchange.Facts{})
		case letterDo:
			l.do(now)
			w.carry(now)
		}
	}
}

// abandon gives a request its last word when nobody else can any more.
func (w *Workshop) abandon(fl *flight) {
	answer, started := fl.req.Answer, fl.started
	w.land(fl)
	if started {
		answer.Cut(exchange.CauseDraining, exchange.Facts{})
	} else {
		answer.Fail(exchange.CauseDraining, exchange.Facts{})
	}
}
