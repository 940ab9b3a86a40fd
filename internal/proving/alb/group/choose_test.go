package group

import (
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fender/internal/proving/alb/config"
	"fender/internal/proving/alb/metric"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestChoose_RoundRobinTakesTurns(t *testing.T) {
	play(t, settings(nil, "a", "b", "c"), Options{}, func(t *testing.T, g *Group, s *script) {
		var order []string
		for range 6 {
			order = append(order, choose(t, g).ID.ID)
		}
		if got := strings.Join(order, ""); got != "abcabc" {
			t.Errorf("order is %s", got)
		}
		s.set("b", refused)
		wait(20 * time.Second)
		if diff := cmp.Diff(map[string]int{"a": 5, "c": 5}, hosts(t, g, 10)); diff != "" {
			t.Errorf("b is unhealthy: %s", diff)
		}
	})
}

func TestChoose_FailsOpenWhenAllAreUnhealthyOrTooFewHealthy(t *testing.T) {
	s := &script{finds: map[string]result{"a": refused, "b": silent}}
	set := metric.New()
	playScript(t, settings(nil, "a", "b"), Options{Metrics: set}, s, func(t *testing.T, g *Group, s *script) {
		if diff := cmp.Diff(map[string]int{"a": 2, "b": 2}, hosts(t, g, 4)); diff != "" {
			t.Errorf("both initial: %s", diff)
		}
		wait(10 * time.Second)
		if got := states(g); got != "a=unhealthy b=unhealthy" {
			t.Fatal(got)
		}
		if diff := cmp.Diff(map[string]int{"a": 2, "b": 2}, hosts(t, g, 4)); diff != "" {
			t.Errorf("both unhealthy: %s", diff)
		}
		if got := set.Value(metric.UnhealthyRoutingRequestCount); got != 8 {
			t.Errorf("%d requests counted", got)
		}
		s.set("a", good)
		wait(30 * time.Second)
		if diff := cmp.Diff(map[string]int{"a": 4}, hosts(t, g, 4)); diff != "" {
			t.Errorf("a is healthy: %s", diff)
		}
	})
	few := settings(func(c *config.TargetGroup) { c.UnhealthyRouting = config.Minimum{Count: 2} }, "a", "b", "c")
	playScript(t, few, Options{}, &script{finds: map[string]result{"a": refused, "b": refused}}, func(t *testing.T, g *Group, _ *script) {
		wait(time.Minute)
		if diff := cmp.Diff(map[string]int{"a": 2, "b": 2, "c": 2}, hosts(t, g, 6)); diff != "" {
			t.Errorf("one of three is healthy, two are wanted: %s", diff)
		}
	})
}

func TestChoose_FailsOpenAlsoWithTheThresholdsOff(t *testing.T) {
	off := settings(func(c *config.TargetGroup) { c.UnhealthyRouting = config.Minimum{} }, "a", "b")
	playScript(t, off, Options{}, &script{finds: map[string]result{"a": refused, "b": refused}}, func(t *testing.T, g *Group, s *script) {
		wait(time.Minute)
		if diff := cmp.Diff(map[string]int{"a": 2, "b": 2}, hosts(t, g, 4)); diff != "" {
			t.Errorf("none is healthy: %s", diff)
		}
		s.set("a", good)
		wait(time.Minute)
		if diff := cmp.Diff(map[string]int{"a": 4}, hosts(t, g, 4)); diff != "" {
			t.Errorf("one is: %s", diff)
		}
	})
}

func TestChoose_LeastOutstandingRequests(t *testing.T) {
	least := func(c *config.TargetGroup) { c.Algorithm = config.LeastRequests }
	play(t, settings(least, "a", "b", "c"), Options{}, func(t *testing.T, g *Group, _ *script) {
		var begun []*Target
		for range 6 {
			c := choose(t, g)
			c.Begin()
			begun = append(begun, c)
		}
		for _, c := range begun {
			if c.Outstanding() != 2 {
				t.Errorf("%s has %d", c.Addr, c.Outstanding())
			}
		}
		begun[1].Done(Outcome{Status: 200})
		if got := choose(t, g); got != begun[1] {
			t.Errorf("chose %s, not %s", got.Addr, begun[1].Addr)
		}
	})
}

// TestGroup_MayBeUsedByMany is for the race detector.
func TestGroup_MayBeUsedByMany(t *testing.T) {
	play(t, settings(func(c *config.TargetGroup) { c.DeregistrationDelay, c.Stickiness.Enabled = time.Millisecond, true }, "a", "b", "c"), Options{},
		func(t *testing.T, g *Group, s *script) {
			var all sync.WaitGroup
			for i := range 4 {
				all.Go(func() {
					for range 200 {
						c, err := g.Choose(Selection{})
						if err != nil {
							t.Error(err)
							return
						}
						c.Target.Begin()
						c.SetCookies(nil)
						c.Target.Done(Outcome{Status: 200})
						if i == 0 {
							g.Deregister(ids("b")...)
							g.Describe()
							s.set("c", refused)
							time.Sleep(time.Millisecond)
							if err := g.Register(ids("b")...); err != nil {
								t.Error(err)
							}
						}
					}
				})
			}
			all.Wait()
		})
}

// TestRoundRobin_GivesEachItsShare: for any shares, and never further from them than one request each.
func TestRoundRobin_GivesEachItsShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shares := rapid.SliceOfN(rapid.Float64Range(leastShare, 1), 1, 8).Draw(t, "shares")
		pool, share, total := []*Target{}, map[*Target]float64{}, 0.0
		for _, s := range shares {
			p := newTarget(config.Target{ID: "a", Port: 1})
			pool, share[p], total = append(pool, p), s, total+s
		}
		n := rapid.IntRange(1, 500).Draw(t, "n")
		got := map[*Target]int{}
		for range n {
			got[roundRobin(pool, func(t *Target) float64 { return share[t] })]++
		}
		for _, p := range pool {
			if want := share[p] / total * float64(n); math.Abs(float64(got[p])-want) > float64(len(pool)) {
				t.Fatalf("share %v of %v: %d of %d", share[p], total, got[p], n)
			}
		}
	})
}

