package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"fender/internal/proving/up"
)

// stackNames are all stacks, in the order of a round.
var stackNames = []string{"fender", "nginx-uwsgi", "gunicorn", "alb", "haproxy"}

// baseline is the stack that ratios are to.
const baseline = "nginx-uwsgi"

// stack is one way to serve a WSGI application, or a balancer.
type stack struct {
	name     string
	title    string
	balances bool // it stands before a fixed answer
	// missing says in a sentence why the stack can't run here, or is empty.
	missing func() string
	// commands are what has to be started, in this order; they are stopped in reverse.
	commands func(place) ([]*exec.Cmd, error)
	// front says of a process whether it is the front and not a worker.
	front func(comm string) bool
}

// place is where one run of a stack lives.
type place struct {
	dir     string // its own, empty
	address string // host:port to listen on
	load    workload
	extra   []string // more arguments for fender
}

func allStacks(set settings) []stack {
	inVenv := func(name string) string { return filepath.Join(set.venv, "bin", name) }
	inBench := func(name string) string { return filepath.Join(set.root, "bench", name) }
	chdir := func(p place) string { return filepath.Join(set.root, p.load.Chdir) }

	return []stack{{
		name: "fender", title: "fender",
		missing: func() string { return absent(set.fender) },
		commands: func(p place) ([]*exec.Cmd, error) {
			args := []string{
				"serve", "--ini", inBench("fender.ini"), "--http-socket", p.address, "--virtualenv", set.venv,
				"--chdir", chdir(p), "--module", p.load.Module, "--threads", strconv.Itoa(p.load.Threads),
			}
			return []*exec.Cmd{exec.Command(set.fender, append(args, p.extra...)...)}, nil
		},
		front: func(comm string) bool { return comm == "fender" }, // templates and workers have more in their names
	}, {
		name: "nginx-uwsgi", title: "NGINX + uWSGI",
		missing: func() string { return absent("nginx", inVenv("uwsgi")) },
		commands: func(p place) ([]*exec.Cmd, error) {
			conf, err := p.fill(inBench("nginx.conf"), "${DIR}", p.dir, "${ADDRESS}", p.address)
			if err != nil {
				return nil, err
			}
			args := []string{
				"--ini", inBench("uwsgi.ini"), "--socket", filepath.Join(p.dir, "uwsgi.sock"),
				"--virtualenv", set.venv, "--chdir", chdir(p), "--module", p.load.Module,
			}
			if p.load.Threads > 1 {
				args = append(args, "--threads", strconv.Itoa(p.load.Threads))
			}
			return []*exec.Cmd{
				exec.Command(inVenv("uwsgi"), args...),
				exec.Command("nginx", "-e", filepath.Join(p.dir, "nginx-error.log"), "-p", p.dir, "-c", conf),
			}, nil
		},
		front: func(comm string) bool { return comm == "nginx" },
	}, {
		name: "gunicorn", title: "gunicorn",
		missing: func() string { return absent(inVenv("gunicorn")) },
		commands: func(p place) ([]*exec.Cmd, error) {
			return []*exec.Cmd{exec.Command(inVenv("gunicorn"), "--config", inBench("gunicorn.conf.py"),
				"--bind", p.address, "--chdir", chdir(p), "--threads", strconv.Itoa(p.load.Threads), p.load.Module)}, nil
		},
		front: func(string) bool { return false },
	}, {
		name: "alb", title: "fender alb", balances: true,
		missing: func() string { return absent(set.fender, "nginx") },
		commands: func(p place) ([]*exec.Cmd, error) {
			origin, address, err := p.origin(inBench("origin.conf"))
			if err != nil {
				return nil, err
			}
			return []*exec.Cmd{origin, exec.Command(set.fender, "alb", "--listen", p.address, "--target", address, "--health-path", "")}, nil
		},
		front: func(comm string) bool { return comm == "fender" },
	}, {
		name: "haproxy", title: "HAProxy", balances: true,
		missing: func() string { return absent("haproxy", "nginx") },
		commands: func(p place) ([]*exec.Cmd, error) {
			origin, address, err := p.origin(inBench("origin.conf"))
			if err != nil {
				return nil, err
			}
			conf, err := p.fill(inBench("haproxy.cfg"), "${ADDRESS}", p.address, "${ORIGIN}", address)
			if err != nil {
				return nil, err
			}
			return []*exec.Cmd{origin, exec.Command("haproxy", "-db", "-f", conf)}, nil
		},
		front: func(comm string) bool { return comm == "haproxy" },
	}}
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

// origin is an NGINX with a fixed answer, and its address.
func (p place) origin(path string) (*exec.Cmd, string, error) {
	address, err := up.Address()
	if err != nil {
		return nil, "", err
	}
	conf, err := p.fill(path, "${DIR}", p.dir, "${ORIGIN}", address)
	if err != nil {
		return nil, "", err
	}
	return exec.Command("nginx", "-e", filepath.Join(p.dir, "nginx-error.log"), "-p", p.dir, "-c", conf), address, nil
}

// absent names the first program that is not there.
func absent(programs ...string) string {
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Sprintf("there is no %s", program)
		}
	}
	return ""
}
