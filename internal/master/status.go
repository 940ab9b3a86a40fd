package master

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"fender/internal/control"
	"fender/internal/observe/event"
	"fender/internal/observe/status"
	"fender/internal/workers"
)

// notReady is why the load balancer should not send requests here, or nil.
func (m *master) notReady() error {
	switch {
	case m.leaving.Load():
		return errors.New("draining")
	case !m.workshop.Ready():
		return errors.New("no worker is ready")
	}
	return nil
}

func (m *master) readiness() (bool, string) {
	if err := m.notReady(); err != nil {
		return false, err.Error()
	}
	return true, ""
}

// status is the document of /status and of the control socket.
func (m *master) status(ctx context.Context) (status.Status, error) {
	w, err := m.workshop.Status(ctx)
	if err != nil {
		return status.Status{}, err
	}
	ended, failed := m.metrics.Totals() // the front's refusals too, which the workshop never sees
	doc := status.Status{
		State: m.state(w.State), Generation: w.Generation, Python: m.python.String(),
		Version: m.env.Version, PID: os.Getpid(), Uptime: time.Since(m.began).Seconds(),
		Queue: status.Queue{Length: w.Queue.Length, Limit: w.Queue.Limit, Oldest: w.Queue.Oldest},
		Totals: status.Totals{
			Requests: ended, Failed: failed, Retried: w.Totals.Retried, TakenBack: w.Totals.TakenBack,
			Born: w.Totals.Born, Gone: w.Totals.Gone, Reloads: w.Totals.Reloads,
		},
	}
	for _, x := range w.Workers {
		worker := status.Worker{
			Number: x.Number, Spawn: x.Spawn, PID: x.PID, Generation: x.Generation,
			State: x.State, Reason: string(x.Reason), Requests: uint64(x.Requests), RSS: x.RSS, PSS: x.PSS,
		}
		for _, s := range x.Slots {
			slot := status.Slot{RequestID: uint64(s.RequestID), Method: s.Method, Path: s.Path}
			if s.Since != nil {
				slot.Since = *s.Since
			}
			worker.Slots = append(worker.Slots, slot)
		}
		doc.Workers = append(doc.Workers, worker)
	}
	return doc, nil
}

func (m *master) state(workshop string) status.State {
	switch {
	case m.leaving.Load(), workshop == "stopping":
		return status.Draining
	case workshop == "booting":
		return status.Starting
	case workshop == "reloading":
		return status.Reloading
	}
	return status.Serving
}

// backend is what the control socket can ask for.
type backend struct{ m *master }

func (b backend) Status(ctx context.Context) (status.Status, error) { return b.m.status(ctx) }

func (b backend) Reload(ctx context.Context) (control.ReloadResult, error) {
	began := time.Now()
	select {
	case err := <-b.m.workshop.Reload(event.ReasonReload):
		switch {
		case errors.Is(err, workers.ErrReloadRefused):
			return control.ReloadResult{}, fmt.Errorf("%w: %w", control.ErrRefused, err)
		case err != nil:
			return control.ReloadResult{}, err
		}
	case <-ctx.Done():
		return control.ReloadResult{}, ctx.Err()
	}
	doc, err := b.m.workshop.Status(ctx)
	if err != nil {
		return control.ReloadResult{}, err
	}
	return control.ReloadResult{Generation: doc.Generation, Seconds: time.Since(began).Seconds()}, nil
}

func (b backend) Scale(ctx context.Context, delta int) (control.ScaleResult, error) {
	b.m.workshop.Scale(delta)
	doc, err := b.m.workshop.Status(ctx)
	if err != nil {
		return control.ScaleResult{}, err
	}
	return control.ScaleResult{Processes: doc.Processes}, nil
}

func (b backend) Drain(_ context.Context, now bool) error {
	select {
	case b.m.asked <- request{now}:
		return nil
	default:
		return errors.New("fender is leaving already")
	}
}