func TestChoose_SlowStartIsLinearAndForNewTargetsOnly(t *testing.T) {
	slow := func(c *config.TargetGroup) { c.SlowStart = 100 * time.Second }
	play(t, settings(slow, "a", "b"), Options{}, func(t *testing.T, g *Group, s *script) {
		if diff := cmp.Diff(map[string]int{"a": 10, "b": 10}, hosts(t, g, 20)); diff != "" {
			t.Errorf("those of the start begin in full: %s", diff)
		}
		if err := g.Register(ids("c")...); err != nil {
			t.Fatal(err)
		}
		wait(0)
		for _, step := range []struct {
			after time.Duration
			share float64
		}{{0, leastShare}, {25 * time.Second, 0.25}, {25 * time.Second, 0.5}, {49 * time.Second, 0.99}, {time.Second, 1}} {
			wait(step.after)
			n := 1000
			got, want := hosts(t, g, n)["c"], step.share/(2+step.share)*float64(n)
			if math.Abs(float64(got)-want) > 3 {
				t.Errorf("with a share of %v: %d of %d, want %.0f", step.share, got, n, want)
			}
		}
		s.set("c", refused)
		wait(20 * time.Second)
		s.set("c", good)
		wait(30 * time.Second)
		if got := hosts(t, g, 1000)["c"]; got == 0 || got > 60 {
			t.Errorf("a target that came back begins with %d of 1000", got)
		}
		for _, host := range []string{"a", "b"} {
			s.set(host, refused)
		}
		wait(20 * time.Second)
		if diff := cmp.Diff(map[string]int{"c": 10}, hosts(t, g, 10)); diff != "" {
			t.Errorf("the only one: %s", diff)
		}
	})
}

