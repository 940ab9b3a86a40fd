package lab

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"sync"
	"syscall"
	"time"

	"fender/internal/proving/up"
)

// balancer is `fender alb` before the instances.
type balancer struct {
	program *program
	address string // where the clients come in
	admin   string // http://host:port
	once    sync.Once
}

var (
	listening = regexp.MustCompile(`listening on https?://(\S+)`)
	adminOn   = regexp.MustCompile(`admin on (http://\S+)`)
)

// startBalancer starts it before the instances and returns when all of them are healthy for it.
func (r *row) startBalancer(ctx context.Context) (*balancer, error) {
	s := r.lab.scenario
	args := []string{r.lab.Fender, "alb", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--access-log", "-"}
	for _, i := range r.all() {
		args = append(args, "--target", i.place.Address)
	}
	if r.stack.Classic {
		args = append(args, "--classic")
	}
	if d := r.lab.finDelay(); d > 0 {
		args = append(args, "--fin-delay", d.String())
	}
	for _, name := range []string{"propagation-lag", "idle-timeout"} {
		if d := s.Setting(name); d > 0 {
			args = append(args, "--"+name, d.String())
		}
	}
	if d := s.Setting("deregistration-delay"); d > 0 { // AWS knows it in whole seconds
		args = append(args, "--attribute", fmt.Sprintf("deregistration_delay.timeout_seconds=%.0f", math.Ceil(d.Seconds())))
	}
	args = append(args, "--health-path", "/hello")
	b := &balancer{}
	said := make(chan [2]string, 8)
	p, err := launch(r.lab.Self, "fender alb", args, r.environ(r.dir), r.dir, syscall.SIGTERM, true, func(line string, isErr bool) {
		now := time.Now()
		if !isErr {
			r.board.logLine(now, line)
			r.logs.line(now, "alb", line)
			return
		}
		r.logs.line(now, "alb:", line)
		for n, pattern := range []*regexp.Regexp{listening, adminOn} {
			if m := pattern.FindStringSubmatch(line); m != nil {
				select {
				case said <- [2]string{fmt.Sprint(n), m[1]}:
				default:
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	b.program = p
	timeout := time.NewTimer(up.Timeout)
	defer timeout.Stop()
	for b.address == "" || b.admin == "" {
		select {
		case m := <-said:
			if m[0] == "0" && b.address == "" {
				b.address = m[1]
			} else if m[0] == "1" {
				b.admin = m[1]
			}
		case <-p.child.Done():
			return nil, fmt.Errorf("fender alb ended at its start; %s", p.said())
		case <-ctx.Done():
			p.stop(0)
			return nil, context.Cause(ctx)
		case <-timeout.C:
			p.stop(0)
			return nil, fmt.Errorf("fender alb does not say where it listens; %s", p.last)
		}
	}
	for _, i := range r.all() {
		if err := b.healthy(ctx, i.place.Address); err != nil {
			b.stop()
			return nil, err
		}
	}
	return b, nil
}

// broken is closed when the balancer has ended: before stop it should not.
func (b *balancer) broken() <-chan struct{} {
	if b == nil { // against somebody's own service
		return nil
	}
	return b.program.child.Done()
}

// stop ends the balancer and returns when its log is read to the end. It may be called again.
func (b *balancer) stop() { b.once.Do(func() { b.program.stop(stopGrace) }) }
