package lab

import (
	"context"
	"fmt"
	"time"
)

// deploy replaces every instance: the new one is registered, and when the balancer finds it healthy
// the old one is deregistered and stopped at once, as on Kubernetes, where both happen in parallel.
// The balancer's propagation lag is the time in which it still sends requests there.
func (r *row) deploy(ctx context.Context) error {
	for _, old := range r.all() {
		started := time.Now()
		next, err := r.newInstance(ctx)
		if err != nil {
			return fmt.Errorf("the new instance: %w", err)
		}
		if err := r.balancer.register(ctx, next.place.Address); err != nil {
			return err
		}
		if err := r.balancer.healthy(ctx, next.place.Address); err != nil {
			return err
		}
		if err := r.balancer.deregister(ctx, old.place.Address); err != nil {
			return err
		}
		old.stop(r.lab.stopGrace())
		r.drop(old)
		r.board.did(time.Now(), "deploys", fmt.Sprintf("an instance was replaced in %.1f s", time.Since(started).Seconds()))
	}
	return nil
}

// stopGrace is how long an instance that is replaced may take: Kubernetes' 30 s, and never less than
// what a server needs to notice.
func (l *lab) stopGrace() time.Duration {
	return max(10*time.Second, time.Duration(float64(30*time.Second)/l.Speed))
}
