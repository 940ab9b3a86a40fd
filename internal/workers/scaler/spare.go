package scaler

import "fmt"

// spare is uWSGI's default. It starts workers when all of them were busy for more than `overload`
// cycles (a cycle with a free worker takes one back), and retires one each `overload` cycles while
// more than one is free. Exactly one free worker is the state at which it rests.
type spare struct {
	step, overload int
	overloaded     int // cycles with all workers busy, less those with a free one
	idle           int // cycles with none overloaded and not exactly one free worker
}

func (a *spare) want(v view) want {
	if v.waiting > 0 {
		a.overloaded = max(0, a.overloaded-1)
	} else {
		a.overloaded++
		a.idle = 0
	}
	if a.overloaded > a.overload {
		w := want{why: fmt.Sprintf("all workers (%d) busy for more than %d cycles", v.active, a.overload)}
		if !v.canSpawn {
			// The count stays, as in uWSGI: the worker comes as soon as there is memory.
			w.held = v.places > 0
			return w
		}
		a.overloaded = 0
		w.delta = min(a.step, v.places)
		return w
	}
	if a.overloaded > 0 || v.waiting == 1 {
		return want{}
	}
	a.idle++
	if v.active > v.floor && a.idle%a.overload == 0 {
		return want{delta: -1, why: fmt.Sprintf("%d of %d workers idle for %d cycles", v.waiting, v.active, a.overload)}
	}
	return want{}
}
