package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"fender/internal/proving/lab/scenario"
	"fender/internal/proving/lab/stack"
	"fender/internal/proving/proctree"
	"fender/internal/proving/report"
)

// row is one stack's run.
type row struct {
	report.Row
	lab   *lab
	stack *stack.Stack
	dir   string
	logs  *logs
	board *board

	balancer *balancer
	loads    []loadResult

	mu        sync.Mutex
	instances []*instance // behind the balancer, or on their way
	started   int
}

// run starts the stack, carries the phases out and stops everything.
func (r *row) run(ctx context.Context) (err error) {
	r.dir = filepath.Join(r.lab.scratch, strings.NewReplacer("+", "-", "@", "-").Replace(r.stack.Name))
	if err := os.Mkdir(r.dir, 0o755); err != nil {
		return err
	}
	begin := time.Now()
	r.board = newBoard(begin, r.lab.binWidth())
	if r.logs, err = openLogs(filepath.Join(r.lab.Out, "logs", filepath.Base(r.dir)+".log"), begin); err != nil {
		return err
	}
	defer r.logs.close()
	defer r.stopAll()
	r.lab.progress.begin(r.stack.Name, r.board)
	for range r.lab.scenario.Instances {
		if _, err := r.newInstance(ctx); err != nil {
			return err
		}
	}
	if r.balancer, err = r.startBalancer(ctx); err != nil {
		return err
	}
	if missing := r.lacking(); missing != "" {
		r.Notes = append(r.Notes, missing)
	}
	err = r.watched(ctx, func(ctx context.Context) error { return r.phases(ctx) })
	r.balancer.stop() // its log is whole now
	r.gather()
	return err
}

// watched samples the processes while f runs.
func (r *row) watched(ctx context.Context, f func(context.Context) error) error {
	begin := time.Now()
	r.board.arm(begin)
	r.logs.from(begin)
	watching, stop := context.WithCancel(ctx)
	spent := make(chan time.Duration, 1)
	go func() { spent <- watch(watching, r.board, r.processes) }()
	err := f(ctx)
	r.board.disarm()
	stop()
	r.CPU = (<-spent).Seconds()
	return err
}

// processes are those of all instances.
func (r *row) processes() (all []proctree.Process) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range r.instances {
		all = append(all, i.processes()...)
	}
	return all
}

// newInstance starts one more server.
func (r *row) newInstance(ctx context.Context) (*instance, error) {
	r.mu.Lock()
	r.started++
	number := r.started
	r.mu.Unlock()
	i, err := r.startInstance(ctx, number)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.instances = append(r.instances, i)
	return i, nil
}

// drop forgets an instance that has ended.
func (r *row) drop(gone *instance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n, i := range r.instances {
		if i == gone {
			r.instances = append(r.instances[:n:n], r.instances[n+1:]...)
			return
		}
	}
}

// all is a copy of the instances.
func (r *row) all() []*instance {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*instance{}, r.instances...)
}

// stopAll ends everything that the row has started, at once.
func (r *row) stopAll() {
	if r.board != nil {
		r.board.disarm()
	}
	if r.balancer != nil {
		r.balancer.stop()
	}
	var all sync.WaitGroup
	for _, i := range r.all() {
		all.Go(func() { i.stop(stopGrace) })
	}
	all.Wait()
}

// options are the scenario's, for the configuration files.
func (r *row) options() map[string]string {
	m := map[string]string{}
	for _, o := range r.lab.scenario.Options {
		m[o.Name] = o.Value
	}
	// A default that is a time follows the speed too: it would hide max-requests in a fast run.
	if _, set := m["min-worker-lifetime"]; !set && r.lab.Speed != 1 && r.stack.Lifetime > 0 {
		m["min-worker-lifetime"] = strconv.Itoa(max(1, int(r.stack.Lifetime.Seconds()/r.lab.Speed+0.5)))
	}
	return m
}

// environ is the servers' environment: the lab's own without what would change them.
func (r *row) environ(dir string) []string {
	var env []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "UWSGI_") || strings.HasPrefix(name, "PYTHON") || strings.HasPrefix(name, "EXAMPLE_") ||
			strings.HasPrefix(name, "GUNICORN") || strings.HasPrefix(name, "FENDER_") ||
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

// phases carries the phases out, one after the other.
func (r *row) phases(ctx context.Context) error {
	for _, p := range r.lab.scenario.Phases {
		p = r.lab.outside(p)
		if err := r.phase(ctx, p); err != nil {
			return fmt.Errorf("phase %q: %w", p.Name, err)
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// phase carries one out: its load, what is done to the servers, clients of other kinds.
func (r *row) phase(ctx context.Context, p scenario.Phase) error {
	from := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var event <-chan struct{}
	if p.Until != nil {
		event = r.board.await(p.Until.Kind, p.Until.Count)
	}
	r.lab.progress.phase(p, from)
	load, err := r.startLoad(p)
	if err != nil {
		return err
	}
	defer load.kill()
	doing := r.startFaults(ctx, p)
	defer doing.Wait()
	defer cancel()

	over := time.NewTimer(p.Most)
	defer over.Stop()
	ended := "its time was over"
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-event:
		ended = fmt.Sprintf("%d %s", p.Until.Count, p.Until.Kind)
	case <-over.C:
		if p.Until != nil {
			ended = fmt.Sprintf("%d %s did not come in %s", p.Until.Count, p.Until.Kind, p.Most)
		}
	case <-load.broken():
	}
	cancel()
	doing.Wait()
	got, err := load.finish()
	if err != nil {
		return err
	}
	r.loads = append(r.loads, got)
	r.Phases = append(r.Phases, report.Phase{
		Name: p.Name, Load: p.Describe(), From: r.board.at(from), To: r.board.at(time.Now()), Ended: ended, Count: got.count,
	})
	return nil
}
