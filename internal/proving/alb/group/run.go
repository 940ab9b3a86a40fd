package group

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Run checks the targets' health and carries deregistrations out until ctx ends. It returns when all
// its goroutines have.
func (g *Group) Run(ctx context.Context) {
	var keepers sync.WaitGroup
	defer keepers.Wait()
	weights := time.NewTicker(g.config.WeightsEvery)
	defer weights.Stop()
	for {
		for _, t := range g.unkept() {
			keepers.Go(func() { g.keep(ctx, t) })
		}
		select {
		case <-g.changed:
		case <-weights.C:
			g.reweigh()
		case <-ctx.Done():
			return
		}
	}
}

func (g *Group) unkept() (all []*Target) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.targets {
		if !t.kept {
			t.kept = true
			all = append(all, t)
		}
	}
	return all
}

// keep is the life of one target: it is checked while it is registered and until the balancer's nodes
// have heard that it left; then it drains; then it is gone.
func (g *Group) keep(ctx context.Context, t *Target) {
	var checks sync.WaitGroup
	defer checks.Wait()
	stop, checked := context.CancelFunc(func() {}), 0 // the checks that run, and of which registration they are
	defer func() { stop() }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		registration, wait, gone := g.phase(t, checked)
		if gone {
			close(t.gone)
			return
		}
		if registration != checked {
			stop()
			checked = registration
			if registration != 0 {
				each, cancel := context.WithCancel(ctx)
				stop = cancel
				checks.Go(func() {
					defer cancel()
					g.checks(each, t, registration)
				})
			}
		}
		timer.Stop()
		if wait > 0 {
			timer.Reset(wait)
		}
		select {
		case <-t.changed:
		case <-timer.C:
		case <-ctx.Done():
			return
		}
	}
}

// phase says which registration of the target is to be checked now (0: none), for how long that holds
// (0: until something changes), and whether it is gone. Who is gone is forgotten in the same breath.
func (g *Group) phase(t *Target, checked int) (registration int, wait time.Duration, gone bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.left.IsZero() {
		return t.registration, 0, false
	}
	since := time.Since(t.left)
	if heard := g.options.PropagationLag; since < heard { // a shorter delay waits for it: requests still come
		return checked, heard - since, false
	}
	if end := g.config.DeregistrationDelay; since < end {
		return 0, end - since, false
	}
	g.targets = slices.DeleteFunc(g.targets, func(other *Target) bool { return other == t })
	return 0, 0, true
}

// checks checks a target at once and then at each interval, however long a check took.
func (g *Group) checks(ctx context.Context, t *Target, registration int) {
	if !g.config.HealthCheck.Enabled || !g.config.InUse {
		return
	}
	g.step(t, registration, health.checking)
	interval := time.NewTicker(g.config.HealthCheck.Interval)
	defer interval.Stop()
	for {
		began := time.Now()
		r := g.check(ctx, t)
		if ctx.Err() != nil {
			return
		}
		g.record(t, began, r)
		g.step(t, registration, func(h health) health {
			return h.next(r, g.config.HealthCheck.Healthy, g.config.HealthCheck.Unhealthy)
		})
		select {
		case <-interval.C:
		case <-ctx.Done():
			return
		}
	}
}

// step takes the health of a registration one step further.
func (g *Group) step(t *Target, registration int, next func(health) health) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.registration != registration {
		return
	}
	before := t.health.state
	t.health = next(t.health)
	if t.health.state == before {
		return
	}
	now := time.Now()
	t.slowSince = time.Time{}
	if t.health.state == Healthy && g.config.SlowStart > 0 && (t.slowly || before == Unhealthy) && g.othersAtWork(t, now) {
		t.slowSince = now
	}
	g.gauges()
}
