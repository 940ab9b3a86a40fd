package group

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fender/internal/proving/alb/config"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestHealth_StatesAndReasonsAreThoseOfAWS(t *testing.T) {
	const healthy, unhealthy = 3, 2
	check := func(h health, results ...result) health {
		h = h.checking()
		for _, r := range results {
			h = h.next(r, healthy, unhealthy)
		}
		return h
	}
	initial := newHealth(true, true)
	down := check(initial, mismatch, mismatch)
	for name, c := range map[string]struct {
		got  health
		want string
	}{
		"registered":             {initial, "initial Elb.RegistrationInProgress: Target registration is in progress"},
		"being checked":          {check(initial), "initial Elb.InitialHealthChecking: Initial health checks in progress"},
		"first pass":             {check(initial, good), "healthy"},
		"first pass, later":      {check(initial, refused, good), "healthy"},
		"one failure":            {check(initial, mismatch), "initial Elb.InitialHealthChecking: Initial health checks in progress"},
		"two failures":           {down, "unhealthy Target.ResponseCodeMismatch: Health checks failed with these codes: [503]"},
		"other failures":         {check(down, silent), "unhealthy Target.Timeout: Request timed out"},
		"refused":                {check(initial, silent, refused), "unhealthy Target.FailedHealthChecks: Health checks failed"},
		"one failure is no fall": {check(initial, good, mismatch), "healthy"},
		"failures with a pass":   {check(initial, good, mismatch, good, mismatch), "healthy"},
		"failures in a row":      {check(initial, good, mismatch, mismatch), "unhealthy Target.ResponseCodeMismatch: Health checks failed with these codes: [503]"},
		"two passes":             {check(down, good, good), "unhealthy Target.ResponseCodeMismatch: Health checks failed with these codes: [503]"},
		"three passes":           {check(down, good, good, good), "healthy"},
		"passes with a failure":  {check(down, good, good, silent, good, good), "unhealthy Target.Timeout: Request timed out"},
		"group not in use":       {check(newHealth(true, false), good), "unused Target.NotInUse: Target group is not configured to receive traffic from the load balancer"},
		"not checked":            {check(newHealth(false, true), mismatch, mismatch), "unavailable Target.HealthCheckDisabled: Health checks are disabled for this target group"},
	} {
		got := strings.TrimSuffix(string(c.got.state)+" "+string(c.got.reason)+": "+c.got.text, " : ")
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestHealth_IsWhatTheWholeHistorySays compares the machine with a second look at all results.
func TestHealth_IsWhatTheWholeHistorySays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		up, down := rapid.IntRange(2, 10).Draw(t, "healthy"), rapid.IntRange(2, 10).Draw(t, "unhealthy")
		passes := rapid.SliceOfN(rapid.Bool(), 0, 60).Draw(t, "passes")
		h := newHealth(true, true)
		for _, pass := range passes {
			r := refused
			if pass {
				r = good
			}
			h = h.next(r, up, down)
		}
		// From the end: the last run that was long enough to decide, or the first pass of all.
		want := Initial
		for from := 0; from < len(passes); {
			to := from
			for to < len(passes) && passes[to] == passes[from] {
				to++
			}
			switch n := to - from; {
			case passes[from] && (want != Unhealthy || n >= up):
				want = Healthy
			case !passes[from] && n >= down:
				want = Unhealthy
			}
			from = to
		}
		if h.state != want {
			t.Fatalf("%v with %d/%d: %s, want %s", passes, up, down, h.state, want)
		}
	})
}

func TestRun_ChecksAtOnceThenAtEachInterval(t *testing.T) {
	play(t, settings(nil, "a", "b"), Options{}, func(t *testing.T, g *Group, s *script) {
		if got := states(g); got != "a=healthy b=healthy" {
			t.Errorf("at once: %s", got)
		}
		s.set("b", mismatch)
		wait(10 * time.Second)
		if got := states(g); got != "a=healthy b=healthy" {
			t.Errorf("after one failure: %s", got)
		}
		wait(10 * time.Second)
		if got := states(g); got != "a=healthy b=unhealthy" {
			t.Errorf("after two failures: %s", got)
		}
		s.set("b", good)
		wait(20 * time.Second)
		if got := states(g); got != "a=healthy b=unhealthy" {
			t.Errorf("after two passes: %s", got)
		}
		wait(10 * time.Second)
		if got := states(g); got != "a=healthy b=healthy" || s.checks("a") != 6 {
			t.Errorf("after three passes: %s, %d checks", got, s.checks("a"))
		}
	})
}

func TestDescribe_UnusedGroupsAndUncheckedOnes(t *testing.T) {
	play(t, settings(func(c *config.TargetGroup) { c.InUse = false }, "a"), Options{}, func(t *testing.T, g *Group, s *script) {
		wait(time.Minute)
		want := []Description{{config.Target{ID: "a", Port: 80}, 80, Unused, NotInUse, sentences[NotInUse], false, false}}
		if diff := cmp.Diff(want, g.Describe()); diff != "" {
			t.Error(diff)
		}
		if _, err := g.Choose(Selection{}); !errors.Is(err, ErrNoTargets) || s.checks("") > 0 {
			t.Errorf("%v; checked: %v", err, s.checks(""))
		}
	})
	play(t, settings(func(c *config.TargetGroup) { c.HealthCheck.Enabled, c.HealthCheck.Port = false, 81 }, "a"), Options{}, func(t *testing.T, g *Group, s *script) {
		wait(time.Minute)
		want := []Description{
			{config.Target{ID: "a", Port: 80}, 81, Unavailable, HealthCheckDisabled, sentences[HealthCheckDisabled], false, false},
			{config.Target{ID: "c", Port: 1}, 81, Unused, NotRegistered, sentences[NotRegistered], false, false},
		}
		if diff := cmp.Diff(want, g.Describe(ids("a")[0], config.Target{ID: "c", Port: 1})); diff != "" {
			t.Error(diff)
		}
		if choose(t, g).ID.ID != "a" || s.checks("") > 0 {
			t.Errorf("%d checks", s.checks(""))
		}
	})
}
