package front

import (
	"net/http"
	"sync/atomic"
	"time"
)

// dates keeps the Date header's value, which changes once a second.
type dates struct {
	now atomic.Pointer[dated]
}

type dated struct {
	second int64
	text   string
}

// at is the value for now.
func (d *dates) at(now time.Time) string {
	second := now.Unix()
	if have := d.now.Load(); have != nil && have.second == second {
		return have.text
	}
	made := &dated{second, now.UTC().Format(http.TimeFormat)}
	d.now.Store(made)
	return made.text
}
