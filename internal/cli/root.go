// Package cli is fender's command line: one file per command. It owns what is read from arguments
// and environment and what is printed to people, and turns errors into exit codes. What a command
// does is in other rooms.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"fender/internal/exit"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const about = `fender serves Django, or any WSGI application, behind a load balancer. It owns every
connection of a client, and its Python workers own none: nothing that happens to a
worker (recycled, scaled in, reloaded, killed) closes a connection or loses a request
that had not begun.`

const examples = `  fender serve mysite.wsgi:application          serve on http://127.0.0.1:8000
  fender serve --ini uwsgi.ini                  ... as a uWSGI configuration says
  fender serve --help                           all options of the server
  fender ctl status --control /run/fender.sock  what every worker is doing
  fender ctl reload --control /run/fender.sock  load the code anew, losing nothing
  fender health                                 for HEALTHCHECK in a Dockerfile
  fender alb --target 127.0.0.1:8000            a load balancer like AWS's in front of it, for tests
  fender siege -c 50 -r 10 URL -v               load, and what became of every request`

// Run carries out the command line and returns the exit code.
func Run(p *Process) int {
	args := customary(p.Args)
	ctx := context.Background()
	if len(args) == 0 || args[0] != "serve" { // there signals mean more, and none may be caught here
		var stop func()
		ctx, stop = interruptible(p)
		defer stop()
	}
	root := newRoot(p)
	root.SetArgs(args)
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	return report(p, root.ExecuteContext(ctx))
}

// customary understands the two things that people write to any program: help COMMAND, --version.
func customary(args []string) []string {
	switch {
	case len(args) > 0 && args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case len(args) == 1 && args[0] == "--version":
		return []string{"version"}
	}
	return args
}

func newRoot(p *Process) *cobra.Command {
	root := &cobra.Command{
		Use:                   "fender COMMAND",
		Long:                  about,
		Example:               examples,
		DisableFlagsInUseLine: true,
	}
	root.AddCommand(newServe(p), newALB(p), newSiege(p), newLab(p), newLabKeeper(p), newCtl(p), newHealth(p), newVersion(p))
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Hidden: true}) // customary does it
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetUsageTemplate(usageTemplate)
	root.SetFlagErrorFunc(flagError)
	group(root)
	return root
}

// usageTemplate is shorter than cobra's own: every command's page fits a screen.
const usageTemplate = `Usage:
  {{.UseLine}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableFlags}}

Options:
{{.Flags.FlagUsages | trimTrailingWhitespaces}}{{end}}
`

// group makes cmd a command that only holds others: alone it shows its help, and a name that is
// none of theirs is an error that gives the nearest one.
func group(cmd *cobra.Command) {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		var names []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		path := cmd.CommandPath()
		return usageError(fmt.Sprintf("unknown command %q%s; %s --help lists them",
			path+" "+clip(args[0]), didYouMean(args[0], names, path+" "), path))
	}
}

// failure is an error with its exit code.
type failure struct {
	code int
	err  error
}

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

func usageError(text string) error { return failure{exit.Usage, errors.New(text)} }

// noArgs is cobra.NoArgs with words of ours.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError(fmt.Sprintf("%s takes no argument, there is %q", cmd.CommandPath(), clip(args[0])))
	}
	return nil
}

func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usageError(err.Error())
	}
	name := unknown.GetSpecifiedName()
	option := "--" + clip(name)
	if unknown.GetSpecifiedShortnames() != "" {
		option = "-" + clip(name)
	}
	if cmd.Parent() == nil {
		return usageError(fmt.Sprintf("unknown option %s; the server's options stand behind serve: fender serve %[1]s", option))
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return usageError(fmt.Sprintf("unknown option %s%s; %s --help lists them",
		option, didYouMean(name, names, "--"), cmd.CommandPath()))
}

// report prints the error, if any, and returns the exit code.
func report(p *Process, err error) int {
	if err == nil {
		return exit.OK
	}
	code := exit.Problem
	var f failure
	if errors.As(err, &f) {
		code = f.code
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(p.Stderr, "fender: "+strings.ReplaceAll(text, "\n", "\nfender: "))
	}
	return code
}

func warn(p *Process, text string) { fmt.Fprintln(p.Stderr, "fender: warning: "+text) }

// errInterrupted is the cause of a context that SIGINT or SIGTERM ended.
var errInterrupted = failure{exit.Forced, errors.New("interrupted")}

// interruptible is a context that ends at the first SIGINT or SIGTERM.
func interruptible(p *Process) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	p.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-signals:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		p.Stop(signals)
		cancel(nil)
		<-done
	}
}
