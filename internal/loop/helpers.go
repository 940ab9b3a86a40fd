package loop

import "sync"

// Helpers do what a loop must not, because it may wait for a disk: on goroutines that exist only while
// there is something to do, at most so many at once. What one is given waits for nothing but the disk,
// and tells the loop by a letter when it is done. Any goroutine may use it.
type Helpers struct {
	most    int
	mu      sync.Mutex
	waiting []func()
	running int
	all     sync.WaitGroup
}

// NewHelpers makes at most most goroutines at once.
func NewHelpers(most int) *Helpers { return &Helpers{most: most} }

// Do has f done, in the order of the calls as far as there are goroutines. It never waits.
func (h *Helpers) Do(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting = append(h.waiting, f)
	if h.running < h.most {
		h.running++
		h.all.Go(h.run)
	}
}

// Busy reports whether something waits for a goroutine.
func (h *Helpers) Busy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.waiting) > 0
}

// Wait returns when all is done that was given before.
func (h *Helpers) Wait() { h.all.Wait() }

func (h *Helpers) run() {
	for f := h.take(); f != nil; f = h.take() {
		f()
	}
}

// take is what is to be done next, or nil: then the goroutine counts as gone.
func (h *Helpers) take() func() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) == 0 {
		h.waiting = nil
		h.running--
		return nil
	}
	f := h.waiting[0]
	h.waiting[0] = nil
	h.waiting = h.waiting[1:]
	return f
}
