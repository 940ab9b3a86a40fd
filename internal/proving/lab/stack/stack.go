// Package stack knows the servers that the lab compares: what each needs, how it is started, told to
// reload and stopped, and how the lines that it writes tell of its workers. It owns no process: the
// lab starts what stands here. The configuration files are in lab/stacks.
package stack

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Stack is one way to serve the application behind a load balancer.
type Stack struct {
	Name    string // a row of the table
	Family  string // what --stacks takes for all rows of a kind
	Title   string
	Chain   string // what a request passes
	Classic bool   // stands behind the Classic Load Balancer
	Needs   []Need
	Version []string // a command whose first line tells it
	Notes   []string // for the report

	// Commands are what is to be started, in this order; they are stopped in reverse.
	Commands func(Place) ([]Command, error)
	// Reader understands the lines of the command that manages the workers.
	Reader func() Reader
	// Manager is that command's index; Reload what tells it to load the code anew.
	Manager int
	Reload  syscall.Signal
	// Lacks are the options of a scenario that it has no equivalent for.
	Lacks []string
	// Lifetime is the server's own default of min-worker-lifetime.
	Lifetime time.Duration
}

// Need is a program or file, and how to come by it.
type Need struct{ What, Install string }

// Command is one program of a stack.
type Command struct {
	Args []string
	Env  []string // besides the lab's own
	Stop syscall.Signal
}

// Place is where one instance of a stack lives.
type Place struct {
	Host
	Dir     string            // its own, absolute
	Address string            // host:port to listen on
	Options map[string]string // of the scenario
}

// Host is what all instances share.
type Host struct {
	Fender string // the binary
	Venv   string // with Django, gunicorn and uWSGI
	Site   string // examples/django
}

// Missing says what is not there and how to install it, or is empty.
func (s *Stack) Missing() string {
	var missing []string
	for _, n := range s.Needs {
		if _, err := exec.LookPath(n.What); err != nil && !exists(n.What) {
			missing = append(missing, fmt.Sprintf("there is no %s: %s", n.What, n.Install))
		}
	}
	return strings.Join(missing, "; ")
}

const makeVenv = "make .venv-lab/ready (or name a virtual environment that has it with --venv)"

func debian(pkg string) string { return "Debian: sudo apt-get install " + pkg }

