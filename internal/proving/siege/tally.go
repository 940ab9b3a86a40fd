package siege

import (
	"sync"
	"sync/atomic"
	"time"

	"fender/internal/proving/latency"
)

// counters are the numbers that belong to no single request.
type counters struct {
	opened     atomic.Int64 // connections
	idleClosed atomic.Int64 // connections that the target closed while nothing was asked
	late       atomic.Int64 // arrivals that had to wait for a free connection
	left       atomic.Int64 // requests that had begun or were due when the run was ended early
	users      gauge        // closed model: users who are there; open: connections at work
	inFlight   gauge
}

// gauge is a number that goes up and down, and the most that it was since it was asked last.
type gauge struct{ now, peak atomic.Int64 }

func (g *gauge) up() {
	n := g.now.Add(1)
	for p := g.peak.Load(); n > p && !g.peak.CompareAndSwap(p, n); p = g.peak.Load() {
	}
}

func (g *gauge) down() { g.now.Add(-1) }

// take returns the peak and begins a new one.
func (g *gauge) take() int64 {
	n := g.now.Load()
	return max(g.peak.Swap(n), n)
}

// sample is one ended request.
type sample struct {
	q              *Request
	out            *outcome
	end            time.Time
	took           time.Duration
	body, received int64
}

// numbers are what is counted of requests, for the run and for each second.
type numbers struct {
	requests int64
	kinds    [kinds]int64
}

func (n *numbers) add(k Kind) { n.requests++; n.kinds[k]++ }

func (n *numbers) merge(o *numbers) {
	n.requests += o.requests
	for k := range o.kinds {
		n.kinds[k] += o.kinds[k]
	}
}

// failures are all but the successes, by name; nil without any.
func (n *numbers) failures() map[string]int64 {
	var m map[string]int64
	for k := OK + 1; k < kinds; k++ {
		if n.kinds[k] > 0 {
			if m == nil {
				m = map[string]int64{}
			}
			m[k.String()] = n.kinds[k]
		}
	}
	return m
}

// shard is the part of the tally that some of the users write to.
type shard struct {
	mu       sync.Mutex
	numbers  numbers
	statuses [600]int64
	all, ok  *latency.Histogram
	body     int64
	received int64
	second   int
	window   window
}

// window is one second of a shard, or of all.
type window struct {
	numbers numbers
	hist    *latency.Histogram
}

// tally counts everything. Users write to their own shard; nothing is allocated for a success.
type tally struct {
	start    time.Time
	shards   []*shard
	series   *series
	examples examples
	counts   *counters
}

func newTally(start time.Time, shards int, counts *counters) *tally {
	t := &tally{start: start, counts: counts}
	t.series = &series{start: start, counts: counts}
	for range max(shards, 1) {
		t.shards = append(t.shards, &shard{
			all: latency.New(latency.Fine), ok: latency.New(latency.Fine), window: window{hist: latency.New(latency.Coarse)},
		})
	}
	return t
}

func (t *tally) add(user int, s *sample) {
	sh := t.shards[user%len(t.shards)]
	second := int(s.end.Sub(t.start) / time.Second)
	sh.mu.Lock()
	if second > sh.second {
		t.series.take(sh.second, &sh.window)
		sh.second = second
	}
	k := s.out.kind
	sh.window.numbers.add(k)
	sh.window.hist.Add(s.took)
	sh.numbers.add(k)
	sh.all.Add(s.took)
	if k == OK {
		sh.ok.Add(s.took)
	}
	if k.whole() {
		sh.statuses[s.out.status]++
	}
	sh.body += s.body
	sh.received += s.received
	sh.mu.Unlock()
	if k != OK {
		t.examples.add(s)
	}
}

// roll ends all seconds before now: what the shards have of them goes into the series.
func (t *tally) roll(now time.Time) {
	second := int(now.Sub(t.start) / time.Second)
	for _, sh := range t.shards {
		sh.mu.Lock()
		if sh.second < second {
			t.series.take(sh.second, &sh.window)
			sh.second = second
		}
		sh.mu.Unlock()
	}
	t.series.finish(second)
}

// total is what has been counted until now.
func (t *tally) total() numbers {
	var n numbers
	for _, sh := range t.shards {
		sh.mu.Lock()
		n.merge(&sh.numbers)
		sh.mu.Unlock()
	}
	return n
}

// merged is all shards as one, when nothing is counted any more.
func (t *tally) merged() (all, ok *latency.Histogram, sum *shard) {
	all, ok, sum = latency.New(latency.Fine), latency.New(latency.Fine), &shard{}
	for _, sh := range t.shards {
		sh.mu.Lock()
		all.Merge(sh.all)
		ok.Merge(sh.ok)
		sum.numbers.merge(&sh.numbers)
		for i, n := range sh.statuses {
			sum.statuses[i] += n
		}
		sum.body += sh.body
		sum.received += sh.received
		sh.mu.Unlock()
	}
	return all, ok, sum
}

// end gives the series all that the shards still have, also of a second that has not ended.
func (t *tally) end(now time.Time) {
	t.roll(now.Add(time.Second))
}
