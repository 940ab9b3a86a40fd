package front

import "time"

// Plan is how long the server goes on after it was told to leave. All durations count from then.
type Plan struct {
	Delay   time.Duration // never leave before: the balancer has yet to notice
	Quiet   time.Duration // without a request for so long, the balancer has noticed
	Timeout time.Duration // leave in any case
}

// Quiet is what the front knows about what is still going on.
type Quiet struct {
	Connections int       // open ones, idle ones included
	Requests    int       // begun and not answered
	LastRequest time.Time // when the last request (no health check) came; zero: none ever
}

// Departure is whether the server leaves now.
type Departure uint8

// The departures.
const (
	Stay   Departure = iota // ask again after the wait, or when something changed
	Leave                   // nobody will be hurt
	Forced                  // the timeout has passed: what is still open is cut
)

// String is the word for the log.
func (d Departure) String() string {
	return [...]string{"stay", "leave", "forced"}[d]
}

// Decide says what to do at now when draining began at began: leave when the delay has passed, no
// request is open, and either no connection is left or none brought a request for the quiet time;
// leave in any case at the timeout. wait is after how long the answer can change by itself.
func (p Plan) Decide(began, now time.Time, q Quiet) (d Departure, wait time.Duration) {
	left := began.Add(p.Timeout).Sub(now)
	if left <= 0 {
		if q.Requests == 0 {
			return Leave, 0
		}
		return Forced, 0
	}
	if delay := began.Add(p.Delay).Sub(now); delay > 0 {
		return Stay, min(delay, left)
	}
	if q.Requests > 0 {
		return Stay, left
	}
	if q.Connections == 0 {
		return Leave, 0
	}
	since := began
	if q.LastRequest.After(since) {
		since = q.LastRequest
	}
	if quiet := since.Add(p.Quiet).Sub(now); quiet > 0 {
		return Stay, min(quiet, left)
	}
	return Leave, 0
}
