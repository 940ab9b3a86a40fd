// Package group is a target group: the targets that are registered, what is known about their health,
// and which of them gets the next request. It owns the health checks and the deregistration of
// targets. It does not own the connections that carry requests: the data path does.
package group

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"fender/internal/proving/alb/accesslog"
	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/metric"
)

// ErrNoTargets is why nothing can be chosen: no target is registered, or the group is not in use, or none is
// healthy where only healthy ones are wanted. 503.
var ErrNoTargets = errors.New("the target group has no target that a request may go to")

// ErrTooManyTargets is why a target cannot be registered.
var ErrTooManyTargets = errors.New("the target group cannot take so many targets")

// Options is what a group needs besides its configuration. The zero value works.
type Options struct {
	Metrics        *metric.Set    // the load balancer's; nil: none
	HealthLog      *accesslog.Log // health-check log; nil: none
	LoadBalancer   string         // its resource name, for the health-check log
	Node           netip.Addr     // likewise
	PropagationLag time.Duration  // how long a deregistered target still gets new requests
	HealthyOnly    bool           // an unhealthy target gets nothing, also when no other is left
	Random         func() float64 // in [0, 1); nil: math/rand
}

// Group is one target group. Its methods may be called by many at once.
type Group struct {
	config  config.TargetGroup
	options Options
	metrics *metric.Set
	check   func(context.Context, *Target) result
	changed chan struct{} // there are targets without a keeper; one element

	mu      sync.Mutex
	targets []*Target // registered or leaving, in the order of their registration
	cursor  int       // of least outstanding requests
	pool    []*Target // scratch of Choose
	healthy []*Target // likewise
}

// New makes a group and registers the targets of its configuration.
func New(c config.TargetGroup, o Options) *Group {
	if o.Random == nil {
		o.Random = rand.Float64
	}
	g := &Group{config: c, options: o, metrics: o.Metrics.TargetGroup(c.Name), changed: make(chan struct{}, 1)}
	g.check = g.request
	g.add(c.Targets)
	return g
}

// Name is the target group's.
func (g *Group) Name() string { return g.config.Name }

// Config is what the group was made of.
func (g *Group) Config() *config.TargetGroup { return &g.config }

// Metrics is the set of this target group; what is added to it counts for the load balancer as well.
func (g *Group) Metrics() *metric.Set { return g.metrics }

// Register adds targets, or takes them back that are being deregistered. Others are left as they are.
func (g *Group) Register(targets ...config.Target) error {
	targets = g.withPorts(targets)
	for _, t := range targets {
		if err := t.Validate(); err != nil {
			return err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	fresh := 0
	for _, t := range targets {
		if g.find(t) == nil {
			fresh++
		}
	}
	if len(g.targets)+fresh > config.MaxTargets {
		return fmt.Errorf("%w: %s has %d, with those that drain, and may have %d", ErrTooManyTargets, g.Name(), len(g.targets), config.MaxTargets)
	}
	g.add(targets)
	return nil
}

// withPorts gives the group's port to targets that name none.
func (g *Group) withPorts(targets []config.Target) []config.Target {
	targets = slices.Clone(targets)
	for i := range targets {
		if targets[i].Port == 0 {
			targets[i].Port = g.config.Port
		}
	}
	return targets
}

// add registers targets, under the lock.
func (g *Group) add(ids []config.Target) {
	slowly := g.othersAtWork(nil, time.Now()) // asked once: those of one registration begin alike
	for _, id := range ids {
		t := g.find(id)
		if t == nil {
			t = newTarget(id)
			g.targets = append(g.targets, t)
		} else if t.left.IsZero() {
			continue
		}
		t.health = newHealth(g.config.HealthCheck.Enabled, g.config.InUse)
		t.left, t.slowly, t.slowSince = time.Time{}, slowly, time.Time{}
		t.weight, t.anomalous = 1, false
		t.registration++
		t.wake()
	}
	g.gauges()
	g.wake()
}

func (g *Group) find(id config.Target) *Target {
	for _, t := range g.targets {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// Deregister begins to drain targets: new requests stop when the propagation lag has passed, and the
// targets are gone when the deregistration delay has. Unknown ones are no error, as with AWS.
func (g *Group) Deregister(targets ...config.Target) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range g.withPorts(targets) {
		if t := g.find(id); t != nil && t.left.IsZero() {
			t.left = time.Now()
			t.wake()
		}
	}
	g.gauges()
}

// Describe lists the targets that are registered or draining, in the order of their registration; or those
// that are asked for, of which some may be unknown.
func (g *Group) Describe(targets ...config.Target) []Description {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(targets) == 0 {
		for _, t := range g.targets {
			targets = append(targets, t.ID)
		}
	}
	all := make([]Description, len(targets))
	for i, id := range g.withPorts(targets) {
		h, odd, mitigated := health{state: Unused, reason: NotRegistered, text: sentences[NotRegistered]}, false, false
		if t := g.find(id); t != nil && t.left.IsZero() {
			h, odd, mitigated = t.health, t.anomalous, t.weight < 1
		} else if t != nil {
			h = health{state: Draining, reason: DeregistrationInProgress, text: sentences[DeregistrationInProgress]}
		}
		all[i] = Description{id, g.checkPort(id), h.state, h.reason, h.text, odd, mitigated}
	}
	return all
}

// checkPort is where a target is checked.
func (g *Group) checkPort(id config.Target) int {
	if p := g.config.HealthCheck.Port; p != 0 {
		return p
	}
	return id.Port
}

// gauges stores what is counted of the targets.
func (g *Group) gauges() {
	var registered, healthy, unhealthy, anomalous, mitigated int
	for _, t := range g.targets {
		if !t.left.IsZero() {
			continue
		}
		registered++
		if t.health.serves() {
			healthy++
		}
		if t.health.state == Unhealthy {
			unhealthy++
		}
		if t.anomalous {
			anomalous++
		}
		if t.weight < 1 {
			mitigated++
		}
	}
	store := func(n metric.Name, v int) { g.metrics.Store(n, int64(v)) }
	store(metric.HealthyHostCount, healthy)
	store(metric.UnHealthyHostCount, unhealthy)
	store(metric.AnomalousHostCount, anomalous)
	store(metric.MitigatedHostCount, mitigated)
	dns, routing := 0, 0
	if enough(g.config.DNSFailover, healthy, registered) {
		dns = 1
	}
	if enough(g.config.UnhealthyRouting, healthy, registered) {
		routing = 1
	}
	store(metric.HealthyStateDNS, dns)
	store(metric.UnhealthyStateDNS, 1-dns)
	store(metric.HealthyStateRouting, routing)
	store(metric.UnhealthyStateRouting, 1-routing)
}

// enough reports whether neither of the thresholds is breached.
func enough(m config.Minimum, healthy, all int) bool {
	return healthy >= m.Count && healthy*100 >= m.Percent*all
}

func (g *Group) wake() {
	select {
	case g.changed <- struct{}{}:
	default:
	}
}