func TestChoose_WhoComesBackStartsSlowlyUnlessItIsAlone(t *testing.T) {
	slow := func(c *config.TargetGroup) { c.SlowStart = 100 * time.Second }
	play(t, settings(slow, "a", "b"), Options{}, func(t *testing.T, g *Group, s *script) {
		s.set("a", refused)
		s.set("b", refused)
		wait(20 * time.Second)
		s.set("b", good)
		wait(30 * time.Second) // b is back, as the only one
		s.set("a", good)
		wait(30 * time.Second) // a is back beside b
		if got := states(g); got != "a=healthy b=healthy" {
			t.Fatal(got)
		}
		if got := hosts(t, g, 1000)["a"]; got == 0 || got > 50 {
			t.Errorf("a begins with %d of 1000", got)
		}
	})
}

// TestChoose_SlowStartEndsAlsoWhileNobodyAsks: who was slow long ago is at work, so that a newcomer beside it
// starts slowly.
func TestChoose_SlowStartEndsAlsoWhileNobodyAsks(t *testing.T) {
	slow := func(c *config.TargetGroup) { c.SlowStart, c.DeregistrationDelay = 100*time.Second, time.Second }
	play(t, settings(slow, "a"), Options{}, func(t *testing.T, g *Group, _ *script) {
		if err := g.Register(ids("b")...); err != nil {
			t.Fatal(err)
		}
		wait(time.Hour)
		g.Deregister(ids("a")...)
		wait(time.Minute)
		if err := g.Register(ids("c")...); err != nil {
			t.Fatal(err)
		}
		wait(time.Second)
		if got := hosts(t, g, 1000)["c"]; got == 0 || got > 50 {
			t.Errorf("c begins with %d of 1000", got)
		}
	})
}

func TestChoose_HealthyOnlyDoesNotFailOpen(t *testing.T) {
	least := settings(func(c *config.TargetGroup) {
		c.Algorithm, c.UnhealthyRouting = config.LeastRequests, config.Minimum{Count: 2}
	}, "a", "b")
	set := metric.New()
	s := &script{finds: map[string]result{"a": refused, "b": refused}}
	playScript(t, least, Options{HealthyOnly: true, Metrics: set}, s, func(t *testing.T, g *Group, s *script) {
		if _, err := g.Choose(Selection{}); !errors.Is(err, ErrNoTargets) {
			t.Errorf("both initial: %v", err)
		}
		wait(10 * time.Second)
		if _, err := g.Choose(Selection{}); !errors.Is(err, ErrNoTargets) || set.Value(metric.UnhealthyRoutingRequestCount) != 0 {
			t.Errorf("both unhealthy: %v, %d requests", err, set.Value(metric.UnhealthyRoutingRequestCount))
		}
		s.set("a", good)
		wait(30 * time.Second)
		if diff := cmp.Diff(map[string]int{"a": 4}, hosts(t, g, 4)); diff != "" {
			t.Errorf("a is healthy: %s", diff)
		}
	})
}

func TestReweigh_IsHastenedWithTheRest(t *testing.T) {
	c := config.New("shop")
	c.TargetGroups = []config.TargetGroup{settings(func(c *config.TargetGroup) {
		c.Algorithm, c.AnomalyMitigation = config.WeightedRandom, true
	}, "a", "b", "c")}
	c.Hasten(10)
	play(t, c.TargetGroups[0], Options{}, func(t *testing.T, g *Group, _ *script) {
		a := lookUp(g, "a")
		for range 20 {
			a.Begin()
			a.Done(Outcome{Status: 500})
		}
		wait(500 * time.Millisecond)
		g.mu.Lock()
		defer g.mu.Unlock()
		if a.weight != 0.5 {
			t.Errorf("after a tenth of five seconds its weight is %v", a.weight)
		}
	})
}

func TestChoose_WeightedRandomFollowsTheWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Float64Range(leastWeight, 1), 1, 6).Draw(t, "weights")
		pool, total := []*Target{}, 0.0
		for _, w := range weights {
			p := newTarget(config.Target{ID: "a", Port: 1})
			p.weight = w
			pool, total = append(pool, p), total+w
		}
		random := rapid.Float64Range(0, 0.999999).Draw(t, "random")
		at := random * total
		got := weightedRandom(pool, random)
		for _, p := range pool {
			if at < p.weight-1e-9 {
				if p != got {
					t.Fatalf("%v at %v", weights, random)
				}
				return
			}
			if at -= p.weight; at < 1e-9 {
				return // on the edge
			}
		}
	})
}

