package group

import (
	"errors"
	"testing"
	"time"

	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/metric"

	"github.com/google/go-cmp/cmp"
)

func drains(c *config.TargetGroup) { c.DeregistrationDelay = 30 * time.Second }

func TestDeregister_NewRequestsStopOnlyWhenItHasPropagated(t *testing.T) {
	play(t, settings(drains, "a", "b"), Options{PropagationLag: 5 * time.Second}, func(t *testing.T, g *Group, s *script) {
		a := choose(t, g)
		if a.ID.ID != "a" {
			t.Fatalf("chose %s", a.Addr)
		}
		g.Deregister(ids("a")...)
		g.Deregister(ids("a", "unknown")...) // nothing new
		if got := states(g); got != "a=draining b=healthy" {
			t.Errorf("at once: %s", got)
		}
		wait(5*time.Second - 1)
		if diff := cmp.Diff(map[string]int{"a": 5, "b": 5}, hosts(t, g, 10)); diff != "" {
			t.Errorf("before the lag has passed: %s", diff)
		}
		wait(1)
		if diff := cmp.Diff(map[string]int{"b": 10}, hosts(t, g, 10)); diff != "" {
			t.Errorf("after it: %s", diff)
		}
		asked := s.checks("a")
		wait(25*time.Second - 1)
		if isGone(a) || states(g) != "a=draining b=healthy" || s.checks("a") != asked {
			t.Errorf("before the delay: gone %v, %s, %d checks", isGone(a), states(g), s.checks("a")-asked)
		}
		wait(1)
		if !isGone(a) || states(g) != "b=healthy" {
			t.Errorf("after the delay: gone %v, %s", isGone(a), states(g))
		}
		g.Deregister(ids("b")...)
		wait(5 * time.Second)
		if _, err := g.Choose(Selection{}); !errors.Is(err, ErrNoTargets) {
			t.Errorf("nothing is registered: %v", err)
		}
		if err := g.Register(ids("a")...); err != nil {
			t.Fatal(err)
		}
		wait(0)
		if again := choose(t, g); again == a || again.Key == a.Key || isGone(again) {
			t.Error("who was gone is the same target again")
		}
	})
}

func TestDeregister_ADelayBelowTheLagDoesNotCutWhatStillComes(t *testing.T) {
	play(t, settings(func(c *config.TargetGroup) { c.DeregistrationDelay = 0 }, "a"), Options{PropagationLag: time.Second}, func(t *testing.T, g *Group, _ *script) {
		a := choose(t, g)
		g.Deregister(ids("a")...)
		wait(time.Second - 1)
		if isGone(a) || choose(t, g) != a {
			t.Error("gone although requests come")
		}
		wait(1)
		if !isGone(a) {
			t.Error("not gone")
		}
	})
}

func TestRegister_TakesATargetBackThatDrains(t *testing.T) {
	play(t, settings(drains, "a", "b"), Options{}, func(t *testing.T, g *Group, s *script) {
		a := choose(t, g)
		g.Deregister(ids("a")...)
		wait(20 * time.Second)
		s.set("a", mismatch)
		if err := g.Register(ids("a", "b")...); err != nil {
			t.Fatal(err)
		}
		if d := g.Describe()[0]; d.State != Initial {
			t.Errorf("registered again: %+v", d)
		}
		wait(time.Minute)
		if isGone(a) || states(g) != "a=unhealthy b=healthy" {
			t.Errorf("gone %v, %s", isGone(a), states(g))
		}
		g.Deregister(ids("a")...)
		wait(30 * time.Second)
		if !isGone(a) {
			t.Error("the second deregistration is not carried out")
		}
	})
}

func TestRegister_ACheckOfTheRegistrationBeforeDoesNotCount(t *testing.T) {
	g := New(settings(nil, "a"), Options{})
	old := lookUp(g, "a")
	was := old.registration
	g.Deregister(ids("a")...)
	if err := g.Register(ids("a")...); err != nil {
		t.Fatal(err)
	}
	g.step(old, was, func(h health) health { return h.next(good, 2, 2) })
	if got := states(g); got != "a=initial" {
		t.Error(got)
	}
}

func TestRegister_RefusesWhatIsNoTarget(t *testing.T) {
	g := New(settings(nil, "a"), Options{Metrics: metric.New()})
	for _, id := range []config.Target{{}, {ID: "a b", Port: 1}, {ID: "a", Port: 65536}, {ID: "a"}} {
		if err := g.Register(id); err == nil {
			t.Errorf("%+v is registered", id)
		}
	}
	var many []config.Target
	for i := range config.MaxTargets {
		many = append(many, config.Target{ID: "b", Port: i + 1})
	}
	if err := g.Register(many...); err == nil || len(g.Describe()) != 1 {
		t.Errorf("%v, %d targets", err, len(g.Describe()))
	}
	g.config.Port = 8000
	if err := g.Register(config.Target{ID: "c"}); err != nil || states(g) != "a=initial c=initial" || g.Describe()[1].Target.Port != 8000 {
		t.Errorf("%v, %s", err, states(g))
	}
	g.Deregister(config.Target{ID: "c"})
	if got := states(g); got != "a=initial c=draining" {
		t.Error(got)
	}
}

func TestGauges_FollowTheTargets(t *testing.T) {
	set := metric.New()
	c := settings(func(c *config.TargetGroup) {
		drains(c)
		c.DNSFailover, c.UnhealthyRouting = config.Minimum{Count: 2}, config.Minimum{Percent: 50}
	}, "a", "b", "c")
	play(t, c, Options{Metrics: set}, func(t *testing.T, g *Group, s *script) {
		expect := func(when string, healthy, unhealthy, dns, routing int64) {
			t.Helper()
			got := []int64{set.Value(metric.HealthyHostCount), set.Value(metric.UnHealthyHostCount), set.Value(metric.HealthyStateDNS), set.Value(metric.HealthyStateRouting)}
			if diff := cmp.Diff([]int64{healthy, unhealthy, dns, routing}, got); diff != "" {
				t.Errorf("%s: %s", when, diff)
			}
		}
		expect("all healthy", 3, 0, 1, 1)
		s.set("a", silent)
		s.set("b", silent)
		wait(20 * time.Second)
		expect("one healthy", 1, 2, 0, 0)
		g.Deregister(ids("a")...)
		expect("one of two", 1, 1, 0, 1)
	})
}
