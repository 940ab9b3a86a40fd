package siege

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// run is one run in progress.
type run struct {
	opts     *Options
	registry *registry
	dialer   *dialer
	counts   *counters
	tally    *tally
	crowd    *crowd
	crew     *crew
	want     atomic.Int64 // the crowd's size, for every request
	waiters  sync.WaitGroup

	soft, hard context.Context // ended: begin nothing more; leave everything
	stop       context.CancelFunc
	cut        context.CancelFunc

	mu  sync.Mutex
	err error
}

// Run puts the load on. It returns when all that was begun has ended; when ctx ends before, nothing
// more is begun, and what is under way has a grace. The result is there also with an error that ended
// the run early, but for an error of the options.
func Run(ctx context.Context, opts Options) (*Result, error) {
	if err := opts.Check(); err != nil {
		return nil, err
	}
	r := &run{opts: &opts, registry: newRegistry(), counts: &counters{}}
	r.soft, r.stop = context.WithCancel(ctx)
	defer r.stop()
	r.hard, r.cut = context.WithCancel(context.WithoutCancel(ctx))
	defer r.cut()
	r.dialer = &dialer{timeout: opts.ConnectTimeout, insecure: opts.Insecure, open: r.registry, counts: r.counts}
	start := time.Now()
	r.tally = newTally(start, min(opts.most(), 2*runtime.GOMAXPROCS(0)), r.counts)
	r.crowd, r.crew = newCrowd(r), newCrew(r)

	ended := make(chan struct{})
	var helpers sync.WaitGroup
	helpers.Go(func() { r.guard(ended) })
	helpers.Go(func() { r.clock(start, ended) })
	r.phases(start)
	end := time.Now()
	close(ended)
	helpers.Wait()
	r.registry.cut()
	return r.result(start, end, ctx.Err() != nil || r.err != nil), r.err
}

// phases goes through the phases and waits for the last request.
func (r *run) phases(start time.Time) {
	var arrivals sync.WaitGroup
	begin := start
	for i, p := range r.opts.Phases {
		r.crowd.resize(p.Users)
		if p.Open {
			from := begin
			arrivals.Go(func() { r.crew.arrive(r.soft, from, p, r.opts.Seed+uint64(i)) })
		}
		if p.For == 0 {
			break
		}
		begin = begin.Add(p.For)
		if !r.wait(begin) {
			break
		}
	}
	last := r.opts.Phases[len(r.opts.Phases)-1]
	if last.For > 0 || r.soft.Err() != nil {
		r.crowd.resize(0)
	}
	r.crowd.wg.Wait()
	r.waiters.Wait()
	arrivals.Wait()
	r.crew.dismiss()
}

// wait waits for the end of a phase. It says false when the run was ended, or all users have had
// their repetitions.
func (r *run) wait(t time.Time) bool {
	var over chan struct{}
	if r.opts.Reps > 0 || r.opts.Once {
		over = make(chan struct{})
		r.waiters.Go(func() {
			r.crowd.wg.Wait()
			close(over)
		})
	}
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.soft.Done():
	case <-over:
	}
	return false
}

// guard ends what is under way when the run is ended early: after the grace, or at once.
func (r *run) guard(ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-r.opts.Abort:
	case <-r.soft.Done():
		r.crowd.resize(0)
		grace := time.NewTimer(r.opts.Grace)
		defer grace.Stop()
		select {
		case <-ended:
			return
		case <-r.opts.Abort:
		case <-grace.C:
		}
	}
	r.stop()
	r.crowd.resize(0)
	r.registry.cut() // first: what ends by the other is not counted then
	r.cut()
}

// fail ends the run with an error, the first one counts.
func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
	r.stop()
}

// clock finishes every second and tells how far the run is.
func (r *run) clock(start time.Time, ended <-chan struct{}) {
	for n := 1; ; n++ {
		timer := time.NewTimer(time.Until(start.Add(time.Duration(n) * time.Second)))
		select {
		case <-ended:
			timer.Stop()
			return
		case <-timer.C:
		}
		now := time.Now()
		r.tally.roll(now)
		if r.opts.Tick != nil {
			r.opts.Tick(r.progress(now))
		}
	}
}

func (r *run) progress(now time.Time) Progress {
	p := Progress{Elapsed: now.Sub(r.tally.start), Length: r.opts.length(), Phases: len(r.opts.Phases), Users: r.counts.users.now.Load()}
	end := time.Duration(0)
	for i, phase := range r.opts.Phases {
		if end += phase.For; p.Elapsed < end || i == len(r.opts.Phases)-1 {
			p.Phase, p.Load = i+1, phase.String()
			break
		}
	}
	n := r.tally.total()
	p.Requests, p.Failed = n.requests, n.requests-n.kinds[OK]
	p.Second, _ = r.tally.series.last()
	return p
}
