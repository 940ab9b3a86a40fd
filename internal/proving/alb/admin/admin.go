// Package admin is the load balancer's door for operators and scripts: register, deregister and describe
// targets as JSON in the shapes of the AWS SDK, and the counters. It owns no state.
package admin

import (
	"context"
	"net"
	"net/http"

	"fender/internal/proving/alb/group"
	"fender/internal/proving/alb/metric"
)

// Options is what the door leads to.
type Options struct {
	LoadBalancer string // its ARN
	Groups       []*group.Group
	Metrics      *metric.Set
	Logs         map[string]func() int64 // dropped lines, by the log's name
}

// Handler answers GET /describe and /metrics, POST /register and /deregister.
func Handler(o Options) http.Handler { panic("not built yet") }

// Listen binds an address: loopback only, since whoever reaches it may take targets away.
func Listen(address string) (net.Listener, error) { panic("not built yet") }

// Serve answers until ctx ends, and returns when all its goroutines have.
func Serve(ctx context.Context, l net.Listener, o Options) error { panic("not built yet") }
