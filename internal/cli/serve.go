package cli

import (
	"errors"
	"os"
	"syscall"

	"fender/internal/exit"
	"fender/internal/master"
	"fender/internal/options"

	"github.com/spf13/cobra"
)

// helpWidth is the width of the help of serve.
const helpWidth = 100

func newServe(p *Process) *cobra.Command {
	return &cobra.Command{
		Use:                "serve",
		Short:              "serve an application; options as in uWSGI (serve --help)",
		DisableFlagParsing: true, // package options reads uWSGI's grammar
		RunE: func(_ *cobra.Command, args []string) error {
			// Signals first: one that comes while options are read and everything is built must not be lost.
			signals := make(chan os.Signal, 16)
			p.Notify(signals, master.Signals...)
			source := options.System(args)
			source.Environ, source.PID = p.Environ, p.PID
			serve, err := options.Read(source)
			switch {
			case errors.Is(err, options.ErrHelp):
				return options.Help(p.Stdout, helpWidth)
			case errors.Is(err, options.ErrVersion):
				return printVersion(p, false)
			case err != nil:
				return optionsFailure(p, serve, err)
			}
			// A closed standard output or error must be a write error, not the end of the process.
			p.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
			if code := run(p, serve, signals); code != exit.OK {
				return failure{code, errors.New("")} // run has said why
			}
			return nil
		},
	}
}

// optionsFailure gives an error of package options its exit code. Warnings come first: they often
// name the reason.
func optionsFailure(p *Process, serve *options.Serve, err error) error {
	if serve != nil {
		for _, w := range serve.Warnings {
			warn(p, w)
		}
	}
	var usage *options.UsageError
	switch {
	case errors.As(err, &usage):
		return failure{exit.Usage, errors.New(err.Error() + "\nfender serve --help lists the options")}
	case errors.Is(err, options.ErrNoApplication):
		return failure{exit.NoApplication, err}
	}
	return failure{exit.Problem, err}
}
