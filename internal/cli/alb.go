package cli

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"fender/internal/exit"
	"fender/internal/proving/alb"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const albLong = `alb is an Application Load Balancer on this machine: it reuses connections to its targets, never
tries a request twice, and answers, logs and counts as AWS's does. docs/alb.md says how far that is
verified. It is for tests and for finding out what a load balancer sees; it is no proxy for production.`

const albExample = `  fender alb --listen 127.0.0.1:8080 --target 127.0.0.1:8000 --access-log -
      one listener, one target, the access log on standard output
  fender alb --listen https://127.0.0.1:8443 --target 127.0.0.1:8000 --target 127.0.0.1:8001 --fin-delay 20ms
      HTTPS with a self-made certificate, two targets, and the race for idle connections at will
  fender alb --config alb.yaml --admin 127.0.0.1:9100
      listeners, rules and target groups from a file; counters and registration on a port of its own`

// albFlags is what the command line of alb says.
type albFlags struct {
	listen, targets, attributes            []string
	config, healthPath, certificate, key   string
	idle, finDelay, lag, connect, logEvery timespan
	speed                                  float64
	options                                alb.Options
}

func newALB(p *Process) *cobra.Command {
	f := &albFlags{}
	cmd := &cobra.Command{
		Use:                   "alb [--listen ADDRESS] --target HOST:PORT",
		DisableFlagsInUseLine: true,
		Short:                 "a load balancer that behaves like AWS's, for tests",
		Long:                  albLong,
		Example:               albExample,
		Args:                  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runALB(cmd, p, f)
		},
	}
	var text strings.Builder
	for _, group := range f.groups() {
		cmd.Flags().AddFlagSet(group.flags)
		fmt.Fprintf(&text, "\n%s:\n%s", group.title, group.flags.FlagUsages())
	}
	cmd.SetUsageTemplate("Usage:\n  {{.UseLine}}\n\nExamples:\n{{.Example}}\n" + text.String())
	return cmd
}

// flagGroup is a part of the help.
type flagGroup struct {
	title string
	flags *pflag.FlagSet
}

func (f *albFlags) groups() []flagGroup {
	set := func(title string, fill func(*pflag.FlagSet)) flagGroup {
		flags := pflag.NewFlagSet(title, pflag.ContinueOnError)
		flags.SortFlags = false
		fill(flags)
		return flagGroup{title, flags}
	}
	return []flagGroup{
		set("What to balance", func(s *pflag.FlagSet) {
			s.StringArrayVar(&f.listen, "listen", nil, "`ADDRESS` to listen on: [http://|https://]HOST:PORT, port 0 is any free one; repeated (default http://127.0.0.1:8080)")
			s.StringArrayVar(&f.targets, "target", nil, "`HOST:PORT` of a target, or https://HOST:PORT; repeated")
			s.StringVar(&f.config, "config", "", "YAML `FILE` with listeners, rules and target groups in AWS's words, in place of --listen and --target")
			s.StringVar(&f.certificate, "certificate", "", "PEM `FILE` with the certificate of https listeners (default: a self-made one)")
			s.StringVar(&f.key, "key", "", "PEM `FILE` with its key")
			s.StringVar(&f.healthPath, "health-path", "/", "`PATH` that is asked of each target every 30 s; empty is never")
		}),
		set("How it behaves", func(s *pflag.FlagSet) {
			s.Var(&f.idle, "idle-timeout", "idle timeout of connections on both sides (default 60s)")
			s.StringArrayVar(&f.attributes, "attribute", nil, "`KEY=VALUE`, an attribute of the load balancer or of the target groups by AWS's name; repeated")
			s.Var(&f.finDelay, "fin-delay", "how late it learns that a target has closed an idle connection (default 0s)")
			s.Var(&f.lag, "propagation-lag", "how long a deregistered target still gets new requests (default 0s)")
			s.Var(&f.connect, "connect-timeout", "for connecting to a target (default 10s, as with AWS, where it is fixed)")
			s.Float64Var(&f.speed, "speed", 1, "divide all the times of AWS's by `N`")
			s.BoolVar(&f.options.Classic, "classic", false, "behave like a Classic Load Balancer, as far as that is known (docs/alb.md)")
		}),
		set("What it tells", func(s *pflag.FlagSet) {
			s.StringVar(&f.options.AccessLog, "access-log", "", "`DIR|FILE|-`: gzip files as in S3, lines in a file, or lines on standard output")
			s.StringVar(&f.options.ConnectionLog, "connection-log", "", "`DIR|FILE|-`, likewise for connections")
			s.StringVar(&f.options.HealthLog, "health-log", "", "`DIR|FILE|-`, likewise for health checks")
			s.Var(&f.logEvery, "log-every", "interval of the files in a DIR (default 5m)")
			s.StringVar(&f.options.Admin, "admin", "", "`ADDRESS` of counters, and of the registration of targets; loopback only")
		}),
	}
}

// runALB opens the balancer, says where it is, and runs it until a signal.
func runALB(cmd *cobra.Command, p *Process, f *albFlags) error {
	cfg, err := f.read(cmd.Flags())
	if err != nil {
		return err
	}
	o := f.options
	o.Config, o.Warnings = cfg, p.Stderr
	o.FinDelay, o.PropagationLag = time.Duration(f.finDelay), time.Duration(f.lag)
	o.ConnectTimeout, o.LogEvery = time.Duration(f.connect), time.Duration(f.logEvery)
	if f.connect == 0 && f.speed != 1 {
		o.ConnectTimeout = time.Duration(float64(alb.ConnectTimeout) / f.speed)
	}
	// A closed standard output must be a write error, not the end of the process.
	ignored := make(chan os.Signal, 1)
	p.Notify(ignored, syscall.SIGPIPE)
	defer p.Stop(ignored)
	b, err := alb.Open(o)
	if err != nil {
		return failure{exit.Problem, err}
	}
	fmt.Fprintln(p.Stderr, "fender: listening on "+strings.Join(b.Addresses(), " "))
	kind := "Application"
	if o.Classic {
		kind = "Classic"
		fmt.Fprintln(p.Stderr, "fender: warning: much of a Classic Load Balancer's behaviour is unverified; docs/alb.md says what")
	}
	fmt.Fprintf(p.Stderr, "fender: %s Load Balancer %s, idle timeout %v, fin-delay %v, propagation-lag %v\n",
		kind, cfg.Name, cfg.LoadBalancer.IdleTimeout, o.FinDelay, o.PropagationLag)
	if at := b.AdminAddress(); at != "" {
		fmt.Fprintln(p.Stderr, "fender: admin on "+at)
	}
	abort, quiet := secondSignal(p)
	defer quiet()
	done := make(chan error, 1)
	go func() { done <- b.Run(cmd.Context()) }()
	select {
	case err := <-done:
		return err
	case <-abort: // who should read a log does not, perhaps
		return failure{exit.Forced, errors.New("ended by a second signal: the logs may be incomplete")}
	}
}

// timespan is a duration that may be 0.
type timespan time.Duration

func (d *timespan) String() string {
	if *d == 0 {
		return ""
	}
	return time.Duration(*d).String()
}

// Type is what the help calls the value.
func (d *timespan) Type() string { return "TIME" }

// Set reads the value.
func (d *timespan) Set(text string) error {
	if v, err := time.ParseDuration(text); err == nil && v == 0 {
		*d = 0
		return nil
	}
	if v, err := strconv.ParseFloat(text, 64); err == nil && v == 0 {
		*d = 0
		return nil
	}
	return (*duration)(d).Set(text)
}
