package lab

import (
	"context"
	"fmt"
	"time"

	"fender/internal/proving/lab/scenario"
	"fender/internal/proving/report"
)

// phases carries the phases out, one after the other.
func (r *row) phases(ctx context.Context) error {
	for _, p := range r.lab.scenario.Phases {
		p = r.lab.outside(p)
		if err := r.phase(ctx, p); err != nil {
			return fmt.Errorf("phase %q: %w", p.Name, err)
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// phase carries one out: its load, what is done to the servers, clients of other kinds.
func (r *row) phase(ctx context.Context, p scenario.Phase) error {
	from := time.Now()
	born, dead, _ := r.board.counts()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var event <-chan struct{}
	if p.Until != nil {
		event = r.board.await(p.Until.Kind, p.Until.Count)
	}
	r.lab.progress.phase(p, from)
	load, err := r.startLoad(p)
	if err != nil {
		return err
	}
	defer load.kill()
	doing := r.startFaults(ctx, p)
	defer doing.Wait()
	defer cancel()

	over := time.NewTimer(p.Most)
	defer over.Stop()
	ended := "its time was over"
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-event:
		ended = fmt.Sprintf("%d %s", p.Until.Count, p.Until.Kind)
	case <-over.C:
		if p.Until != nil {
			ended = fmt.Sprintf("%d %s did not come in %s", p.Until.Count, p.Until.Kind, p.Most)
		}
	case <-load.broken():
		return fmt.Errorf("fender siege ended before the phase did; %s", load.program.said())
	case <-r.balancer.broken():
		return fmt.Errorf("fender alb ended before the phase did; %s", r.balancer.program.said())
	}
	cancel()
	doing.Wait()
	got, err := load.finish()
	if err != nil {
		return err
	}
	r.loads = append(r.loads, got)
	bornBy, deadBy, _ := r.board.counts()
	got.count.Born, got.count.Dead = bornBy-born, deadBy-dead
	r.Phases = append(r.Phases, report.Phase{
		Name: p.Name, Load: p.Describe(), From: r.board.at(from), To: r.board.at(time.Now()), Ended: ended, Count: got.count,
	})
	return nil
}
