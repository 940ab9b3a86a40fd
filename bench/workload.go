package main

import "fmt"

// application is where an application lives, from the root of the tree, and its name.
type application struct {
	Chdir  string `json:"chdir"`
	Module string `json:"module"`
}

// workload is one application, one address of it, and how the stacks serve it.
type workload struct {
	Name      string      `json:"name"`
	Path      string      `json:"path"`
	WSGI      application `json:"wsgi"`
	ASGI      application `json:"asgi"` // for a server that speaks only that; empty: it is left out
	Processes int         `json:"processes"`
	Threads   int         `json:"threads"` // of each process

	Body        int  `json:"body,omitempty"`        // bytes that are sent, by POST
	Connections int  `json:"connections,omitempty"` // of wrk; 0: as the command line says
	Idle        int  `json:"idle,omitempty"`        // connections that are open beside the load and say nothing
	Open        bool `json:"open,omitempty"`        // requests come at their times, at openShare of each stack's capacity
	Steady      bool `json:"steady,omitempty"`      // the middle of the load counts, when all connections are open; no latencies
	Recycled    bool `json:"recycled,omitempty"`    // each worker is replaced after recycleAfter requests
	Database    bool `json:"database,omitempty"`
	File        bool `json:"file,omitempty"`     // NGINX alone can serve it
	Balances    bool `json:"balances,omitempty"` // balancers before a fixed answer are measured, not servers of an application
	Varies      bool `json:"-"`                  // two answers are not the same

	Goals []goal `json:"goals,omitempty"`
	// Short: it is measured in the short run, too.
	Short bool `json:"-"`
}

// ours is the stack that is compared with all others.
func (w workload) ours() string {
	if w.Balances {
		return "alb"
	}
	return "fender"
}

// about says in a line what is measured.
func (w workload) about() string {
	if w.Balances {
		return "one target, NGINX with a fixed answer; front is the balancer"
	}
	method := "GET"
	if w.Body > 0 {
		method = fmt.Sprintf("POST of %d bytes to", w.Body)
	}
	text := fmt.Sprintf("%s %s of %s, %d process%s with %d thread%s each",
		method, w.Path, w.WSGI.Module, w.Processes, plural(w.Processes, "es"), w.Threads, plural(w.Threads, "s"))
	if w.Idle > 0 {
		text += fmt.Sprintf(", beside %d idle connections", w.Idle)
	}
	if w.Open {
		text += fmt.Sprintf(", open loop at %.0f %% of each stack's own capacity", openShare*100)
	}
	if w.Recycled {
		text += fmt.Sprintf(", each worker replaced after %d requests", recycleAfter)
	}
	return text
}

var (
	bare   = application{"examples/bare", "hello:application"}
	bodies = application{"bench/app", "bodies:application"}
	site   = application{"examples/django", "mysite.wsgi:application"}

	bareASGI = application{"bench/app", "hello_asgi:application"}
	siteASGI = application{"examples/django", "mysite.asgi:application"}
)

var workloads = []workload{
	{Name: "bare", Path: "/", WSGI: bare, ASGI: bareASGI, Processes: 2, Threads: 1, Short: true,
		Goals: []goal{atLeast(1.6, baseline), atLeast(3, "gunicorn-sync"), atLeast(1, "granian")}},
	{Name: "hello", Path: "/hello", WSGI: site, ASGI: siteASGI, Processes: 2, Threads: 1, Short: true,
		Goals: []goal{atLeast(1.25, baseline), atLeast(1, everybody)}},
	{Name: "page", Path: "/page", WSGI: site, ASGI: siteASGI, Processes: 2, Threads: 1,
		Goals: []goal{atLeast(1.25, baseline), atLeast(1, everybody)}},
	{Name: "home", Path: "/", WSGI: site, ASGI: siteASGI, Processes: 2, Threads: 1, Database: true, Varies: true},
	{Name: "10k", Path: "/10k", WSGI: bodies, Processes: 2, Threads: 1},
	{Name: "1m", Path: "/1m", WSGI: bodies, Processes: 2, Threads: 1},
	{Name: "echo", Path: "/echo", WSGI: bodies, Processes: 2, Threads: 1, Body: 10240},
	{Name: "file", Path: "/file", WSGI: bodies, Processes: 2, Threads: 1, File: true,
		Goals: []goal{atLeast(0.9, baseline), atLeast(0.9, "nginx")}},
	{Name: "slow", Path: "/slow?seconds=0.01", WSGI: site, ASGI: siteASGI, Processes: 2, Threads: 8, Varies: true},
	{Name: "idle-load", Path: "/", WSGI: bare, ASGI: bareASGI, Processes: 2, Threads: 1, Idle: 1000},
	{Name: "hello-open", Path: "/hello", WSGI: site, ASGI: siteASGI, Processes: 2, Threads: 1, Open: true, Short: true,
		Goals: []goal{{To: baseline, Of: "p99 ms", Most: 0.8}}},
	{Name: "page-open", Path: "/page", WSGI: site, ASGI: siteASGI, Processes: 2, Threads: 1, Open: true,
		Goals: []goal{{To: baseline, Of: "p99 ms", Most: 0.8}}},
	{Name: "bare-recycled", Path: "/", WSGI: bare, ASGI: bareASGI, Processes: 2, Threads: 1, Recycled: true},
	{Name: "hello-recycled", Path: "/hello", WSGI: site, ASGI: siteASGI, Processes: 2, Threads: 1, Recycled: true, Short: true},
	{Name: "balancer", Path: "/", Balances: true, Short: true,
		Goals: []goal{{Of: "requests/s", Least: 15000}}},
}

// find returns the workload of that name, which must exist.
func find(name string) workload {
	for _, w := range workloads {
		if w.Name == name {
			return w
		}
	}
	panic("no workload " + name)
}

func plural(n int, ending string) string {
	if n == 1 {
		return ""
	}
	return ending
}