// All are the stacks, in the order of the table.
func All(h Host) []Stack {
	bin := func(name string) string { return filepath.Join(h.Venv, "bin", name) }
	python := Need{bin("python"), makeVenv}
	master := "uWSGI's master looks at its workers once a second, at any speed: what it decides comes in whole seconds"
	spares := "has no scaling: it starts with all its workers"

	debians := func(name, family, title, chain string, door func(Place) map[string]string) Stack {
		return Stack{
			Name: name, Family: family, Title: title, Chain: chain, Notes: []string{master},
			Needs: []Need{
				{"/usr/bin/uwsgi-core", debian("uwsgi-core")}, {"/usr/lib/uwsgi/plugins/python3_plugin.so", debian("uwsgi-plugin-python3")}, python,
			},
			Version: []string{"/usr/bin/uwsgi-core", "--version"},
			Commands: func(p Place) ([]Command, error) {
				values := door(p)
				values["PLUGINS"] = "http,python3"
				return p.uwsgi("/usr/bin/uwsgi-core", values)
			},
			Reader: newUWSGI, Reload: syscall.SIGHUP, Lifetime: 10 * time.Second,
		}
	}
	pypis := func(name, family, title, chain string, door func(Place) map[string]string) Stack {
		return Stack{
			Name: name, Family: family, Title: title, Chain: chain, Notes: []string{master},
			Needs: []Need{{bin("uwsgi"), makeVenv}, python}, Version: []string{bin("uwsgi"), "--version"},
			Commands: func(p Place) ([]Command, error) { return p.uwsgi(bin("uwsgi"), door(p)) },
			Reader:   newUWSGI, Reload: syscall.SIGHUP, Lifetime: 10 * time.Second,
		}
	}
	http := func(p Place) map[string]string { return map[string]string{"HTTP": p.Address} }
	httpSocket := func(p Place) map[string]string { return map[string]string{"HTTP_SOCKET": p.Address} }
	socket := func(p Place) map[string]string { return map[string]string{"SOCKET": p.socket()} }

	behindNGINX := debians("nginx+uwsgi", "nginx+uwsgi", "NGINX before uWSGI (Debian's), the published fix", "ALB -> NGINX -> socket -> uWSGI -> Django", socket)
	behindNGINX.Needs = append([]Need{{"/usr/sbin/nginx", debian("nginx")}}, behindNGINX.Needs...)
	uwsgiAlone := behindNGINX.Commands
	behindNGINX.Commands = func(p Place) ([]Command, error) {
		commands, err := uwsgiAlone(p)
		if err != nil {
			return nil, err
		}
		conf, err := p.fill("nginx.conf", map[string]string{"SOCKET": p.socket()})
		return append(commands, Command{Args: []string{"/usr/sbin/nginx", "-e", "stderr", "-p", p.Dir, "-c", conf}, Stop: syscall.SIGQUIT}), err
	}

	all := []Stack{{
		Name: "apache", Family: "apache", Title: "Apache + mod_wsgi behind the Classic Load Balancer", Chain: "CLB -> Apache -> mod_wsgi -> Django", Classic: true,
		Needs: []Need{
			{"/usr/sbin/apache2", debian("apache2")}, {"/usr/lib/apache2/modules/mod_wsgi.so", debian("libapache2-mod-wsgi-py3")}, python,
		},
		Version: []string{"/usr/sbin/apache2", "-v"}, Notes: []string{spares},
		Commands: func(p Place) ([]Command, error) {
			user, group := p.owner()
			conf, err := p.fill("apache.conf", map[string]string{"USER": user, "GROUP": group})
			return []Command{{
				Args: []string{"/usr/sbin/apache2", "-D", "FOREGROUND", "-f", conf}, Stop: syscall.SIGWINCH,
			}}, err
		},
		Reader: newApache, Reload: syscall.SIGUSR1, Lacks: []string{"cheaper", "min-worker-lifetime"},
	},
		debians("uwsgi-http@debian", "uwsgi-http", "uWSGI's http router, Debian's release", "ALB -> uWSGI http -> uWSGI -> Django", http),
		pypis("uwsgi-http@pypi", "uwsgi-http", "uWSGI's http router, PyPI's newest", "ALB -> uWSGI http -> uWSGI -> Django", http),
		debians("uwsgi-http-socket@debian", "uwsgi-http-socket", "uWSGI http-socket, Debian's release", "ALB -> uWSGI -> Django", httpSocket),
		pypis("uwsgi-http-socket@pypi", "uwsgi-http-socket", "uWSGI http-socket, PyPI's newest", "ALB -> uWSGI -> Django", httpSocket),
		behindNGINX,
		{
			Name: "gunicorn", Family: "gunicorn", Title: "gunicorn, threaded workers", Chain: "ALB -> gunicorn -> Django",
			Needs: []Need{{bin("gunicorn"), makeVenv}, python}, Version: []string{bin("gunicorn"), "--version"}, Notes: []string{spares},
			Commands: func(p Place) ([]Command, error) {
				conf, err := p.fill("gunicorn.conf.py", nil)
				return []Command{{Args: []string{bin("gunicorn"), "--config", conf}, Stop: syscall.SIGTERM}}, err
			},
			Reader: newGunicorn, Reload: syscall.SIGHUP, Lacks: []string{"cheaper", "min-worker-lifetime"},
		},
		{
			Name: "fender", Family: "fender", Title: "fender", Chain: "ALB -> fender -> Django",
			Needs: []Need{python}, Version: []string{h.Fender, "version"},
			Commands: func(p Place) ([]Command, error) {
				ini, err := p.fill("fender.ini", nil)
				return []Command{{Args: []string{h.Fender, "serve", "--ini", ini}, Stop: syscall.SIGTERM}}, err
			},
			Reader: newFender, Reload: syscall.SIGHUP,
		},
	}
	return all
}

func (p Place) uwsgi(program string, values map[string]string) ([]Command, error) {
	ini, err := p.fill("uwsgi.ini", values)
	// Its manual: SIGTERM reloads; SIGQUIT ends the whole stack.
	return []Command{{Args: []string{program, "--ini", ini}, Stop: syscall.SIGQUIT}}, err
}

// Names are the rows and families that --stacks takes.
func Names(all []Stack) []string {
	var names []string
	for _, s := range all {
		for _, n := range []string{s.Family, s.Name} {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	return names
}

// Select are the stacks of those names, in the order of the table.
func Select(all []Stack, names []string) ([]Stack, error) {
	if len(names) == 0 {
		return all, nil
	}
	var chosen []Stack
	for _, s := range all {
		if slices.Contains(names, s.Name) || slices.Contains(names, s.Family) {
			chosen = append(chosen, s)
		}
	}
	for _, n := range names {
		if !slices.Contains(Names(all), n) {
			return nil, fmt.Errorf("there is no stack %q; there are %s", n, strings.Join(Names(all), ", "))
		}
	}
	return chosen, nil
}
