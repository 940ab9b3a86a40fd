package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

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
	defer r.closeLogs()
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
	if n := r.lifetime(); n > 0 {
		r.note(fmt.Sprintf("min-worker-lifetime = %d, for its default of %s at this speed", n, r.stack.Lifetime))
	}
	if missing := r.lacking(); missing != "" {
		r.Notes = append(r.Notes, missing)
	}
	err = r.watched(ctx, func(ctx context.Context) error { return r.phases(ctx) })
	r.BalancerCPU = r.balancer.program.cpu()
	r.balancer.stop() // its log is whole now
	r.ended()
	r.gather()
	return err
}

// closeLogs is for the end, when nobody writes any more.
func (r *row) closeLogs() {
	if err := r.logs.close(); err != nil {
		r.note(fmt.Sprintf("its log is not whole: %v", err))
	}
}

// ended tells of servers that have ended by themselves: what was asked of them then has failed.
func (r *row) ended() {
	for _, i := range r.all() {
		if words := i.lastWords("by itself during the run"); words != "" {
			r.note(words)
		}
	}
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
