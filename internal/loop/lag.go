package loop

import (
	"sync/atomic"
	"time"
)

// lag keeps how long turns take: as long as a turn lasts, whatever became ready in the meantime
// waits for it.
type lag struct {
	turns    atomic.Uint64
	total    atomic.Int64
	longest  atomic.Int64
	interval atomic.Int64 // longest since the last Lag
}

func (l *lag) add(d time.Duration) {
	// One goroutine writes, so load and store are enough; readers may see them one turn apart.
	l.turns.Store(l.turns.Load() + 1)
	l.total.Store(l.total.Load() + int64(d))
	if int64(d) > l.longest.Load() {
		l.longest.Store(int64(d))
	}
	if int64(d) > l.interval.Load() {
		l.interval.Store(int64(d))
	}
}

// Lag is how long the turns of a loop took.
type Lag struct {
	Turns   uint64
	Total   time.Duration // of all turns
	Longest time.Duration // since the start
	Recent  time.Duration // the longest since the last call of Lag
}

// Lag reads the measure and starts Recent anew. A turn that ends at the same moment may be missed
// in Recent.
func (l *Loop) Lag() Lag {
	return Lag{
		Turns:   l.lag.turns.Load(),
		Total:   time.Duration(l.lag.total.Load()),
		Longest: time.Duration(l.lag.longest.Load()),
		Recent:  time.Duration(l.lag.interval.Swap(0)),
	}
}