func TestReweigh_MitigatesWhoFailsMoreThanItsLike(t *testing.T) {
	for _, on := range []bool{true, false} {
		set := metric.New()
		c := settings(func(c *config.TargetGroup) { c.Algorithm, c.AnomalyMitigation = config.WeightedRandom, on }, "a", "b", "c")
		play(t, c, Options{Metrics: set}, func(t *testing.T, g *Group, _ *script) {
			serve := func(bad Outcome) {
				g.mu.Lock()
				targets := slices.Clone(g.targets)
				g.mu.Unlock()
				for _, target := range targets {
					for i := range 20 {
						o := Outcome{Status: 200}
						if target.ID.ID == "b" && i%2 == 0 {
							o = bad
						}
						target.Begin()
						target.Done(o)
					}
				}
				wait(5 * time.Second)
			}
			expect := func(when string, weight float64, odd, mitigated int64) {
				t.Helper()
				if !on {
					weight, mitigated = 1, 0
				}
				g.mu.Lock()
				defer g.mu.Unlock()
				if b := g.targets[1]; math.Abs(b.weight-weight) > 1e-9 || set.Value(metric.AnomalousHostCount) != odd || set.Value(metric.MitigatedHostCount) != mitigated {
					t.Errorf("%s, mitigation %v: weight %v, %d anomalous, %d mitigated", when, on, b.weight,
						set.Value(metric.AnomalousHostCount), set.Value(metric.MitigatedHostCount))
				}
			}
			serve(Outcome{Status: 404})
			expect("404s", 1, 0, 0)
			serve(Outcome{Status: 503})
			expect("503s", 0.5, 1, 1)
			if d := g.Describe()[1]; !d.Anomalous || d.Mitigated != on {
				t.Errorf("described as %+v", d)
			}
			serve(Outcome{ConnectFailed: true})
			expect("no connections", 0.25, 1, 1)
			serve(Outcome{Broken: true})
			expect("broken connections", 0.125, 1, 1)
			for range 10 {
				serve(Outcome{Status: 500})
			}
			expect("for long", leastWeight, 1, 1)
			serve(Outcome{Status: 200})
			expect("one good window", leastWeight+regained, 0, 1)
			for range 10 {
				serve(Outcome{Status: 200})
			}
			expect("good for long", 1, 0, 0)
		})
	}
}

func TestAnomalous_NeedsThreeTargetsAndADifference(t *testing.T) {
	for _, c := range []struct {
		samples []sample
		want    []bool
	}{
		{[]sample{{100, 50}, {100, 0}}, []bool{false, false}},
		{[]sample{{100, 50}, {100, 0}, {100, 0}}, []bool{true, false, false}},
		{[]sample{{100, 50}, {100, 50}, {100, 50}}, []bool{false, false, false}}, // all: not the target's fault
		{[]sample{{100, 50}, {100, 50}, {100, 0}, {100, 0}, {100, 0}, {100, 0}, {100, 0}}, []bool{true, true, false, false, false, false, false}},
		{[]sample{{2, 2}, {100, 0}, {100, 0}}, []bool{false, false, false}},
		{[]sample{{1000, 3}, {1000, 0}, {1000, 0}}, []bool{false, false, false}},
		{[]sample{{0, 0}, {0, 0}, {0, 0}}, []bool{false, false, false}},
	} {
		if diff := cmp.Diff(c.want, anomalous(c.samples)); diff != "" {
			t.Errorf("%v: %s", c.samples, diff)
		}
	}
}

// pair is the part of a Set-Cookie value that comes back.
func pair(setCookie string) string {
	p, _, _ := strings.Cut(setCookie, ";")
	return p
}

