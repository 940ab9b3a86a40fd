package lab

import (
	"slices"
	"testing"
	"time"

	"fender/internal/proving/lab/scenario"
	"fender/internal/proving/lab/stack"
)

// A developer's shell has such variables, and one of them breaks or changes a server.
func TestEnviron_LeavesOutWhatWouldChangeTheServers(t *testing.T) {
	for _, name := range []string{"DJANGO_SETTINGS_MODULE", "UWSGI_PROCESSES", "GUNICORN_CMD_ARGS", "PYTHONPATH", "WEB_CONCURRENCY", "FENDER_THREADS"} {
		t.Setenv(name, "theirs")
	}
	t.Setenv("LANG", "C.UTF-8")
	r := &row{lab: &lab{scenario: &scenario.Scenario{}}}
	env := r.environ("/dir")
	if i := slices.IndexFunc(env, func(pair string) bool { return len(pair) > 7 && pair[len(pair)-7:] == "=theirs" }); i >= 0 {
		t.Errorf("%s reaches the servers", env[i])
	}
	if !slices.Contains(env, "LANG=C.UTF-8") || !slices.Contains(env, "EXAMPLE_DB=/dir/db.sqlite3") {
		t.Error(env)
	}
}

func TestLifetime_FollowsTheSpeedWhereTheScenarioLeavesItToTheServer(t *testing.T) {
	for _, c := range []struct {
		speed    float64
		lifetime time.Duration
		set      string
		want     int
	}{{1, 10 * time.Second, "", 0}, {4, 10 * time.Second, "", 3}, {40, 10 * time.Second, "", 1}, {4, 0, "", 0}, {4, 10 * time.Second, "7", 0}} {
		s := &scenario.Scenario{}
		if c.set != "" {
			s.Options = []scenario.Option{{Name: "min-worker-lifetime", Value: c.set}}
		}
		r := &row{lab: &lab{Options: Options{Speed: c.speed}, scenario: s}, stack: &stack.Stack{Lifetime: c.lifetime}}
		if got := r.lifetime(); got != c.want {
			t.Errorf("speed %g, %s, set %q: %d, want %d", c.speed, c.lifetime, c.set, got, c.want)
		}
	}
}
