package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// place is where one run of a stack lives.
type place struct {
	dir     string // its own, empty
	files   string // the directory of what workloads with File serve
	address string // host:port to listen on
	load    workload
	extra   []string // more arguments for the server of the application
}

// environ is what the applications ask for.
func (p place) environ() []string {
	return []string{
		"EXAMPLE_DB=" + filepath.Join(p.dir, "db.sqlite3"), "EXAMPLE_VAR=" + p.dir,
		"BENCH_FILE=" + filepath.Join(p.files, "file"),
	}
}

// migrate makes the database of the Django site.
func (p place) migrate(ctx context.Context, venv, root string) error {
	cmd := exec.CommandContext(ctx, filepath.Join(venv, "bin", "python"), "manage.py", "migrate", "--verbosity", "0")
	cmd.Dir = filepath.Join(root, p.load.WSGI.Chdir)
	cmd.Env = append(os.Environ(), p.environ()...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("manage.py migrate: %w: %s", err, text)
	}
	return nil
}

// fill copies a configuration into the place with its words replaced, and returns its path.
func (p place) fill(path string, words ...string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	filled := filepath.Join(p.dir, filepath.Base(path))
	return filled, os.WriteFile(filled, []byte(strings.NewReplacer(words...).Replace(string(text))), 0o644)
}

// nginx is an NGINX with that configuration.
func (p place) nginx(path string, words ...string) (*exec.Cmd, error) {
	conf, err := p.fill(path, append(words, "${DIR}", p.dir, "${ADDRESS}", p.address)...)
	if err != nil {
		return nil, err
	}
	return exec.Command("nginx", "-e", filepath.Join(p.dir, "nginx-error.log"), "-p", p.dir, "-c", conf), nil
}
