package pool

import (
	"fender/internal/exchange"
	"fender/internal/observe/event"
)

// Status is what the pool knows about itself, copied.
type Status struct {
	Generation int
	Reloading  bool
	Stopping   bool
	Target     int
	Processes  int
	Workers    []WorkerStatus
	Queue      int
	QueueLimit int
	OldestWait Time
	Totals     Totals
}

// WorkerStatus is one worker.
type WorkerStatus struct {
	Number     int
	Spawn      SpawnID
	Generation int
	State      State
	Busy       bool
	Reason     event.Reason
	Requests   int
	RSS        int64
	Slots      []SlotStatus
}

// SlotStatus is one slot; ID is 0 when it is free, and when what it holds has moved elsewhere.
type SlotStatus struct {
	ID    exchange.ID
	Since Time // when its thread got it
	Ahead int  // requests that wait behind it
}

// Status returns a copy of the state.
func (p *Pool) Status(now Time) Status {
	st := Status{
		Reloading: p.next != nil || p.old != nil, Stopping: p.stopping,
		Target: p.target, Processes: p.processes,
		Queue: p.QueueLength(), QueueLimit: p.opts.QueueLimit, Totals: p.totals,
	}
	if p.gen != nil {
		st.Generation = p.gen.number
	}
	for _, r := range []*request{p.queue.first(), p.suspects.first()} {
		if r != nil {
			st.OldestWait = max(st.OldestWait, now-r.arrived)
		}
	}
	for _, w := range p.workers {
		ws := WorkerStatus{
			Number: w.number, Spawn: w.spawn, Generation: w.generation, State: w.state,
			Busy: w.occupied > 0, Reason: w.reason, Requests: w.requests, RSS: w.rss,
		}
		for i := range w.slots {
			s := &w.slots[i]
			var ss SlotStatus
			if s.n > 0 && s.withdrawal != withdrawalDone {
				ss.ID, ss.Since = s.line[0].ID, s.began
			}
			ss.Ahead = max(0, s.n-1)
			ws.Slots = append(ws.Slots, ss)
		}
		st.Workers = append(st.Workers, ws)
	}
	return st
}

// Ready is the number of workers that take requests.
func (p *Pool) Ready() int {
	return p.count(func(w *worker) bool { return w.state == StateReady })
}
