package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fender/internal/exit"
	"fender/internal/proving/keeper"
	"fender/internal/proving/lab"
	"fender/internal/proving/lab/stack"
	proved "fender/internal/proving/report"

	"github.com/spf13/cobra"
)

const labAbout = `lab replays what goes wrong around an application server, on the real servers that are installed,
each behind fender's own load balancer, and draws what happened. A scenario is a small file that
says what is asked for, what is done meanwhile and what is expected; scenarios/README.md explains it.

It writes result.json, index.html (one file, no network) and the servers' logs into --out, prints a
table, and exits with 3 when fender did not meet an expectation, or the fault never happened. It ends
everything that it has started, also on Ctrl-C; a second Ctrl-C does not wait for it.`

const labExamples = `  fender lab list                                     all scenarios, explained
  fender lab incident --speed 10                      the incident, ten times as fast
  fender lab incident --stress --stacks fender,nginx+uwsgi
  fender lab ./mine.scenario --out report             one of your own
  fender lab chaos --target http://127.0.0.1:8000/    its load, against a service of yours`

// labFlags is the command line of lab.
type labFlags struct {
	stacks   []string
	out      string
	speed    float64
	stress   bool
	asJSON   bool
	target   string
	remote   bool
	bound    duration
	finDelay duration
	site     string
	venv     string
}

func newLab(p *Process) *cobra.Command {
	f := &labFlags{bound: duration(lab.DefaultBound)}
	cmd := &cobra.Command{
		Use:                   "lab SCENARIO|list [OPTIONS]",
		DisableFlagsInUseLine: true,
		Short:                 "replay an incident on real servers and draw what happened",
		Long:                  labAbout,
		Example:               labExamples,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usageError("which scenario? fender lab list explains them")
			case len(args) > 1:
				return usageError(fmt.Sprintf("one scenario at a time, there is %q too", clip(args[1])))
			case args[0] == "list":
				return f.list(p)
			}
			return f.run(cmd.Context(), p, args[0], cmd.Flags().Changed)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringSliceVar(&f.stacks, "stacks", nil, "only these, by the `NAMES` of lab list; else all that are installed")
	fs.StringVar(&f.out, "out", filepath.Join("build", "lab"), "the `DIR` for result.json, index.html and logs")
	fs.Float64Var(&f.speed, "speed", 1, "`N` times as fast: phases, sleeps and options that are times are divided by it")
	fs.BoolVar(&f.stress, "stress", false, "the scenario's harder form (incident: max-requests = 50)")
	fs.BoolVar(&f.asJSON, "json", false, "print result.json instead of the table; behind list: the list")
	fs.StringVar(&f.target, "target", "", "put the scenario's load on this `URL` instead; nothing else is done to it")
	fs.BoolVar(&f.remote, "allow-remote", false, "the target is not this machine, and you may put load on it")
	fs.Var(&f.bound, "bound", "with --target: the longest that the load may go on")
	fs.Var(&f.finDelay, "fin-delay", "the balancer learns so late of a closed idle connection (0 unless the scenario says)")
	fs.StringVar(&f.site, "site", filepath.Join("examples", "django"), "the example site's `DIR`")
	fs.StringVar(&f.venv, "venv", ".venv-lab", "a virtual environment with Django, gunicorn and uWSGI (make .venv-lab/ready)")
	fs.Lookup("fin-delay").DefValue = ""
	return cmd
}

// newLabKeeper is the small process between the lab and a server: see package keeper.
func newLabKeeper(p *Process) *cobra.Command {
	return &cobra.Command{
		Use: "lab-keeper", Hidden: true, DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			if code := keeper.Keep(args, p.Stdin); code != exit.OK {
				return failure{code, errors.New("")}
			}
			return nil
		},
	}
}

// host is where fender, the site and its environment are.
func (f *labFlags) host() (h stack.Host, err error) {
	if h.Fender, err = os.Executable(); err != nil {
		return h, err
	}
	if h.Site, err = filepath.Abs(f.site); err != nil {
		return h, err
	}
	h.Venv, err = filepath.Abs(f.venv)
	return h, err
}

func (f *labFlags) run(ctx context.Context, p *Process, name string, given func(option string) bool) error {
	s, err := lab.Find(name)
	switch {
	case errors.Is(err, lab.ErrNoScenario):
		return usageError(err.Error())
	case err != nil:
		return err
	}
	host, err := f.host()
	if err != nil {
		return err
	}
	o := lab.Options{
		Host: host, Scenario: s, Speed: f.speed, Stress: f.stress, FinDelay: time.Duration(f.finDelay), Out: f.out, Version: p.Version,
		Self: []string{host.Fender, "lab-keeper"}, Target: f.target, Remote: f.remote, Bound: time.Duration(f.bound),
		Progress: p.Stderr, Terminal: terminal(p.Stderr),
	}
	if err := f.checkTarget(ctx, given); err != nil {
		return err
	}
	if f.target == "" {
		if o.Stacks, err = f.choose(host, s.Stacks); err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(host.Site, "mysite", "wsgi.py")); err != nil {
			return fmt.Errorf("the example site is not at %s: run the lab from fender's source tree, or say where it is with --site", host.Site)
		}
	}
	if o.Out, err = filepath.Abs(f.out); err != nil {
		return err
	}
	result, err := f.carry(ctx, p, o)
	if result == nil {
		return err
	}
	// What was found is shown also when it could not be written.
	if err := errors.Join(f.print(p, result), err); err != nil {
		return err
	}
	if !f.asJSON {
		if _, err := fmt.Fprintf(p.Stdout, "report: %s\n", filepath.Join(o.Out, "index.html")); err != nil {
			return err
		}
	}
	if !result.Carried() {
		return errors.New("the scenario was not carried out: " + strings.Join(result.Why, "; "))
	}
	if !result.Passed {
		return failure{exit.Expectation, errors.New("the scenario did not pass: " + strings.Join(result.Why, "; "))}
	}
	return nil
}

// carry runs the lab. The first signal stops everything in order, which a server that is busy may
// draw out. The second does not wait: when this process ends the keepers kill what is left.
func (f *labFlags) carry(ctx context.Context, p *Process, o lab.Options) (*proved.Result, error) {
	abort, quiet := secondSignal(p)
	defer quiet()
	var result *proved.Result
	var err error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		result, err = lab.Run(ctx, o)
	}()
	select {
	case <-ended:
		return result, err
	case <-abort:
		return nil, failure{exit.Forced, errors.New("interrupted again: the servers are killed")}
	}
}

func (f *labFlags) choose(host stack.Host, allowed []string) ([]stack.Stack, error) {
	all := stack.All(host)
	if len(allowed) > 0 {
		var err error
		if all, err = stack.Select(all, allowed); err != nil {
			return nil, err
		}
	}
	chosen, err := stack.Select(all, f.stacks)
	if err != nil {
		return nil, usageError("--stacks: " + err.Error())
	}
	return chosen, nil
}

func (f *labFlags) print(p *Process, r *proved.Result) error {
	if !f.asJSON {
		return r.Table(p.Stdout)
	}
	text, err := r.JSON()
	if err != nil {
		return err
	}
	_, err = p.Stdout.Write(text)
	return err
}
