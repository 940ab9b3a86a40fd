package main

// workload is one application, one address of it, and how the stacks serve it.
type workload struct {
	Name    string `json:"name"`
	Path    string `json:"path"`
	Module  string `json:"module"`
	Chdir   string `json:"chdir"`   // from the root of the tree
	Threads int    `json:"threads"` // of each of the 2 worker processes
	// Goal is the least ratio of requests/s to NGINX + uWSGI that fender is to reach; 0: none.
	Goal float64 `json:"goal,omitempty"`
	// Balances: balancers before a fixed answer are measured, not servers of an application.
	Balances bool `json:"balances,omitempty"`
	// Least is how many requests/s ours is to reach on 2 processors; 0: none.
	Least float64 `json:"least,omitempty"`
}

// ours is the stack that is compared with all others.
func (w workload) ours() string {
	if w.Balances {
		return "alb"
	}
	return "fender"
}

const django = "mysite.wsgi:application"

var workloads = []workload{
	{Name: "bare", Path: "/", Module: "hello:application", Chdir: "examples/bare", Threads: 1, Goal: 0.8},
	{Name: "hello", Path: "/hello", Module: django, Chdir: "examples/django", Threads: 1},
	{Name: "page", Path: "/page", Module: django, Chdir: "examples/django", Threads: 1, Goal: 1.0},
	{Name: "slow", Path: "/slow?seconds=0.01", Module: django, Chdir: "examples/django", Threads: 8},
	{Name: "balancer", Path: "/", Balances: true, Least: 15000},
}

// workloadNames are all that -workloads takes: the loads, and two measurements of
// another kind.
func workloadNames() []string {
	var names []string
	for _, w := range workloads {
		names = append(names, w.Name)
	}
	return append(names, "idle", "spawn")
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
