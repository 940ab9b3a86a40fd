package main

import (
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
)

// servers are the stacks that run an application, and NGINX for files.
func servers(set settings) []stack {
	inVenv := func(name string) string { return filepath.Join(set.venv, "bin", name) }
	inBench := func(name string) string { return filepath.Join(set.root, "bench", name) }
	inRoot := func(name string) string { return filepath.Join(set.root, name) }
	none := func(string) bool { return false }
	after := number(recycleAfter)

	uwsgi := func(p place, ini string, socket ...string) *exec.Cmd {
		args := append([]string{"--ini", inBench(ini), "--virtualenv", set.venv, "--chdir", inRoot(p.load.WSGI.Chdir),
			"--module", p.load.WSGI.Module, "--processes", number(p.load.Processes)}, socket...)
		if p.load.Threads > 1 {
			args = append(args, "--threads", number(p.load.Threads))
		}
		return exec.Command(inVenv("uwsgi"), append(args, p.extra...)...)
	}
	// Without the last one its master stands still for 2 s whenever it has replaced
	// more workers than there are within a second.
	uwsgiRecycle := []string{"--max-requests", after, "--min-worker-lifetime", "0", "--forkbomb-delay", "0"}
	uwsgiRecycled := regexp.MustCompile(`(?m)^Respawned uWSGI worker `)

	gunicorn := func(conf string) func(p place) ([]*exec.Cmd, error) {
		return func(p place) ([]*exec.Cmd, error) {
			args := []string{"--config", inBench(conf), "--bind", p.address, "--chdir", inRoot(p.load.WSGI.Chdir),
				"--workers", number(p.load.Processes), "--threads", number(p.load.Threads)}
			return []*exec.Cmd{exec.Command(inVenv("gunicorn"), append(append(args, p.extra...), p.load.WSGI.Module)...)}, nil
		}
	}
	gunicornVersion := map[string][]string{"gunicorn": {inVenv("gunicorn"), "--version"}}
	gunicornRecycle := []string{"--max-requests", after}
	gunicornRecycled := regexp.MustCompile(`Booting worker with pid`)

	return []stack{{
		name: "fender", title: "fender",
		missing: func() string { return absent(set.fender) },
		version: map[string][]string{"fender": {set.fender, "version"}},
		commands: func(p place) ([]*exec.Cmd, error) {
			args := []string{
				"serve", "--ini", inBench("fender.ini"), "--http-socket", p.address, "--virtualenv", set.venv,
				"--chdir", inRoot(p.load.WSGI.Chdir), "--module", p.load.WSGI.Module,
				"--processes", number(p.load.Processes), "--threads", number(p.load.Threads),
			}
			return []*exec.Cmd{exec.Command(set.fender, append(args, p.extra...)...)}, nil
		},
		front:    func(comm string) bool { return comm == "fender" }, // templates and workers have more in their names
		recycle:  []string{"--max-requests", after, "--max-requests-delta", "0", "--min-worker-lifetime", "0"},
		recycled: regexp.MustCompile(`(?m) gone after \d+ requests?: max-requests$`),
	}, {
		name: baseline, title: "NGINX + uWSGI",
		missing: func() string { return absent("nginx", inVenv("uwsgi")) },
		version: map[string][]string{"NGINX": {"nginx", "-v"}, "uWSGI": {inVenv("uwsgi"), "--version"}, "Python of uWSGI": {inVenv("uwsgi"), "--python-version"}},
		commands: func(p place) ([]*exec.Cmd, error) {
			// One for the client and one for uWSGI; it holds memory for them from the start.
			connections := max(2048, 2*(p.load.Connections+p.load.Idle))
			nginx, err := p.nginx(inBench("nginx.conf"), "${CONNECTIONS}", number(connections))
			return []*exec.Cmd{uwsgi(p, "uwsgi.ini", "--socket", filepath.Join(p.dir, "uwsgi.sock")), nginx}, err
		},
		front:   func(comm string) bool { return comm == "nginx" },
		recycle: uwsgiRecycle, recycled: uwsgiRecycled,
	}, {
		name: "uwsgi-http", title: "uWSGI http-socket", closes: true,
		missing: func() string { return absent(inVenv("uwsgi")) },
		version: map[string][]string{"uWSGI": {inVenv("uwsgi"), "--version"}},
		commands: func(p place) ([]*exec.Cmd, error) {
			return []*exec.Cmd{uwsgi(p, "uwsgi-http.ini", "--http-socket", p.address)}, nil
		},
		front:   none,
		recycle: uwsgiRecycle, recycled: uwsgiRecycled,
	}, {
		name: "gunicorn-sync", title: "gunicorn sync", closes: true, single: true,
		missing:  func() string { return absent(inVenv("gunicorn")) },
		version:  gunicornVersion,
		commands: gunicorn("gunicorn-sync.conf.py"),
		front:    none,
		recycle:  gunicornRecycle, recycled: gunicornRecycled,
	}, {
		name: "gunicorn-gthread", title: "gunicorn gthread",
		missing:  func() string { return absent(inVenv("gunicorn")) },
		version:  gunicornVersion,
		commands: gunicorn("gunicorn-gthread.conf.py"),
		front:    none,
		recycle:  gunicornRecycle, recycled: gunicornRecycled,
	}, {
		name: "granian", title: "Granian",
		missing: func() string { return absent(inVenv("granian")) },
		version: map[string][]string{"Granian": {inVenv("granian"), "--version"}},
		commands: func(p place) ([]*exec.Cmd, error) {
			host, port, err := net.SplitHostPort(p.address)
			if err != nil {
				return nil, err
			}
			args := []string{"--host", host, "--port", port, "--working-dir", inRoot(p.load.WSGI.Chdir),
				"--workers", number(p.load.Processes), "--blocking-threads", number(p.load.Threads)}
			cmd, err := configured(exec.Command(inVenv("granian"), append(append(args, p.extra...), p.load.WSGI.Module)...), inBench("granian.env"))
			return []*exec.Cmd{cmd}, err
		},
		front: none,
		// It replaces workers by age (60 s at least) or memory only.
	}, {
		name: "uvicorn", title: "uvicorn (ASGI)", asgi: true,
		missing: func() string { return absent(inVenv("uvicorn")) },
		version: map[string][]string{"uvicorn": {inVenv("uvicorn"), "--version"}},
		commands: func(p place) ([]*exec.Cmd, error) {
			host, port, err := net.SplitHostPort(p.address)
			if err != nil {
				return nil, err
			}
			args := []string{"--host", host, "--port", port, "--app-dir", inRoot(p.load.ASGI.Chdir), "--workers", number(p.load.Processes)}
			cmd, err := configured(exec.Command(inVenv("uvicorn"), append(append(args, p.extra...), p.load.ASGI.Module)...), inBench("uvicorn.env"))
			return []*exec.Cmd{cmd}, err
		},
		front:    none,
		recycle:  []string{"--limit-max-requests", after},
		recycled: regexp.MustCompile(`Started server process`),
	}, {
		name: "nginx", title: "NGINX alone", static: true,
		missing: func() string { return absent("nginx") },
		version: map[string][]string{"NGINX": {"nginx", "-v"}},
		commands: func(p place) ([]*exec.Cmd, error) {
			nginx, err := p.nginx(inBench("nginx-file.conf"), "${FILES}", p.files)
			return []*exec.Cmd{nginx}, err
		},
		front: func(string) bool { return true },
	}}
}
