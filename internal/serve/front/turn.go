package front

import (
	"time"

	"fender/internal/loop"
)

// letter is what other goroutines send to the loop: a connection has something to look at, or is no
// longer in the hands of a helper, or something rare is to be done.
type letter struct {
	conn   *conn
	helped bool
	do     func()
}

// loopOwner is the front as the loop knows it.
type loopOwner struct{ *Front }

// Turn is the loop's: letters and deadlines.
func (f loopOwner) Turn(now time.Duration) {
	letters := f.box.Take()
	if len(letters) > 0 {
		f.look()
	}
	for i := range letters {
		switch l := &letters[i]; {
		case l.do != nil:
			l.do()
		case l.helped:
			l.conn.helped()
		default:
			l.conn.woken.Store(false)
			l.conn.run()
		}
	}
	if at, ok := f.Next(); !ok || at > now {
		return
	}
	f.look()
	for t := f.timers.expired(f.clock); t != nil; t = f.timers.expired(f.clock) {
		t.owner.expired()
	}
}

// Next is the loop's: the earliest deadline.
func (f loopOwner) Next() (time.Duration, bool) {
	at, ok := f.timers.next()
	return at.Sub(f.loop.Origin()), ok
}

// Pending is the loop's: whether there are letters.
func (f loopOwner) Pending() bool { return f.box.Pending() }

// Owner is the front as one of the owners of Options.Loop.
func (f *Front) Owner() loop.Owner { return loopOwner{f} }

// look reads the clock. What one event leads to has one time.
func (f *Front) look() { f.clock = time.Now() }
