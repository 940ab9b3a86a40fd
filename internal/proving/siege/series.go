package siege

import (
	"sync"
	"time"

	"fender/internal/proving/latency"
)

// Second is one second of the run, for drawing.
type Second struct {
	Time        time.Time        `json:"time"` // its beginning
	Requests    int64            `json:"requests"`
	OK          int64            `json:"ok"`
	Failed      map[string]int64 `json:"failed,omitempty"`
	P50         float64          `json:"p50_s"`
	P99         float64          `json:"p99_s"`
	Max         float64          `json:"max_s"`
	Users       int64            `json:"users"`       // the most at a time: users, or busy connections of the open model
	InFlight    int64            `json:"in_flight"`   // likewise: requests under way
	Connections int64            `json:"connections"` // opened
	Late        int64            `json:"late"`        // arrivals that had to wait for a free connection
}

// longestSeries bounds what is kept: a day. What comes after it is in the totals alone.
const longestSeries = 24 * 3600

// series gathers the seconds of all shards. A second is finished when the next one runs; what comes
// for it later (a writer that stood still in between) counts for the one that runs.
type series struct {
	start  time.Time
	counts *counters

	mu      sync.Mutex
	done    []Second
	pending []window // seconds from len(done) on
	spare   []*latency.Histogram
	opened  int64
	late    int64
}

// take moves a window of a shard into the series.
func (s *series) take(second int, w *window) {
	if w.numbers.requests == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := max(second-len(s.done), 0); len(s.done) < longestSeries {
		s.reach(at)
		s.pending[at].numbers.merge(&w.numbers)
		s.pending[at].hist.Merge(w.hist)
	}
	w.numbers = numbers{}
	w.hist.Reset()
}

// reach makes pending long enough for an index.
func (s *series) reach(at int) {
	for len(s.pending) <= at {
		var h *latency.Histogram
		if n := len(s.spare); n > 0 {
			h, s.spare = s.spare[n-1], s.spare[:n-1]
		} else {
			h = latency.New(latency.Coarse)
		}
		s.pending = append(s.pending, window{hist: h})
	}
}

// finish ends the seconds before this one.
func (s *series) finish(second int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.done) < min(second, longestSeries) {
		s.reach(0)
		s.done = append(s.done, s.finished(&s.pending[0]))
		s.pending[0].hist.Reset()
		s.spare = append(s.spare, s.pending[0].hist)
		s.pending = append(s.pending[:0], s.pending[1:]...)
	}
}

func (s *series) finished(w *window) Second {
	opened, late := s.counts.opened.Load(), s.counts.late.Load()
	sec := Second{
		Time:     s.start.UTC().Add(time.Duration(len(s.done)) * time.Second),
		Requests: w.numbers.requests, OK: w.numbers.kinds[OK], Failed: w.numbers.failures(),
		P50: latency.Seconds(w.hist.At(50)), P99: latency.Seconds(w.hist.At(99)), Max: latency.Seconds(w.hist.Max()),
		Users: s.counts.users.take(), InFlight: s.counts.inFlight.take(),
		Connections: opened - s.opened, Late: late - s.late,
	}
	s.opened, s.late = opened, late
	return sec
}

// last is the second that was finished last.
func (s *series) last() (Second, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.done) == 0 {
		return Second{}, false
	}
	return s.done[len(s.done)-1], true
}

func (s *series) all() []Second {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Second{}, s.done...)
}
