// Package lab carries scenarios out: it starts the real servers of each stack below a keeper, the
// load balancer before them and the load, both as processes of fender's own binary, does to the
// servers what the scenario says, watches all of it on one time axis, and judges what came of it. It
// owns everything that it starts until Run has returned. The scenarios' language is in
// lab/scenario, the servers are in lab/stack, the result's form in report.
package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"fender/internal/proving/lab/scenario"
	"fender/internal/proving/lab/stack"
	"fender/internal/proving/report"
)

// Options is one run.
type Options struct {
	stack.Host
	Scenario *scenario.Scenario
	Stacks   []stack.Stack
	Speed    float64
	Stress   bool
	FinDelay time.Duration // above 0: in the place of the scenario's
	Out      string        // directory for result.json, index.html and the logs
	Self     []string      // the command line of a process that calls keeper.Keep
	Version  string        // of fender

	Target string // somebody's own service in the place of the stacks
	Remote bool   // it need not be loopback
	Bound  time.Duration

	Progress io.Writer // lines for people, and with Terminal a line that changes
	Terminal bool
}

// lab is a run at work.
type lab struct {
	Options
	scenario *scenario.Scenario // stressed and scaled
	scratch  string             // the instances' directories
	progress *progress
}

// Run carries the scenario out on every stack in turn. An error is one of the lab's own; what was
// found stands in the result, which is there also when only its files could not be written.
func Run(ctx context.Context, o Options) (*report.Result, error) {
	s := o.Scenario
	if o.Stress {
		stressed, err := s.Stressed()
		if err != nil {
			return nil, err
		}
		s = stressed
	}
	scaled, notes, err := s.Scale(o.Speed)
	if err != nil {
		return nil, err
	}
	l := &lab{Options: o, scenario: scaled}
	if err := prepare(o.Out); err != nil {
		return nil, err
	}
	if l.scratch, err = os.MkdirTemp("", "fender-lab-"); err != nil {
		return nil, fmt.Errorf("a directory for the servers (TMPDIR says where): %w", err)
	}
	defer os.RemoveAll(l.scratch)
	if err := os.Chmod(l.scratch, 0o755); err != nil { // Apache's and NGINX's workers are another user
		return nil, err
	}
	result := l.result(ctx, notes)
	l.progress = newProgress(o.Progress, o.Terminal)
	defer l.progress.close()
	defer context.AfterFunc(ctx, l.progress.stopping)()
	if o.Target != "" {
		err = l.target(ctx, result)
	} else {
		err = l.stacks(ctx, result)
	}
	if err != nil {
		return nil, err
	}
	result.Passed, result.Why = decide(result.Rows, o.Target != "")
	return result, l.save(result)
}

// result is the head of the report.
func (l *lab) result(ctx context.Context, notes []string) *report.Result {
	s := l.scenario
	r := &report.Result{
		V: report.Version, Scenario: s.Name, Title: s.Title, About: s.About, Started: time.Now().UTC().Truncate(time.Second),
		Speed: l.Speed, Stress: l.Stress, Target: l.Target, Notes: notes, FinDelay: l.finDelay().Seconds(),
	}
	if l.Target != "" {
		r.Notes = nil // they are about the servers' options
		r.Machine = describeMachine(l.Version)
		r.Load = []string{"GET " + l.Target}
		return r
	}
	r.Machine = describe(ctx, l.Host, l.Version)
	for _, o := range s.Options {
		r.Options = append(r.Options, o.Name+" = "+o.Value)
	}
	for _, q := range s.Requests {
		r.Load = append(r.Load, q.Method+" "+q.Path)
	}
	return r
}

func (l *lab) finDelay() time.Duration {
	if l.FinDelay > 0 {
		return l.FinDelay
	}
	return l.scenario.Setting("fin-delay")
}

// stacks runs the scenario on one stack after the other.
func (l *lab) stacks(ctx context.Context, result *report.Result) error {
	var rows []*row
	for i := range l.Stacks {
		s := &l.Stacks[i]
		r := &row{lab: l, stack: s, Row: report.Row{Stack: s.Name, Title: s.Title, Chain: s.Chain, Notes: s.Notes}}
		if r.Skipped = s.Missing(); r.Skipped != "" {
			r.Outcome = report.Skipped
		}
		rows = append(rows, r)
	}
	l.announce(rows)
	for _, r := range rows {
		if r.Outcome != report.Skipped {
			r.Version = firstLine(ctx, r.stack.Version[0], r.stack.Version[1:]...)
			if err := l.conclude(ctx, r, r.run(ctx)); err != nil {
				return err
			}
		}
		result.Rows = append(result.Rows, r.Row)
	}
	return nil
}

// conclude judges a row whose run ended with err, and shows it. Its own error is that the lab was stopped.
func (l *lab) conclude(ctx context.Context, r *row, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		r.Outcome, r.Error = report.Broken, err.Error()
	default:
		r.Outcome, r.Verdicts = judge(l.scenario, &r.Row, l.Target == "")
	}
	l.progress.row(&r.Row)
	return nil
}

// announce says what is to come, and how long it takes.
func (l *lab) announce(rows []*row) {
	running := 0
	for _, r := range rows {
		if r.Outcome == report.Skipped {
			l.progress.say(fmt.Sprintf("%s is skipped: %s", r.stack.Name, r.Skipped))
		} else {
			running++
		}
	}
	l.progress.say(l.length(running))
}

// besides is what starting and stopping a stack takes, roughly.
const besides = 5 * time.Second

func (l *lab) length(rows int) string {
	usually, most := l.scenario.Length()
	all := func(one time.Duration) string {
		return time.Duration(float64(rows) * float64(one+besides)).Round(time.Second).String()
	}
	plural := "s"
	if rows == 1 {
		plural = ""
	}
	return fmt.Sprintf("%s, %d stack%s: usually %s, at most %s", l.scenario.Title, rows, plural, all(usually), all(most))
}
