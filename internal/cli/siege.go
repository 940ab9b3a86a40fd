package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"syscall"
	"time"

	"fender/internal/exit"
	"fender/internal/proving/siege"

	"github.com/spf13/cobra"
)

const siegeAbout = `siege puts load on a web service and tells what became of every request. Options and summary
are siege's own, and fender siege -c 50 -r 10 URL -v does what siege does; docs/siege.md says
where it differs. A connection is kept, no request is ever sent twice, and every answer that is
not 2xx or 3xx, or not whole, is a failure with its kind.

Two models of load. Closed (-c): users who wait for their answer before they ask again. When the
service stands still, they do too, and the requests that others would have made meanwhile are
missing from the percentiles (coordinated omission). Open (--rate): requests arrive at their
times, whatever the answers do, and the latency of each counts from the time at which it was to
begin, so a stall is seen as long as it was.

A run has an end: without -r, -t or --phases it takes 30 seconds. Ctrl-C ends it early with the
summary of what was done; a second one ends it at once.`

const siegeExamples = `  fender siege -c 50 -r 10 http://127.0.0.1:8000/slow -v        as in the incident
  fender siege --rate 500/s -t 20S http://127.0.0.1:8000/hello  open model
  fender siege --phases 50u/20s,0u/30s,50u/20s URL              load, nothing, load
  fender siege --check-hash 'http://127.0.0.1:8000/echo POST text'
  fender siege -c 20 -t 1M --fail-under 100 --out new.json --compare old.json URL`

func newSiege(p *Process) *cobra.Command {
	f := &siegeFlags{}
	cmd := &cobra.Command{
		Use:                   "siege [OPTIONS] URL [METHOD BODY]",
		DisableFlagsInUseLine: true,
		Short:                 "put load on a service and tell what became of every request",
		Long:                  siegeAbout,
		Example:               siegeExamples,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), p, args)
		},
	}
	f.define(cmd.Flags())
	return cmd
}

func (f *siegeFlags) run(ctx context.Context, p *Process, args []string) error {
	if err := f.refuse(); err != nil {
		return err
	}
	if len(args) == 0 && f.file == "" && len(f.compare) == 2 {
		return f.compareSaved(p)
	}
	before, err := f.saved()
	if err != nil {
		return err
	}
	opts, err := f.options(p, args)
	if err != nil {
		return err
	}
	if err := siege.Resolve(ctx, net.DefaultResolver, opts.Requests, f.remote); err != nil {
		var remote *siege.RemoteError
		if errors.As(err, &remote) {
			return usageError(err.Error() + ": --allow-remote says that it is yours, or that you may")
		}
		return endedBy(ctx, err)
	}
	if f.get || f.print {
		return f.show(ctx, p, opts)
	}
	return f.besiege(ctx, p, opts, before)
}

// show is siege's --get and --print.
func (f *siegeFlags) show(ctx context.Context, p *Process, opts siege.Options) error {
	out := p.Stdout
	if f.quiet {
		out = io.Discard
	}
	_, err := siege.Show(ctx, out, opts, f.print)
	if err != nil && f.quiet && ctx.Err() == nil {
		return failure{exit.Problem, errors.New("")}
	}
	return endedBy(ctx, err)
}

// endedBy is err, or the signal that caused it.
func endedBy(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errInterrupted) {
		return cause
	}
	return err
}

// besiege is the run itself, and what is said about it.
func (f *siegeFlags) besiege(ctx context.Context, p *Process, opts siege.Options, before *siege.Result) error {
	if err := opts.Check(); err != nil { // before anything is written or said
		return err
	}
	out, err := f.create()
	if err != nil {
		return err
	}
	view := newSiegeView(p, f, &opts)
	abort, quiet := secondSignal(p)
	opts.Abort = abort
	view.begin()
	res, stuck, err := runUnlessStuck(ctx, opts)
	forced := quiet()
	if stuck { // no word more: it would stand behind the same line
		f.discard(out)
		return failure{exit.Forced, errors.New("left without a summary: nobody takes the lines of -v")}
	}
	view.end()
	if res == nil {
		f.discard(out)
		return err
	}
	if err := errors.Join(err, view.result(res), f.save(out, res)); err != nil {
		return err
	}
	if before != nil {
		if err := siege.Compare(view.words, before, res); err != nil {
			return err
		}
	}
	switch {
	case forced:
		return failure{exit.Forced, errors.New("")}
	case res.Connections.Opened == 0 && res.Requests > 0 && len(res.Examples) > 0:
		return fmt.Errorf("not one connection came up: %s: %s", res.Examples[0].URL, res.Examples[0].Seen)
	}
	return f.verdict(res)
}

// verdict is that of --fail-under, also on a run that a signal ended early: it is one way to end a load.
func (f *siegeFlags) verdict(res *siege.Result) error {
	switch {
	case f.failUnder < 0:
		return nil
	case res.Requests == 0:
		return failure{exit.Expectation, errors.New("--fail-under: no request has ended")}
	case res.Availability < f.failUnder: // never rounded up
		return failure{exit.Expectation, fmt.Errorf("%d of %d requests failed: availability %.4f %% is under %g %%",
			res.Failed, res.Requests, math.Floor(res.Availability*1e4)/1e4, f.failUnder)}
	}
	return nil
}

// stuckAfter is how long a run that is to end at once may take for it.
const stuckAfter = time.Second

// runUnlessStuck is the run, but when it is to end at once and cannot, because a line that it prints is not
// taken. Then it is left where it is, and the process ends.
func runUnlessStuck(ctx context.Context, opts siege.Options) (res *siege.Result, stuck bool, err error) {
	type outcome struct {
		res *siege.Result
		err error
	}
	ended := make(chan outcome, 1)
	go func() {
		res, err := siege.Run(ctx, opts)
		ended <- outcome{res, err}
	}()
	select {
	case o := <-ended:
		return o.res, false, o.err
	case <-opts.Abort:
	}
	select {
	case o := <-ended:
		return o.res, false, o.err
	case <-time.After(stuckAfter):
		return nil, true, nil
	}
}

// secondSignal gives a channel that the second SIGINT or SIGTERM closes (the first ends the context),
// and a function that ends the watching and says whether it came.
func secondSignal(p *Process) (<-chan struct{}, func() bool) {
	signals := make(chan os.Signal, 2)
	p.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	abort, done, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for range 2 {
			select {
			case <-signals:
			case <-done:
				return
			}
		}
		close(abort)
	}()
	return abort, func() bool {
		p.Stop(signals)
		close(done)
		<-over
		select {
		case <-abort:
			return true
		default:
			return false
		}
	}
}
