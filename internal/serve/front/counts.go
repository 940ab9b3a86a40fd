package front

import (
	"sync/atomic"

	"fender/internal/serve/http1"
)

// Counts are totals since the front began.
type Counts struct {
	Connections   uint64            // accepted
	Requests      uint64            // complete heads, health checks left out
	DroppedFields uint64            // header fields left out of environs: names with '_', and Proxy
	Refused       map[string]uint64 // refused messages by http1.Verdict
}

type counts struct {
	connections atomic.Uint64
	requests    atomic.Uint64
	dropped     atomic.Uint64
	verdicts    [256]atomic.Uint64
}

func (c *counts) refused(v http1.Verdict) { c.verdicts[v].Add(1) }

// Counts returns the totals.
func (f *Front) Counts() Counts {
	c := &f.counts
	all := Counts{Connections: c.connections.Load(), Requests: c.requests.Load(),
		DroppedFields: c.dropped.Load(), Refused: map[string]uint64{}}
	for v := range c.verdicts {
		if n := c.verdicts[v].Load(); n > 0 {
			all.Refused[http1.Verdict(v).String()] = n
		}
	}
	return all
}
