package lab

import (
	"slices"
	"testing"

	"fender/internal/proving/lab/scenario"
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
