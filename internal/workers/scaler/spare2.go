package scaler

import "fmt"

// spare2 keeps as many workers idle as `cheaper` says: it starts workers before all are busy, and
// retires one when more than that were idle for `cheaper-idle` cycles in a row.
type spare2 struct {
	step, patience int
	idle           int // cycles in a row with more idle workers than wanted
}

func (a *spare2) want(v view) want {
	switch {
	case v.waiting < v.floor:
		a.idle = 0
		w := want{why: fmt.Sprintf("%d workers idle, cheaper is %d", v.waiting, v.floor)}
		if !v.canSpawn {
			w.held = v.places > 0
			return w
		}
		w.delta = min(v.floor-v.waiting, v.places, a.step)
		return w
	case v.waiting == v.floor:
		a.idle = 0
		return want{}
	}
	a.idle++
	if a.idle < a.patience {
		return want{}
	}
	a.idle = 0
	return want{delta: -1, why: fmt.Sprintf("more than %d workers idle for %d cycles", v.floor, a.patience)}
}
