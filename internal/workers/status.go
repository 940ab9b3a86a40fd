package workers

import (
	"context"
	"strings"
	"time"

	"fender/internal/exchange"
	"fender/internal/loop"
	"fender/internal/observe/event"
	"fender/internal/workers/osproc"
	"fender/internal/workers/pool"
)

// Status is the state of the workshop. Its form in JSON is observe/status's.
type Status struct {
	State      string // booting, serving, reloading, stopping
	Generation int
	Python     string
	Target     int
	Processes  int
	Template   TemplateStatus
	Workers    []WorkerStatus
	Queue      QueueStatus
	Totals     pool.Totals
	Memory     MemoryStatus
}

// TemplateStatus is the template of the generation that serves; PID is 0 while there is none.
type TemplateStatus struct {
	PID int
}

// WorkerStatus is one worker.
type WorkerStatus struct {
	Number     int
	Spawn      uint64
	PID        int
	Generation int
	State      string // starting, idle, busy, retiring, doomed
	Reason     event.Reason
	Requests   int
	RSS        int64
	PSS        int64
	Slots      []SlotStatus
}

// SlotStatus is one slot; RequestID is 0 when it is free.
type SlotStatus struct {
	RequestID exchange.ID
	Method    string
	Path      string
	Since     *time.Time // when its thread got it
	Ahead     int        // requests that wait behind it
}

// QueueStatus is the queue.
type QueueStatus struct {
	Length int
	Limit  int
	Oldest float64
}

// MemoryStatus is what the master itself holds, and the container's limit; 0 is unknown or none.
type MemoryStatus struct {
	Held  int64
	Used  int64
	Limit int64
}

// Status is Brief with the memory of each worker, which it reads in the caller's goroutine: that
// takes milliseconds for large workers.
func (w *Workshop) Status(ctx context.Context) (Status, error) {
	s, err := w.Brief(ctx)
	if err != nil {
		return s, err
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

// Brief asks the loop for its state. The error is the context's, or ErrStopping when there is no
// loop any more.
func (w *Workshop) Brief(ctx context.Context) (Status, error) {
	answer := make(chan Status, 1)
	if !w.post(func(now time.Duration) { answer <- w.status(now) }) {
		return Status{}, ErrStopping
	}
	select {
	case s := <-answer:
		return s, nil
	case <-ctx.Done():
		return Status{}, ctx.Err()
	case <-w.done:
		return Status{}, ErrStopping
	}
}

// status runs on the loop.
func (w *Workshop) status(now time.Duration) Status {
	p := w.pool.Status(now)
	s := Status{
		State: "serving", Generation: p.Generation, Target: p.Target, Processes: p.Processes,
		Workers: []WorkerStatus{},
		Queue:   QueueStatus{Length: p.Queue, Limit: p.QueueLimit, Oldest: p.OldestWait.Seconds()},
		Totals:  p.Totals,
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
			slot.Method, slot.Path = strings.Clone(fl.req.Method), strings.Clone(fl.req.Path)
		}
		s.Slots = append(s.Slots, slot)
	}
	return s
}

// Lag is how long the loop's turns took; Recent starts anew with each call. Any goroutine may ask.
func (w *Workshop) Lag() loop.Lag { return w.loop.Lag() }
