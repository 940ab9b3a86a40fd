package workers

import (
	"errors"
	"fmt"
	"time"

	"fender/internal/observe/event"
)

// Errors of Reload.
var (
	// ErrReloadRefused means that the new code does not come up. The old goes on; the error's text
	// says why.
	ErrReloadRefused = errors.New("the new code does not come up, the old goes on")
	// ErrStopping means that the workshop stops, or has stopped.
	ErrStopping = errors.New("fender is stopping")
)

// reloads knows who waits for the end of which reload. A wish that is merged waits for the one
// that follows: the code may have changed after the running one had read it.
type reloads struct {
	newest  int
	waiting map[int][]chan<- error // by generation
	merged  []chan<- error         // for the generation after the newest
}

// started notes that a template is started; a new generation is what merged wishes wait for.
func (r *reloads) started(generation int) {
	if generation <= r.newest {
		return
	}
	r.newest = generation
	if len(r.merged) > 0 {
		r.waiting[generation] = append(r.waiting[generation], r.merged...)
		r.merged = nil
	}
}

func (r *reloads) done(generation int, text string) {
	var err error
	if text != "" {
		err = fmt.Errorf("%w: %s", ErrReloadRefused, text)
	}
	for _, c := range r.waiting[generation] {
		c <- err
	}
	delete(r.waiting, generation)
}

// end tells all that nothing will come any more.
func (r *reloads) end() {
	for _, c := range r.merged {
		c <- ErrStopping
	}
	r.merged = nil
	for g, all := range r.waiting {
		for _, c := range all {
			c <- ErrStopping
		}
		delete(r.waiting, g)
	}
}

// Reload has the application's code read anew: a new template comes up, and when its first worker
// is ready the others are replaced one by one. The channel gets one value: nil once every worker
// that serves has the new code, else an error (ErrReloadRefused, ErrStopping). A wish during a
// reload waits for one more reload after it.
func (w *Workshop) Reload(why event.Reason) <-chan error {
	c := make(chan error, 1)
	ok := w.post(func(now time.Duration) {
		if w.stopping {
			c <- ErrStopping
			return
		}
		// Merged until proven otherwise: the pool's effects name the generation.
		w.reloads.merged = append(w.reloads.merged, c)
		w.pool.Reload(now, why)
	})
	if !ok {
		c <- ErrStopping
	}
	return c
}
