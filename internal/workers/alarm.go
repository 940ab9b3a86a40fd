package workers

import (
	"slices"
	"time"
)

// alarm is a deadline of the hands: rare things such as a warning about a template that takes long.
// The deadlines of requests and workers are the pool's.
type alarm struct {
	at   time.Duration
	ring func(now time.Duration)
}

// alarms keeps them in the order in which they ring. There are a few per worker at most.
type alarms struct{ list []*alarm }

// set adds one.
func (a *alarms) set(at time.Duration, ring func(now time.Duration)) *alarm {
	x := &alarm{at: at, ring: ring}
	i, _ := slices.BinarySearchFunc(a.list, at, func(y *alarm, at time.Duration) int {
		if y.at <= at {
			return -1
		}
		return 1
	})
	a.list = slices.Insert(a.list, i, x)
	return x
}

// clear takes one out; nil and one that has rung are ignored.
func (a *alarms) clear(x *alarm) {
	if i := slices.Index(a.list, x); i >= 0 && x != nil {
		a.list = slices.Delete(a.list, i, i+1)
	}
}

func (a *alarms) next() (time.Duration, bool) {
	if len(a.list) == 0 {
		return 0, false
	}
	return a.list[0].at, true
}

// due takes out one that rings by now, or returns nil.
func (a *alarms) due(now time.Duration) *alarm {
	if len(a.list) == 0 || a.list[0].at > now {
		return nil
	}
	x := a.list[0]
	a.list = slices.Delete(a.list, 0, 1)
	return x
}