func TestSticky_TheLoadBalancersCookie(t *testing.T) {
	set := metric.New()
	sticky := func(c *config.TargetGroup) {
		drains(c)
		c.Stickiness.Enabled, c.Stickiness.LBDuration = true, time.Minute
	}
	play(t, settings(sticky, "a", "b"), Options{Metrics: set}, func(t *testing.T, g *Group, s *script) {
		first, err := g.Choose(Selection{})
		if err != nil {
			t.Fatal(err)
		}
		cookies := first.SetCookies(nil)
		if len(cookies) != 2 || !strings.HasPrefix(cookies[0], "AWSALB=") || !strings.HasPrefix(cookies[1], "AWSALBCORS=") {
			t.Fatal(cookies)
		}
		sent := pair(cookies[0])
		for range 3 {
			if got := choose(t, g, sent); got != first.Target {
				t.Errorf("chose %s", got.Addr)
			}
		}
		if got := set.Value(metric.NonStickyRequestCount); got != 1 {
			t.Errorf("%d non-sticky requests", got)
		}
		other := choose(t, g)
		if other == first.Target {
			t.Fatal("without a cookie it is sticky as well")
		}
		choose(t, g, "AWSALB=junk")
		wait(time.Minute - 1)
		if got := choose(t, g, sent, pair(cookies[1])); got != first.Target {
			t.Errorf("shortly before its end: %s", got.Addr)
		}
		before := set.Value(metric.NonStickyRequestCount)
		wait(1)
		choose(t, g, sent)
		if got := set.Value(metric.NonStickyRequestCount) - before; got != 1 {
			t.Error("a stale cookie counts")
		}
		again, _ := g.Choose(Selection{})
		for again.Target != first.Target {
			again, _ = g.Choose(Selection{})
		}
		sent = pair(again.SetCookies(nil)[0])
		g.Deregister(again.Target.ID)
		wait(0)
		if got := choose(t, g, sent); got != other {
			t.Errorf("its target drains: %s", got.Addr)
		}
	})
}

func TestSticky_AnUnhealthyTargetLosesItsSessions(t *testing.T) {
	sticky := func(c *config.TargetGroup) { c.Stickiness.Enabled = true }
	play(t, settings(sticky, "a", "b"), Options{}, func(t *testing.T, g *Group, s *script) {
		first, _ := g.Choose(Selection{})
		sent := pair(first.SetCookies(nil)[0])
		s.set(first.Target.ID.ID, refused)
		wait(20 * time.Second)
		if got := choose(t, g, sent); got == first.Target {
			t.Error("it is chosen although unhealthy")
		}
	})
}

func TestSticky_TheApplicationsCookie(t *testing.T) {
	set := metric.New()
	sticky := func(c *config.TargetGroup) {
		c.Stickiness = config.Stickiness{Enabled: true, Type: config.AppCookie, CookieName: "sessionid", AppDuration: time.Minute}
	}
	play(t, settings(sticky, "a", "b"), Options{Metrics: set}, func(t *testing.T, g *Group, _ *script) {
		first, _ := g.Choose(Selection{})
		none := first.SetCookies([]string{"other=sessionid=1", "xsessionid=2"})
		if len(none) != 4 || !strings.HasPrefix(none[0], "AWSALBAPP-0=_remove_; Expires=") {
			t.Errorf("no session has begun: %q", none)
		}
		begun := first.SetCookies([]string{"sessionid=abc; Path=/"})
		if len(begun) != 4 || strings.Contains(begun[0], "_remove_") || !strings.HasPrefix(begun[3], "AWSALBAPP-3=_remove_;") {
			t.Fatalf("a session has begun: %q", begun)
		}
		sent := "sessionid=abc; " + pair(begun[0])
		for range 3 {
			c, _ := g.Choose(Selection{Cookies: []string{sent}})
			if c.Target != first.Target || strings.Contains(c.SetCookies(nil)[0], "_remove_") {
				t.Errorf("chose %s", c.Target.Addr)
			}
		}
		n := set.Value(metric.NonStickyRequestCount)
		choose(t, g, pair(begun[0])) // the application's cookie has gone
		if set.Value(metric.NonStickyRequestCount) != n+1 || set.Value(metric.AppCookieNonStickinessCount) != 0 {
			t.Error("it is sticky without the application's cookie")
		}
		wait(time.Minute)
		choose(t, g, sent)
		if set.Value(metric.NonStickyRequestCount) != n+2 || set.Value(metric.AppCookieNonStickinessCount) != 1 {
			t.Error("it is sticky for ever")
		}
	})
}
