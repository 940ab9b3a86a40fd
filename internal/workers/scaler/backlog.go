package scaler

import (
	"fmt"
	"time"
)

// backlog follows the queue alone: longer than `overload` starts workers, shorter retires one each
// cycle. It is uWSGI's most nervous algorithm, and meant to be.
type backlog struct {
	step, overload int
}

func (a backlog) want(v view) want {
	switch {
	case v.Queue > a.overload:
		why := fmt.Sprintf("%d requests wait, the first for %v; cheaper-overload is %d",
			v.Queue, v.OldestWait.Round(time.Millisecond), a.overload)
		if !v.canSpawn {
			return want{why: why, held: v.places > 0}
		}
		return want{delta: min(a.step, v.places), why: why}
	case v.Queue < a.overload && v.active > v.floor:
		return want{delta: -1, why: fmt.Sprintf("%d requests wait, cheaper-overload is %d", v.Queue, a.overload)}
	}
	return want{}
}
