package workers

import (
	"context"
	"time"

	"fender/internal/exchange"
	"fender/internal/observe/event"
	"fender/internal/workers/loop"
	"fender/internal/workers/osproc"
	"fender/internal/workers/pool"
)

// Status is the state of the workshop, in the form of the status document.
type Status struct {
	V          int            `json:"v"`
	State      string         `json:"state"` // booting, serving, reloading, stopping
	Generation int            `json:"generation"`
	Python     string         `json:"python"`
	Target     int            `json:"target"`
	Processes  int            `json:"processes"`
	Template   TemplateStatus `json:"template"`
	Workers    []WorkerStatus `json:"workers"`
	Queue      QueueStatus    `json:"queue"`
	Totals     pool.Totals    `json:"totals"`
	Memory     MemoryStatus   `json:"memory"`
	Loop       LoopStatus     `json:"loop"`
}

// TemplateStatus is the template of the generation that serves; PID is 0 while there is none.
type TemplateStatus struct {
	PID int `json:"pid"`
}

// WorkerStatus is one worker.
type WorkerStatus struct {
	Number     int          `json:"number"`
	Spawn      uint64       `json:"spawn"`
	PID        int          `json:"pid"`
	Generation int          `json:"generation"`
	State      string       `json:"state"` // starting, idle, busy, retiring, doomed
	Reason     event.Reason `json:"reason"`
	Requests   int          `json:"requests"`
	RSS        int64        `json:"rss_bytes"`
	PSS        int64        `json:"pss_bytes"`
	Slots      []SlotStatus `json:"slots"`
}

// SlotStatus is one slot; RequestID is 0 when it is free.
type SlotStatus struct {
	RequestID exchange.ID `json:"request_id"`
	Method    string      `json:"method,omitempty"`
	Path      string      `json:"path,omitempty"`
	Since     *time.Time  `json:"since,omitempty"` // when its thread got it
	Ahead     exchange.ID `json:"ahead,omitempty"` // waits behind it
}

// QueueStatus is the queue.
type QueueStatus struct {
	Length int     `json:"length"`
	Limit  int     `json:"limit"`
	Oldest float64 `json:"oldest_s"`
}

// MemoryStatus is what the master itself holds, and the container's limit; 0 is unknown or none.
type MemoryStatus struct {
	Held  int64 `json:"held_bytes"`
	Used  int64 `json:"used_bytes"`
	Limit int64 `json:"limit_bytes"`
}

// LoopStatus is how long the loop's turns take: whatever is ready meanwhile waits for them.
type LoopStatus struct {
	Turns   uint64  `json:"turns"`
	Seconds float64 `json:"seconds"` // of all turns
	Longest float64 `json:"longest_s"`
}

// Status asks the loop for its state and reads the workers' memory in the caller's goroutine, which
// takes milliseconds for large workers. The error is the context's, or ErrStopping.
func (w *Workshop) Status(ctx context.Context) (Status, error) {
	answer := make(chan Status, 1)
	if !w.post(func(now time.Duration) { answer <- w.status(now) }) {
		return Status{}, ErrStopping
	}
	var s Status
	select {
	case s = <-answer:
	case <-ctx.Done():
		return Status{}, ctx.Err()
	case <-w.done:
		return Status{}, ErrStopping
	}
	for i := range s.Workers {
		if x := &s.Workers[i]; x.PID != 0 {
			// A worker that has gone meanwhile has no memory: 0.
			x.RSS, _ = osproc.RSS(x.PID)
			x.PSS, _ = osproc.PSS(x.PID)
		}
	}
	s.Memory = MemoryStatus{Held: w.opts.Memory.Used(), Used: w.memory.Used(), Limit: w.memory.Limit()}
	return s, nil
}

// status runs on the loop.
func (w *Workshop) status(now time.Duration) Status {
	p := w.pool.Status(now)
	lag := w.loop.Lag()
	s := Status{
		V: 1, State: "serving", Generation: p.Generation, Target: p.Target, Processes: p.Processes,
		Workers: []WorkerStatus{},
		Queue:   QueueStatus{Length: p.Queue, Limit: p.QueueLimit, Oldest: p.OldestWait.Seconds()},
		Totals:  p.Totals,
		Loop:    LoopStatus{Turns: lag.Turns, Seconds: lag.Total.Seconds(), Longest: lag.Longest.Seconds()},
	}
	switch {
	case p.Stopping:
		s.State = "stopping"
	case p.Reloading:
		s.State = "reloading"
	case w.pool.Ready() == 0:
		s.State = "booting"
	}
	if t := w.templates[p.Generation]; t != nil && t.proc != nil {
		s.Template.PID, s.Python = t.proc.PID, t.python
	}
	for i := range p.Workers {
		s.Workers = append(s.Workers, w.workerStatus(&p.Workers[i]))
	}
	return s
}

func (w *Workshop) workerStatus(p *pool.WorkerStatus) WorkerStatus {
	s := WorkerStatus{
		Number: p.Number, Spawn: uint64(p.Spawn), Generation: p.Generation,
		State: p.State.String(), Reason: p.Reason, Requests: p.Requests, Slots: []SlotStatus{},
	}
	if p.State == pool.StateReady {
		s.State = "idle"
		if p.Busy {
			s.State = "busy"
		}
	}
	if m := w.members[p.Spawn]; m != nil {
		s.PID = m.pid()
	}
	for _, x := range p.Slots {
		slot := SlotStatus{RequestID: x.ID, Ahead: x.Ahead}
		if x.ID != 0 {
			since := w.loop.Origin().Add(x.Since)
			slot.Since = &since
		}
		if fl := w.flights[x.ID]; fl != nil {
			slot.Method, slot.Path = fl.req.Method, fl.req.Path
		}
		s.Slots = append(s.Slots, slot)
	}
	return s
}

// Lag is how long the loop's turns took; Recent starts anew with each call. Any goroutine may ask.
func (w *Workshop) Lag() loop.Lag { return w.loop.Lag() }
