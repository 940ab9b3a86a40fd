package group

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/metric"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	good     = result{pass: true, code: 200}
	mismatch = result{code: 503, reason: ResponseCodeMismatch, logged: targetError}
	silent   = result{reason: Timeout, logged: timedOut}
	refused  = result{reason: FailedHealthChecks, logged: connectionReset}
)

// script is what checks find, by the target's host; what it does not name passes.
type script struct {
	mu    sync.Mutex
	finds map[string]result
	asked map[string]int
}

func (s *script) set(host string, r result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finds[host] = r
}

func (s *script) check(_ context.Context, t *Target) result {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[t.ID.ID]++
	if r, ok := s.finds[t.ID.ID]; ok {
		return r
	}
	return good
}

// checks is how often a host was checked, or all of them ("").
func (s *script) checks(host string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for h, times := range s.asked {
		if host == "" || h == host {
			n += times
		}
	}
	return n
}

func ids(hosts ...string) (all []config.Target) {
	for _, h := range hosts {
		all = append(all, config.Target{ID: h, Port: 80})
	}
	return all
}

// settings is a group of those targets that is in use, with changes.
func settings(change func(*config.TargetGroup), hosts ...string) config.TargetGroup {
	c := config.NewTargetGroup("web")
	c.InUse = true
	c.HealthCheck.Protocol = config.HTTP
	c.HealthCheck.Interval = 10 * time.Second
	c.HealthCheck.Healthy = 3
	c.Targets = ids(hosts...)
	if change != nil {
		change(&c)
	}
	return c
}

// play runs a group in a bubble, with scripted checks.
func play(t *testing.T, c config.TargetGroup, o Options, act func(t *testing.T, g *Group, s *script)) {
	t.Helper()
	playScript(t, c, o, &script{finds: map[string]result{}}, act)
}

func playScript(t *testing.T, c config.TargetGroup, o Options, s *script, act func(t *testing.T, g *Group, s *script)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s.asked = map[string]int{}
		if o.Metrics == nil {
			o.Metrics = metric.New()
		}
		g := New(c, o)
		g.check = s.check
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			g.Run(ctx)
		}()
		synctest.Wait()
		act(t, g, s)
		stop()
		<-done
	})
}

// states is the description in short: host=state.
func states(g *Group) string {
	var all []string
	for _, d := range g.Describe() {
		all = append(all, fmt.Sprintf("%s=%s", d.Target.ID, d.State))
	}
	return strings.Join(all, " ")
}

func choose(t *testing.T, g *Group, cookies ...string) *Target {
	t.Helper()
	c, err := g.Choose(Selection{Cookies: cookies})
	if err != nil {
		t.Fatal(err)
	}
	return c.Target
}

// hosts chooses n times and counts.
func hosts(t *testing.T, g *Group, n int) map[string]int {
	t.Helper()
	got := map[string]int{}
	for range n {
		got[choose(t, g).ID.ID]++
	}
	return got
}

// wait lets time pass, and everything that is due then happen.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func isGone(t *Target) bool {
	select {
	case <-t.Gone():
		return true
	default:
		return false
	}
}
