package alb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fender/internal/proving/alb/accesslog"
	"fender/internal/proving/alb/admin"
	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/desync"
	"fender/internal/proving/alb/group"
	"fender/internal/proving/alb/metric"
	"fender/internal/proving/alb/page"
)

// Balancer is one load balancer. Open makes it, Run runs it.
type Balancer struct {
	o        Options
	cfg      *config.Config
	lb       config.LoadBalancer
	desync   desync.Mode
	resource string
	dnsName  []byte
	node     string
	started  time.Time
	today    atomic.Pointer[dated]

	listeners []*listener
	services  map[string]*service
	groups    []*group.Group
	metrics   *metric.Set

	warnedOfAccepting, warnedOfConnecting atomic.Int64

	accessLog, connLog, healthLog *accesslog.Log
	admin                         net.Listener

	life   context.Context // ends with Run
	stop   context.CancelFunc
	ending <-chan struct{} // life's

	running sync.WaitGroup
	mu      sync.Mutex
	conns   map[io.Closer]struct{}
	ended   bool
}

// Open binds all addresses and opens the logs. Nothing is answered before Run.
func Open(o Options) (*Balancer, error) {
	o = o.withDefaults()
	cfg := o.Config
	mode, ok := desync.ParseMode(string(cfg.LoadBalancer.Desync))
	if !ok {
		return nil, fmt.Errorf("desync mitigation mode %q is none of monitor, defensive and strictest", cfg.LoadBalancer.Desync)
	}
	b := &Balancer{
		o: o, cfg: cfg, lb: cfg.LoadBalancer, desync: mode, resource: cfg.Resource(), dnsName: []byte(strings.ToLower(cfg.DNSName())),
		node: cfg.Node.String(), started: time.Now(), services: map[string]*service{}, metrics: metric.New(), conns: map[io.Closer]struct{}{},
	}
	b.life, b.stop = context.WithCancel(context.Background())
	b.ending = b.life.Done()
	if err := b.open(); err != nil {
		b.stop()
		b.unbind()
		return nil, err
	}
	return b, nil
}

// Addresses are those of the listeners, in their order, with real ports.
func (b *Balancer) Addresses() []string {
	all := make([]string, len(b.listeners))
	for i, l := range b.listeners {
		all[i] = l.scheme + "://" + l.net.Addr().String()
	}
	return all
}

// AdminAddress is where the counters are, or "".
func (b *Balancer) AdminAddress() string {
	if b.admin == nil {
		return ""
	}
	return "http://" + b.admin.Addr().String()
}

// Metrics are the counters of the load balancer.
func (b *Balancer) Metrics() *metric.Set { return b.metrics }

// Groups are the target groups, in the order of the configuration.
func (b *Balancer) Groups() []*group.Group { return b.groups }

// Run answers until ctx ends. Then it closes everything at once and returns when all its goroutines have.
func (b *Balancer) Run(ctx context.Context) error {
	logs, stopLogs := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLogs()
	var writers sync.WaitGroup
	errs := make(chan error, 3)
	for _, l := range []*accesslog.Log{b.accessLog, b.connLog, b.healthLog} {
		if l != nil {
			writers.Go(func() { errs <- l.Run(logs) })
		}
	}
	for _, g := range b.groups {
		b.running.Go(func() { g.Run(b.life) })
	}
	if b.admin != nil {
		b.running.Go(func() {
			_ = admin.Serve(b.life, b.admin, admin.Options{LoadBalancer: b.cfg.ARN(), Groups: b.groups, Metrics: b.metrics, Logs: b.dropped()})
		})
	}
	for _, l := range b.listeners {
		b.running.Go(l.run)
	}
	<-ctx.Done()
	b.stop()
	b.unbind()
	b.running.Wait()
	stopLogs()
	writers.Wait()
	close(errs)
	var err error
	for e := range errs {
		err = errors.Join(err, e)
	}
	return err
}

func (b *Balancer) dropped() map[string]func() int64 {
	all := map[string]func() int64{}
	for name, l := range map[string]*accesslog.Log{"access": b.accessLog, "connection": b.connLog, "health": b.healthLog} {
		if l != nil {
			all[name] = l.Dropped
		}
	}
	return all
}

// unbind closes listeners and connections.
func (b *Balancer) unbind() {
	b.mu.Lock()
	b.ended = true
	all := make([]io.Closer, 0, len(b.conns)+len(b.listeners))
	for c := range b.conns {
		all = append(all, c)
	}
	b.mu.Unlock()
	for _, l := range b.listeners {
		all = append(all, l.net)
		l.h2.end()
	}
	if b.admin != nil {
		all = append(all, b.admin)
	}
	for _, c := range all {
		_ = c.Close()
	}
	for _, s := range b.services {
		s.end()
	}
}

// enter registers a connection; false means that the balancer ends.
func (b *Balancer) enter(c io.Closer) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return false
	}
	b.conns[c] = struct{}{}
	b.running.Add(1)
	return true
}

func (b *Balancer) leave(c io.Closer) {
	b.mu.Lock()
	delete(b.conns, c)
	b.mu.Unlock()
	b.running.Done()
}

// clock is nanoseconds since the balancer was made; it never goes back.
func (b *Balancer) clock() int64 { return int64(time.Since(b.started)) }

// dated is a Date header's value and the second that it is for.
type dated struct {
	second int64
	text   []byte
}

// date is the value of a Date header now.
func (b *Balancer) date() []byte {
	now := time.Now()
	d := b.today.Load()
	if d == nil || d.second != now.Unix() {
		d = &dated{now.Unix(), page.AppendDate(nil, now.UTC())}
		b.today.Store(d)
	}
	return d.text
}
