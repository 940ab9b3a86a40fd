package workers

import (
	"time"

	"fender/internal/loop"
)

// calm is how long no request must have waited until the loop is urgent again. Without it the policy
// would change with each request, which costs more than it saves; a longer one is felt in the tail.
const calm = time.Millisecond

// urgency decides whether the loop's thread interrupts the workers. While no slot is free and requests wait, in
// the queue or in the slots' lines, it does not: a loop that runs when a worker has nothing left is in time,
// and one that interrupts a worker for each event costs both their caches. When a slot is free, or nothing
// waits, each event is somebody's whole latency, and it does.
type urgency struct {
	batch  bool          // as the thread is now
	waited time.Duration // when a request was seen waiting last
	fixed  bool          // the policy cannot be changed
}

// wish reports whether the thread should be a batch thread.
func (u *urgency) wish(now time.Duration, free, waits bool) bool {
	switch {
	case u.fixed:
		return u.batch
	case free:
		return false
	case waits:
		u.waited = now
		return true
	}
	return u.batch && now < u.waited+calm
}

// next is when the wish may change by itself.
func (u *urgency) next() (time.Duration, bool) { return u.waited + calm, u.batch && !u.fixed }

// adapt carries the wish out.
func (w *Workshop) adapt(now time.Duration) {
	u := &w.urgency
	batch := u.wish(now, w.pool.HasFree(), w.pool.Waits())
	if batch == u.batch {
		return
	}
	if err := loop.SetBatch(batch); err != nil {
		u.fixed = true // it works as well, only dearer
		w.opts.Journal.Warn("the loop's scheduling policy stays as it is: %v", err)
		return
	}
	u.batch = batch
}
