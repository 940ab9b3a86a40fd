package event

import (
	"fmt"
	"time"
)

// quietLines is how many lines about single requests a person gets within quietSpan. An outage
// makes thousands a second, and the line that explains it must stay in sight. The access log and
// the events file have them all.
const (
	quietLines = 10
	quietSpan  = time.Second
)

// quiet thins out the lines about single requests (request-error, retry) and says how many it left
// out. The journal's goroutine owns it.
type quiet struct {
	since   time.Time // beginning of the span; zero when none runs
	told    int
	skipped int
	end     *time.Timer
}

// allow reports whether an event of the kind gets its line now.
func (q *quiet) allow(k Kind, now time.Time) bool {
	if k != RequestError && k != Retry {
		return true
	}
	if q.since.IsZero() {
		q.since, q.told = now, 0
		if q.end == nil {
			q.end = time.NewTimer(quietSpan)
		} else {
			q.end.Reset(quietSpan)
		}
	}
	if q.told < quietLines {
		q.told++
		return true
	}
	q.skipped++
	return false
}

// timer fires at the end of a span; nil when none was ever begun.
func (q *quiet) timer() <-chan time.Time {
	if q.end == nil {
		return nil
	}
	return q.end.C
}

// summary ends the span. It is "" when nothing was left out.
func (q *quiet) summary(now time.Time) string {
	span, n := now.Sub(q.since), q.skipped
	q.since, q.skipped = time.Time{}, 0
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d more lines about failed or repeated requests within %s: see the access log or the events file",
		n, duration(span.Seconds()))
}
