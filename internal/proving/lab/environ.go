package lab

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// options are the scenario's, for the configuration files.
func (r *row) options() map[string]string {
	m := map[string]string{}
	for _, o := range r.lab.scenario.Options {
		m[o.Name] = o.Value
	}
	if n := r.lifetime(); n > 0 {
		m["min-worker-lifetime"] = strconv.Itoa(n)
	}
	return m
}

// lifetime is the server's own default of min-worker-lifetime at this speed, 0 when it need not be set.
// A default that is a time follows the speed too: it would hide max-requests in a fast run.
func (r *row) lifetime() int {
	if r.lab.Speed == 1 || r.stack.Lifetime == 0 || r.lab.scenario.Option("min-worker-lifetime") != "" {
		return 0
	}
	return max(1, int(r.stack.Lifetime.Seconds()/r.lab.Speed+0.5))
}

// environ is the servers' environment: the lab's own without what would change them.
func (r *row) environ(dir string) []string {
	var env []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "UWSGI_") || strings.HasPrefix(name, "PYTHON") || strings.HasPrefix(name, "EXAMPLE_") ||
			strings.HasPrefix(name, "GUNICORN") || strings.HasPrefix(name, "FENDER_") || strings.HasPrefix(name, "DJANGO_") ||
			name == "VIRTUAL_ENV" || name == "PORT" || name == "WEB_CONCURRENCY" {
			continue
		}
		env = append(env, pair)
	}
	env = append(env, "EXAMPLE_DB="+filepath.Join(dir, "db.sqlite3"), "EXAMPLE_VAR="+filepath.Join(dir, "var"),
		"PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1")
	if r.lab.scenario.Harm {
		env = append(env, "EXAMPLE_CHAOS=1")
	}
	return env
}

// lacking says which options of the scenario the stack has nothing for.
func (r *row) lacking() string {
	var names []string
	for _, o := range r.lab.scenario.Options {
		for _, l := range r.stack.Lacks {
			if strings.HasPrefix(o.Name, l) {
				names = append(names, o.Name)
			}
		}
		if r.stack.Name != "fender" && (strings.HasPrefix(o.Name, "queue-") || o.Name == "drain-delay") {
			names = append(names, o.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "it has nothing for " + strings.Join(names, ", ")
}
