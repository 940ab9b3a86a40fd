// Package group is a target group: the targets that are registered, what is known about their health,
// and which of them gets the next request. It owns the health checks and the deregistration of
// targets. It does not own the connections that carry requests: the data path does.
package group

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"fender/internal/proving/alb/accesslog"
	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/metric"
)

// ErrNoTargets is why nothing can be chosen: no target is registered, or the group is not in use. 503.
var ErrNoTargets = errors.New("the target group has no registered target")

// Options is what a group needs besides its configuration. The zero value works.
type Options struct {
	Metrics        *metric.Set    // the load balancer's; nil: none
	HealthLog      *accesslog.Log // health-check log; nil: none
	LoadBalancer   string         // its resource name, for the health-check log
	Node           netip.Addr     // likewise
	PropagationLag time.Duration  // how long a deregistered target still gets new requests
	Random         func() float64 // in [0, 1); nil: math/rand
}

// Group is one target group. Its methods may be called by many at once.
type Group struct{}

// New makes a group and registers the targets of its configuration.
func New(c config.TargetGroup, o Options) *Group { panic("not built yet") }

// Name is the target group's.
func (g *Group) Name() string { panic("not built yet") }

// Config is what the group was made of.
func (g *Group) Config() *config.TargetGroup { panic("not built yet") }

// Metrics is the set of this target group; what is added to it counts for the load balancer as well.
func (g *Group) Metrics() *metric.Set { panic("not built yet") }

// Run checks the targets' health and carries deregistrations out until ctx ends. It returns when all
// its goroutines have.
func (g *Group) Run(ctx context.Context) { panic("not built yet") }

// Selection is what may bind a request to a target.
type Selection struct {
	Cookies []string // the values of the request's Cookie fields
	Source  netip.Addr
}

// Choose picks the target of a request. The caller calls Begin and Done of the target.
func (g *Group) Choose(s Selection) (Choice, error) { panic("not built yet") }

// Register adds targets, or takes them back that are being deregistered. Others are left as they are.
func (g *Group) Register(targets ...config.Target) error { panic("not built yet") }

// Deregister begins to drain targets: new requests stop when the propagation lag has passed, and the
// targets are gone when the deregistration delay has. Unknown ones are no error, as with AWS.
func (g *Group) Deregister(targets ...config.Target) { panic("not built yet") }

// Describe lists the targets that are registered or draining, in the order of their registration.
func (g *Group) Describe() []Description { panic("not built yet") }
